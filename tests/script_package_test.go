package tests

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func cmdNupkg(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: nupkg FILE ID VERSION [FLAG...]")
	}
	p := newPackage(args[1], args[2])
	flags := flag.NewFlagSet("nupkg", flag.ContinueOnError)
	flags.Func("dep", "", func(s string) error {
		id, versions, ok := strings.Cut(s, ":")
		if !ok {
			return fmt.Errorf("%q is not ID:RANGE", s)
		}
		p.dependencies = append(p.dependencies, [2]string{id, versions})
		return nil
	})
	flags.StringVar(&p.framework, "framework", p.framework, "")
	flags.StringVar(&p.packageType, "type", "", "")
	flags.StringVar(&p.nuspec, "nuspec", p.nuspec, "")
	flags.StringVar(&p.readme, "readme", "", "")
	flags.IntVar(&p.size, "size", 0, "")
	for _, field := range []string{"title", "description", "authors", "tags", "license", "release-notes"} {
		flags.Func(field, "", func(s string) error { p.fields[field] = s; return nil })
	}
	ts.Check(flags.Parse(args[3:]))
	content, err := p.pack()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), content, 0o666))
}

// A testPackage is a small package that a script packs.
type testPackage struct {
	id, version  string
	framework    string
	packageType  string
	nuspec       string // its file name
	readme       string
	size         int // bytes of a file that does not compress
	fields       map[string]string
	dependencies [][2]string
}

func newPackage(id, version string) *testPackage {
	return &testPackage{id: id, version: version, framework: "netstandard2.0", nuspec: id + ".nuspec", fields: map[string]string{
		"authors": "nougat", "description": "A package of the tests.",
	}}
}

// pack returns the bytes of the package, the same ones for the same fields.
func (p *testPackage) pack() ([]byte, error) {
	var spec strings.Builder
	element := func(name, text string) {
		fmt.Fprintf(&spec, "    <%s>", name)
		_ = xml.EscapeText(&spec, []byte(text))
		fmt.Fprintf(&spec, "</%s>\n", strings.Fields(name)[0])
	}
	spec.WriteString("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<package xmlns=\"http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd\">\n  <metadata>\n")
	element("id", p.id)
	element("version", p.version)
	for _, name := range slices.Sorted(maps.Keys(p.fields)) {
		switch name {
		case "license":
			element(`license type="expression"`, p.fields[name])
		case "release-notes":
			element("releaseNotes", p.fields[name])
		default:
			element(name, p.fields[name])
		}
	}
	if p.readme != "" {
		element("readme", "README.md")
	}
	if p.packageType != "" {
		fmt.Fprintf(&spec, "    <packageTypes><packageType name=%q /></packageTypes>\n", p.packageType)
	}
	fmt.Fprintf(&spec, "    <dependencies>\n      <group targetFramework=%q>\n", p.framework)
	for _, d := range p.dependencies {
		fmt.Fprintf(&spec, "        <dependency id=%q version=%q />\n", d[0], d[1])
	}
	spec.WriteString("      </group>\n    </dependencies>\n  </metadata>\n</package>\n")

	files := [][2]string{
		{p.nuspec, spec.String()},
		{"[Content_Types].xml", `<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" /><Default Extension="nuspec" ContentType="application/octet" /><Default Extension="md" ContentType="application/octet" /><Default Extension="bin" ContentType="application/octet" /></Types>`},
		{"_rels/.rels", `<?xml version="1.0" encoding="utf-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/` + p.nuspec + `" Id="R1" /></Relationships>`},
		{"lib/" + p.framework + "/_._", ""},
	}
	if p.readme != "" {
		files = append(files, [2]string{"README.md", p.readme})
	}
	if p.size > 0 {
		noise, state := make([]byte, p.size), uint64(len(p.id)+len(p.version)+1)
		for i := range noise { // xorshift: the same noise everywhere
			state ^= state << 13
			state ^= state >> 7
			state ^= state << 17
			noise[i] = byte(state)
		}
		files = append(files, [2]string{"content/noise.bin", string(noise)})
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f[0], Method: zip.Deflate, Modified: time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC)})
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(w, f[1]); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}
