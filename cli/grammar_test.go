package cli

import (
	"io"
	"os"
	"strings"
	"testing"

	"nougat/config"
)

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
	for _, k := range config.Keys() {
		v, ok := values[k.Name]
		if !ok {
			t.Errorf("no value for %s", k.Name)
			continue
		}
		t.Run(k.Name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, how := range []struct {
				source, where string
				args, environ []string
				file          string
			}{
				{config.FromFlag, "--" + k.Flag(), []string{"config", "--" + k.Flag() + "=" + v[0]}, nil, ""},
				{config.FromFlag, "--" + k.Flag(), []string{"--" + k.Flag() + "=" + v[0], "config"}, nil, ""},
				{config.FromEnvironment, k.Env(), []string{"config"}, []string{k.Env() + "=" + v[0]}, ""},
				{config.FromFile, "config.toml", []string{"config"}, nil, k.Name + " = " + v[1]},
			} {
				write(t, "config.toml", how.file)
				r := &run{out: os.Stdout, errs: os.Stderr}
				if _, err := r.parse(how.args, how.environ); err != nil {
					t.Fatal(err)
				}
				_, settings, err := r.layers.Merge()
				if err != nil {
					t.Fatal(err)
				}
				for _, got := range settings {
					switch {
					case got.Key != k.Name && got.Source != config.FromDefault:
						t.Errorf("%s: %s is set too", how.source, got.Key)
					case got.Key == k.Name && (got.TOML != v[1] || got.Source != how.source || got.Where != how.where):
						t.Errorf("%s = %s from %s (%s), want %s from %s (%s)", k.Name, got.TOML, got.Source, got.Where, v[1], how.source, how.where)
					}
				}
			}
		})
	}
}

// TestUsageErrors: a mistake on the command line is answered with what is wrong
// and what is nearest. Those in the configuration are package config's.
func TestUsageErrors(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want []string
	}{
		{"named by flag", []string{"--config", "absent.toml"}, []string{"absent.toml"}},
		{"unknown flag", []string{"--lisen", ":1"}, []string{"--lisen", "--listen"}},
		{"flag far from all", []string{"config", "--zzzzzzzzzzzz"}, []string{"--zzzzzzzzzzzz", "nearest"}},
		{"flag of serve", []string{"user", "list", "--listen", ":1"}, []string{"--listen", "user list"}},
		{"flag not a number", []string{"config", "--keys-max-days", "many"}, []string{"--keys-max-days", "many"}},
		{"unknown verb", []string{"srve"}, []string{`"nougat srve"`, `"nougat serve"`}},
		{"unknown verb below", []string{"user", "ad"}, []string{`"nougat user ad"`, `"nougat user add"`}},
		{"no verb below", []string{"user"}, []string{"add"}},
		{"too many arguments", []string{"stop", "now"}, []string{"nougat stop", `"now"`}},
		{"missing argument", []string{"user", "add"}, []string{"name"}},
		{"missing owner", []string{"key", "add"}, []string{"--owner"}},
		{"two ends", []string{"key", "add", "--owner", "ann", "--expires", "soon"}, []string{"--expires"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			r := &run{out: os.Stdout, errs: os.Stderr}
			_, err := r.parse(test.args, nil)
			if err == nil {
				t.Fatal("no error")
			}
			if report(io.Discard, err) != exitUsage {
				t.Errorf("%T is no mistake of usage", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
		})
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

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
