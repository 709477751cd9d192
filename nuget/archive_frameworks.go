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
	add := func(f Framework) error {
		if !f.IsUnsupported() {
			found[f.String()] = f
		}
		if pushed && len(found) > maxFrameworks {
			return newProblem(CodeFramework, "", fmt.Sprintf("The package has files or assemblies for more than %d target frameworks.", maxFrameworks))
		}
		return nil
	}
	m, err := a.Manifest()
	if err == nil {
		id = string(m.ID)
		for _, assembly := range m.FrameworkAssemblies {
			for _, f := range assembly.Frameworks {
				if err := add(f); err != nil {
					return nil, err
				}
			}
		}
	} else if pushed {
		return nil, err
	}
	// Of build only files count that projects import, and frameworks that are
	// said to have none.
	none, other := map[Framework]bool{}, map[Framework]bool{}
	for i := range a.records {
		name := a.records[i].name
		root, folder := frameworkFolder(name)
		if root == "" {
			continue
		}
		f, err := ParseFolder(folder)
		switch {
		case err != nil && pushed:
			return nil, newProblem(CodeFramework, name, fmt.Sprintf("The folder of the entry %s is no target framework: %s.",
				quote(name), printable(err.Error(), 90)))
		case err != nil || !f.isSpecific():
			f = anyFramework
		}
		file := name[strings.LastIndexByte(name, '/')+1:]
		switch {
		case root != "build", strings.EqualFold(file, id+".targets"), strings.EqualFold(file, id+".props"):
			if err := add(f); err != nil {
				return nil, err
			}
		case file == emptyFolder:
			none[f] = true
		default:
			other[f] = true
		}
	}
	for f := range none {
		if !other[f] {
			if err := add(f); err != nil {
				return nil, err
			}
		}
	}
	frameworks := make([]Framework, 0, len(found))
	for _, f := range found {
		frameworks = append(frameworks, f)
	}
	slices.SortFunc(frameworks, func(a, b Framework) int { return strings.Compare(a.String(), b.String()) })
	return frameworks, nil
}

// emptyFolder is the file that stands for a folder without files.
const emptyFolder = "_._"

// frameworkFolder returns, of the name of a file, the folder at the root, in
// lower case, and the one in it that may name a framework, or "any" when the file
// lies in none. Root is empty for files that say nothing of frameworks.
func frameworkFolder(name string) (root, folder string) {
	root, rest, inside := strings.Cut(name, "/")
	switch root = FoldID(root); root {
	case "lib", "content", "tools", "build":
	default:
		return "", ""
	}
	if !inside {
		return "", ""
	}
	if folder, file, _ := strings.Cut(rest, "/"); file != "" {
		return root, folder
	}
	return root, "any"
}
