package cli

import (
	"fmt"

	"nougat/config"
	"nougat/site"
)

type configVerb struct{ asJSON }

func (*configVerb) Help() string {
	return `Prints each key as it would stand in config.toml, with the source of its value: default, saved (by the set-up page), file, environment or flag, each winning over the one before. It takes every flag of nougat serve, and checks all of them. Where a server runs on the data, values that it started with and that differ are noted.

Examples:

    nougat config
    NOUGAT_LISTEN=:8080 nougat config --json`
}

// A shownFeed is a feed with everything that follows for it.
type shownFeed struct {
	Name     string `json:"name"`
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	Read     string `json:"read"`
	MaxBytes int64  `json:"max_bytes"`
	Replace  bool   `json:"replace"`
}

func shownFeeds(c *config.Config) []shownFeed {
	var all []shownFeed
	for _, f := range c.FeedOptions() {
		s := shownFeed{f.Name, config.FeedPath(f.Name), f.Kind.String(), config.ReadSignedIn, f.MaxBytes, f.Replace}
		if f.OpenToRead {
			s.Read = config.ReadAnyone
		}
		all = append(all, s)
	}
	return all
}

func (v *configVerb) Run(r *run) error {
	running, err := r.readSaved()
	if err != nil {
		return err
	}
	c, all, err := r.layers.Merge()
	if err != nil {
		return err
	}
	if v.JSON {
		return r.printJSON(struct {
			Settings []config.Setting `json:"settings"`
			Feeds    []shownFeed      `json:"feeds"`
			Running  []config.Setting `json:"running,omitempty"` // of the server that runs on the data
		}{all, shownFeeds(c), running})
	}
	width := 0
	for _, k := range all {
		width = max(width, min(len(k.Key+" = "+k.TOML), 50))
	}
	for i, k := range all {
		from := k.Source
		if k.Where != "" {
			from += ", " + k.Where
		}
		if running != nil && running[i].TOML != k.TOML {
			from += fmt.Sprintf("; the running server uses %s (%s)", running[i].TOML, running[i].Source)
		}
		fmt.Fprintf(r.out, "%-*s # %s\n", width, k.Key+" = "+k.TOML, from)
	}
	for _, f := range shownFeeds(c) {
		fmt.Fprintf(r.out, "# The feed %s at %s: %s, read by %s, packages of at most %d bytes, replace = %t.\n", f.Name, f.Path, f.Kind, f.Read, f.MaxBytes, f.Replace)
	}
	return nil
}

// readSaved takes over what is saved in the data folder, if there is one, and
// returns the settings of the server that runs on it, nil without one.
func (r *run) readSaved() ([]config.Setting, error) {
	ctx, stop := interruptible()
	defer stop()
	running, warnings, err := site.ReadSaved(ctx, r.layers)
	for _, w := range warnings {
		r.notice("nougat: %s", w)
	}
	return running, err
}
