package gallery

import "nougat/nuget"

// newRelease fills a release from its package; what is of the push (Rev, times,
// listing, who) comes with its event.
func newRelease(arch *nuget.Archive, m *nuget.Manifest, u *Upload) *Release {
	r := &Release{
		Head: Head{
			ID: m.ID, Version: m.Version, SemVer2: m.IsSemVer2(), Signed: arch.Signed(), Size: u.Size,
			Blob: u.Hash, Received: u.Hash,
		},
		Meta: Metadata{
			Title: m.Title, Authors: m.Authors, Description: m.Description, Summary: m.Summary,
			Copyright: m.Copyright, Language: m.Language, Tags: m.Tags,
			ProjectURL: nuget.WebAddress(m.ProjectURL), IconURL: nuget.WebAddress(m.IconURL), LicenseURL: nuget.WebAddress(m.LicenseURL),
			IconFile: m.Icon, ReadmeFile: m.Readme, MinClientVersion: m.MinClientVersion,
			RequireLicenseAcceptance: m.RequireLicenseAcceptance, DevelopmentDependency: m.DevelopmentDependency,
			Repository: m.Repository, Types: m.Types(),
		},
	}
	if l := m.License; l != nil && l.Type == "file" {
		r.Meta.LicenseFile = l.Text
	} else if l != nil {
		r.Meta.LicenseExpression = l.Text
	}
	for _, group := range m.DependencyGroups {
		dg := DependencyGroup{Framework: frameworkName(group.Framework)}
		for _, d := range group.Dependencies {
			dg.Dependencies = append(dg.Dependencies, Dependency{ID: d.ID, Range: d.Range.String()})
		}
		r.Meta.Dependencies = append(r.Meta.Dependencies, dg)
	}
	for _, group := range m.FrameworkReferences {
		r.Meta.FrameworkReferences = append(r.Meta.FrameworkReferences, NameGroup{Framework: frameworkName(group.Framework), Names: group.Names})
	}
	for _, fa := range m.FrameworkAssemblies {
		frameworks := fa.Frameworks
		if len(frameworks) == 0 {
			frameworks = []nuget.Framework{{}}
		}
		for _, fw := range frameworks {
			r.Meta.FrameworkAssemblies = addName(r.Meta.FrameworkAssemblies, frameworkName(fw), fa.Name)
		}
	}
	for _, fw := range arch.Frameworks() {
		r.Meta.Frameworks = append(r.Meta.Frameworks, fw.String())
	}
	return r
}

// frameworkName is how documents name a framework: its short folder name, empty
// for any.
func frameworkName(f nuget.Framework) string {
	if f.IsAny() {
		return ""
	}
	return f.String()
}

func addName(groups []NameGroup, framework, name string) []NameGroup {
	for i := range groups {
		if groups[i].Framework == framework {
			groups[i].Names = append(groups[i].Names, name)
			return groups
		}
	}
	return append(groups, NameGroup{Framework: framework, Names: []string{name}})
}
