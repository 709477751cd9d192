package nuget

import (
	"strconv"
	"strings"
)

// FloatBehavior says which part of a floating version floats.
type FloatBehavior uint8

// The parts that can float, with an example of each.
const (
	FloatNone               FloatBehavior = iota // 1.0.0
	FloatMajor                                   // *
	FloatMinor                                   // 1.*
	FloatPatch                                   // 1.2.*
	FloatRevision                                // 1.2.3.*
	FloatPrerelease                              // 1.2.3-beta*
	FloatPrereleaseMajor                         // *-beta*
	FloatPrereleaseMinor                         // 1.*-beta*
	FloatPrereleasePatch                         // 1.2.*-beta*
	FloatPrereleaseRevision                      // 1.2.3.*-beta*
	FloatAbsoluteLatest                          // *-*
)

// prerelease reports whether prereleases are asked for.
func (b FloatBehavior) prerelease() bool { return b >= FloatPrerelease }

// Float is the floating lower bound of a range.
type Float struct {
	Behavior FloatBehavior
	Min      Version // the lowest version of the float: 1.0.0-0 for 1.0.0-*
	Prefix   string  // what release labels begin with; only where they float
}

// parseFloat reads a version with stars in it. Without a star that floats the
// behavior is FloatNone.
func parseFloat(s string) (Float, bool) {
	first, last := strings.IndexByte(s, '*'), strings.LastIndexByte(s, '*')
	switch {
	case s == "*":
		return makeFloat(FloatMajor, "0.0.0", "")
	case s == "*-*":
		return makeFloat(FloatAbsoluteLatest, "0.0.0-0", "")
	case first < 0 || last != len(s)-1 || strings.Contains(s, "+"):
		return Float{}, false
	}
	numbers, labels, hasLabels := strings.Cut(s, "-")
	labels = strings.TrimSuffix(labels, "*")
	switch {
	case first != last: // two stars: 1.*-beta*, the first just before the labels
		if !hasLabels || first != len(numbers)-1 {
			return Float{}, false
		}
		numbers = numbers[:first] + "0"
		behavior := floatingPart(numbers, FloatPrereleaseMajor, FloatPrereleaseMinor, FloatPrereleasePatch, FloatPrereleaseRevision)
		return makeFloat(behavior, numbers+"-"+lowest(labels), labels)
	case !hasLabels: // 1.*; but "1*" is 10 and does not float
		numbers = numbers[:first] + "0"
		behavior := floatingPart(numbers, FloatNone, FloatMinor, FloatPatch, FloatRevision)
		return makeFloat(behavior, numbers, "")
	case strings.Contains(labels, "-"): // 1.0.0-a-*: nothing is added to the label
		return makeFloat(FloatPrerelease, numbers+"-"+labels, labels)
	}
	return makeFloat(FloatPrerelease, numbers+"-"+lowest(labels), labels)
}

// lowest completes the labels before a star to the lowest that they can begin.
func lowest(labels string) string {
	if labels == "" || strings.HasSuffix(labels, ".") {
		return labels + "0"
	}
	return labels
}

// floatingPart picks the behavior for the number of dotted parts.
func floatingPart(numbers string, behaviors ...FloatBehavior) FloatBehavior {
	if dots := strings.Count(numbers, "."); dots < len(behaviors) {
		return behaviors[dots]
	}
	return FloatNone // five numbers: no version in any case
}

func makeFloat(behavior FloatBehavior, lowest, prefix string) (Float, bool) {
	v, why := parseVersion(strings.TrimSpace(lowest))
	return Float{Behavior: behavior, Min: v, Prefix: prefix}, why == ""
}

// Satisfies reports whether v lies inside the float.
func (f Float) Satisfies(v Version) bool {
	if f.Behavior == FloatAbsoluteLatest {
		return true
	}
	if v.IsPrerelease() && !(f.Behavior.prerelease() && hasPrefixFold(v.release, f.Prefix)) {
		return false
	}
	same := 0 // leading numbers that must be those of Min
	switch f.Behavior {
	case FloatMajor, FloatPrereleaseMajor:
		same = 0
	case FloatMinor, FloatPrereleaseMinor:
		same = 1
	case FloatPatch, FloatPrereleasePatch:
		same = 2
	case FloatRevision, FloatPrereleaseRevision:
		same = 3
	case FloatPrerelease:
		same = 4
	default:
		return false
	}
	for i := range same {
		if v.parts[i] != f.Min.parts[i] {
			return false
		}
	}
	return true
}

// hasPrefixFold reports whether s begins with prefix, ASCII letter case apart.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && FoldID(s[:len(prefix)]) == FoldID(prefix)
}

// String returns the float as it is written, normalized: "1.*", "1.0.0-beta*".
func (f Float) String() string { return string(f.append(nil)) }

func (f Float) append(b []byte) []byte {
	numbers := 0
	switch f.Behavior {
	case FloatNone:
		return f.Min.appendNormalized(b)
	case FloatPrerelease:
		b = append(f.Min.appendNumbers(b), '-')
		return append(append(b, f.Prefix...), '*')
	case FloatMinor, FloatPrereleaseMinor:
		numbers = 1
	case FloatPatch, FloatPrereleasePatch:
		numbers = 2
	case FloatRevision, FloatPrereleaseRevision:
		numbers = 3
	}
	for _, n := range f.Min.parts[:numbers] {
		b = append(strconv.AppendInt(b, int64(n), 10), '.')
	}
	b = append(b, '*')
	if f.Behavior.prerelease() {
		b = append(append(append(b, '-'), f.Prefix...), '*')
	}
	return b
}
