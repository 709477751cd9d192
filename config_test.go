package main

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nougat/gallery"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestExampleIsConfig(t *testing.T) {
	const file = "config.example.toml"
	want := exampleConfig()
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
		t.Errorf("%s is not what config.go says; run go test -run TestExampleIsConfig -update .\n%s", file, diff)
	}
}

// TestExampleIsDefault reads the example with every comment sign before a key
// taken away: each key must be known and have its default.
func TestExampleIsDefault(t *testing.T) {
	var lines []string
	for line := range strings.Lines(exampleConfig()) {
		if rest, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(rest, " ") && strings.TrimSpace(rest) != "" {
			line = rest
		}
		lines = append(lines, line)
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	write(t, path, strings.Join(lines, ""))
	l, err := readLayers(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, settings, err := l.merge(noneReserved)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range settings {
		if s.Source != fromFile {
			t.Errorf("the example does not set %s", s.Key)
		}
	}
	want := defaults()
	want.Feeds = []FeedConfig{{Name: "ci", Kind: "test", Read: "signed-in", MaxBytes: 52428800, Replace: true}}
	if diff := cmp.Diff(want.Feeds, c.Feeds); diff != "" {
		t.Error(diff)
	}
	for _, k := range keys() {
		if got, want := c.tomlText(k), want.tomlText(k); got != want {
			t.Errorf("%s = %s in the example, default %s", k.name, got, want)
		}
	}
}

func TestKeys(t *testing.T) {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
		if k.help == "" {
			t.Errorf("%s has no help", k.name)
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
	k := keys()[slices.IndexFunc(keys(), func(k key) bool { return k.name == "publish.max_bytes" })]
	if k.env() != "NOUGAT_PUBLISH_MAX_BYTES" || k.flag() != "publish-max-bytes" {
		t.Errorf("%s is %s and --%s", k.name, k.env(), k.flag())
	}
}

// TestEveryFlag sets each key by each source but "saved", and looks at what is
// in force and whence.
func TestEveryFlag(t *testing.T) {
	values := map[string][2]string{ // as text, as TOML
		"data": {"x", `"x"`}, "listen": {":1", `":1"`}, "url": {"https://a.example", `"https://a.example"`},
		"trusted_proxies": {"10.0.0.0/8,::1/128", `["10.0.0.0/8", "::1/128"]`}, "site.name": {"x", `"x"`},
		"access.read": {"anyone", `"anyone"`}, "signup": {"closed", `"closed"`}, "publish.max_bytes": {"7", "7"},
		"publish.advise_bytes": {"7", "7"}, "publish.similar_ids": {"off", `"off"`}, "publish.license_refs": {"false", "false"},
		"keys.max_days": {"7", "7"}, "log.level": {"debug", `"debug"`}, "log.format": {"json", `"json"`},
	}
	for _, k := range keys() {
		v, ok := values[k.name]
		if !ok {
			t.Errorf("no value for %s", k.name)
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, how := range []struct {
				source, where string
				args, environ []string
				file          string
			}{
				{fromFlag, "--" + k.flag(), []string{"config", "--" + k.flag() + "=" + v[0]}, nil, ""},
				{fromFlag, "--" + k.flag(), []string{"--" + k.flag() + "=" + v[0], "config"}, nil, ""},
				{fromEnvironment, k.env(), []string{"config"}, []string{k.env() + "=" + v[0]}, ""},
				{fromFile, "config.toml", []string{"config"}, nil, k.name + " = " + v[1]},
			} {
				write(t, "config.toml", how.file)
				s := &session{out: os.Stdout, errs: os.Stderr}
				if _, err := s.parse(how.args, how.environ); err != nil {
					t.Fatal(err)
				}
				_, settings, err := s.layers.merge(noneReserved)
				if err != nil {
					t.Fatal(err)
				}
				for _, got := range settings {
					switch {
					case got.Key != k.name && got.Source != fromDefault:
						t.Errorf("%s: %s is set too", how.source, got.Key)
					case got.Key == k.name && (got.TOML != v[1] || got.Source != how.source || got.Where != how.where):
						t.Errorf("%s = %s from %s (%s), want %s from %s (%s)", k.name, got.TOML, got.Source, got.Where, v[1], how.source, how.where)
					}
				}
			}
		})
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "some.toml")
	write(t, path, "[site]\nname = \"file\"\n")
	environ := []string{"NOUGAT_SITE_NAME=environment", "NOUGAT_CONFIG=" + filepath.Join(dir, "absent.toml")}
	s := &session{out: os.Stdout, errs: os.Stderr}
	if _, err := s.parse([]string{"--config", path, "config", "--site-name", "flag"}, environ); err != nil {
		t.Fatal(err)
	}
	if warnings := s.layers.save(map[string]string{"site.name": "saved", "of.later": "x", "access.read": ""}); len(warnings) > 0 {
		t.Error(warnings)
	}
	for _, want := range []string{fromFlag, fromEnvironment, fromFile, fromSaved, fromDefault} {
		c, settings, err := s.layers.merge(noneReserved)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(settings, func(s setting) bool { return s.Key == "site.name" })
		if settings[i].Source != want || want != fromDefault && c.Site.Name != want {
			t.Errorf("site.name = %q from %s, want %s", c.Site.Name, settings[i].Source, want)
		}
		for _, l := range []layer{s.layers.flags, s.layers.environment, s.layers.file, s.layers.saved} {
			if _, ok := l.set["site.name"]; ok {
				delete(l.set, "site.name")
				break
			}
		}
	}
}

// TestSavedNonsense: what a page saved must never keep the gallery from starting.
func TestSavedNonsense(t *testing.T) {
	l := &layers{saved: newLayer(fromSaved), file: newLayer(fromFile), environment: newLayer(fromEnvironment), flags: newLayer(fromFlag)}
	warnings := l.save(map[string]string{"site.name": "a\x00b", "url": "javascript:alert(1)", "keys.max_days": "x", "access.read": "signed-in"})
	if len(warnings) != 3 {
		t.Errorf("warnings: %q", warnings)
	}
	c, _, err := l.merge(noneReserved)
	if err != nil || c.Site.Name != "nougat" || c.URL != "" || c.Access.Read != "signed-in" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		name, file string
		args       []string
		environ    []string
		want       []string
	}{
		{"unknown key", "lisen = \":1\"", nil, nil, []string{"config.toml", `"lisen"`, `"listen"`}},
		{"unknown key in a table", "[publish]\nmaxbytes = 1", nil, nil, []string{`"publish.maxbytes"`, `"publish.max_bytes"`}},
		{"unknown table", "[acess]\nread = \"anyone\"", nil, nil, []string{`"acess"`, `"access"`}},
		{"base_url is url", "base_url = \"https://a.example\"", nil, nil, []string{`"base_url"`}},
		{"letter case", "Listen = \":1\"", nil, nil, []string{`"Listen"`, `"listen"`}},
		{"unknown key of a feed", "[[feeds]]\nname = \"ci\"\nkinds = \"test\"", nil, nil, []string{`"kinds"`, `"kind"`}},
		{"wrong type", "listen = 5", nil, nil, []string{"config.toml", "listen"}},
		{"no TOML", "listen = ", nil, nil, []string{"config.toml", "line 1"}},
		{"wrong value", "listen = \"x\"", nil, nil, []string{"listen", "config.toml", "HOST:PORT"}},
		{"two wrong values", "listen = \"x\"\nsignup = \"y\"", nil, nil, []string{"listen", "signup"}},
		{"environment", "", nil, []string{"NOUGAT_KEYS_MAX_DAYS=many"}, []string{"NOUGAT_KEYS_MAX_DAYS", "whole number"}},
		{"environment, value", "", nil, []string{"NOUGAT_URL=ftp://x"}, []string{"url", "NOUGAT_URL"}},
		{"named by the environment", "", nil, []string{"NOUGAT_CONFIG=absent.toml"}, []string{"absent.toml"}},
		{"named by flag", "", []string{"--config", "absent.toml"}, nil, []string{"absent.toml"}},
		{"unknown flag", "", []string{"--lisen", ":1"}, nil, []string{"--lisen", "--listen"}},
		{"flag far from all", "", []string{"config", "--zzzzzzzzzzzz"}, nil, []string{"--zzzzzzzzzzzz", "nearest"}},
		{"flag of serve", "", []string{"user", "list", "--listen", ":1"}, nil, []string{"--listen", "user list"}},
		{"flag not a number", "", []string{"config", "--keys-max-days", "many"}, nil, []string{"--keys-max-days", "many"}},
		{"unknown verb", "", []string{"srve"}, nil, []string{`"nougat srve"`, `"nougat serve"`}},
		{"unknown verb below", "", []string{"user", "ad"}, nil, []string{`"nougat user ad"`, `"nougat user add"`}},
		{"no verb below", "", []string{"user"}, nil, []string{"add"}},
		{"too many arguments", "", []string{"stop", "now"}, nil, []string{"nougat stop", `"now"`}},
		{"missing argument", "", []string{"user", "add"}, nil, []string{"name"}},
		{"missing owner", "", []string{"key", "add"}, nil, []string{"--owner"}},
		{"two ends", "", []string{"key", "add", "--owner", "ann", "--expires", "soon"}, nil, []string{"--expires"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if test.file != "" {
				write(t, "config.toml", test.file)
			}
			s := &session{out: os.Stdout, errs: os.Stderr}
			_, err := s.parse(test.args, test.environ)
			if err == nil {
				_, _, err = s.layers.merge(noneReserved)
			}
			if err == nil {
				t.Fatal("no error")
			}
			if _, ok := err.(*usageError); !ok {
				t.Errorf("%T, want a usageError", err)
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
	l, err := readLayers("", []string{
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
		{"feed", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci"}} }, ""},
		{"feed with all", func(c *Config) {
			c.Feeds = []FeedConfig{{Name: "ci", Kind: "test", Path: "/ci", Read: "anyone", MaxBytes: 1, Replace: true}}
		}, ""},
		{"main in the list", func(c *Config) { c.Feeds = []FeedConfig{{Name: "main", Path: "/"}} }, ""},
		{"feed without name", func(c *Config) { c.Feeds = []FeedConfig{{}} }, `feeds ""`},
		{"feed with capitals", func(c *Config) { c.Feeds = []FeedConfig{{Name: "CI"}} }, `feeds "CI"`},
		{"feed named like a route", func(c *Config) { c.Feeds = []FeedConfig{{Name: "v3"}} }, `feeds "v3"`},
		{"feed kind", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", Kind: "tests"}} }, `feeds "ci"`},
		{"feed path", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", Path: "/x"}} }, `feeds "ci"`},
		{"feed read", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", Read: "x"}} }, `feeds "ci"`},
		{"feed size", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", MaxBytes: -1}} }, `feeds "ci"`},
		{"release that replaces", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", Replace: true}} }, `feeds "ci"`},
		{"retain", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci", Kind: "test", Retain: "30d"}} }, `feeds "ci"`},
		{"feed twice", func(c *Config) { c.Feeds = []FeedConfig{{Name: "ci"}, {Name: "ci"}} }, `feeds "ci"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := defaults()
			test.change(c)
			problems := c.Check(func(name string) bool { return name == "v3" })
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
	if diff := cmp.Diff([]gallery.FeedOptions{main}, c.feeds()); diff != "" {
		t.Error(diff)
	}
	c.Feeds = []FeedConfig{{Name: "ci", Kind: "test", Read: "signed-in", MaxBytes: 5, Replace: true}, {Name: "main", MaxBytes: 7}, {Name: "old"}}
	main.MaxBytes = 7
	want := []gallery.FeedOptions{
		main,
		{Name: "ci", Kind: gallery.TestFeed, MaxBytes: 5, Replace: true},
		{Name: "old", OpenToRead: true, MaxBytes: 262144000},
	}
	if diff := cmp.Diff(want, c.feeds()); diff != "" {
		t.Error(diff)
	}
	if c.Feeds[0].Name != "ci" {
		t.Error("feeds changed the configuration")
	}
}

func TestNearest(t *testing.T) {
	for _, test := range [][2]string{{"lisen", "listen"}, {"LISTEN", "listen"}, {"dta", "data"}, {"", "url"}, {"sitename", "site.name"}} {
		if got := nearest(test[0], []string{"data", "listen", "url", "site.name"}); got != test[1] {
			t.Errorf("nearest(%q) = %q, want %q", test[0], got, test[1])
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("distance %d", d)
	}
}

func TestSourceLine(t *testing.T) {
	for _, test := range [][3]string{
		{"http://127.0.0.1:5050", "nougat", "dotnet nuget add source http://127.0.0.1:5050/v3/index.json --name nougat --allow-insecure-connections"},
		{"https://example.org/nuget", "Café & Söhne", "dotnet nuget add source https://example.org/nuget/v3/index.json --name caf_s_hne"},
		{"https://example.org", "世界", "dotnet nuget add source https://example.org/v3/index.json --name nougat"},
	} {
		if got := sourceLine(test[0], test[1]); got != test[2] {
			t.Errorf("%s", got)
		}
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add(exampleConfig())
	f.Add("[[feeds]]\nname = \"ci\"\nretain = {a = 1}")
	f.Add("feeds = [{name = \"x\"}]\nlisten.x = 1")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(dir, "config.toml")
		write(t, path, text)
		l, err := readLayers(path, nil)
		if err != nil {
			return
		}
		if c, _, err := l.merge(noneReserved); err == nil {
			c.feeds()
			c.read()
		}
	})
}

func noneReserved(string) bool { return false }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
