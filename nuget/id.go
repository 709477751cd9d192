package nuget

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxIDLength is the longest ID that a new package may have, in characters
// (R-PKG-01).
const MaxIDLength = 100

// ID is a package ID as its author spells it. Two IDs name the same package
// when their Keys are equal.
type ID string

// ParseID returns s as the ID of a new package: 1 to 100 characters of
// ^[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*$, and not the placeholder $id$
// (R-PKG-01). IDs that are only read, from stored or foreign packages, are
// held against ValidIDForm instead.
func ParseID(s string) (ID, error) {
	switch {
	case s == "":
		return "", errors.New("the package ID is empty")
	case strings.EqualFold(s, "$id$"):
		return "", errors.New("the package ID is the placeholder $id$, which pack should have replaced: give the package an ID")
	case len(s) > MaxIDLength && utf8.RuneCountInString(s) > MaxIDLength:
		return "", fmt.Errorf("the package ID %s has more than %d characters", quoted(s), MaxIDLength)
	}
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return "", fmt.Errorf("the package ID %s has a character outside ASCII: only letters A to Z, digits, '_', '.' and '-' are allowed", quoted(s))
		}
	}
	if !ValidIDForm(s) {
		return "", fmt.Errorf("the package ID %s is not valid: letters A to Z, digits and '_' are allowed, with single '.' or '-' between them", quoted(s))
	}
	return ID(s), nil
}

// Key returns the ID with its ASCII letters in lower case: what URLs and
// database keys hold, and what decides whether two IDs are one.
func (id ID) Key() string { return FoldID(string(id)) }

// FoldID lowers the ASCII letters of s and leaves everything else as it is. It
// does to text that came from outside, such as a segment of a URL, what Key
// does to an ID, and validates nothing.
func FoldID(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if 'A' <= b[i] && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// ValidIDForm reports whether s, of any length, has the form of a package ID as
// clients check it when they read: ^\w+([.-]\w+)*$ with the word characters of
// .NET, which are letters, non-spacing marks, decimal digits and connecting
// punctuation of the basic multilingual plane (PROTO-12.2).
func ValidIDForm(s string) bool {
	word := false // the character before belongs to a word
	for i, c := range s {
		switch {
		case c == '.' || c == '-':
			if !word {
				return false
			}
			word = false
		case c == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			return false // not UTF-8
		case isWord(c):
			word = true
		default:
			return false
		}
	}
	return word
}

// isWord reports whether .NET's \w matches c. It sees UTF-16 units, and half a
// surrogate pair is no word character.
func isWord(c rune) bool {
	if c < utf8.RuneSelf {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
	}
	return c <= 0xFFFF && (unicode.In(c, unicode.Mn, unicode.Nd, unicode.Pc) || isLetter(c) || c == '\u0897')
}

// isLetter reports whether c is a letter for .NET 10, whose tables are those of
// Unicode 16; Go's are older.
func isLetter(c rune) bool { return unicode.IsLetter(c) || unicode.Is(unicode16Letters, c) }

var unicode16Letters = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x1C89, Hi: 0x1C8A, Stride: 1}, {Lo: 0xA7CB, Hi: 0xA7CD, Stride: 1}, {Lo: 0xA7DA, Hi: 0xA7DC, Stride: 1}}}

// quoted returns s in quotation marks for an error sentence, cut off where it
// is too long to be read.
func quoted(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%+q (and so on)", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
