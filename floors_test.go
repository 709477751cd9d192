package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors says on which floor each room lies; a room that is not named lies where
// the one around it does. Imports point down, never sideways: cli (5) wires,
// site and server (4) never meet, nor do config, store, server/v3, ui and
// gallery/search (3); server/docs (2) keeps what the protocols render; gallery
// (1) holds the rules, nuget (0) the formats. tests/ and internal/ lie in no
// room: they are for tests.
var floors = map[string]int{
	"nougat":                6,
	"nougat/cli":            5,
	"nougat/site":           4,
	"nougat/server":         4,
	"nougat/config":         3,
	"nougat/store":          3,
	"nougat/server/v3":      3,
	"nougat/ui":             3,
	"nougat/gallery/search": 3,
	"nougat/server/docs":    2,
	"nougat/gallery":        1,
	"nougat/nuget":          0,
}

// neighbours are imports that go sideways on purpose: the backends of the store
// implement what store asks of them.
var neighbours = map[string][]string{
	"nougat/store/bolt":      {"nougat/store"},
	"nougat/store/mem":       {"nougat/store"},
	"nougat/store/dir":       {"nougat/store"},
	"nougat/store/storetest": {"nougat/store", "nougat/store/mem", "nougat/store/bolt", "nougat/store/dir"},
}

// onlyIn says which rooms alone may import a package or what lies below it.
var onlyIn = map[string][]string{
	"github.com/labstack/echo/v4":        {"nougat/server"},
	"go.etcd.io/bbolt":                   {"nougat/store/bolt"},
	"html/template":                      {"nougat/ui"},
	"github.com/yuin/goldmark":           {"nougat/ui"},
	"github.com/microcosm-cc/bluemonday": {"nougat/ui"},
	"github.com/BurntSushi/toml":         {"nougat/config"},
	"github.com/alecthomas/kong":         {"nougat/cli"},
	"nougat/server":                      {"nougat/cli"},
	"nougat/server/docs":                 {"nougat/site", "nougat/server", "nougat/server/v3"},
	"nougat/gallery/search":              {"nougat/site"},
	"nougat/store/storetest":             {},
	"nougat/store/mem":                   {"nougat/store/storetest"},
	"testing":                            {"nougat/store/storetest", "nougat/internal/need"},
	"net/http":                           {"nougat/site", "nougat/server", "nougat/ui"},
}

// nugetMay is what the room of formats may import beside the standard library,
// of which it may not import what reads or writes elsewhere.
var (
	nugetMay    = []string{"golang.org/x/text"}
	nugetMayNot = []string{"os", "net", "os/exec", "io/ioutil", "syscall", "path/filepath", "log", "log/slog"}
)

// modules are the third-party modules in the program, each with its reason.
// Adding one, or losing one, is a change of this list.
var modules = map[string]string{
	"github.com/BurntSushi/toml":         "config.toml",
	"github.com/alecthomas/kong":         "the command line",
	"github.com/aymerick/douceur":        "by bluemonday: CSS in attributes",
	"github.com/gorilla/css":             "by douceur: its scanner",
	"github.com/klauspost/compress":      "faster gzip for documents",
	"github.com/labstack/echo/v4":        "routes",
	"github.com/labstack/gommon":         "by echo: colours and its log interface",
	"github.com/mattn/go-colorable":      "by gommon",
	"github.com/mattn/go-isatty":         "by go-colorable",
	"github.com/microcosm-cc/bluemonday": "the second wall around readme HTML",
	"github.com/valyala/bytebufferpool":  "by fasttemplate",
	"github.com/valyala/fasttemplate":    "by gommon",
	"github.com/yuin/goldmark":           "Markdown of readmes",
	"go.etcd.io/bbolt":                   "records in one file",
	"golang.org/x/crypto":                "argon2id; by echo: acme",
	"golang.org/x/net":                   "by bluemonday: its HTML tokenizer; by echo: http2",
	"golang.org/x/sys":                   "by x/term, x/crypto and bbolt",
	"golang.org/x/term":                  "passwords without echo",
	"golang.org/x/text":                  "Unicode folding and normal forms of names",
}

// A goPackage is what go list says of one.
type goPackage struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

// goList returns packages in the order of go list.
func goList(t *testing.T, environ []string, args ...string) []goPackage {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,Imports,Module"}, args...)...)
	cmd.Env = append(os.Environ(), environ...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, errs.Bytes())
	}
	var all []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// below reports whether a package is root or lies in it.
func below(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

// room returns the room of ours in which a package lies, and its floor.
func room(pkg string) (string, int) {
	for r := pkg; r != "."; r = path.Dir(r) {
		if floor, ok := floors[r]; ok && (r != "nougat" || pkg == "nougat") {
			return r, floor
		}
	}
	return "", -1
}

func TestFloors(t *testing.T) {
	for _, p := range goList(t, nil, "./...") {
		if below(p.ImportPath, "nougat/internal") || below(p.ImportPath, "nougat/tests") {
			continue // for tests and measurements; no room may import it
		}
		from, floor := room(p.ImportPath)
		if from == "" {
			t.Errorf("%s lies in no room; give it a floor", p.ImportPath)
			continue
		}
		for _, imported := range p.Imports {
			for restricted, who := range onlyIn {
				if below(imported, restricted) && !slices.Contains(who, p.ImportPath) && !exempt(p.ImportPath, imported) {
					t.Errorf("%s imports %s, which only %v may", p.ImportPath, imported, who)
				}
			}
			if !below(imported, "nougat") {
				continue
			}
			to, below := room(imported)
			switch {
			case to == "":
				t.Errorf("%s imports %s, which is for tests", p.ImportPath, imported)
			case slices.Contains(neighbours[p.ImportPath], imported):
			case below >= floor:
				t.Errorf("%s (floor %d) imports %s (floor %d): imports point down", p.ImportPath, floor, imported, below)
			}
		}
		if p.ImportPath == "nougat/nuget" {
			for _, imported := range p.Imports {
				first, _, _ := strings.Cut(imported, "/")
				ours := slices.ContainsFunc(nugetMay, func(m string) bool { return below(imported, m) })
				if strings.Contains(first, ".") && !ours || slices.Contains(nugetMayNot, imported) {
					t.Errorf("nuget imports %s: it knows formats, and no file, network or log", imported)
				}
			}
		}
	}
}

// exempt are imports that a line of onlyIn would refuse although they are meant:
// server/v3 and server/docs lie below server in the tree but not on its floor.
func exempt(from, imported string) bool {
	switch {
	case below(imported, "nougat/server/v3"), below(imported, "nougat/server/docs"):
		return from == "nougat/site" || from == "nougat/server" || below(from, "nougat/server/v3")
	}
	return false
}

// TestModules lists the modules of the program on every system that it is built
// for.
func TestModules(t *testing.T) {
	found := make(map[string]bool)
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, p := range goList(t, []string{"GOOS=" + system, "GOARCH=amd64", "CGO_ENABLED=0"}, "-deps", ".") {
			if !p.Standard && p.Module != nil && p.Module.Path != "nougat" {
				found[p.Module.Path] = true
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(found)) {
		if modules[m] == "" {
			t.Errorf("the module %s is in the program: say in the list of modules why", m)
		}
	}
	for _, m := range slices.Sorted(maps.Keys(modules)) {
		if !found[m] {
			t.Errorf("the module %s is not in the program any more: take it from the list of modules", m)
		}
	}
}

// forbidden are words that no source may hold, outside of tests, each with the
// reason.
var forbidden = map[string]string{
	"http.MaxBytesReader":  "it cuts the connection, and the client never learns why: sizes are counted by ours (ENG-4)",
	"middleware.BodyLimit": "as http.MaxBytesReader",
	"middleware.Gzip":      "documents are compressed once and kept",
	"http.TimeoutHandler":  "it holds the whole answer in memory",
	"func init()":          "nothing registers itself",
	"http.DefaultServeMux": "no global state",
	"http.DefaultClient":   "no global state",
	"log.Fatal":            "errors are returned; cli has the exit codes",
}

func TestForbiddenWords(t *testing.T) {
	for file, text := range sources(t) {
		if strings.HasSuffix(file, "_test.go") || below(file, "internal") {
			continue
		}
		for word, why := range forbidden {
			if strings.Contains(text, word) {
				t.Errorf("%s says %s: %s", file, word, why)
			}
		}
	}
}

// TestRoomNames keeps rooms and files from being named for nothing.
func TestRoomNames(t *testing.T) {
	for file := range sources(t) {
		for part := range strings.SplitSeq(strings.TrimSuffix(file, ".go"), "/") {
			if slices.Contains([]string{"util", "utils", "helper", "helpers", "common", "types", "misc"}, part) {
				t.Errorf("%s: name it for the thing that it holds", file)
			}
		}
	}
}

// sources returns the Go files of the repository by their path.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(file) != ".go":
			return nil
		}
		text, err := os.ReadFile(file)
		all[filepath.ToSlash(file)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// writers are the files that may write to the store, each with its reason. What
// somebody does goes through the door; the rest changes by itself.
var writers = map[string]string{
	"gallery/door.go":   "every act",
	"gallery/upkeep.go": "what changes by itself",
	"store/schema.go":   "the schema of a database, before anybody uses it",
}

// upkeepers are the files that may call upkeep, which asks no rights.
var upkeepers = map[string]string{
	"gallery/gallery.go":   "makes the feeds of the configuration",
	"gallery/gc.go":        "sweeps unused files and wiped generations",
	"gallery/downloads.go": "counts downloads",
	"gallery/keyuse.go":    "notes when a key was used",
	"gallery/sessions.go":  "notes when a session was used",
	"gallery/password.go":  "renews the parameters of a password's hash",
}

// TestOneDoor holds that nothing is written past the door: a change of a person,
// a key or the operator that is not an Act fails here.
func TestOneDoor(t *testing.T) {
	upkeeps := make(map[string]bool)
	for file, text := range sources(t) {
		if strings.HasSuffix(file, "_test.go") || below(file, "internal") || below(file, "store") && writers[file] == "" || below(file, "nuget") {
			continue // backends implement Update; nuget has hashes
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			switch s.Sel.Name {
			case "Update":
				if writers[file] == "" {
					t.Errorf("%s uses Update: make it an Act and use Do (gallery/door.go), or upkeep for what changes by itself", file)
				}
			case "upkeep":
				upkeeps[file] = true
				if upkeepers[file] == "" {
					t.Errorf("%s uses upkeep, which asks no rights: make it an Act and use Do (gallery/door.go)", file)
				}
			}
			return true
		})
	}
	for file := range upkeepers {
		if !upkeeps[file] {
			t.Errorf("%s uses upkeep no more: take it from the list", file)
		}
	}
}
