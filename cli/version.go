package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionVerb struct{ asJSON }

func (*versionVerb) Help() string {
	return `Examples:

    nougat version
    nougat version --json`
}

func (v *versionVerb) Run(r *run) error {
	version := programVersion()
	if v.JSON {
		return r.printJSON(struct {
			Version string `json:"version"`
			Go      string `json:"go"`
			System  string `json:"system"`
		}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(r.out, "nougat %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// programVersion is what the build recorded: a tag or the commit.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	version, changed := "unreleased", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			version = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changes"
		}
	}
	return version + changed
}
