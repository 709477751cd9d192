package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"nougat/config"
	"nougat/server"
)

// commandLine is the grammar of the command line. Every key of Config is a flag;
// those in the group serve are for the verbs that serve or explain them.
type commandLine struct {
	ConfigFile string        `name:"config" placeholder:"FILE" help:"Configuration file. Without it NOUGAT_CONFIG names one, else config.toml in the working directory is read if it is there."`
	Settings   config.Config `embed:""`

	Serve   serveVerb   `cmd:"" default:"1" help:"Serve the gallery. This is what nougat does when no command is named."`
	User    userVerbs   `cmd:"" help:"Add, list, lock and remove people; set passwords and who administers."`
	Key     keyVerbs    `cmd:"" help:"Make, list and revoke API keys."`
	Stop    stopVerb    `cmd:"" help:"Stop the server that runs on the data folder, and wait until it has gone."`
	Verify  verifyVerb  `cmd:"" help:"Check that every record has its blob, every blob its hash, and every document what the records say."`
	Config  configVerb  `cmd:"" help:"Print the configuration in force and where each value comes from."`
	Version versionVerb `cmd:"" help:"Print the version."`
}

const programHelp = `nougat is a private NuGet gallery: dotnet, nuget.exe, Visual Studio, Rider and Paket push packages to it, restore from it and search it, and people look at it with a browser.

Without a command it serves. Everything it keeps lies in one folder (--data). The other commands work on that folder whether or not a server runs on it.`

// Help shows beneath the description of the program.
func (*commandLine) Help() string {
	return `Examples:

    nougat                                      serve on 127.0.0.1:5050, data in ./nougat-data
    nougat --listen :8080 --url https://nuget.example.org --data /srv/nougat
    nougat user add ann --email ann@example.org
    nougat key add --owner ann --scopes push --packages 'Contoso.*'
    nougat stop --data /srv/nougat

Exit status: 0 done, 1 failed, 2 wrong command line or configuration.`
}

// rules are what server knows of a value of the configuration.
var rules = config.Rules{ReservedFeedName: server.ReservedFeedName, PublicURL: server.PublicURL}

// parse reads the command line, the configuration file and the environment. A
// mistake in them is a usageError or a config.Error.
func (r *run) parse(args, environ []string) (verb, error) {
	cl := new(commandLine)
	parser, err := kong.New(cl,
		kong.Name("nougat"), kong.Description(programHelp),
		kong.Writers(r.out, r.errs),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{{Key: "serve", Title: "Configuration (also in config.toml and as NOUGAT_… variables):"}}),
		kong.ValueFormatter(formatHelp),
		kong.Help(printHelp),
		kong.PostBuild(func(k *kong.Kong) error { k.Model.HelpFlag.Help = "Show this help."; return nil }),
	)
	if err != nil {
		return nil, err
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return nil, explainParse(err)
	}
	if r.layers, err = config.Read(rules, cl.ConfigFile, environ); err != nil {
		return nil, err
	}
	node := ctx.Selected()
	for _, p := range ctx.Path {
		if p.Flag == nil || p.Resolved {
			continue
		}
		i := slices.IndexFunc(config.Keys(), func(k config.Key) bool { return k.Flag() == p.Flag.Name })
		if i < 0 {
			continue
		}
		k := config.Keys()[i]
		if !takesFlag(node, p.Flag) {
			return nil, usagef("--%s is a flag of nougat serve and nougat config; nougat %s does not take it.", p.Flag.Name, node.Path())
		}
		r.layers.SetFlag(k, &cl.Settings)
	}
	if node.Name != "serve" {
		for _, w := range r.layers.Warnings() {
			fmt.Fprintln(r.errs, "nougat: "+w)
		}
	}
	return node.Target.Addr().Interface().(verb), nil
}

// takesFlag reports whether the flag means something to the verb.
func takesFlag(node *kong.Node, flag *kong.Flag) bool {
	return flag.Group == nil || flag.Group.Key != "serve" || node == nil || slices.Contains([]string{"", "serve", "config"}, node.Path())
}

// printHelp hides the flags that the selected verb does not take.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	for _, f := range ctx.Model.Flags {
		f.Hidden = !takesFlag(ctx.Selected(), f)
	}
	return kong.DefaultHelpPrinter(options, ctx)
}

// formatHelp adds the default to the help of a flag.
func formatHelp(v *kong.Value) string {
	if v.HasDefault && v.Default != "" {
		return v.Help + " Default: " + v.Default + "."
	}
	return v.Help
}

// explainParse turns kong's errors into sentences. What it does not know gets
// the nearest word that it does.
func explainParse(err error) error {
	var pe *kong.ParseError
	if !errors.As(err, &pe) {
		return usagef("%s.", err)
	}
	node := pe.Context.Selected()
	if node == nil {
		node = pe.Context.Model.Node
	}
	text, _, _ := strings.Cut(pe.Error(), ", did you mean")
	command := strings.TrimSpace("nougat " + node.Path())
	help := command + " --help"
	if flag, ok := strings.CutPrefix(text, "unknown flag "); ok {
		var known []string
		for _, level := range node.AllFlags(true) {
			for _, f := range level {
				if takesFlag(node, f) {
					known = append(known, "--"+f.Name)
				}
			}
		}
		return usagef("There is no flag %s; the nearest one is %s. See %s.", flag, config.Nearest(flag, known), help)
	}
	if word, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		var known []string
		for _, c := range node.Children {
			known = append(known, strings.TrimSpace("nougat "+c.Path()))
		}
		if len(known) > 0 {
			full := command + " " + word
			return usagef("There is no command %q; the nearest one is %q. See %s.", full, config.Nearest(full, known), help)
		}
		return usagef("%s takes no argument %q. See %s.", command, word, help)
	}
	if flag, rest, ok := strings.Cut(text, `: parsing time "`); ok {
		value, _, _ := strings.Cut(rest, `" as "`)
		return usagef("%s needs a time such as 2027-01-31T12:00:00Z, not %s. See %s.", flag, value, help)
	}
	if flag, _, ok := strings.Cut(text, ": expected "); ok && strings.HasSuffix(text, "(<EOL>)") {
		return usagef("%s needs a value. See %s.", flag, help)
	}
	return usagef("%s. See %s.", text, help)
}

// asJSON is what verbs have that a program would read.
type asJSON struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// printJSON writes v to standard output, indented.
func (r *run) printJSON(v any) error {
	e := json.NewEncoder(r.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printTable writes rows in columns; the first row is the heading.
func (r *run) printTable(rows [][]string) error {
	w := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// notice tells the person at the command line something, on standard error.
func (r *run) notice(format string, args ...any) { fmt.Fprintf(r.errs, format+"\n", args...) }
