package nuget

import (
	"errors"
	"fmt"
	"strings"
)

// Range is a range of versions (PROTO-12.4). The zero value is any
// version, prereleases included.
type Range struct {
	Min, Max                   Version // meaningful only with HasMin, HasMax
	HasMin, HasMax             bool
	MinInclusive, MaxInclusive bool   // false where there is no such bound
	Float                      *Float // nil when the range does not float; Min is then the lowest version of the float
}

// AnyRange returns the range without bounds, "(, )".
func AnyRange() Range { return Range{} }

// ParseRange reads a range as a project may write it: a version alone (that or
// higher), an interval such as "[1.0, 2.0)", or either with a floating lower
// bound such as "1.*".
func ParseRange(s string) (Range, error) { return parseRange(s, true) }

// ParseFixedRange reads a range as a package may write it: ParseRange without
// floating versions.
func ParseFixedRange(s string) (Range, error) { return parseRange(s, false) }

func parseRange(s string, floating bool) (Range, error) {
	r, why := readRange(strings.TrimSpace(s), floating)
	switch {
	case why == "":
		return r, nil
	case s == "":
		return Range{}, errors.New("the version range is empty")
	}
	return Range{}, fmt.Errorf("%s is not a version range: %s", quoted(s), why)
}

// readRange reads trimmed text. A reason that is not empty says why it is no
// range.
func readRange(text string, floating bool) (r Range, why string) {
	if text == "" {
		return Range{}, "it is empty"
	}
	lower, upper := text, ""
	minInclusive, maxInclusive := true, false
	if text[0] == '[' || text[0] == '(' {
		last := text[len(text)-1]
		if last != ']' && last != ')' {
			return Range{}, "the closing ']' or ')' is missing"
		}
		minInclusive, maxInclusive = text[0] == '[', last == ']'
		inner := text[1 : len(text)-1]
		var comma bool
		lower, upper, comma = strings.Cut(inner, ",")
		switch {
		case strings.Contains(upper, ","):
			return Range{}, "it has more than one comma"
		case lower == "" && upper == "": // a blank between the brackets would do
			return Range{}, "it has no bound"
		case !comma && !(minInclusive && maxInclusive):
			return Range{}, "a single version stands between '[' and ']'"
		case !comma:
			upper = lower
		}
	}
	if why := r.readLower(lower, minInclusive, floating); why != "" {
		return Range{}, why
	}
	if text := strings.TrimSpace(upper); text != "" {
		if r.Max, why = parseVersion(text); why != "" {
			return Range{}, "in the upper bound, " + why
		}
		r.HasMax, r.MaxInclusive = true, maxInclusive
	}
	if r.HasMin && r.HasMax {
		switch c := r.Min.Compare(r.Max); {
		case c > 0:
			return Range{}, "the lower bound is above the upper one"
		case c == 0 && r.MinInclusive != r.MaxInclusive:
			return Range{}, "equal bounds are both inclusive or both exclusive"
		}
	}
	return r, ""
}

func (r *Range) readLower(text string, inclusive, floating bool) (why string) {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return ""
	case floating && strings.Contains(text, "*"):
		f, ok := parseFloat(text)
		if !ok {
			return "the '*' does not stand where a version can float"
		}
		r.Min = f.Min
		if f.Behavior != FloatNone {
			r.Float = &f
		}
	default:
		if r.Min, why = parseVersion(trimmed); why != "" {
			return "in the lower bound, " + why
		}
	}
	r.HasMin, r.MinInclusive = true, inclusive
	return ""
}

// IsFloating reports whether the range has a floating lower bound.
func (r Range) IsFloating() bool { return r.Float != nil }

// String returns the form that documents and assets files hold: "[1.0.0, )",
// "(1.0.0, 2.0.0]", "(, )", "[1.*, )".
func (r Range) String() string {
	var buf [80]byte
	b := append(buf[:0], '(')
	if r.MinInclusive {
		b[0] = '['
	}
	switch {
	case r.Float != nil:
		b = r.Float.append(b)
	case r.HasMin:
		b = r.Min.appendNormalized(b)
	}
	b = append(b, ", "...)
	if r.HasMax {
		b = r.Max.appendNormalized(b)
	}
	if r.MaxInclusive {
		return string(append(b, ']'))
	}
	return string(append(b, ')'))
}

// Pretty returns the form for people: "(>= 1.0.0 && < 2.0.0)", "(= 1.0.0)";
// empty for any version.
func (r Range) Pretty() string {
	var b strings.Builder
	bound := func(sign string, inclusive bool, v Version) {
		b.WriteString(sign)
		if inclusive {
			b.WriteByte('=')
		}
		b.WriteByte(' ')
		b.WriteString(v.String())
	}
	switch {
	case !r.HasMin && !r.HasMax:
		return ""
	case r.MinInclusive && r.MaxInclusive && r.Min.Key() == r.Max.Key():
		return "(= " + r.Min.String() + ")"
	}
	b.WriteByte('(')
	if r.HasMin {
		bound(">", r.MinInclusive, r.Min)
	}
	if r.HasMin && r.HasMax {
		b.WriteString(" && ")
	}
	if r.HasMax {
		bound("<", r.MaxInclusive, r.Max)
	}
	b.WriteByte(')')
	return b.String()
}

// Satisfies reports whether v lies within the bounds. Prereleases are let in,
// and a float narrows nothing: it only directs Best.
func (r Range) Satisfies(v Version) bool {
	if r.HasMin {
		if c := r.Min.Compare(v); c > 0 || c == 0 && !r.MinInclusive {
			return false
		}
	}
	if r.HasMax {
		if c := r.Max.Compare(v); c < 0 || c == 0 && !r.MaxInclusive {
			return false
		}
	}
	return true
}

// Best returns the version that a restore takes from vs: the lowest that
// satisfies the range; for a floating range the highest inside the float, and
// where there is none the nearest to it. Prereleases count only where a bound
// is one or the float asks for them. ok is false when nothing satisfies.
func (r Range) Best(vs []Version) (best Version, ok bool) {
	prerelease := r.HasMin && r.Min.IsPrerelease() || r.HasMax && r.Max.IsPrerelease() ||
		r.Float != nil && r.Float.Behavior.prerelease()
	for _, v := range vs {
		if v.IsPrerelease() && !prerelease || !r.Satisfies(v) {
			continue
		}
		if !ok || r.better(best, v) {
			best, ok = v, true
		}
	}
	return best, ok
}

// better reports whether v is to be taken rather than current; both satisfy the
// range.
func (r Range) better(current, v Version) bool {
	higher := current.Compare(v) < 0
	lower := current.Compare(v) > 0
	if r.Float == nil {
		return lower
	}
	currentIn, in := r.Float.Satisfies(current), r.Float.Satisfies(v)
	if currentIn || in {
		return in && (!currentIn || higher)
	}
	currentBelow, below := current.Compare(r.Float.Min) < 0, v.Compare(r.Float.Min) < 0
	switch {
	case currentBelow != below:
		return currentBelow
	case below:
		return higher
	}
	return lower
}

// IsSemVer2 reports whether only clients that know SemVer 2 can read the range:
// one of its bounds is a SemVer 2 version.
func (r Range) IsSemVer2() bool {
	return r.HasMin && r.Min.IsSemVer2() || r.HasMax && r.Max.IsSemVer2()
}

// HasMetadata reports whether a bound has build metadata, which a dependency
// must not have (R-PKG-14).
func (r Range) HasMetadata() bool {
	return r.HasMin && r.Min.Metadata() != "" || r.HasMax && r.Max.Metadata() != ""
}

// MarshalText returns String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads text by ParseRange.
func (r *Range) UnmarshalText(text []byte) error {
	parsed, err := ParseRange(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
