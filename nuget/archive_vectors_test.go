package nuget

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"nougat/internal/need"

	"github.com/google/go-cmp/cmp"
)

// packageRow is a row of packages.jsonl: what NuGet's own reader says of one
// real package. The field contentHash and all that is inside signature wait for
// the issue that reads signatures.
type packageRow struct {
	File, SHA512, ID, Version, Normalized                        string
	Bytes                                                        int64
	Title, Authors, Owners, Summary, Tags, Copyright, Language   string
	ProjectURL, IconURL, LicenseURL, Icon, Readme                string
	LicenseType, License, MinClientVersion                       string
	RequireLicenseAcceptance, DevelopmentDependency, Serviceable bool
	Repository                                                   *Repository
	Types                                                        []string
	Dependencies                                                 []dependencyRow
	FrameworkReferences, FrameworkAssemblies                     []namesRow
	Supported                                                    []string
	Signature                                                    *struct{}
}

type dependencyRow struct {
	Framework string
	Packages  []struct{ ID, Range, Include, Exclude string }
}

type namesRow struct {
	Framework string
	Names     []string
}

// TestVectorsPackages checks, inflates and reads real packages, and compares
// every field with what NuGet's own reader found. The rows and the packages are
// not in this repository: packages lie in ../corpus/packages beside the rows'
// folder, or beside the usual one.
func TestVectorsPackages(t *testing.T) {
	rows := os.Getenv("NOUGAT_VECTORS")
	if _, err := os.Stat(filepath.Join(rows, "packages.jsonl")); rows == "" || err != nil {
		rows = need.Dir(t, "vectors", need.Shared(t, "vectors"))
		t.Setenv("NOUGAT_VECTORS", rows)
	}
	packages := filepath.Join(rows, "..", "corpus", "packages")
	if _, err := os.Stat(packages); err != nil {
		packages = need.Dir(t, "corpus", need.Shared(t, "corpus", "packages"))
	}
	for _, want := range vectorRows[packageRow](t, "packages") {
		t.Run(want.File, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(packages, want.File))
			if err != nil {
				need.Missing(t, "corpus", err.Error())
			}
			a, err := CheckArchive(bytes.NewReader(content), int64(len(content)), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if err := a.Inflate(t.Context()); err != nil {
				t.Error(err)
			}
			checked, err := a.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			hash := sha512.Sum512(content)
			got := describePackage(a, checked)
			got.File, got.Bytes, got.SHA512 = want.File, int64(len(content)), base64.StdEncoding.EncodeToString(hash[:])
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("NuGet's reader (-) and this one (+) differ:\n%s", diff)
			}

			opened, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			read, err := opened.Manifest()
			if err != nil {
				t.Fatal(err)
			}
			read.Warnings = checked.Warnings
			if diff := cmp.Diff(describePackage(a, checked), describePackage(opened, read)); diff != "" {
				t.Errorf("CheckArchive (-) and OpenArchive (+) differ:\n%s", diff)
			}
			for _, name := range []string{checked.Icon, checked.Readme} {
				if name == "" {
					continue
				}
				file, err := opened.ReadFile(name, 1<<20)
				if err != nil || len(file) == 0 {
					t.Errorf("%s: %d bytes, %v", name, len(file), err)
				}
			}
		})
	}
}

// describePackage writes what a and m say in the form of a row.
func describePackage(a *Archive, m *Manifest) packageRow {
	row := packageRow{
		ID: string(m.ID), Version: m.Version.Original(), Normalized: m.Version.String(),
		Title: m.Title, Authors: m.Authors, Owners: m.Owners, Summary: m.Summary, Tags: m.RawTags, Copyright: m.Copyright, Language: m.Language,
		ProjectURL: m.ProjectURL, IconURL: m.IconURL, LicenseURL: m.LicenseURL, Icon: m.Icon, Readme: m.Readme,
		RequireLicenseAcceptance: m.RequireLicenseAcceptance, DevelopmentDependency: m.DevelopmentDependency, Serviceable: m.Serviceable,
		Repository: m.Repository,
		Types:      []string{}, Dependencies: []dependencyRow{},
		FrameworkReferences: []namesRow{}, FrameworkAssemblies: []namesRow{}, Supported: []string{},
	}
	if m.License != nil {
		row.License, row.LicenseType = m.License.Text, map[string]string{"file": "File", "expression": "Expression"}[m.License.Type]
	}
	if v, err := ParseVersion(m.MinClientVersion); err == nil {
		row.MinClientVersion = v.String()
	}
	for _, t := range m.PackageTypes {
		row.Types = append(row.Types, t.Name)
	}
	for _, g := range m.DependencyGroups {
		group := dependencyRow{Framework: g.Framework.String(), Packages: []struct{ ID, Range, Include, Exclude string }{}}
		for _, d := range g.Dependencies {
			group.Packages = append(group.Packages, struct{ ID, Range, Include, Exclude string }{d.ID, d.Range.String(), d.Include, d.Exclude})
		}
		row.Dependencies = append(row.Dependencies, group)
	}
	for _, g := range m.FrameworkReferences {
		row.FrameworkReferences = append(row.FrameworkReferences, namesRow{g.Framework.String(), append([]string{}, g.Names...)})
	}
	row.FrameworkAssemblies = groupAssemblies(m.FrameworkAssemblies)
	for _, f := range a.Frameworks() {
		row.Supported = append(row.Supported, f.String())
	}
	if a.Signed() {
		row.Signature = new(struct{})
	}
	return row
}

// groupAssemblies turns the list of assemblies around as NuspecReader does: a
// group for each framework, both sorted.
func groupAssemblies(assemblies []FrameworkAssembly) []namesRow {
	names := make(map[Framework][]string)
	for _, a := range assemblies {
		for _, f := range a.Frameworks {
			if a.Name == "" {
				names[f] = append([]string{}, names[f]...) // a group without names, at least
			} else if !slices.ContainsFunc(names[f], func(name string) bool { return strings.EqualFold(name, a.Name) }) {
				names[f] = append(names[f], a.Name)
			}
		}
	}
	groups := []namesRow{}
	for _, f := range slices.SortedFunc(maps.Keys(names), compareFrameworks) {
		slices.SortFunc(names[f], func(a, b string) int { return strings.Compare(strings.ToUpper(a), strings.ToUpper(b)) })
		groups = append(groups, namesRow{f.String(), names[f]})
	}
	return groups
}

// BenchmarkOpenArchive is what a read of a stored package costs: directory and
// manifest.
func BenchmarkOpenArchive(b *testing.B) {
	packages := need.Dir(b, "corpus", need.Shared(b, "corpus", "packages"))
	for _, name := range []string{"stylecop.analyzers.1.2.0-beta.556.nupkg", "newtonsoft.json.13.0.4.nupkg", "system.text.json.8.0.5.nupkg"} {
		f, err := os.Open(filepath.Join(packages, name))
		if err != nil {
			b.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			b.Fatal(err)
		}
		run := func(what string, read func(*Archive) error) {
			b.Run(name+"/"+what, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					a, err := OpenArchive(f, info.Size())
					if err == nil {
						err = read(a)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("directory", func(*Archive) error { return nil })
		run("nuspec", func(a *Archive) error { _, err := a.Nuspec(); return err })
		run("manifest", func(a *Archive) error { _, err := a.Manifest(); return err })
		b.Run(name+"/check", func(b *testing.B) {
			for b.Loop() {
				if _, err := CheckArchive(f, info.Size(), Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/inflate", func(b *testing.B) {
			a, err := OpenArchive(f, info.Size())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(info.Size())
			for b.Loop() {
				if err := a.Inflate(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		f.Close()
	}
}
