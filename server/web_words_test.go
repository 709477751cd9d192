package server

import (
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

func TestRangeWords(t *testing.T) {
	for text, want := range map[string]string{
		"[1.2.0, )":        "≥ 1.2.0",
		"(1.2.0, )":        "> 1.2.0",
		"[1.0.0, 2.0.0)":   "≥ 1.0.0 and < 2.0.0",
		"(1.0.0, 2.0.0]":   "> 1.0.0 and ≤ 2.0.0",
		"[1.0.0, 1.0.0]":   "exactly 1.0.0",
		"(, 3.0.0]":        "≤ 3.0.0",
		"(, 3.0.0)":        "< 3.0.0",
		"(, )":             "any version",
		"[1.0.0-beta.1, )": "≥ 1.0.0-beta.1",
		"what is this":     "what is this",
	} {
		if got := rangeWords(text); got != want {
			t.Errorf("%s reads %q, want %q", text, got, want)
		}
	}
}

func TestFrameworksInOrder(t *testing.T) {
	got := strings.Join(chips([]string{"net462", "netstandard2.0", "net10.0", "net8.0", "netcoreapp3.1", "any", "uap10.0", "net8.0-windows7.0", "nonsense!", "net48", "portable-net45+win8"}), " ")
	want := "net8.0 net8.0-windows7.0 net10.0 netstandard2.0 netcoreapp3.1 net462 net48 portable-net45+win8 uap10.0"
	if got != want {
		t.Errorf("chips: %s\nwant   %s", got, want)
	}
	groups := frameworkGroups([]string{"netstandard2.0", "net472"}, true)
	var flat []string
	for _, g := range groups {
		flat = append(flat, g.Product+":")
		for _, f := range g.Frameworks {
			name := f.Name
			if f.Computed {
				name = "(" + name + ")"
			}
			flat = append(flat, name)
		}
	}
	got = strings.Join(flat, " ")
	want = ".NET: (net5.0) (net6.0) (net7.0) (net8.0) (net9.0) (net10.0) (net11.0) .NET Standard: netstandard2.0 (netstandard2.1) " +
		".NET Core: (netcoreapp2.0) (netcoreapp2.1) (netcoreapp2.2) (netcoreapp3.0) (netcoreapp3.1) " +
		".NET Framework: (net461) (net462) (net463) (net47) (net471) net472 (net48) (net481)"
	if got != want {
		t.Errorf("frameworks: %s\nwant        %s", got, want)
	}
	if got := frameworkGroups(nil, true); got != nil {
		t.Errorf("a package for nothing: %v", got)
	}
}

func TestChooseHead(t *testing.T) {
	head := func(text string, listed bool) gallery.Head {
		v, err := nuget.ParseVersion(text)
		if err != nil {
			t.Fatal(err)
		}
		return gallery.Head{ID: "A", Version: v, Listed: listed}
	}
	heads := []gallery.Head{head("1.0.0", true), head("2.0.0-beta", true), head("3.0.0", false)}
	stable := &gallery.Package{ID: "A"}
	stable.Latest[gallery.Filter{SemVer2: true}.Index()] = heads[0].Version
	stable.Latest[everything.Index()] = heads[1].Version
	preview := &gallery.Package{ID: "A"}
	preview.Latest[everything.Index()] = heads[1].Version
	for _, tt := range []struct {
		pkg   *gallery.Package
		asked string
		want  string
		found bool
	}{
		{stable, "", "1.0.0", true}, {preview, "", "2.0.0-beta", true}, {&gallery.Package{ID: "A"}, "", "3.0.0", true},
		{stable, "2.0.0-BETA", "2.0.0-beta", true}, {stable, "3", "3.0.0", true}, {stable, "4.0.0", "1.0.0", false}, {stable, "x", "1.0.0", false},
	} {
		if got, found := chooseHead(tt.pkg, heads, tt.asked); got.Version.String() != tt.want || found != tt.found {
			t.Errorf("asked for %q: %s, %v, want %s, %v", tt.asked, got.Version, found, tt.want, tt.found)
		}
	}
}

func TestOnces(t *testing.T) {
	var o onces
	if o.notice("a") != "" {
		t.Error("an empty memory remembers")
	}
	o.put("a", once{text: "done", key: &ui.NewKey{Value: "k"}, setUp: true})
	if o.notice("b") != "" || o.notice("a") != "done" || o.notice("a") != "" {
		t.Error("a sentence is said once, to its session")
	}
	if key, setUp := o.key("a"); key == nil || !setUp {
		t.Error("a page without keys took the key")
	}
	if key, _ := o.key("a"); key != nil || len(o.m) != 0 {
		t.Error("a key is shown twice")
	}
	o.put("a", once{text: "old"})
	for id, one := range o.m {
		one.until = time.Now().Add(-time.Second)
		o.m[id] = one
	}
	if o.notice("a") != "" || len(o.m) != 0 {
		t.Error("what is old is still said")
	}
	o.put("a", once{text: "x"})
	o.drop("a")
	if o.notice("a") != "" {
		t.Error("a session that ended is remembered")
	}
	for i := range 3 * maxOnces {
		o.put(strings.Repeat("s", i%7)+time.Duration(i).String(), once{text: "x"})
	}
	if len(o.m) > maxOnces {
		t.Errorf("%d are kept", len(o.m))
	}
}

func FuzzLocalPath(f *testing.F) {
	for _, seed := range []string{"/", "//evil.example", "/\\evil", "/a?b=c#d", "https://x", "/%2e%2e//x", "/\t/x", "/account/signin"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got := localPath(p)
		if got[0] != '/' || len(got) > 1 && (got[1] == '/' || got[1] == '\\') || strings.ContainsFunc(got, notInPath) {
			t.Errorf("%q leads to %q", p, got)
		}
	})
}
