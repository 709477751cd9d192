package nuget

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func mustFramework(t testing.TB, s string) Framework {
	t.Helper()
	f, err := ParseFramework(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestVectorsFrameworks(t *testing.T) {
	type row struct {
		In, ShortName, Name, Platform, Folder string
		Unsupported, FolderUnsupported        bool
		Error                                 any
	}
	for _, r := range vectorRows[row](t, "frameworks") {
		f, err := ParseFramework(r.In)
		if (err != nil) != (r.Error != nil) {
			t.Errorf("ParseFramework(%+q) = %v, want error %v", r.In, err, r.Error)
		}
		if err != nil || r.Error != nil {
			continue
		}
		folder, err := ParseFolder(r.In)
		if err != nil {
			t.Errorf("ParseFolder(%+q) = %v", r.In, err)
		}
		got := row{r.In, f.String(), f.Name(), f.Platform(), folder.String(), f.IsUnsupported(), folder.IsUnsupported(), nil}
		if got != r {
			t.Errorf("ParseFramework(%+q) =\n%+v, want\n%+v", r.In, got, r)
		}
	}
}

func TestVectorsFrameworkCompatible(t *testing.T) {
	type row struct {
		Project string
		Accepts []string
	}
	rows := vectorRows[row](t, "framework-compatible")
	all := map[string]Framework{}
	for _, r := range rows {
		for _, s := range append(r.Accepts, r.Project) {
			all[s] = mustFramework(t, s)
		}
	}
	for _, r := range rows {
		project := all[r.Project]
		for s, f := range all {
			if got, want := project.Accepts(f), slices.Contains(r.Accepts, s); got != want {
				t.Errorf("%s accepts %s: %v, want %v", r.Project, s, got, want)
			}
		}
	}
}

func TestVectorsFrameworkNearest(t *testing.T) {
	type row struct {
		Project, Nearest string
		Among            []string
	}
	for _, r := range vectorRows[row](t, "framework-nearest") {
		var among []Framework
		for _, s := range r.Among {
			among = append(among, mustFramework(t, s))
		}
		nearest, ok := mustFramework(t, r.Project).Nearest(among)
		if ok != (r.Nearest != "") || ok && nearest.String() != r.Nearest && !nearest.Equal(mustFramework(t, r.Nearest)) {
			t.Errorf("%s, among %q, takes %s, %v; want %q", r.Project, r.Among, nearest, ok, r.Nearest)
		}
	}
}

func TestFrameworkParsing(t *testing.T) {
	for in, want := range map[string]string{
		"net8.0-windows10.0.19041.0":         "net8.0-windows10.0.19041",
		"net8.0-windows+10.0":                "net8.0-windows10.0", // .NET reads a sign before a number
		"net8.0-windows-10.0":                "unsupported",
		"net8.0-windows7.0.0.0.0":            "unsupported",
		"net8.0-10.0":                        "net8.0-10.0", // a platform without letters
		"portable-net45%2Bwin8":              "portable-net45+win8",
		"portable-win+net45+wpa+monoandroid": "portable-net45+win8+wpa81",
		"portable-net45+foo+bar":             "portable-net45+unsupported",
		"portable":                           "unsupported",
		"net%34%35":                          "net45",
		"net%2545":                           "unsupported",
		"net%4":                              "unsupported",
		"n\u00e9t45":                         "unsupported",
		"net4.":                              "unsupported",
		"net99999999999.0":                   "unsupported",
		"net45-":                             "unsupported",
		"net45-a_b":                          "unsupported",
		"net45_a":                            "unsupported",
		"DotNet":                             "dotnet",
		" Any , Version=v9":                  "any",
		"Foo.Bar,Version=v12.0,Profile=x":    "foobar12.0-x",
		"\u00c9,Version=v1":                  "\u00e910",
		"\u0130,Version=v1":                  "\u013010",  // \u0130 has no lower case of one character
		"A\ua7cd,Version=v1":                 "a\ua7cd10", // a letter since Unicode 16
		".NETFramework,Version=v4.5,Profile=Full": "net45-full",
		".NETFramework,Version=v4.5,Version=v4.6": "net",
		".NETFramework,Version=45":                "net45.0",
		".NETCoreApp,Version=v8.0,Profile=x":      "net8.0",
	} {
		f, err := ParseFramework(in)
		if err != nil || f.String() != want {
			t.Errorf("ParseFramework(%q) = %s, %v; want %s", in, f, err, want)
		}
	}
	for in, want := range map[string]string{
		",":                                    "no identifier",
		" , ":                                  "no identifier",
		".,x":                                  "no letter or digit",
		"net,Version=v":                        "not a version",
		"net,Version=v4.-5":                    "not a version",
		"portable-net45-client+win8":           "profiles of their own",
		".NETPortable,Profile=net45-client":    "profiles of their own",
		".NETPortable,Version=v4.5":            "no profile that is known",
		".NETPortable,Profile=Profile8":        "no profile that is known",
		strings.Repeat("x", 1025):              "longer than",
		"portable-" + strings.Repeat("a+", 25): "more than 24",
	} {
		if f, err := ParseFramework(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseFramework(%.40q) = %v, %v; want an error with %q", in, f, err, want)
		}
	}
}

func TestFrameworkSpecials(t *testing.T) {
	var zero Framework
	if !zero.IsAny() || zero.IsUnsupported() || zero.String() != "any" || zero.Name() != "Any,Version=v0.0" || zero != mustFramework(t, "ANY") {
		t.Errorf("the zero value is %s", zero)
	}
	a, b := mustFramework(t, "Foo,Version=v1.0"), mustFramework(t, "FOO,Version=v1.0")
	if a == b || !a.Equal(b) || a.Equal(mustFramework(t, "Foo,Version=v1.1")) {
		t.Errorf("%s and %s are not equal", a.Name(), b.Name())
	}
	if nearest, ok := zero.Nearest(nil); ok {
		t.Errorf("of nothing %s is nearest", nearest)
	}
}

func TestFrameworkText(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "unsupported",
		"any":                          "any",
		"net8.0-Windows":               "net8.0-windows",
		".NETFramework,Version=v4.7.2": "net472",
		"Foo,Version=v1.0":             "Foo,Version=v1.0", // foo10 would mean nothing
		".NETFramework,Version=v4.5,Profile=Full": ".NETFramework,Version=v4.5,Profile=Full",
	} {
		f := mustFramework(t, in)
		text, err := f.MarshalText()
		if err != nil || string(text) != want {
			t.Errorf("MarshalText of %q = %q, %v; want %q", in, text, err, want)
		}
		var again Framework
		if err := again.UnmarshalText(text); err != nil || !again.Equal(f) {
			t.Errorf("UnmarshalText(%q) = %s, %v", text, again, err)
		}
	}
	var f Framework
	if err := f.UnmarshalText([]byte(",")); err == nil {
		t.Error("UnmarshalText takes a comma")
	}
}

// Whatever a manifest holds, an answer comes in bounded time: what is held
// against each other is cut off. These lists are as bad as can be, since each
// differs from the others only in its last framework.
func TestNearestIsBounded(t *testing.T) {
	var common []string
	for i := range maxPortableFrameworks - 1 {
		common = append(common, fmt.Sprintf("uap1.%d", i))
	}
	var among []Framework
	for i := range 4 * maxNearest {
		among = append(among, mustFramework(t, fmt.Sprintf("portable-%s+monoandroid%d.0", strings.Join(common, "+"), i)))
		among = append(among, mustFramework(t, fmt.Sprintf("portable-%s+foo+any+net4.%d", strings.Join(common[2:], "+"), i)))
	}
	if nearest, ok := mustFramework(t, "uap10.0").Nearest(among); !ok || !nearest.isPortable() {
		t.Errorf("nearest is %s, %v", nearest, ok)
	}
	if nearest, ok := mustFramework(t, "portable-uap1.1+uap1.3").Nearest(among); !ok || !nearest.isPortable() {
		t.Errorf("nearest is %s, %v", nearest, ok)
	}
}

func FuzzParseFramework(f *testing.F) {
	for _, s := range []string{
		"", "any", "net45", "net8.0-windows10.0.19041.0", "portable-net45+win8", ".NETPortable,Version=v4.5,Profile=Profile259",
		".NETFramework,Version=v4.0,Profile=Client", "portable-net45%2Bwin8", "dotnet", "4.5", "Foo,Version=v1.0", ",", " , ", "net-8.0",
		"portable-portable-net45", "portable-foo+any", "sl4-wp71", "net4294967296.0", "xamarin.ios10", "\u00e9,Version=v1", "net8.0-\x00", "%", "%4", "%41ny",
		"netcore50", "uap10.0.16299", "DNXCore,Version=v5.0", "portable50-net45", "Profile=Profile7,Version=v1.0",
	} {
		f.Add(s, "net8.0-android")
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		a, err := ParseFramework(s)
		if err != nil {
			return
		}
		if a.String() == "" || a.Name() == "" || a.IsAny() && a.IsUnsupported() {
			t.Errorf("%q has the names %q and %q", s, a, a.Name())
		}
		if text, _ := a.MarshalText(); len(text) == 0 {
			t.Errorf("%q marshals to nothing", s)
		}
		if !a.Accepts(a) || !a.Equal(a) {
			t.Errorf("%q does not accept itself", s)
		}
		if folder, err := ParseFolder(s); err == nil && !strings.Contains(s, ",") && folder != a {
			t.Errorf("%q is %s, as a folder %s", s, a, folder)
		}
		b, err := ParseFramework(other)
		if err != nil {
			return
		}
		among := []Framework{b, unsupportedFramework, net45}
		nearest, ok := a.Nearest(among)
		if ok && (!a.Accepts(nearest) || !slices.ContainsFunc(among, nearest.Equal)) {
			t.Errorf("%q takes %s among %s", s, nearest, among)
		}
	})
}

func BenchmarkFramework(b *testing.B) {
	project := mustFramework(b, "net8.0-windows10.0.19041")
	var among []Framework
	for _, s := range []string{"net45", "net462", "netstandard1.3", "netstandard2.0", "net6.0", "net8.0", "portable-net45+win8"} {
		among = append(among, mustFramework(b, s))
	}
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseFolder("netstandard2.0"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("accepts", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			project.Accepts(among[3])
		}
	})
	b.Run("nearest", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			project.Nearest(among)
		}
	})
}
