package cli

import (
	"errors"
	"fmt"

	"nougat/site"
)

type stopVerb struct{}

func (*stopVerb) Help() string {
	return `Running requests are finished and counters are written before the server goes, as after Ctrl-C. It is an error when no server runs.

Examples:

    nougat stop
    nougat stop --data /srv/nougat`
}

func (v *stopVerb) Run(r *run) error {
	ctx, cancel := interruptible()
	defer cancel()
	return site.Stop(ctx, r.layers)
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

func (v *verifyVerb) Run(r *run) error {
	found, err := ask(r, site.NeedData, site.Verify, site.None{})
	if err != nil {
		return err
	}
	if v.JSON {
		if err := r.printJSON(found); err != nil {
			return err
		}
	} else {
		for _, f := range found.Findings {
			fmt.Fprintln(r.out, f)
		}
	}
	c := found.Checked
	r.notice("Checked %d packages, %d versions, %d events, %d package files of %d bytes and %d documents; found wrong: %d.",
		c.Packages, c.Releases, c.Events, c.Blobs, c.Bytes, found.Documents, len(found.Findings))
	if len(found.Findings) > 0 {
		return errFindings
	}
	return nil
}
