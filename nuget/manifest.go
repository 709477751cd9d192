package nuget

import (
	"slices"
	"strings"
)

// Manifest is what a .nuspec says of its package (PROTO-12.2). Text is as
// written, blanks around it included: NuGet's own reader does the same.
type Manifest struct {
	ID      ID
	Version Version

	Title, Authors, Owners, Description, Summary, ReleaseNotes, Copyright, Language string

	// Tags is RawTags split at blanks, tabs, commas and semicolons (R-PKG-10).
	Tags    []string
	RawTags string

	ProjectURL, IconURL, LicenseURL string
	// Icon and Readme are paths inside the package, as the nuspec writes them.
	Icon, Readme string
	// MinClientVersion is the attribute's text; empty when absent.
	MinClientVersion string

	License *License // nil without a <license>

	RequireLicenseAcceptance, DevelopmentDependency, Serviceable bool

	Repository          *Repository // nil without a <repository>
	PackageTypes        []PackageType
	DependencyGroups    []DependencyGroup
	FrameworkReferences []FrameworkReferenceGroup
	FrameworkAssemblies []FrameworkAssembly

	// Warnings are sentences about what was taken although it is not as it
	// should be. Only CheckManifest writes them.
	Warnings []string
	// Namespace is that of the metadata element; empty when it has none.
	Namespace string
}

// License is the element <license>.
type License struct {
	// Type is "expression" or "file", in lower case.
	Type string
	// Text is the SPDX expression or the path of the file, without blanks around it.
	Text string
	// Version is the attribute's text, or "1.0.0" when absent.
	Version string
}

// Repository is the element <repository>.
type Repository struct{ Type, URL, Branch, Commit string }

func (r *Repository) isGit() bool { return strings.EqualFold(r.Type, "git") }

// ShownURL is URL when documents and pages may show it: an absolute address by
// https, or for a git repository also by git; else "" (R-PKG-09).
func (r *Repository) ShownURL() string {
	u, address := parseAddress(r.URL)
	if u == nil || u.Scheme != "https" && !(r.isGit() && u.Scheme == "git") {
		return ""
	}
	return address
}

// PackageType is one <packageType>. Version is empty when absent.
type PackageType struct{ Name, Version string }

// DependencyGroup is the dependencies for one framework.
type DependencyGroup struct {
	// Framework is any when the group names none.
	Framework Framework
	// FrameworkText is the attribute as written.
	FrameworkText string
	Dependencies  []Dependency
}

// Dependency is one <dependency>. Include and Exclude are lists of asset
// kinds, sorted and joined by commas.
type Dependency struct {
	ID               string
	Range            Range
	Include, Exclude string
}

// FrameworkReferenceGroup is the shared frameworks asked for by one framework.
type FrameworkReferenceGroup struct {
	Framework Framework
	Names     []string
}

// FrameworkAssembly is one <frameworkAssembly>. Frameworks holds any when the
// element names none.
type FrameworkAssembly struct {
	Name       string
	Frameworks []Framework
}

// Types returns PackageTypes, or the type Dependency when there are none
// (R-PKG-12).
func (m *Manifest) Types() []PackageType {
	if len(m.PackageTypes) == 0 {
		return []PackageType{{Name: "Dependency"}}
	}
	return m.PackageTypes
}

// HasType tells whether the package has the type name, in any letter case.
func (m *Manifest) HasType(name string) bool {
	for _, t := range m.Types() {
		if strings.EqualFold(t.Name, name) {
			return true
		}
	}
	return false
}

// IsSemVer2 tells whether the package's version or any bound of a dependency
// is a SemVer 2 version (PROTO-3).
func (m *Manifest) IsSemVer2() bool {
	if m.Version.IsSemVer2() {
		return true
	}
	for _, g := range m.DependencyGroups {
		for _, d := range g.Dependencies {
			if d.Range.IsSemVer2() {
				return true
			}
		}
	}
	return false
}

// ReadManifest reads the nuspec of a package that was accepted before, as
// leniently as NuGet's NuspecReader: of an element that stands twice the first
// counts, and what does not parse is left out. The error, a *Problem, says that
// the XML, the ID or the version cannot be read.
func ReadManifest(nuspec []byte) (*Manifest, error) {
	d, problem := parseNuspec(nuspec)
	if problem != nil {
		return nil, problem
	}
	m := d.manifest()
	if m.ID == "" {
		return nil, requiredProblem("id")
	}
	if m.Version.IsZero() {
		return nil, versionProblem(d.text("version"))
	}
	return m, nil
}

// nuspec is a parsed manifest. Its methods find elements the way NuspecReader
// does: most by name within the default namespace of the metadata element, and
// those of value by name alone, in any letter case.
type nuspec struct{ root, metadata *element }

func parseNuspec(document []byte) (nuspec, *Problem) {
	root, problem := parseManifestXML(document)
	if problem != nil {
		return nuspec{}, problem
	}
	// Old packages declare their namespace on metadata and not on package.
	for _, e := range root.children {
		if e.name == "metadata" {
			return nuspec{root, e}, nil
		}
	}
	return nuspec{}, manifestProblem("metadata", "the element metadata is missing")
}

// elements returns the children of e that have the name and the namespace.
func (e *element) elements(name, space string) []*element {
	var found []*element
	for _, child := range e.children {
		if child.name == name && child.space == space {
			found = append(found, child)
		}
	}
	return found
}

// all returns the children of metadata with that name.
func (d nuspec) all(name string) []*element { return d.metadata.elements(name, d.metadata.scope) }

// grandchildren returns the elements named inner in all elements named outer.
func (d nuspec) grandchildren(outer, inner string) []*element {
	var found []*element
	for _, e := range d.all(outer) {
		found = append(found, e.elements(inner, d.metadata.scope)...)
	}
	return found
}

func (d nuspec) child(name string) *element {
	if all := d.all(name); len(all) > 0 {
		return all[0]
	}
	return nil
}

// text returns the text of the first child with that name.
func (d nuspec) text(name string) string {
	if e := d.child(name); e != nil {
		return e.text
	}
	return ""
}

// value returns the first text, in any namespace, of an element with that name
// in any letter case which holds text and no elements.
func (d nuspec) value(name string) string {
	for _, e := range d.metadata.children {
		if len(e.children) == 0 && e.text != "" && strings.EqualFold(e.name, name) {
			return e.text
		}
	}
	return ""
}

// manifest reads all but the warnings. ID and Version stay zero when they
// cannot be read.
func (d nuspec) manifest() *Manifest {
	m := &Manifest{
		ID:                  ID(d.text("id")),
		Title:               d.value("title"),
		Authors:             d.value("authors"),
		Owners:              d.value("owners"),
		Description:         d.value("description"),
		Summary:             d.value("summary"),
		ReleaseNotes:        d.value("releaseNotes"),
		Copyright:           d.value("copyright"),
		Language:            d.text("language"),
		RawTags:             d.value("tags"),
		ProjectURL:          d.value("projectUrl"),
		IconURL:             d.value("iconUrl"),
		LicenseURL:          d.text("licenseUrl"),
		Icon:                d.text("icon"),
		Readme:              d.text("readme"),
		MinClientVersion:    strings.TrimSpace(d.metadata.attribute("minClientVersion")),
		License:             d.license(),
		PackageTypes:        d.packageTypes(),
		DependencyGroups:    d.dependencyGroups(),
		FrameworkReferences: d.frameworkReferences(),
		FrameworkAssemblies: d.frameworkAssemblies(),
		Namespace:           d.metadata.space,
	}
	m.Version, _ = ParseVersion(d.text("version"))
	m.RequireLicenseAcceptance = strings.EqualFold(d.value("requireLicenseAcceptance"), "true")
	m.DevelopmentDependency = isTrue(d.text("developmentDependency"))
	m.Serviceable = isTrue(d.text("serviceable"))
	m.Tags = strings.FieldsFunc(m.RawTags, func(c rune) bool { return strings.ContainsRune(" ,;\t\r\n", c) })
	if e := d.child("repository"); e != nil {
		m.Repository = &Repository{Type: e.attribute("type"), URL: e.attribute("url"), Branch: e.attribute("branch"), Commit: e.attribute("commit")}
	}
	return m
}

// isTrue takes what xs:boolean allows for true, and other letter case.
func isTrue(text string) bool {
	text = strings.TrimSpace(text)
	return text == "1" || strings.EqualFold(text, "true")
}

func (d nuspec) license() *License {
	e := d.child("license")
	if e == nil {
		return nil
	}
	l := License{Type: strings.ToLower(strings.TrimSpace(e.attribute("type"))), Text: strings.TrimSpace(e.text), Version: "1.0.0"}
	if l.Type != "expression" && l.Type != "file" {
		return nil
	}
	if version, ok := e.lookup("version"); ok {
		l.Version = strings.TrimSpace(version)
	}
	return &l
}

func (d nuspec) packageTypes() []PackageType {
	var types []PackageType
	for _, e := range d.grandchildren("packageTypes", "packageType") {
		if name := strings.TrimSpace(e.attribute("name")); name != "" {
			types = append(types, PackageType{Name: name, Version: strings.TrimSpace(e.attribute("version"))})
		}
	}
	return types
}

// dependencyGroups reads the groups; where there is none, the flat list of old
// manifests is the one group, for any framework.
func (d nuspec) dependencyGroups() []DependencyGroup {
	var groups []DependencyGroup
	for _, e := range d.grandchildren("dependencies", "group") {
		g := DependencyGroup{FrameworkText: e.attribute("targetFramework")}
		g.Framework = readFramework(g.FrameworkText, anyFramework)
		g.Dependencies = readDependencies(e.elements("dependency", d.metadata.scope))
		groups = append(groups, g)
	}
	if groups == nil {
		if flat := readDependencies(d.grandchildren("dependencies", "dependency")); flat != nil {
			groups = []DependencyGroup{{Dependencies: flat}}
		}
	}
	return groups
}

// readDependencies leaves out elements without an ID and repetitions. A range
// that does not parse is any version, as it is for clients.
func readDependencies(elements []*element) []Dependency {
	var dependencies []Dependency
	seen := make(map[[4]string]bool, len(elements))
	for _, e := range elements {
		dep := Dependency{ID: e.attribute("id"), Include: readFlags(e.attribute("include")), Exclude: readFlags(e.attribute("exclude"))}
		if dep.ID == "" {
			continue
		}
		if text := e.attribute("version"); text != "" {
			dep.Range, _ = ParseRange(text) // the zero value is any version
		}
		key := [...]string{strings.ToUpper(dep.ID), FoldID(dep.Range.String()), strings.ToUpper(dep.Include), strings.ToUpper(dep.Exclude)}
		if !seen[key] {
			seen[key] = true
			dependencies = append(dependencies, dep)
		}
	}
	return dependencies
}

// readFlags sorts a list of asset kinds and drops repetitions, in any letter case.
func readFlags(text string) string {
	if text == "" {
		return ""
	}
	var flags []string
	for flag := range strings.SplitSeq(text, ",") {
		if flag != "" {
			flags = append(flags, strings.TrimSpace(flag))
		}
	}
	slices.SortStableFunc(flags, func(a, b string) int { return strings.Compare(strings.ToUpper(a), strings.ToUpper(b)) })
	return strings.Join(slices.CompactFunc(flags, strings.EqualFold), ",")
}

func (d nuspec) frameworkReferences() []FrameworkReferenceGroup {
	var groups []FrameworkReferenceGroup
	for _, e := range d.grandchildren("frameworkReferences", "group") {
		g := FrameworkReferenceGroup{Framework: readFramework(e.attribute("targetFramework"), unsupportedFramework)}
		seen := make(map[string]bool)
		for _, reference := range e.elements("frameworkReference", d.metadata.scope) {
			name, ok := reference.lookup("name")
			if key := strings.ToUpper(name); ok && !seen[key] {
				seen[key] = true
				g.Names = append(g.Names, name)
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// frameworkAssemblies looks in the default namespace of the root, not of
// metadata: NuspecReader does, and so finds none in some old packages.
func (d nuspec) frameworkAssemblies() []FrameworkAssembly {
	var assemblies []FrameworkAssembly
	for _, list := range d.metadata.elements("frameworkAssemblies", d.root.scope) {
		for _, e := range list.elements("frameworkAssembly", d.root.scope) {
			a := FrameworkAssembly{Name: e.attribute("assemblyName")}
			if texts := e.attribute("targetFramework"); texts == "" {
				a.Frameworks = []Framework{anyFramework}
			} else {
				for _, text := range splitFrameworks(texts) {
					a.Frameworks = append(a.Frameworks, readFramework(text, unsupportedFramework))
				}
			}
			assemblies = append(assemblies, a)
		}
	}
	return assemblies
}

// splitFrameworks splits the list of a <frameworkAssembly>.
func splitFrameworks(list string) []string {
	var texts []string
	for text := range strings.SplitSeq(list, ",") {
		if text != "" {
			texts = append(texts, strings.TrimSpace(text))
		}
	}
	return texts
}

// readFramework returns absent for an empty text, and an unsupported framework
// for one that cannot be read.
func readFramework(text string, absent Framework) Framework {
	if text == "" {
		return absent
	}
	f, err := ParseFramework(text)
	if err != nil {
		return unsupportedFramework
	}
	return f
}
