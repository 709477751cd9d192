package nuget

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Version is a NuGet version: four numbers, release labels and build metadata
// (PROTO-12.3). Labels and metadata keep their spelling; comparing
// ignores case and metadata. The zero value is 0.0.0 and IsZero.
type Version struct {
	text    string // as given, without blanks; empty only in the zero value
	release string // labels joined by dots
	meta    string
	parts   [4]int32
	plain   bool // text is the normalized form, metadata apart
}

// ParseVersion reads a version as NuGetVersion does: one to four numbers, each
// up to 2147483647, with leading zeros and blanks around them allowed, then
// "-labels" and "+metadata". It bounds no length (R-PKG-02 does, at push), and
// takes time in proportion to it.
func ParseVersion(s string) (Version, error) {
	v, why := parseVersion(strings.TrimSpace(s))
	if why != "" {
		return Version{}, versionError(s, why)
	}
	return v, nil
}

// ParseStrict reads a version by the strict rules of SemVer 2: exactly three
// numbers, no leading zeros, no blanks. Numbers end at 2147483647 here too.
func ParseStrict(s string) (Version, error) {
	v, why := parseVersion(s)
	if why != "" {
		return Version{}, versionError(s, why)
	}
	if !v.plain || v.parts[3] != 0 {
		return Version{}, versionError(s, "Semantic Versioning wants three numbers, without leading zeros or blanks")
	}
	return v, nil
}

func versionError(s, why string) error {
	if s == "" {
		return errors.New("the version is empty")
	}
	return fmt.Errorf("%s is not a version: %s", quoted(s), why)
}

// parseVersion reads trimmed text. A reason that is not empty says why it is no
// version.
func parseVersion(text string) (v Version, why string) {
	core, rest := text, ""
	var hasLabels, hasMeta bool
	if i := strings.IndexAny(text, "-+"); i >= 0 {
		core, rest = text[:i], text[i+1:]
		hasLabels, hasMeta = text[i] == '-', text[i] == '+'
	}
	if hasLabels {
		v.release, rest, hasMeta = strings.Cut(rest, "+")
		if why := checkLabels(v.release, false); why != "" {
			return Version{}, why
		}
	}
	if hasMeta {
		v.meta = rest
		if why := checkLabels(v.meta, true); why != "" {
			return Version{}, why
		}
	}
	blank, why := v.parseNumbers(core)
	v.text = text
	if blank {
		v.text = strings.Map(dropBlank, text)
	}
	return v, why
}

func dropBlank(c rune) rune {
	if unicode.IsSpace(c) {
		return -1
	}
	return c
}

// parseNumbers reads the dotted numbers of core, sets v.parts and v.plain, and
// says whether there were blanks around a number.
func (v *Version) parseNumbers(core string) (blank bool, why string) {
	plain := true
	i, count := 0, 0
	for {
		if count == len(v.parts) {
			return blank, "it has more than four numbers"
		}
		if n := blanks(core[i:]); n > 0 {
			i, blank = i+n, true
		}
		start, n := i, int64(0)
		for ; i < len(core) && '0' <= core[i] && core[i] <= '9'; i++ {
			if n = n*10 + int64(core[i]-'0'); n > math.MaxInt32 {
				return blank, "a number is greater than 2147483647"
			}
		}
		if i == start {
			return blank, "a number is missing or has another character than digits"
		}
		if core[start] == '0' && i > start+1 {
			plain = false
		}
		v.parts[count] = int32(n)
		count++
		if n := blanks(core[i:]); n > 0 {
			i, blank = i+n, true
		}
		if i == len(core) {
			break
		}
		if core[i] != '.' {
			return blank, "a number has another character than digits"
		}
		i++
	}
	v.plain = plain && !blank && (count == 3 || count == 4 && v.parts[3] != 0)
	return blank, ""
}

// blanks returns how many bytes of white space s begins with.
func blanks(s string) int {
	if s == "" || s[0] > ' ' && s[0] < utf8.RuneSelf {
		return 0
	}
	return len(s) - len(strings.TrimLeftFunc(s, unicode.IsSpace))
}

// checkLabels holds dot separated labels against the rules; a numeric label has
// no leading zero unless it is metadata.
func checkLabels(labels string, metadata bool) (why string) {
	start, digits := 0, true
	for i := 0; ; i++ {
		if i == len(labels) || labels[i] == '.' {
			switch {
			case i == start && metadata:
				return "a part of the metadata after '+' is empty"
			case i == start:
				return "a label after '-' is empty"
			case digits && labels[start] == '0' && i > start+1 && !metadata:
				return "a numeric label begins with a zero"
			}
			if i == len(labels) {
				return ""
			}
			start, digits = i+1, true
			continue
		}
		switch c := labels[i]; {
		case '0' <= c && c <= '9':
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '-':
			digits = false
		default:
			return "labels and metadata have letters A to Z, digits, '-' and '.' only"
		}
	}
}

// String returns the normalized form, such as 1.0.0-Beta: three numbers, a
// fourth when it is not 0, and the labels as spelled, without metadata.
func (v Version) String() string {
	if v.plain {
		if v.meta != "" {
			return v.text[:len(v.text)-len(v.meta)-1]
		}
		return v.text
	}
	var buf [64]byte
	return string(v.appendNormalized(buf[:0]))
}

func (v Version) appendNormalized(b []byte) []byte {
	b = v.appendNumbers(b)
	if v.release != "" {
		b = append(b, '-')
		b = append(b, v.release...)
	}
	return b
}

func (v Version) appendNumbers(b []byte) []byte {
	b = strconv.AppendInt(b, int64(v.parts[0]), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(v.parts[1]), 10)
	b = append(b, '.')
	b = strconv.AppendInt(b, int64(v.parts[2]), 10)
	if v.parts[3] != 0 {
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(v.parts[3]), 10)
	}
	return b
}

// Full returns the normalized form with the metadata: 1.0.0-Beta+build.
func (v Version) Full() string {
	switch {
	case v.plain:
		return v.text
	case v.meta == "":
		return v.String()
	}
	return v.String() + "+" + v.meta
}

// Original returns the text that was parsed, without blanks (as NuGet keeps
// it); empty for the zero value.
func (v Version) Original() string { return v.text }

// Key returns the normalized form in lower case: what URLs hold.
func (v Version) Key() string { return FoldID(v.String()) }

// Parts returns the four numbers.
func (v Version) Parts() [4]int {
	return [4]int{int(v.parts[0]), int(v.parts[1]), int(v.parts[2]), int(v.parts[3])}
}

// Labels returns the release labels as spelled; nil for a stable version.
func (v Version) Labels() []string {
	if v.release == "" {
		return nil
	}
	return strings.Split(v.release, ".")
}

// Metadata returns the build metadata without its '+'.
func (v Version) Metadata() string { return v.meta }

// IsZero reports whether v was never parsed.
func (v Version) IsZero() bool { return v.text == "" }

// IsPrerelease reports whether v has a release label.
func (v Version) IsPrerelease() bool { return v.release != "" }

// IsSemVer2 reports whether only clients that know SemVer 2 can read v: it has
// more than one label, or metadata.
func (v Version) IsSemVer2() bool {
	return v.meta != "" || strings.IndexByte(v.release, '.') >= 0
}

// Compare returns -1, 0 or +1 as v is before, the same as or after o: by the
// four numbers, then a stable version after its prereleases, then label by
// label. A label that is an int32, sign included, is a number and comes before
// text; text is compared without case; fewer labels come first. Metadata does
// not count. Labels that are the same number in two spellings, such as -1 and
// -01, are the same.
func (v Version) Compare(o Version) int {
	for i := range v.parts {
		if c := cmp.Compare(v.parts[i], o.parts[i]); c != 0 {
			return c
		}
	}
	switch {
	case v.release == o.release:
		return 0
	case v.release == "":
		return 1
	case o.release == "":
		return -1
	}
	a, b := v.release, o.release
	for {
		la, ra, moreA := strings.Cut(a, ".")
		lb, rb, moreB := strings.Cut(b, ".")
		if c := compareLabels(la, lb); c != 0 {
			return c
		}
		switch {
		case !moreA && !moreB:
			return 0
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = ra, rb
	}
}

// Equal reports whether Compare finds v and o to be the same version.
func (v Version) Equal(o Version) bool { return v.Compare(o) == 0 }

func compareLabels(a, b string) int {
	na, numA := labelNumber(a)
	nb, numB := labelNumber(b)
	switch {
	case numA && numB:
		return cmp.Compare(na, nb)
	case numA:
		return -1
	case numB:
		return 1
	}
	return compareFold(a, b)
}

// compareFold compares as .NET's OrdinalIgnoreCase does, ASCII in upper case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if c := cmp.Compare(upper(a[i]), upper(b[i])); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// labelNumber returns the value of a label that is an int32: digits, with a
// minus sign before them or not.
func labelNumber(label string) (int32, bool) {
	digits := strings.TrimPrefix(label, "-")
	negative := len(digits) < len(label)
	if digits == "" {
		return 0, false
	}
	n := int64(0)
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		if n = n*10 + int64(digits[i]-'0'); n > -math.MinInt32 {
			return 0, false
		}
	}
	if negative {
		n = -n
	}
	return int32(n), n <= math.MaxInt32
}

// The bytes that give a sort key its order. A text label begins with one of
// '-', 0-9, A-Z, which lie between keyNumber and keyStable.
const (
	keyEnd      = 0x00 // after the last label
	keyNext     = 0x01 // another label follows
	keyNegative = 0x02 // before a label that is a negative number
	keyNumber   = 0x03 // before a label that is 0 or a positive number
	keyStable   = 0xFF // instead of labels: above every prerelease
)

// SortKey returns bytes whose order (bytes.Compare) is that of Compare, equal
// only where Compare is 0: 5 for 13.0.3, 12 for 1.0.0-beta.1. No key is the
// beginning of another. It is a one-way form for database keys, where it comes
// last, since it may hold zero bytes.
func (v Version) SortKey() []byte {
	return v.AppendSortKey(make([]byte, 0, 8+len(v.release)))
}

// AppendSortKey appends SortKey to b.
func (v Version) AppendSortKey(b []byte) []byte {
	for _, n := range v.parts {
		b = appendOrdered(b, uint32(n))
	}
	if v.release == "" {
		return append(b, keyStable)
	}
	for labels, more := v.release, true; more; {
		var label string
		label, labels, more = strings.Cut(labels, ".")
		n, isNumber := labelNumber(label)
		switch {
		case isNumber && n < 0:
			u := uint32(n) // two's complement: the order of negative numbers
			b = append(b, keyNegative, byte(u>>24), byte(u>>16), byte(u>>8), byte(u))
		case isNumber:
			b = appendOrdered(append(b, keyNumber), uint32(n))
		default:
			for i := 0; i < len(label); i++ {
				b = append(b, upper(label[i]))
			}
		}
		if more {
			b = append(b, keyNext)
		}
	}
	return append(b, keyEnd)
}

// appendOrdered appends n in 1 to 5 bytes that sort as the number does, none
// the beginning of another: up to 247 one byte, above that a byte that tells
// the length, then the number in big endian.
func appendOrdered(b []byte, n uint32) []byte {
	switch {
	case n <= 247:
		return append(b, byte(n))
	case n < 1<<8:
		return append(b, 248, byte(n))
	case n < 1<<16:
		return append(b, 249, byte(n>>8), byte(n))
	case n < 1<<24:
		return append(b, 250, byte(n>>16), byte(n>>8), byte(n))
	}
	return append(b, 251, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// MarshalText returns Original.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.text), nil }

// UnmarshalText reads what MarshalText returned; empty text is the zero value.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := ParseVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}
