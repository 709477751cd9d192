package ui

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 48210: "48,210", 1234567: "1,234,567", -1000: "-1,000", 9_000_000_000: "9,000,000,000"} {
		if got := number(n); got != want {
			t.Errorf("number(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1,023 bytes", 1024: "1.0 KB", 1536: "1.5 KB", 10 << 10: "10 KB", 188_416: "184 KB",
		1<<20 - 1: "1.0 MB", 250 << 20: "250 MB", 3 << 30: "3.0 GB", 5000 << 30: "5,000 GB"} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, want %q", n, got, want)
		}
	}
	if _, err := countOf("x", "package"); err == nil {
		t.Error("a template may count a string")
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 11, 12, 23, 30, 0, 0, time.FixedZone("east", 3600))
	for got, want := range map[string]string{longDate(at): "12 November 2026", shortDate(at): "12 Nov 2026", exactTime(at): "2026-11-12 22:30:00 UTC",
		isoTime(at): "2026-11-12T22:30:00Z", longDate(time.Time{}): ""} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAuthors(t *testing.T) {
	for text, want := range map[string]string{"Ann": "Ann", "Ann,Ben Li": "Ann, Ben Li", " Ann , Ben": "Ann, Ben", "": ""} {
		if got := authors(text); got != want {
			t.Errorf("authors(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		n          int
		text, want string
	}{
		{10, "short", "short"}, {10, " two\n\tlines ", "two lines"}, {12, "Fast, allocation-free", "Fast, alloca…"},
		{14, "one two three four", "one two three…"}, {4, "ääääää", "ääää…"}, {5, "", ""},
	} {
		if got := cut(tt.n, tt.text); got != tt.want {
			t.Errorf("cut(%d, %q) = %q, want %q", tt.n, tt.text, got, tt.want)
		}
	}
}

func TestWebURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example/x?y=1#z": "https://a.example/x?y=1#z", " http://a.example ": "http://a.example", "HTTPS://A.example": "https://A.example",
		"javascript:alert(1)": "", "data:text/html,x": "", "//a.example": "", "a.example": "", "/x": "", "": "", "https:": "", "https:///x": "",
		"ftp://a.example": "", "java\nscript:alert(1)": "", "https://a.example/%zz": "", "mailto:a@b.example": "",
	} {
		if got := webURL(raw); got != want {
			t.Errorf("webURL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestTile(t *testing.T) {
	for id, want := range map[string]string{"Contoso.Text.Tables": "Ct", "Contoso.Storage": "Cs", "TableBuilder": "Tb", "Serilog": "Se", "x": "X", "dotnet-tool": "Dt",
		"": "?", "...": "?", "Éa.b": "Éb", "A1": "A1", "7zip.Net": "7n"} {
		got := makeTile(id)
		if got.Letters != want || got.Hue < 0 || got.Hue >= tiles {
			t.Errorf("makeTile(%q) = %v, want %q", id, got, want)
		}
	}
	if makeTile("contoso.text").Hue != makeTile("Contoso.Text").Hue {
		t.Error("the colour depends on the case of the ID")
	}
}

func TestHighlight(t *testing.T) {
	for _, tt := range []struct{ id, query, want string }{
		{"Contoso.Text.Tables", "tables", "Contoso.Text.[Tables]"}, {"Contoso.Text", "TEXT contoso", "[Contoso].[Text]"}, {"Abc", "", "Abc"},
		{"Abc", "zz", "Abc"}, {"Aaaa", "aa", "[Aaaa]"}, {"Contoso.Text", "id:text", "Contoso.[Text]"}, {"Contoso.Text", "owner:contoso", "Contoso.Text"},
		{"Contoso.Text", `"text"`, "Contoso.[Text]"}, {"Contoso", "id:", "Contoso"}, {"Äbc", "bc", "Äbc"}, {"", "x", ""}, {"Abc", "\xff", "Abc"},
	} {
		var b strings.Builder
		for _, p := range highlight(tt.id, tt.query) {
			if p.Hit {
				b.WriteString("[" + p.Text + "]")
			} else {
				b.WriteString(p.Text)
			}
		}
		if b.String() != tt.want {
			t.Errorf("highlight(%q, %q) = %s, want %s", tt.id, tt.query, b.String(), tt.want)
		}
	}
}

func TestPieces(t *testing.T) {
	for name, want := range map[string][]string{"": {""}, "A": {"A"}, "A.B": {"A.", "B"}, "A.": {"A.", ""}, "https://a.example/v3": {"https://", "a.", "example/", "v3"}} {
		if got := pieces(name); !slices.Equal(got, want) {
			t.Errorf("pieces(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestScopeWords(t *testing.T) {
	for want, scopes := range map[string][]string{
		"May push packages, unlist and read": {"push", "pushversion", "unlist", "read"}, "May push new versions and read": {"pushversion", "read"},
		"May push new versions": {"pushversion"}, "May read": {"read"},
	} {
		if got := scopeWords(scopes); got != want {
			t.Errorf("scopeWords(%q) = %q, want %q", scopes, got, want)
		}
	}
}

func TestExpiry(t *testing.T) {
	for _, tt := range []struct {
		key  KeyRow
		want expiryView
	}{
		{KeyRow{}, expiryView{"Never expires", ""}},
		{KeyRow{Expires: now}, expiryView{"Expired 24 Nov 2026", "bad"}},
		{KeyRow{Expires: now.Add(time.Hour)}, expiryView{"Expires within a day", "warn"}},
		{KeyRow{Expires: now.AddDate(0, 0, 10)}, expiryView{"Expires in 10 days", "warn"}},
		{KeyRow{Expires: now.AddDate(0, 0, 11)}, expiryView{"Expires 5 Dec 2026", ""}},
		{KeyRow{Expires: now.AddDate(0, 0, 11), Revoked: true}, expiryView{"Revoked", "bad"}},
	} {
		if got := expiry(now, tt.key); got != tt.want {
			t.Errorf("expiry(%v) = %v, want %v", tt.key, got, tt.want)
		}
	}
}
