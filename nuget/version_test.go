package nuget

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"deps.dev/util/semver"
)

func mustVersion(t testing.TB, s string) Version {
	t.Helper()
	v, err := ParseVersion(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectorsVersions(t *testing.T) {
	type row struct {
		In                        string
		OK, Strict                bool
		Norm, Full, Meta          string
		Parts                     [4]int
		Labels                    []string
		Prerelease, SemVer2, Four bool
	}
	for _, r := range vectorRows[row](t, "versions") {
		if _, err := ParseStrict(r.In); (err == nil) != r.Strict {
			t.Errorf("ParseStrict(%+q) = %v, want valid %v", r.In, err, r.Strict)
		}
		v, err := ParseVersion(r.In)
		if (err == nil) != r.OK {
			t.Errorf("ParseVersion(%+q) = %v, want valid %v", r.In, err, r.OK)
		}
		if err != nil || !r.OK {
			continue
		}
		got := row{
			In: r.In, OK: r.OK, Strict: r.Strict,
			Norm: v.String(), Full: v.Full(), Meta: v.Metadata(), Parts: v.Parts(), Labels: v.Labels(),
			Prerelease: v.IsPrerelease(), SemVer2: v.IsSemVer2(), Four: v.Parts()[3] != 0,
		}
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", r) {
			t.Errorf("ParseVersion(%+q) =\n%+v, want\n%+v", r.In, got, r)
		}
		if v.Key() != strings.ToLower(r.Norm) {
			t.Errorf("Key(%+q) = %q", r.In, v.Key())
		}
	}
}

func TestVectorsVersionOrder(t *testing.T) {
	type row struct{ Equal []string }
	var before []Version // of the row before
	for _, r := range vectorRows[row](t, "version-order") {
		var same []Version
		for _, s := range r.Equal {
			same = append(same, mustVersion(t, s))
		}
		for _, v := range same {
			for _, o := range same {
				checkOrder(t, v, o, 0)
			}
			for _, o := range before {
				checkOrder(t, v, o, 1)
				checkOrder(t, o, v, -1)
			}
		}
		before = same
	}
}

// checkOrder holds Compare, Equal and SortKey against want.
func checkOrder(t *testing.T, v, o Version, want int) {
	t.Helper()
	if got := v.Compare(o); got != want {
		t.Errorf("%s.Compare(%s) = %d, want %d", v.Original(), o.Original(), got, want)
	}
	if got := v.Equal(o); got != (want == 0) {
		t.Errorf("%s.Equal(%s) = %v", v.Original(), o.Original(), got)
	}
	if got := bytes.Compare(v.SortKey(), o.SortKey()); got != want {
		t.Errorf("sort keys of %s (%x) and %s (%x) compare %d, want %d", v.Original(), v.SortKey(), o.Original(), o.SortKey(), got, want)
	}
}

// randomVersion returns a version that often equals, or nearly equals, another
// of the same source.
func randomVersion(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	number := func() string {
		return pick("0", "0", "1", "1", "2", "9", "10", "247", "248", "255", "256", "65535", "65536", "16777216", "2147483647")
	}
	var b strings.Builder
	b.WriteString(number())
	for range r.IntN(4) {
		b.WriteString("." + number())
	}
	if r.IntN(3) > 0 {
		b.WriteByte('-')
		for i := range 1 + r.IntN(3) {
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(pick("0", "1", "2", "10", "300", "2147483647", "2147483648", "a", "A", "b", "ab", "alpha", "Alpha", "beta",
				"-", "--", "-1", "-01", "-0", "-2", "-2147483648", "-2147483649", "a-", "1a", "0a", "z9", "99999999999"))
		}
	}
	if r.IntN(5) == 0 {
		b.WriteString(pick("+1", "+build.01", "+A", "+a-b"))
	}
	return b.String()
}

func TestSortKeyIsTheOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	versions := make([]Version, 600)
	for i := range versions {
		versions[i] = mustVersion(t, randomVersion(r))
	}
	for _, v := range versions {
		for _, o := range versions {
			vk, ok := v.SortKey(), o.SortKey()
			if v.Compare(o) != bytes.Compare(vk, ok) || v.Compare(o) != -o.Compare(v) {
				t.Fatalf("%s (%x) and %s (%x): Compare %d", v.Original(), vk, o.Original(), ok, v.Compare(o))
			}
			if len(vk) < len(ok) && bytes.HasPrefix(ok, vk) {
				t.Fatalf("the key of %s (%x) begins that of %s (%x)", v.Original(), vk, o.Original(), ok)
			}
		}
	}
	if !slices.IsSortedFunc(sortedByKey(versions), Version.Compare) {
		t.Error("sorting by key is not sorting by Compare")
	}
}

func sortedByKey(vs []Version) []Version {
	return slices.SortedFunc(slices.Values(vs), func(a, b Version) int { return bytes.Compare(a.SortKey(), b.SortKey()) })
}

func TestSortKeySize(t *testing.T) {
	for s, want := range map[string]int{
		"1.0.0": 5, "13.0.3": 5, "4.8.1.2": 5, "2026.11.24": 7, "1.0.0-beta": 9, "1.0.0-beta.1": 12,
		"10.0.0-preview.7.25380.108": 23, "2147483647.2147483647.2147483647.2147483647": 21,
	} {
		if got := len(mustVersion(t, s).SortKey()); got != want {
			t.Errorf("the sort key of %s has %d bytes, want %d", s, got, want)
		}
	}
}

// The order is held against an implementation by others. It reads more than
// NuGet does, and follows SemVer where NuGet has its own mind: digits beyond
// int32 and labels with a sign stay out of the comparison.
func TestOrderAgainstDepsDev(t *testing.T) {
	ours := func(s string) bool {
		v := mustVersion(t, s)
		return !slices.ContainsFunc(v.Labels(), func(l string) bool {
			return strings.HasPrefix(l, "-") || len(l) > 9 && strings.Trim(l, "0123456789") == ""
		})
	}
	r := rand.New(rand.NewPCG(3, 4))
	var versions []string
	for len(versions) < 400 {
		if s := randomVersion(r); ours(s) {
			versions = append(versions, s)
		}
	}
	for _, a := range versions {
		for _, b := range versions {
			want := semver.NuGet.Compare(a, b)
			if got := mustVersion(t, a).Compare(mustVersion(t, b)); got != want {
				t.Fatalf("Compare(%s, %s) = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestVersionErrors(t *testing.T) {
	for s, want := range map[string]string{
		"":                       "empty",
		" ":                      "number is missing",
		"a":                      "number is missing",
		"1.":                     "number is missing",
		"1..2":                   "number is missing",
		"1.2.3.4.5":              "more than four numbers",
		"1.2147483648":           "greater than 2147483647",
		"1x":                     "another character",
		"1 2":                    "another character",
		"1-":                     "label after '-' is empty",
		"1-a..b":                 "label after '-' is empty",
		"1-a+":                   "metadata after '+' is empty",
		"1-01":                   "begins with a zero",
		"1-a_b":                  "letters A to Z",
		"1.0.0+é":                "letters A to Z",
		strings.Repeat("9", 500): "(and so on)",
	} {
		if _, err := ParseVersion(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseVersion(%q) = %v, want an error with %q", s, err, want)
		}
	}
	if _, err := ParseStrict("1.0"); err == nil || !strings.Contains(err.Error(), "three numbers") {
		t.Errorf("ParseStrict = %v", err)
	}
}

func TestZeroVersion(t *testing.T) {
	var v Version
	if !v.IsZero() || v.String() != "0.0.0" || v.Original() != "" || !v.Equal(mustVersion(t, "0.0")) {
		t.Errorf("the zero value is %q", v)
	}
	if mustVersion(t, "0.0.0").IsZero() {
		t.Error("0.0.0 that was parsed is zero")
	}
	text, err := v.MarshalText()
	if err != nil || len(text) != 0 {
		t.Errorf("MarshalText = %q, %v", text, err)
	}
	v = mustVersion(t, "1.0")
	if err := v.UnmarshalText(nil); err != nil || !v.IsZero() {
		t.Errorf("UnmarshalText = %v, %v", v, err)
	}
	if err := v.UnmarshalText([]byte("x")); err == nil {
		t.Error("UnmarshalText takes x")
	}
}

func FuzzParseVersion(f *testing.F) {
	for _, s := range []string{
		"", "1", "1.0", "01.02.03", "1.0.0.0", "1.2.3.4-a.1+b.01", " 1 . 2 ", "1.0.0--1", "1.0.0-01", "1.0-a+", "2147483648",
		"1.0.0-99999999999", "\u00a01.0\u2003", "1.\u20030", "\xff", "1.0.0-é", "1.0-+a", "-1.0", "+1",
	} {
		f.Add(s, "1.0.0-beta.1")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		v, err := ParseVersion(s)
		if strict, err2 := ParseStrict(s); err2 == nil && (err != nil || strict.Full() != s || !strict.Equal(v)) {
			t.Errorf("ParseStrict(%q) = %s, ParseVersion %v", s, strict, err)
		}
		if err != nil {
			return
		}
		if again := mustVersion(t, v.String()); !again.Equal(v) || again.String() != v.String() || again.Metadata() != "" {
			t.Errorf("%q prints as %s, which reads as %s", s, v, again)
		}
		if again := mustVersion(t, v.Full()); again.Full() != v.Full() {
			t.Errorf("%q prints in full as %s, which reads as %s", s, v.Full(), again.Full())
		}
		if again := mustVersion(t, v.Key()); !again.Equal(v) || again.Key() != v.Key() {
			t.Errorf("%q has the key %s, which reads as %s", s, v.Key(), again)
		}
		if again := mustVersion(t, v.Original()); again.Full() != v.Full() || again.Original() != v.Original() {
			t.Errorf("%q was %q, which reads as %s", s, v.Original(), again.Full())
		}
		if o, err := ParseVersion(other); err == nil {
			if got := bytes.Compare(v.SortKey(), o.SortKey()); got != v.Compare(o) {
				t.Errorf("%s and %s: sort keys %d, Compare %d", v, o, got, v.Compare(o))
			}
		}
	})
}

func BenchmarkParseVersion(b *testing.B) {
	for _, s := range []string{"13.0.3", "1.0.0-beta.1", "10.0.0-preview.7.25380.108+9ab1c2d", "1.0"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				v, err := ParseVersion(s)
				if err != nil || v.Key() == "" {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSortKey(b *testing.B) {
	v := mustVersion(b, "10.0.0-preview.7.25380.108")
	b.ReportAllocs()
	for b.Loop() {
		v.SortKey()
	}
}
