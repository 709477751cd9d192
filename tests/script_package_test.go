package tests

import (
	"encoding/xml"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"nougat/internal/pack"
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
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), p.pack(), 0o666))
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
func (p *testPackage) pack() []byte {
	var more strings.Builder
	element := func(name, text string) {
		fmt.Fprintf(&more, "<%s>%s</%s>", name, escaped(text), strings.Fields(name)[0])
	}
	for _, name := range slices.Sorted(maps.Keys(p.fields)) {
		switch name {
		case "authors", "description":
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
		fmt.Fprintf(&more, "<packageTypes><packageType name=%q /></packageTypes>", p.packageType)
	}
	fmt.Fprintf(&more, "<dependencies><group targetFramework=%q>", p.framework)
	for _, d := range p.dependencies {
		fmt.Fprintf(&more, "<dependency id=%q version=%q />", d[0], d[1])
	}
	more.WriteString("</group></dependencies>")
	nuspec := pack.Nuspec(pack.Spec{
		ID: escaped(p.id), Version: escaped(p.version), Authors: escaped(p.fields["authors"]), Description: escaped(p.fields["description"]),
		Metadata: more.String(), Bare: true,
	})
	files := []pack.File{
		{Name: p.nuspec, Data: []byte(nuspec)},
		{Name: "[Content_Types].xml", Data: []byte(`<?xml version="1.0" encoding="utf-8"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml" /><Default Extension="nuspec" ContentType="application/octet" /><Default Extension="md" ContentType="application/octet" /><Default Extension="bin" ContentType="application/octet" /></Types>`)},
		{Name: "_rels/.rels", Data: []byte(`<?xml version="1.0" encoding="utf-8"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Type="http://schemas.microsoft.com/packaging/2010/07/manifest" Target="/` + p.nuspec + `" Id="R1" /></Relationships>`)},
		{Name: "lib/" + p.framework + "/_._"},
	}
	if p.readme != "" {
		files = append(files, pack.File{Name: "README.md", Data: []byte(p.readme)})
	}
	if p.size > 0 {
		files = append(files, pack.File{Name: "content/noise.bin", Data: noise(uint64(len(p.id)+len(p.version)), p.size)})
	}
	return pack.Zip(files...)
}

// escaped is text as it stands in XML.
func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
