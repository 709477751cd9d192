package v3

import (
	"context"
	"strings"
	"testing"

	"nougat/gallery"
	"nougat/server/docs"
)

// TestRenamedOwner: an answer that names people is another one, and is rendered
// anew, once an account is shown otherwise; nothing of what was known before is
// served.
func TestRenamedOwner(t *testing.T) {
	g := open(t)
	d, place := newDocs(g), docs.Place{Root: "https://packages.example.org", Keep: true}
	g.push("Some.Package", "1.0.0", "<description>x</description>")
	ref := func() (key any, text string) {
		r := d.Search(context.Background(), g.feed, place, "q=some")
		return r.Key, g.plain(d, r, nil)
	}
	before, text := ref()
	if !strings.Contains(text, `"owners":["ann"]`) {
		t.Fatalf("owners before: %s", text)
	}
	err := g.store.Update(context.Background(), func(w gallery.Writer) error {
		a, err := w.AccountByName("ann")
		if err != nil {
			return err
		}
		a.Name = "Anna"
		return w.PutAccount(a)
	})
	if err != nil {
		t.Fatal(err)
	}
	after, text := ref()
	if !strings.Contains(text, `"owners":["Anna"]`) {
		t.Errorf("owners after the change: %s", text)
	}
	if before == after {
		t.Error("both answers have one key")
	}
}
