package cli

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

type stopVerb struct{}

func (*stopVerb) Help() string {
	return `Running requests are finished and counters are written before the server goes, as after Ctrl-C. It is an error when no server runs.

Examples:

    nougat stop
    nougat stop --data /srv/nougat`
}

func (v *stopVerb) Run(s *run) error {
	ctx, cancel := interruptible()
	defer cancel()
	c, _, err := s.layers.Merge()
	if err != nil {
		return err
	}
	if !isData(c.Data) {
		return fmt.Errorf("There is no gallery in %s. Name its folder with --data.", shown(c.Data))
	}
	return reach(ctx, c.Data, func() error {
		answer, err := post(ctx, c.Data, "/stop", nil)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, _ = io.Copy(io.Discard, answer.Body) // ends when the process does
		return ctx.Err()
	}, func() error {
		_, db, err := openStore(ctx, c.Data)
		if err != nil {
			return err
		}
		return errors.Join(fmt.Errorf("No server runs on the data in %s.", shown(c.Data)), db.Close())
	})
}

// errFindings says that verify found something; what it was is printed already.
var errFindings = errors.New("verify found something")

type verifyVerb struct{ asJSON }

func (*verifyVerb) Help() string {
	return `Works beside a running server too. The exit status is 1 when anything was found. What was found is listed on standard output, a line each.

Examples:

    nougat verify
    nougat verify --data /srv/nougat --json`
}

func (v *verifyVerb) Run(s *run) error {
	r, err := s.ask(request{Verb: "verify"}, needData)
	if err != nil {
		return err
	}
	if v.JSON {
		if err := s.printJSON(r.Verdict); err != nil {
			return err
		}
	} else {
		for _, f := range r.Verdict.Findings {
			fmt.Fprintln(s.out, f)
		}
	}
	c := r.Verdict.Checked
	s.notice("Checked %d packages, %d versions, %d events, %d package files of %d bytes and %d documents; found wrong: %d.",
		c.Packages, c.Releases, c.Events, c.Blobs, c.Bytes, r.Verdict.Documents, len(r.Verdict.Findings))
	if len(r.Verdict.Findings) > 0 {
		return errFindings
	}
	return nil
}

type versionVerb struct{ asJSON }

func (*versionVerb) Help() string {
	return `Examples:

    nougat version
    nougat version --json`
}

func (v *versionVerb) Run(s *run) error {
	version := programVersion()
	if v.JSON {
		return s.printJSON(struct {
			Version string `json:"version"`
			Go      string `json:"go"`
			System  string `json:"system"`
		}{version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(s.out, "nougat %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
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
