package nuget

import (
	"fmt"
	"slices"
	"strings"
)

// Frameworks returns the frameworks that the package has something for, as
// NuGet's PackageArchiveReader.GetSupportedFrameworks finds them: in the names
// of the folders of lib, build, content and tools, and in the nuspec's
// framework assemblies. What lies outside such a folder is for any framework.
// They are sorted by their short names; unsupported ones are left out.
func (a *Archive) Frameworks() []Framework { return slices.Clone(a.frameworks()) }

// maxFrameworks is how many frameworks a package may have something for. Packages
// of all years have 16 at most, with all of them on every list of packages.
const maxFrameworks = 128

// readFrameworks is Frameworks of a package that is being pushed: it refuses
// folders whose name clients fail to read, portable profiles that hold profiles
// above all (R-PUSH-06), and too many frameworks. Of a package that was accepted
// before it passes them over.
func (a *Archive) readFrameworks(pushed bool) ([]Framework, error) {
	var id string
	found := make(map[string]Framework)
	add := func(f Framework) {
		if !f.IsUnsupported() {
			found[f.String()] = f
		}
	}
	m, err := a.Manifest()
	if err == nil {
		id = string(m.ID)
		for _, assembly := range m.FrameworkAssemblies {
			for _, f := range assembly.Frameworks {
				add(f)
			}
		}
	} else if pushed {
		return nil, err
	}
	for i := range a.records {
		folder, ok := a.records[i].frameworkFolder(id)
		if !ok {
			continue
		}
		f, err := ParseFolder(folder)
		switch {
		case err != nil && pushed:
			return nil, newProblem(CodeFramework, a.records[i].name, fmt.Sprintf("The folder of the entry %s is no target framework: %s.",
				quote(a.records[i].name), printable(err.Error(), 90)))
		case err == nil && f.isSpecific():
			add(f)
		default:
			add(anyFramework)
		}
	}
	if pushed && len(found) > maxFrameworks {
		return nil, newProblem(CodeFramework, "", fmt.Sprintf("The package has files or assemblies for more than %d target frameworks.", maxFrameworks))
	}
	frameworks := make([]Framework, 0, len(found))
	for _, f := range found {
		frameworks = append(frameworks, f)
	}
	slices.SortFunc(frameworks, func(a, b Framework) int { return strings.Compare(a.String(), b.String()) })
	return frameworks, nil
}

// frameworkFolder returns the folder of a file that may name its framework, or
// "any" when the file lies in none. ok is false for files that say nothing:
// those of other folders, and those of build that the package's projects do not
// import.
func (e *record) frameworkFolder(id string) (folder string, ok bool) {
	root, rest, _ := strings.Cut(e.name, "/")
	switch FoldID(root) {
	case "lib", "content", "tools":
	case "build":
		file := e.name[strings.LastIndexByte(e.name, '/')+1:]
		if !strings.EqualFold(file, id+".targets") && !strings.EqualFold(file, id+".props") {
			return "", false
		}
	default:
		return "", false
	}
	if rest == "" && !e.isFolder() {
		return "", false
	}
	if folder, file, _ := strings.Cut(rest, "/"); file != "" {
		return folder, true
	}
	return "any", true
}
