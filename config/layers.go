package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"nougat/gallery"
)

// The sources of a value, weakest first.
const (
	FromDefault     = "default"
	FromSaved       = "saved"
	FromFile        = "file"
	FromEnvironment = "environment"
	FromFlag        = "flag"
)

// defaultFile is read when neither --config nor NOUGAT_CONFIG names another.
const defaultFile = "config.toml"

// A layer is what one source says: values for some of the keys.
type layer struct {
	source string
	config *Config
	set    map[string]string // key → where it was said: "config.toml", "NOUGAT_URL", "--url"
}

func newLayer(source string) layer {
	return layer{source, new(Config), make(map[string]string)}
}

// Rules are what a value must keep that rooms above this one know of.
type Rules struct {
	// ReservedFeedName reports whether no feed may have that name, because the
	// gallery uses it in its own addresses.
	ReservedFeedName func(name string) bool
	// PublicURL returns a public address as it is used, or a sentence that says
	// what is wrong with it.
	PublicURL func(address string) (string, error)
}

// Layers hold what each source says, to be merged as often as needed: the saved
// settings are known only once the data folder is open. They belong to one
// goroutine at a time.
type Layers struct {
	rules                           Rules
	saved, file, environment, flags layer
	warnings                        []string
}

// A Setting is a key with the value in force and whence it is.
type Setting struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`
	Source string `json:"source"`          // default, saved, file, environment, flag
	Where  string `json:"where,omitempty"` // the file's path, the variable, the flag
	TOML   string `json:"toml"`            // Value as it stands in config.toml
}

// An Error says what cannot be used of the configuration, a line for each value,
// each a sentence with its source: exit code 2.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

func errorf(format string, args ...any) error {
	return &Error{fmt.Sprintf(format, args...)}
}

// Read reads the configuration file (the one named, else NOUGAT_CONFIG, else
// config.toml if it is there) and the environment, whose elements are NAME=VALUE.
// Whether the values are good is Merge's to say. The error is an *Error.
func Read(rules Rules, file string, environ []string) (*Layers, error) {
	l := &Layers{rules: rules, saved: newLayer(FromSaved), flags: newLayer(FromFlag)}
	named := file != ""
	for _, v := range environ {
		if value, ok := strings.CutPrefix(v, FileVariable+"="); ok && !named && value != "" {
			file, named = value, true
		}
	}
	if file == "" {
		file = defaultFile
	}
	var err error
	if l.file, err = readFile(file, named); err != nil {
		return nil, err
	}
	l.environment, l.warnings, err = readEnvironment(environ)
	return l, err
}

// Warnings are sentences about what Read passed over.
func (l *Layers) Warnings() []string { return l.warnings }

// SetFlag says that the command line gave k the value that it has in from.
func (l *Layers) SetFlag(k Key, from *Config) {
	l.flags.config.field(k).Set(from.field(k))
	l.flags.set[k.Name] = "--" + k.Flag()
}

// readFile reads a TOML file strictly: a key that no field of Config has is an
// error. A file that is missing is one only when it was named.
func readFile(path string, named bool) (layer, error) {
	l := newLayer(FromFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		return l, nil
	}
	if err != nil {
		return l, errorf("The configuration file cannot be read: %v", err)
	}
	md, err := toml.Decode(string(text), l.config)
	if err != nil {
		return l, errorf("%s: %s", path, tomlError(err))
	}
	known, inFeeds := []string{"feeds"}, feedKeys()
	for _, k := range Keys() {
		known = append(known, k.Name)
		if table, _, ok := strings.Cut(k.Name, "."); ok && !slices.Contains(known, table) {
			known = append(known, table)
		}
	}
	var unknown, unknownTables []string
	for _, k := range md.Keys() {
		name := strings.Join(k, ".")
		if len(k) > 1 && slices.Contains(unknownTables, k[0]) {
			continue
		}
		feedKey, inFeed := strings.CutPrefix(name, "feeds.")
		switch {
		case inFeed && !slices.Contains(inFeeds, feedKey):
			unknown = append(unknown, fmt.Sprintf("%s: [[feeds]] has no key %q; the nearest known one is %q.", path, feedKey, Nearest(feedKey, inFeeds)))
		case inFeed:
		case !slices.Contains(known, name):
			unknownTables = append(unknownTables, name)
			unknown = append(unknown, fmt.Sprintf("%s: there is no key %q; the nearest known one is %q.", path, name, Nearest(name, known)))
		default:
			l.set[name] = path
		}
	}
	if len(unknown) > 0 {
		return l, errorf("%s", strings.Join(unknown, "\n"))
	}
	return l, nil
}

// tomlError is the parser's message with the line it means. What it says of a
// value of the wrong kind is about this program's types: that is said anew.
func tomlError(err error) string {
	if p, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Sprintf("line %d: %s", p.Position.Line, p.Message)
	}
	where := wrongKind.FindStringSubmatch(err.Error())
	if where == nil {
		return strings.TrimPrefix(err.Error(), "toml: ")
	}
	line, name := where[1], where[2]
	for _, k := range Keys() {
		if k.Name == name {
			return fmt.Sprintf("line %s: %s needs another kind of value; its default is %s.", line, name, defaults().tomlText(k))
		}
		if strings.HasPrefix(k.Name, name+".") {
			return fmt.Sprintf("line %s: %s is a table: write [%s] on a line of its own, and its keys below.", line, name, name)
		}
	}
	return fmt.Sprintf("line %s: %s needs another kind of value.", line, name)
}

var wrongKind = regexp.MustCompile(`^toml: line ([0-9]+) \(last key "([^"]+)"\): (?:incompatible types|type mismatch)`)

// feedKeys lists the keys of a [[feeds]] table.
func feedKeys() []string {
	var all []string
	for t, i := reflect.TypeFor[Feed](), 0; i < t.NumField(); i++ {
		all = append(all, t.Field(i).Tag.Get("toml"))
	}
	return all
}

// FileVariable is the environment variable that names the configuration file. It
// is no key.
const FileVariable = "NOUGAT_CONFIG"

// testVariables begin the names of variables that only nougat's own tests read.
var testVariables = []string{"NOUGAT_TEST_", "NOUGAT_VECTORS", "NOUGAT_BENCH"}

// readEnvironment reads the NOUGAT_… variables. One that names no key is only a
// warning, since container platforms inject such names; one that is set but
// empty counts as absent.
func readEnvironment(environ []string) (layer, []string, error) {
	l := newLayer(FromEnvironment)
	byName := make(map[string]Key)
	for _, k := range Keys() {
		byName[k.Env()] = k
	}
	var warnings []string
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "NOUGAT_") || name == FileVariable || value == "" ||
			slices.ContainsFunc(testVariables, func(t string) bool { return strings.HasPrefix(name, t) }) {
			continue
		}
		k, ok := byName[name]
		if !ok {
			near := Nearest(name, slices.Sorted(maps.Keys(byName)))
			warnings = append(warnings, fmt.Sprintf("The environment variable %s is not one of nougat's and is passed over; the nearest known one is %s.", name, near))
			continue
		}
		if err := l.config.setText(k, value); err != nil {
			return l, nil, errorf("%s: %v.", name, err)
		}
		l.set[k.Name] = name
	}
	slices.Sort(warnings)
	return l, warnings, nil
}

// Save takes over the settings that set-up and pages saved in the store, as text
// by key, instead of those of the call before. What this version does not know is
// passed over, for a newer one may have saved it; what it cannot use is passed
// over with a warning.
func (l *Layers) Save(saved map[string]string) (warnings []string) {
	l.saved = newLayer(FromSaved)
	for _, k := range Keys() {
		text := saved[k.Name]
		if text == "" {
			continue
		}
		probe := defaults()
		if err := probe.setText(k, text); err != nil {
			warnings = append(warnings, fmt.Sprintf("The saved setting %s is passed over: %v.", k.Name, err))
			continue
		}
		if wrong := probe.check(l.rules); len(wrong) > 0 {
			warnings = append(warnings, fmt.Sprintf("The saved setting %s is passed over: %s", k.Name, wrong[0].text))
			continue
		}
		l.saved.config.field(k).Set(probe.field(k))
		l.saved.set[k.Name] = "in the data folder"
	}
	return warnings
}

// Merge returns the configuration in force, with the source of each key in the
// order of Keys, or an *Error with a line for each value that is wrong.
func (l *Layers) Merge() (*Config, []Setting, error) {
	c := defaults()
	c.Feeds = l.file.config.Feeds
	var all []Setting
	for _, k := range Keys() {
		s := Setting{Key: k.Name, Source: FromDefault}
		for _, from := range []layer{l.saved, l.file, l.environment, l.flags} {
			if where, ok := from.set[k.Name]; ok {
				c.field(k).Set(from.config.field(k))
				s.Source, s.Where = from.source, where
			}
		}
		if u, err := l.rules.PublicURL(c.URL); err == nil {
			c.URL = u // as it is used, with its host in small letters and no slash at the end
		}
		if name, err := gallery.SiteName(c.Site.Name); err == nil {
			c.Site.Name = name
		}
		s.Value, s.TOML = c.field(k).Interface(), c.tomlText(k)
		if list, ok := s.Value.([]string); ok && list == nil {
			s.Value = []string{}
		}
		all = append(all, s)
	}
	var lines []string
	for _, p := range c.check(l.rules) {
		where := p.key
		if i := slices.IndexFunc(all, func(s Setting) bool { return s.Key == p.key }); i >= 0 && all[i].Where != "" {
			where += " (" + all[i].Where + ")"
		}
		lines = append(lines, where+": "+p.text)
	}
	if len(lines) > 0 {
		return nil, nil, errorf("%s", strings.Join(lines, "\n"))
	}
	return c, all, nil
}

// Nearest returns the candidate with the fewest edits from word; of equals the
// first.
func Nearest(word string, candidates []string) string {
	best, least := "", -1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); least < 0 || d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and replacements between a and b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j := range t {
			next := diagonal
			if s[i] != t[j] {
				next = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(t)]
}
