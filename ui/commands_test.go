package ui

import (
	"encoding/xml"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		write(t, path, []byte(got))
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; -update writes it\n%s", path, got)
	}
}

// listing writes commands as they are shown.
func listing(b *strings.Builder, commands []command) {
	for _, c := range commands {
		if c.Caption != "" {
			b.WriteString("  [" + c.Caption + "]\n")
		}
		for _, l := range c.Lines() {
			b.WriteString("  " + strings.TrimSpace(c.Prompt+" ") + strings.TrimRight(" "+l, " ") + "\n")
		}
	}
}

// TestInstallCommands holds every command of the install box to the letter.
func TestInstallCommands(t *testing.T) {
	var b strings.Builder
	for _, tt := range []struct {
		name        string
		types       []string
		development bool
	}{
		{"library", nil, false}, {"development dependency", []string{"dependency"}, true}, {"tool", []string{"DotnetTool"}, false}, {"template", []string{"Template"}, false},
		{"SDK", []string{"MSBuildSdk"}, false}, {"tool and library", []string{"DotnetTool", "Dependency"}, false}, {"tool for a platform", []string{"DotnetToolRidPackage"}, false}, {"unknown", []string{"Contoso.Own"}, false},
	} {
		b.WriteString("# " + tt.name + "\n")
		for _, tab := range installTabs("Contoso.Text", "3.2.0-rc.1", tt.types, tt.development) {
			b.WriteString(tab.Key + ": " + tab.Label + "\n")
			listing(&b, tab.Commands)
		}
	}
	if strings.Contains(b.String(), "--source") {
		t.Error("an install command names a source (Q-56)")
	}
	golden(t, "install.txt", b.String())
}

// TestConnectCommands holds every command of Connect to the letter, for a
// private feed by HTTPS and an open one by plain HTTP.
func TestConnectCommands(t *testing.T) {
	var b strings.Builder
	for _, tab := range connectTabs {
		private := connectPage(tab.Key)
		open := connectPage(tab.Key)
		open.Private, open.User, open.Source = false, nil, "contoso feed"
		open.Index, open.Push = "http://127.0.0.1:5050/g/v3/index.json", "http://127.0.0.1:5050/g/v3/package/"
		open.Key = &NewKey{Value: sampleKey, MayPush: true}
		for _, p := range []ConnectPage{private, open} {
			b.WriteString("# " + tab.Label + ", " + map[bool]string{true: "private, HTTPS", false: "open, HTTP, new key"}[p.Private] + "\n")
			for _, s := range connect(p).steps() {
				b.WriteString("- " + s.Text + "\n")
				for _, f := range s.Facts {
					b.WriteString("  " + f.Name + " = " + f.Value + "\n")
				}
				listing(&b, s.Commands)
				for _, n := range s.Notes {
					b.WriteString("  (" + n + ")\n")
				}
			}
		}
	}
	golden(t, "connect.txt", b.String())
}

// TestInsecureFlag: plain HTTP is said to every client that must be told, and
// HTTPS to none (PROTO-11.3).
func TestInsecureFlag(t *testing.T) {
	for _, tab := range connectTabs {
		for _, scheme := range []string{"http", "https"} {
			p := connectPage(tab.Key)
			p.Index = scheme + "://nuget.contoso.example/v3/index.json"
			var b strings.Builder
			for _, s := range connect(p).steps() {
				listing(&b, s.Commands)
				b.WriteString(strings.Join(s.Notes, "\n"))
			}
			said := strings.Contains(strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(b.String())), "allowinsecureconnections")
			if want := scheme == "http" && tab.Key != ClientPaket; said != want {
				t.Errorf("%s over %s: says so %v, want %v", tab.Label, scheme, said, want)
			}
		}
	}
}

func TestSourceName(t *testing.T) {
	for _, tt := range []struct{ brand, feed, want string }{
		{"Contoso packages", "main", "contoso_packages"}, {"", "main", "nougat"}, {"nougat", "", "nougat"}, {"Contoso", "test-1", "contoso_test_1"},
		{"7 dwarfs", "main", "feed_7_dwarfs"}, {"Ünïcode", "main", "n_code"}, {"日本", "main", "nougat"},
	} {
		if got := SourceName(tt.brand, tt.feed); got != tt.want {
			t.Errorf("SourceName(%q, %q) = %q, want %q", tt.brand, tt.feed, got, tt.want)
		}
	}
}

// TestXMLName follows XmlConvert.EncodeLocalName, which NuGet uses for the
// elements of packageSourceCredentials.
func TestXMLName(t *testing.T) {
	for source, want := range map[string]string{
		"contoso": "contoso", "Contoso feed 2": "Contoso_x0020_feed_x0020_2", "2nd feed": "_x0032_nd_x0020_feed", "a-b.c_d": "a-b.c_d",
		"a/b": "a_x002F_b", "a_x0020_ b": "a_x005F_x0020__x0020_b", "a&b": "a_x0026_b", "é": "_x00E9_", "a 😀": "a_x0020__x0001F600_",
	} {
		got := xmlName(source)
		if got != want {
			t.Errorf("xmlName(%q) = %q, want %q", source, got, want)
		}
		if err := xml.Unmarshal([]byte("<"+got+"/>"), new(any)); err != nil {
			t.Errorf("%q is no name of an element: %v", got, err)
		}
	}
}

// TestConfigIsXML: whatever the source is called, what stands in nuget.config is
// well-formed and says that name.
func TestConfigIsXML(t *testing.T) {
	for _, name := range []string{"contoso", "Contoso feed 2", `a"b<c>&d`, "1.0", hostile} {
		p := connectPage(ClientConfig)
		p.Source, p.Index = name, `http://x.example/v3/index.json?a=1&b="2"`
		var config struct {
			Sources []struct {
				Key   string `xml:"key,attr"`
				Value string `xml:"value,attr"`
			} `xml:"packageSources>add"`
		}
		if err := xml.Unmarshal([]byte(connect(p).steps()[0].Commands[0].Text), &config); err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if len(config.Sources) != 1 || config.Sources[0].Key != name || config.Sources[0].Value != p.Index {
			t.Errorf("%q: nuget.config says %+v", name, config.Sources)
		}
		if err := xml.Unmarshal([]byte(viewConnect(p).Mapping.Text), new(struct{})); err != nil {
			t.Errorf("%q: mapping: %v", name, err)
		}
	}
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{
		"contoso": "contoso", "https://a.example:5050/v3/index.json": "https://a.example:5050/v3/index.json", "a b": `"a b"`, "": `""`,
		`a"; rm -rf $HOME`: `"a; rm -rf HOME"`, "`x`": `"x"`, "a&b": `"a&b"`, `a\b`: `"ab"`,
	} {
		if got := shellWord(in); got != want {
			t.Errorf("shellWord(%q) = %s, want %s", in, got, want)
		}
	}
}
