package config

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nougat/gallery"
	"nougat/server"
)

// rules are those of the program.
var rules = Rules{ReservedFeedName: server.ReservedFeedName, PublicURL: server.PublicURL}

var update = flag.Bool("update", false, "write golden files anew")

func TestExampleIsConfig(t *testing.T) {
	file := filepath.Join("..", "config.example.toml")
	want := example()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("%s is not what config.go says; run go test ./config -run TestExampleIsConfig -update\n%s", file, diff)
	}
}

// TestExampleIsDefault reads the example with every comment sign before a key
// taken away: each key must be known and have its default.
func TestExampleIsDefault(t *testing.T) {
	var lines []string
	for line := range strings.Lines(example()) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") && strings.TrimSpace(rest) != "" {
			line = rest
		}
		lines = append(lines, line)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, strings.Join(lines, ""))
	l, err := Read(rules, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, settings, err := l.Merge()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if s.Source != FromFile {
			t.Errorf("the example does not set %s", s.Key)
		}
	}
	want := defaults()
	want.Feeds = []Feed{{Name: "ci", Kind: "test", Read: "signed-in", MaxBytes: 52428800, Replace: true}}
	if diff := cmp.Diff(want.Feeds, c.Feeds); diff != "" {
		t.Error(diff)
	}
	for _, k := range Keys() {
		if got, want := c.tomlText(k), want.tomlText(k); got != want {
			t.Errorf("%s = %s in the example, default %s", k.Name, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	var names []string
	for _, k := range Keys() {
		names = append(names, k.Name)
		if k.help == "" {
			t.Errorf("%s has no help", k.Name)
		}
	}
	slices.Sort(names)
	want := []string{
		"access.read", "data", "keys.max_days", "listen", "log.format", "log.level", "publish.advise_bytes", "publish.license_refs",
		"publish.max_bytes", "publish.similar_ids", "signup", "site.name", "trusted_proxies", "url",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("the keys of Q-02:\n%s", diff)
	}
	k := Keys()[slices.IndexFunc(Keys(), func(k Key) bool { return k.Name == "publish.max_bytes" })]
	if k.Env() != "NOUGAT_PUBLISH_MAX_BYTES" || k.Flag() != "publish-max-bytes" {
		t.Errorf("%s is %s and --%s", k.Name, k.Env(), k.Flag())
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "some.toml")
	write(t, path, "[site]\nname = \"file\"\n")
	l, err := Read(rules, path, []string{"NOUGAT_SITE_NAME=environment", "NOUGAT_CONFIG=" + filepath.Join(dir, "absent.toml")})
	if err != nil {
		t.Fatal(err)
	}
	flags := new(Config)
	flags.Site.Name = "flag"
	l.SetFlag(Keys()[slices.IndexFunc(Keys(), func(k Key) bool { return k.Name == "site.name" })], flags)
	if warnings := l.Save(map[string]string{"site.name": "saved", "of.later": "x", "access.read": ""}); len(warnings) > 0 {
		t.Error(warnings)
	}
	for _, want := range []string{FromFlag, FromEnvironment, FromFile, FromSaved, FromDefault} {
		c, settings, err := l.Merge()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == "site.name" })
		if settings[i].Source != want || want != FromDefault && c.Site.Name != want {
			t.Errorf("site.name = %q from %s, want %s", c.Site.Name, settings[i].Source, want)
		}
		for _, from := range []layer{l.flags, l.environment, l.file, l.saved} {
			if _, ok := from.set["site.name"]; ok {
				delete(from.set, "site.name")
				break
			}
		}
	}
}

// TestSavedNonsense: what a page saved must never keep the gallery from starting.
func TestSavedNonsense(t *testing.T) {
	l := &Layers{rules: rules, saved: newLayer(FromSaved), file: newLayer(FromFile), environment: newLayer(FromEnvironment), flags: newLayer(FromFlag)}
	warnings := l.Save(map[string]string{"site.name": "a\x00b", "url": "javascript:alert(1)", "keys.max_days": "x", "access.read": "signed-in"})
	if len(warnings) != 3 {
		t.Errorf("warnings: %q", warnings)
	}
	c, _, err := l.Merge()
	if err != nil || c.Site.Name != "nougat" || c.URL != "" || c.Access.Read != "signed-in" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct {
		name, file string
		environ    []string
		want       []string
	}{
		{"unknown key", "lisen = \":1\"", nil, []string{"config.toml", `"lisen"`, `"listen"`}},
		{"unknown key in a table", "[publish]\nmaxbytes = 1", nil, []string{`"publish.maxbytes"`, `"publish.max_bytes"`}},
		{"unknown table", "[acess]\nread = \"anyone\"", nil, []string{`"acess"`, `"access"`}},
		{"base_url is url", "base_url = \"https://a.example\"", nil, []string{`"base_url"`}},
		{"letter case", "Listen = \":1\"", nil, []string{`"Listen"`, `"listen"`}},
		{"unknown key of a feed", "[[feeds]]\nname = \"ci\"\nkinds = \"test\"", nil, []string{`"kinds"`, `"kind"`}},
		{"wrong type", "listen = 5", nil, []string{"config.toml", "listen"}},
		{"no TOML", "listen = ", nil, []string{"config.toml", "line 1"}},
		{"wrong value", "listen = \"x\"", nil, []string{"listen", "config.toml", "HOST:PORT"}},
		{"two wrong values", "listen = \"x\"\nsignup = \"y\"", nil, []string{"listen", "signup"}},
		{"environment", "", []string{"NOUGAT_KEYS_MAX_DAYS=many"}, []string{"NOUGAT_KEYS_MAX_DAYS", "whole number"}},
		{"environment, value", "", []string{"NOUGAT_URL=ftp://x"}, []string{"url", "NOUGAT_URL"}},
		{"named by the environment", "", []string{"NOUGAT_CONFIG=absent.toml"}, []string{"absent.toml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if test.file != "" {
				write(t, "config.toml", test.file)
			}
			l, err := Read(rules, "", test.environ)
			if err == nil {
				_, _, err = l.Merge()
			}
			if err == nil {
				t.Fatal("no error")
			}
			if _, ok := err.(*Error); !ok {
				t.Errorf("%T, want an Error", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
		})
	}
}

func TestEnvironmentWarnings(t *testing.T) {
	t.Chdir(t.TempDir())
	l, err := Read(rules, "", []string{
		"NOUGAT_LISTN=:1", "NOUGAT_SERVICE_HOST=10.0.0.1", "NOUGAT_TEST_REQUIRE=dotnet", "NOUGAT_VECTORS=x", "NOUGAT_URL=", "NOUGATX=1", "PATH=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.warnings) != 2 || !strings.Contains(l.warnings[0], "NOUGAT_LISTN") || !strings.Contains(l.warnings[0], "NOUGAT_LISTEN") || !strings.Contains(l.warnings[1], "NOUGAT_SERVICE_HOST") {
		t.Errorf("warnings: %q", l.warnings)
	}
	if len(l.environment.set) != 0 {
		t.Errorf("set: %v", l.environment.set)
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		key    string // of the one problem; empty: none
	}{
		{"defaults", func(c *Config) {}, ""},
		{"no data", func(c *Config) { c.Data = "" }, "data"},
		{"every interface", func(c *Config) { c.Listen = ":0" }, ""},
		{"IPv6", func(c *Config) { c.Listen = "[::1]:80" }, ""},
		{"bare host", func(c *Config) { c.Listen = "localhost" }, "listen"},
		{"port by name", func(c *Config) { c.Listen = "localhost:http" }, "listen"},
		{"port too large", func(c *Config) { c.Listen = ":65536" }, "listen"},
		{"url with path", func(c *Config) { c.URL = "https://example.org:8443/nuget" }, ""},
		{"url without scheme", func(c *Config) { c.URL = "example.org" }, "url"},
		{"url with query", func(c *Config) { c.URL = "https://example.org/?a" }, "url"},
		{"url with a port too large", func(c *Config) { c.URL = "https://example.org:65536" }, "url"},
		{"url with an empty segment", func(c *Config) { c.URL = "https://example.org/a//b" }, "url"},
		{"url with an escape", func(c *Config) { c.URL = "https://example.org/a%20b" }, "url"},
		{"url with a name beyond ASCII", func(c *Config) { c.URL = "https://b\u00fccher.example" }, "url"},
		{"url with name", func(c *Config) { c.URL = "https://ann@example.org/" }, "url"},
		{"proxies", func(c *Config) { c.TrustedProxies = []string{"10.0.0.0/8", "::1", "127.0.0.1"} }, ""},
		{"proxy by name", func(c *Config) { c.TrustedProxies = []string{"proxy"} }, "trusted_proxies"},
		{"no name", func(c *Config) { c.Site.Name = "" }, "site.name"},
		{"name of two lines", func(c *Config) { c.Site.Name = "a\nb" }, "site.name"},
		{"name with accents", func(c *Config) { c.Site.Name = "Café Müller & Söhne" }, ""},
		{"read", func(c *Config) { c.Access.Read = "everyone" }, "access.read"},
		{"signup", func(c *Config) { c.Signup = "" }, "signup"},
		{"max_bytes", func(c *Config) { c.Publish.MaxBytes = 0 }, "publish.max_bytes"},
		{"advise_bytes", func(c *Config) { c.Publish.AdviseBytes = -1 }, "publish.advise_bytes"},
		{"similar_ids", func(c *Config) { c.Publish.SimilarIDs = "refuse" }, "publish.similar_ids"},
		{"max_days", func(c *Config) { c.Keys.MaxDays = -1 }, "keys.max_days"},
		{"log.level", func(c *Config) { c.Log.Level = "loud" }, "log.level"},
		{"log.format", func(c *Config) { c.Log.Format = "xml" }, "log.format"},
		{"feed", func(c *Config) { c.Feeds = []Feed{{Name: "ci"}} }, ""},
		{"feed with all", func(c *Config) {
			c.Feeds = []Feed{{Name: "ci", Kind: "test", Path: "/ci", Read: "anyone", MaxBytes: 1, Replace: true}}
		}, ""},
		{"main in the list", func(c *Config) { c.Feeds = []Feed{{Name: "main", Path: "/"}} }, ""},
		{"feed without name", func(c *Config) { c.Feeds = []Feed{{}} }, `feeds ""`},
		{"feed with capitals", func(c *Config) { c.Feeds = []Feed{{Name: "CI"}} }, `feeds "CI"`},
		{"feed named like a route", func(c *Config) { c.Feeds = []Feed{{Name: "v3"}} }, `feeds "v3"`},
		{"feed kind", func(c *Config) { c.Feeds = []Feed{{Name: "ci", Kind: "tests"}} }, `feeds "ci"`},
		{"feed path", func(c *Config) { c.Feeds = []Feed{{Name: "ci", Path: "/x"}} }, `feeds "ci"`},
		{"feed read", func(c *Config) { c.Feeds = []Feed{{Name: "ci", Read: "x"}} }, `feeds "ci"`},
		{"feed size", func(c *Config) { c.Feeds = []Feed{{Name: "ci", MaxBytes: -1}} }, `feeds "ci"`},
		{"release that replaces", func(c *Config) { c.Feeds = []Feed{{Name: "ci", Replace: true}} }, `feeds "ci"`},
		{"retain", func(c *Config) { c.Feeds = []Feed{{Name: "ci", Kind: "test", Retain: "30d"}} }, `feeds "ci"`},
		{"feed twice", func(c *Config) { c.Feeds = []Feed{{Name: "ci"}, {Name: "ci"}} }, `feeds "ci"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := defaults()
			test.change(c)
			problems := c.check(rules)
			switch {
			case test.key == "" && len(problems) > 0:
				t.Errorf("problems: %v", problems)
			case test.key != "" && (len(problems) != 1 || problems[0].key != test.key):
				t.Errorf("problems: %v, want one of %s", problems, test.key)
			}
		})
	}
}

// TestRead is Q-03.
func TestRead(t *testing.T) {
	for _, test := range []struct {
		listen, url, proxy, read, want string
	}{
		{"127.0.0.1:5050", "", "", "", "anyone"},
		{"[::1]:0", "", "", "", "anyone"},
		{"localhost:80", "", "", "", "anyone"},
		{":5050", "", "", "", "signed-in"},
		{"0.0.0.0:5050", "", "", "", "signed-in"},
		{"[::]:5050", "", "", "", "signed-in"},
		{"192.168.0.1:5050", "", "", "", "signed-in"},
		{"somewhere:5050", "", "", "", "signed-in"},
		{"127.0.0.1:5050", "http://localhost:5050/nuget", "", "", "anyone"},
		{"127.0.0.1:5050", "https://nuget.example.org", "", "", "signed-in"},
		{"127.0.0.1:5050", "", "127.0.0.1/32", "", "signed-in"},
		{"127.0.0.1:5050", "", "", "signed-in", "signed-in"},
		{":5050", "https://nuget.example.org", "10.0.0.0/8", "anyone", "anyone"},
	} {
		c := defaults()
		c.Listen, c.URL, c.Access.Read = test.listen, test.url, test.read
		if test.proxy != "" {
			c.TrustedProxies = []string{test.proxy}
		}
		if got := c.read(); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestFeeds(t *testing.T) {
	c := defaults()
	main := gallery.FeedOptions{Name: "main", OpenToRead: true, MaxBytes: 262144000}
	if diff := cmp.Diff([]gallery.FeedOptions{main}, c.FeedOptions()); diff != "" {
		t.Error(diff)
	}
	c.Feeds = []Feed{{Name: "ci", Kind: "test", Read: "signed-in", MaxBytes: 5, Replace: true}, {Name: "main", MaxBytes: 7}, {Name: "old"}}
	main.MaxBytes = 7
	want := []gallery.FeedOptions{
		main,
		{Name: "ci", Kind: gallery.TestFeed, MaxBytes: 5, Replace: true},
		{Name: "old", OpenToRead: true, MaxBytes: 262144000},
	}
	if diff := cmp.Diff(want, c.FeedOptions()); diff != "" {
		t.Error(diff)
	}
	if c.Feeds[0].Name != "ci" {
		t.Error("feeds changed the configuration")
	}
}

func TestNearest(t *testing.T) {
	for _, test := range [][2]string{{"lisen", "listen"}, {"LISTEN", "listen"}, {"dta", "data"}, {"", "url"}, {"sitename", "site.name"}} {
		if got := Nearest(test[0], []string{"data", "listen", "url", "site.name"}); got != test[1] {
			t.Errorf("Nearest(%q) = %q, want %q", test[0], got, test[1])
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add(example())
	f.Add("[[feeds]]\nname = \"ci\"\nretain = {a = 1}")
	f.Add("feeds = [{name = \"x\"}]\nlisten.x = 1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "config.toml")
		write(t, path, text)
		l, err := Read(rules, path, nil)
		if err != nil {
			return
		}
		if c, _, err := l.Merge(); err == nil {
			c.FeedOptions()
			c.read()
		}
	})
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
