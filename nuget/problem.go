package nuget

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Code names the rule that a package breaks. Callers choose the status of an
// answer by it; the text is for people.
type Code string

// The codes of all problems. Several rules share one code when their message
// in GAL-B21 is the same.
const (
	CodeArchive             Code = "archive"              // M-15: the container cannot be read or lies
	CodeEntryFuture         Code = "entry-future"         // M-16: an entry is dated more than a day ahead
	CodeEntryName           Code = "entry-name"           // M-17: an entry's name is not allowed
	CodeManifestCount       Code = "manifest-count"       // M-18: no .nuspec at the root, or several
	CodeManifest            Code = "manifest"             // M-19: anything in the nuspec without a message of its own
	CodeID                  Code = "id"                   // M-20: the ID of the package
	CodeVersion             Code = "version"              // M-21: the version of the package
	CodeRequired            Code = "required"             // M-22: an element that must be there
	CodeTooLong             Code = "too-long"             // M-23: a text beyond its longest length
	CodeDuplicateDependency Code = "duplicate-dependency" // M-24: an ID twice in a dependency group
	CodeDependency          Code = "dependency"           // R-PKG-14 to R-PKG-17: any other fault of a dependency
	CodeFramework           Code = "framework"            // R-PKG-18: a framework is unknown or not allowed
	CodeLicence             Code = "licence"              // the element license or the address beside it (R-LIC-01, R-LIC-04, R-LIC-06)
	CodeLicenceExpression   Code = "licence-expression"   // M-26: the expression does not parse
	CodeSymbols             Code = "symbols"              // M-27: a symbols package
)

// maxText is the longest text of a problem, in bytes: it travels as the
// reason phrase of an HTTP answer (GAL-B21).
const maxText = 200

// Problem is one thing that is wrong with a package, said so that the person
// who made the package can put it right.
type Problem struct {
	// Code is the rule that is broken.
	Code Code
	// Subject is the entry, element or dependency that the problem is about.
	Subject string
	// Text is the whole sentence: printable, one line, at most 200 bytes.
	// Where GAL-B21 has a message for the case (M-15 to M-24, M-26, M-27),
	// it is that one; all else that is wrong with a manifest takes M-19.
	Text string
}

// Error returns Text.
func (p *Problem) Error() string { return p.Text }

// Problems are all problems of a manifest, in the order of the rules (R-PUSH-07):
// the first is the one to say where there is room for one. It is never empty when
// returned as an error.
type Problems []*Problem

// Error returns the texts of all problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Text
	}
	return strings.Join(lines, "\n")
}

// newProblem makes a problem of a sentence, which is cut at maxText. What comes
// from outside must have gone through quote.
func newProblem(code Code, subject, text string) *Problem {
	return &Problem{Code: code, Subject: subject, Text: cut(text, maxText)}
}

// quote makes text from outside fit to stand in a message: at most 64 bytes,
// printable, and in quotation marks where its ends could not be seen.
func quote(s string) string {
	text := printable(s, 64)
	if text == "" || text[0] == ' ' || text[len(text)-1] == ' ' {
		return `"` + text + `"`
	}
	return text
}

// printable returns s with escapes for what is not UTF-8 and for characters that
// cannot be seen, which keeps it on one line, cut at limit bytes.
func printable(s string, limit int) string {
	var b strings.Builder
	for i, c := range s {
		switch {
		case b.Len() > limit:
			return cut(b.String(), limit)
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02X`, s[i])
		case c == ' ' || unicode.IsGraphic(c) && !unicode.IsSpace(c):
			b.WriteRune(c)
		default:
			fmt.Fprintf(&b, `\u{%X}`, c)
		}
	}
	return cut(b.String(), limit)
}

// Cut shortens text from outside to at most limit bytes, between characters.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// cut is Cut that marks the place with three dots.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return Cut(s, limit-len("...")) + "..."
}
