package nuget

import (
	"strings"
	"testing"
)

func mustRange(t testing.TB, s string) Range {
	t.Helper()
	r, err := ParseRange(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVectorsRanges(t *testing.T) {
	type row struct {
		In               string
		OK, OKFixed      bool
		Norm, Pretty     string
		Floating         bool
		Float, Min, Max  string
		MinIncl, MaxIncl bool
		Yes, No          []*string // null: the lower bound itself, which was not parsed from text
		Best             string
	}
	for _, r := range vectorRows[row](t, "ranges") {
		if _, err := ParseFixedRange(r.In); (err == nil) != r.OKFixed {
			t.Errorf("ParseFixedRange(%+q) = %v, want valid %v", r.In, err, r.OKFixed)
		}
		got, err := ParseRange(r.In)
		if (err == nil) != r.OK {
			t.Errorf("ParseRange(%+q) = %v, want valid %v", r.In, err, r.OK)
		}
		if err != nil || !r.OK {
			continue
		}
		if got.String() != r.Norm || got.Pretty() != r.Pretty || got.IsFloating() != r.Floating {
			t.Errorf("ParseRange(%+q) = %s, %s, floating %v; want %s, %s, %v", r.In, got, got.Pretty(), got.IsFloating(), r.Norm, r.Pretty, r.Floating)
		}
		if r.Floating && got.IsFloating() && got.Float.String() != r.Float {
			t.Errorf("ParseRange(%+q) floats as %s, want %s", r.In, got.Float, r.Float)
		}
		bound := func(has, inclusive bool, v Version) (string, bool) {
			if !has {
				return "", inclusive
			}
			return v.String(), inclusive
		}
		if v, incl := bound(got.HasMin, got.MinInclusive, got.Min); v != r.Min || incl != r.MinIncl {
			t.Errorf("ParseRange(%+q) has the lower bound %s, %v; want %s, %v", r.In, v, incl, r.Min, r.MinIncl)
		}
		if v, incl := bound(got.HasMax, got.MaxInclusive, got.Max); v != r.Max || incl != r.MaxIncl {
			t.Errorf("ParseRange(%+q) has the upper bound %s, %v; want %s, %v", r.In, v, incl, r.Max, r.MaxIncl)
		}
		var all []Version
		for i, s := range append(r.Yes, r.No...) {
			v := got.Min
			if s != nil {
				v = mustVersion(t, *s)
			}
			all = append(all, v)
			if want := i < len(r.Yes); got.Satisfies(v) != want {
				t.Errorf("%+q is satisfied by %s: %v, want %v", r.In, v, got.Satisfies(v), want)
			}
		}
		best, ok := got.Best(all)
		if ok != (r.Best != "") || ok && best.String() != r.Best {
			t.Errorf("the best of %+q is %s, %v; want %s", r.In, best, ok, r.Best)
		}
	}
}

func TestFloatSatisfies(t *testing.T) {
	for _, test := range []struct{ float, in, out string }{
		{"*", "1.0.0 99.0", "1.0.0-a"},
		{"1.*", "1.0.0 1.9", "2.0.0 1.0.0-a"},
		{"1.2.*", "1.2.9", "1.3.0 1.2.0-a"},
		{"1.2.3.*", "1.2.3.9", "1.2.4 1.2.3-a"},
		{"1.0.0-beta*", "1.0.0-BETA.1 1.0.0-beta2 1.0.0", "1.0.0-rc 1.0.1 1.0.0.1 1.0.1-beta"},
		{"1.0.0-*", "1.0.0-a 1.0.0", "1.0.1-a"},
		{"1.0.0-a-*", "1.0.0-a-b 1.0.0", "1.0.0-a 1.0.0-b"},
		{"*-*", "9.0.0-a 1.0", ""},
		{"*-rc.*", "9.0.0-rc.1 1.0", "9.0.0-beta 9.0.0-rc1"},
		{"1.*-rc*", "1.9.0-rc.1 1.0", "2.0.0-rc 2.0.0 1.0.0-a"},
		{"1.2.*-rc*", "1.2.9-rc.1 1.2.0", "1.3.0-rc 1.3.0"},
		{"1.2.3.*-rc*", "1.2.3.9-rc.1 1.2.3.1", "1.2.4-rc 1.2.4"},
	} {
		r := mustRange(t, test.float)
		if r.Float == nil {
			t.Errorf("%s does not float", test.float)
			continue
		}
		for _, s := range strings.Fields(test.in) {
			if !r.Float.Satisfies(mustVersion(t, s)) {
				t.Errorf("%s is outside %s", s, test.float)
			}
		}
		for _, s := range strings.Fields(test.out) {
			if r.Float.Satisfies(mustVersion(t, s)) {
				t.Errorf("%s is inside %s", s, test.float)
			}
		}
	}
}

func TestAnyRange(t *testing.T) {
	r := AnyRange()
	if r.String() != "(, )" || r.Pretty() != "" || r.IsFloating() || r.IsSemVer2() || r.HasMetadata() || !r.Satisfies(mustVersion(t, "0-a")) {
		t.Errorf("AnyRange = %+v", r)
	}
	if parsed := mustRange(t, "( , )"); parsed != r {
		t.Errorf("( , ) = %+v", parsed)
	}
}

func TestRangeOfSemVer2(t *testing.T) {
	for s, want := range map[string][2]bool{ // SemVer 2, metadata
		"1.0":              {false, false},
		"1.0-a":            {false, false},
		"1.0-a.b":          {true, false},
		"[1.0, 2.0+b]":     {true, true},
		"(, 2.0-a.1)":      {true, false},
		"[1.0+a, 2.0-a.1)": {true, true},
	} {
		r := mustRange(t, s)
		if got := [2]bool{r.IsSemVer2(), r.HasMetadata()}; got != want {
			t.Errorf("%s: SemVer 2 and metadata are %v, want %v", s, got, want)
		}
	}
}

func TestRangeErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":            "range is empty",
		" ":           "it is empty",
		"[1.0":        "closing",
		"[":           "closing",
		"[]":          "no bound",
		"(,)":         "no bound",
		"(1.0)":       "single version",
		"[1.0)":       "single version",
		"[1,2,3]":     "more than one comma",
		"[2,1]":       "above",
		"[1,1)":       "equal bounds",
		"[1,x]":       "in the upper bound, a number is missing",
		"[x,1]":       "in the lower bound, a number is missing",
		"1.0.0*.1":    "'*'",
		"[1.0, 2.*]":  "in the upper bound",
		"1.0.0+a*":    "'*'",
		"**":          "'*'",
		"1.*.0-beta*": "'*'",
	} {
		if _, err := ParseRange(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRange(%q) = %v, want an error with %q", s, err, want)
		}
	}
	if _, err := ParseFixedRange("1.*"); err == nil || !strings.Contains(err.Error(), "lower bound") {
		t.Errorf("ParseFixedRange(1.*) = %v", err)
	}
	var r Range
	if err := r.UnmarshalText([]byte("[")); err == nil {
		t.Error("UnmarshalText takes [")
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{
		"", "1.0", "[1.0]", "(1.0, 2.0]", "( , )", "[ , ]", "(,)", "*", "*-*", "1.*", "1*", "1.0*", "1.2.3.*", "1.0.0-*", "1.0.0-beta.*", "1.0.0--*",
		"1.*-rc.*", "[1.*, 2.0)", "[1,1)", "(1,1)", "[1.0+a, 2.0-b.c]", "[ 1.* , 2 ]", "\u00a0[1]\u00a0", "*-beta*", "10*-beta*", "[*", "1.2.3.4.*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fixed, err := ParseFixedRange(s)
		r, err2 := ParseRange(s)
		if err == nil && (err2 != nil || fixed.String() != r.String() || r.IsFloating()) {
			t.Errorf("%q is %s where it cannot float, else %s, %v", s, fixed, r, err2)
		}
		if err2 != nil {
			return
		}
		text := r.String()
		again, err := ParseRange(text)
		if err != nil || again.String() != text || again.IsFloating() != r.IsFloating() || again.Pretty() != r.Pretty() && !r.IsFloating() {
			t.Errorf("%q prints as %s, which reads as %s, %v", s, text, again, err)
		}
		if r.HasMin && r.Satisfies(r.Min) != (r.MinInclusive && (!r.HasMax || r.Max.Compare(r.Min) > 0 || r.MaxInclusive)) {
			t.Errorf("%q is satisfied by its lower bound: %v", s, r.Satisfies(r.Min))
		}
		if best, ok := r.Best([]Version{r.Min, r.Max}); ok && !r.Satisfies(best) {
			t.Errorf("the best of %q does not satisfy it: %s", s, best)
		}
	})
}

func BenchmarkParseRange(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := ParseFixedRange("[1.0.0, 2.0.0)")
		if err != nil || r.String() == "" {
			b.Fatal(err)
		}
	}
}
