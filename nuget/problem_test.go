package nuget

import (
	"strings"
	"testing"
)

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                      "plain",
		"caf\u00e9 \u65e5\u672c":     "caf\u00e9 \u65e5\u672c",
		"":                           `""`,
		" a ":                        `" a "`,
		"a\r\nX-Evil: yes":           `a\u{D}\u{A}X-Evil: yes`,
		"a\x00b":                     `a\u{0}b`,
		"gpj.\u202Eexe":              `gpj.\u{202E}exe`,
		"a\u200Bb\u00A0c\u2028d":     `a\u{200B}b\u{A0}c\u{2028}d`,
		"\xff\xc3":                   `\xFF\xC3`,
		"\uFFFD":                     "\uFFFD",
		strings.Repeat("x", 64):      strings.Repeat("x", 64),
		strings.Repeat("x", 65):      strings.Repeat("x", 61) + "...",
		strings.Repeat("\u20ac", 30): strings.Repeat("\u20ac", 20) + "...", // between characters
		strings.Repeat("x", 1<<20):   strings.Repeat("x", 61) + "...",
	} {
		if got := quote(text); got != want {
			t.Errorf("%.40q: got %q, want %q", text, got, want)
		}
	}
}

func TestProblemIsCut(t *testing.T) {
	p := newProblem(CodeManifest, "x", strings.Repeat("y", 300))
	if len(p.Error()) != maxText || !strings.HasSuffix(p.Error(), "...") {
		t.Errorf("%d bytes: %s", len(p.Error()), p)
	}
}
