package nuget

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestVectorsIDs(t *testing.T) {
	type row struct {
		In                   string
		Pattern, ASCII, Fits bool
	}
	for _, r := range vectorRows[row](t, "ids") {
		// .NET's $ also matches before a last line feed. We never let that pass.
		pattern := r.Pattern && !strings.HasSuffix(r.In, "\n")
		if got := ValidIDForm(r.In); got != pattern {
			t.Errorf("ValidIDForm(%+q) = %v, want %v", r.In, got, pattern)
		}
		_, err := ParseID(r.In)
		want := pattern && r.ASCII && r.Fits && r.In != "$id$"
		if got := err == nil; got != want {
			t.Errorf("ParseID(%+q) = %v, want valid %v", r.In, err, want)
		}
	}
}

func TestParseID(t *testing.T) {
	long := strings.Repeat("a", MaxIDLength)
	for _, s := range []string{"a", "_", "A.b-C_1", long} {
		if id, err := ParseID(s); err != nil || string(id) != s {
			t.Errorf("ParseID(%q) = %q, %v", s, id, err)
		}
	}
	for s, want := range map[string]string{
		"":                              "empty",
		"$id$":                          "placeholder",
		long + "a":                      "more than 100",
		"Ünder":                         "outside ASCII",
		"a..b":                          "not valid",
		"a b":                           "not valid",
		".a":                            "not valid",
		"a-":                            "not valid",
		"a\n":                           "not valid",
		strings.Repeat("x", 1000) + "/": "and so on",
	} {
		if _, err := ParseID(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseID(%.20q) = %v, want an error with %q", s, err, want)
		}
	}
}

// .NET 10 follows Unicode 16, which has word characters that Go's tables lack.
func TestIDFormKnowsUnicode16(t *testing.T) {
	for _, c := range "\u0897\u1c89\u1c8a\ua7cb\ua7cc\ua7cd\ua7da\ua7db\ua7dc" {
		if !ValidIDForm("a" + string(c)) {
			t.Errorf("U+%04X is no word character", c)
		}
	}
}

func TestIDKey(t *testing.T) {
	if got := ID("Newtonsoft.JSON").Key(); got != "newtonsoft.json" {
		t.Errorf("Key = %q", got)
	}
	// Only ASCII folds: the dotted capital I is not an i, the Kelvin sign no k.
	if got := FoldID("A\u0130\u212AZ"); got != "a\u0130\u212Az" {
		t.Errorf("FoldID = %q", got)
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{"", "a", "Newtonsoft.Json", "a.b-c_d", "$id$", "a..b", "é", "a\u0301", "\U00010400", "\xff", "\uFFFD", "a\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseID(s)
		if err != nil {
			if !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("the error for %q is no clean line: %q", s, err)
			}
			return
		}
		if !ValidIDForm(s) || len(s) > MaxIDLength {
			t.Errorf("ParseID takes %q", s)
		}
		if key := id.Key(); key != strings.ToLower(s) || FoldID(key) != key {
			t.Errorf("Key(%q) = %q", s, key)
		}
	})
}
