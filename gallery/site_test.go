package gallery_test

import (
	"strings"
	"testing"

	"nougat/gallery"
)

func TestSiteName(t *testing.T) {
	for text, want := range map[string]string{
		"nougat": "nougat", "  Contoso   packages ": "Contoso packages", "Größe 漢字": "Größe 漢字",
		strings.Repeat("ä", 60): strings.Repeat("ä", 60),
		"":                      "", " \n ": "", strings.Repeat("a", 61): "", "a\x00b": "", "two\nlines": "", "a\tb": "", "a\u202eb": "",
	} {
		got, err := gallery.SiteName(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("SiteName(%q) = %q, %v; want %q", text, got, err, want)
		}
		if err != nil {
			wantKind(t, err, gallery.Invalid, "name")
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "localhost.": true, "nougat.localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "example.org": false, "localhost.example.org": false, "notlocalhost": false,
	} {
		if got := gallery.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) = %v", host, got)
		}
	}
}
