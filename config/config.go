// Package config knows every setting of nougat: its name, default and meaning,
// where its value comes from (file, environment, flags, what pages saved), which
// source wins, and what is wrong with a value.
//
// It reads the configuration file and nothing else: it opens no data, knows no
// command line beyond the names of its flags, and what the rooms above must say
// of a value it is handed as Rules.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"nougat/gallery"
)

// Config is every key of the configuration, and its manual: the tags hold the
// name in config.toml, the default and the meaning. From them come the flags
// and their help, the NOUGAT_… variables, config.example.toml and the answer of
// "nougat config". Key publish.max_bytes is NOUGAT_PUBLISH_MAX_BYTES in the
// environment and --publish-max-bytes as a flag.
type Config struct {
	Data           string   `toml:"data" name:"data" default:"nougat-data" placeholder:"DIR" help:"Folder that holds everything: database, packages, control socket. Made when absent, for this user alone. A relative path starts at the working directory."`
	Listen         string   `toml:"listen" name:"listen" group:"serve" default:"127.0.0.1:5050" placeholder:"ADDR" help:"Address and port to listen on. Port 0 picks a free one; without a host, as in :5050, every interface of the machine."`
	URL            string   `toml:"url" name:"url" group:"serve" default:"" placeholder:"URL" help:"Public address of the gallery, as clients type it, for example https://nuget.example.org or https://example.org/nuget. Empty: the address that each request names."`
	TrustedProxies []string `toml:"trusted_proxies" name:"trusted-proxies" group:"serve" default:"" placeholder:"CIDR" help:"Reverse proxies whose X-Forwarded-… headers are believed, as networks: 127.0.0.0/8, 10.1.2.3/32. Empty: nobody's."`
	Signup         string   `toml:"signup" name:"signup" group:"serve" default:"invite" placeholder:"HOW" help:"Who may make an account: open (anybody), invite (who was invited) or closed (administrators make them). This version has no registration page yet, so in all three administrators make the accounts."`
	Site           Site     `toml:"site" embed:"" prefix:"site-" group:"serve"`
	Access         Access   `toml:"access" embed:"" prefix:"access-" group:"serve"`
	Publish        Publish  `toml:"publish" embed:"" prefix:"publish-" group:"serve"`
	Keys           APIKeys  `toml:"keys" embed:"" prefix:"keys-" group:"serve"`
	Log            Log      `toml:"log" embed:"" prefix:"log-" group:"serve"`
	Feeds          []Feed   `toml:"feeds" kong:"-"`
}

// Site is what the gallery says of itself.
type Site struct {
	Name string `toml:"name" name:"name" default:"nougat" placeholder:"TEXT" help:"Name of the gallery, shown on every page."`
}

// Access says who may read.
type Access struct {
	Read string `toml:"read" name:"read" default:"" placeholder:"WHO" help:"Who may read packages: anyone, or signed-in (a password or an API key). Empty: anyone when only this machine can reach the gallery (loopback, no trusted_proxies, no public url), else signed-in. Feeds may say otherwise."`
}

// Publish limits what is pushed.
type Publish struct {
	MaxBytes    int64  `toml:"max_bytes" name:"max-bytes" default:"262144000" placeholder:"BYTES" help:"Largest package that is taken. Feeds may say otherwise."`
	AdviseBytes int64  `toml:"advise_bytes" name:"advise-bytes" default:"1048576" placeholder:"BYTES" help:"A package larger than this is taken with a warning. 0: never a warning."`
	SimilarIDs  string `toml:"similar_ids" name:"similar-ids" default:"warn" placeholder:"HOW" help:"What happens when a new ID resembles one that is here: warn or off. It is never refused."`
	LicenseRefs bool   `toml:"license_refs" name:"license-refs" negatable:"" default:"true" help:"Whether licence expressions may name licences of your own (LicenseRef-…)."`
}

// APIKeys limits API keys.
type APIKeys struct {
	MaxDays int `toml:"max_days" name:"max-days" default:"365" placeholder:"DAYS" help:"Longest life of an API key. 0: no limit, and keys may live for ever."`
}

// Log says what is logged to standard error, and how.
type Log struct {
	Level  string `toml:"level" name:"level" default:"info" placeholder:"LEVEL" help:"Least important lines that are logged: debug, info, warn or error."`
	Format string `toml:"format" name:"format" default:"auto" placeholder:"FORMAT" help:"How log lines look: text, json, or auto (text on a terminal, else json)."`
}

// A Feed is one [[feeds]] table of the file (D-04). The feed main is always
// there, at the root of the site; a table of that name changes its settings.
type Feed struct {
	Name     string `toml:"name" help:"Small letters, digits and dashes, at most 32. The feed main lies at the root of the site, any other at /name."`
	Kind     string `toml:"kind" help:"release (the default) or test. A test feed may be wiped and may replace versions."`
	Path     string `toml:"path" help:"Follows from the name and cannot be chosen; it may be written down."`
	Read     string `toml:"read" help:"anyone or signed-in. Without it access.read holds."`
	MaxBytes int64  `toml:"max_bytes" help:"Largest package that is taken. Without it publish.max_bytes holds."`
	Replace  bool   `toml:"replace" help:"Whether a push replaces a version that is there: test feeds only. Default: false."`
	Retain   any    `toml:"retain" help:"How long packages stay. This version removes nothing by itself and refuses the key."`
}

// A Key is one scalar setting of Config.
type Key struct {
	Name  string // "publish.max_bytes"
	index []int  // of the field in Config
	text  string // the default, as text
	help  string
}

// Env returns the name of the environment variable that sets the key.
func (k Key) Env() string {
	return "NOUGAT_" + strings.ToUpper(strings.ReplaceAll(k.Name, ".", "_"))
}

// Flag returns the name of the flag that sets the key, without dashes.
func (k Key) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(k.Name) }

// Keys lists the scalar settings in the order of Config's fields.
func Keys() []Key { return keysOf(reflect.TypeFor[Config](), "", nil) }

func keysOf(t reflect.Type, prefix string, index []int) []Key {
	var all []Key
	for i := range t.NumField() {
		f := t.Field(i)
		name := prefix + f.Tag.Get("toml")
		at := append(slices.Clone(index), i)
		switch {
		case f.Type == reflect.TypeFor[[]Feed]():
		case f.Type.Kind() == reflect.Struct:
			all = append(all, keysOf(f.Type, name+".", at)...)
		default:
			all = append(all, Key{name, at, f.Tag.Get("default"), f.Tag.Get("help")})
		}
	}
	return all
}

// field returns the settable field of c that k names.
func (c *Config) field(k Key) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// setText sets the field of k from text, as the environment, the saved settings
// and the defaults hold it. A list is separated by commas.
func (c *Config) setText(k Key, text string) error {
	f := c.field(k)
	switch p := f.Addr().Interface().(type) {
	case *string:
		*p = text
	case *[]string:
		*p = nil
		for s := range strings.SplitSeq(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				*p = append(*p, s)
			}
		}
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = b
	case *int, *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || f.OverflowInt(n) {
			return fmt.Errorf("%q is not a whole number", text)
		}
		f.SetInt(n)
	default:
		panic("a key of Config has a type that setText does not know: " + f.Type().String())
	}
	return nil
}

// tomlText returns the value of k as it stands in a TOML file.
func (c *Config) tomlText(k Key) string {
	switch v := c.field(k).Interface().(type) {
	case string:
		return strconv.Quote(v)
	case []string:
		quoted := make([]string, len(v))
		for i, s := range v {
			quoted[i] = strconv.Quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	default:
		return fmt.Sprint(v)
	}
}

// defaults returns the configuration that holds when nobody says anything.
func defaults() *Config {
	c := new(Config)
	for _, k := range Keys() {
		if err := c.setText(k, k.text); err != nil {
			panic("the default of " + k.Name + ": " + err.Error())
		}
	}
	return c
}

// check returns what is wrong with the values, a sentence each, under the name
// of its key. Where a value came from is the caller's to say.
func (c *Config) check(rules Rules) []problem {
	var all []problem
	bad := func(key, format string, args ...any) {
		all = append(all, problem{key, fmt.Sprintf(format, args...)})
	}
	oneOf := func(key, value string, allowed ...string) {
		if !slices.Contains(allowed, value) {
			bad(key, "%q is not one of %s.", value, strings.Join(allowed, ", "))
		}
	}
	if c.Data == "" {
		bad("data", "A folder must be named.")
	}
	if why := checkListen(c.Listen); why != "" {
		bad("listen", "%q %s", c.Listen, why)
	}
	if c.URL != "" {
		if _, err := rules.PublicURL(c.URL); err != nil {
			bad("url", "%s", err)
		}
	}
	if _, err := c.Proxies(); err != nil {
		bad("trusted_proxies", "%s", err)
	}
	if _, err := gallery.SiteName(c.Site.Name); err != nil {
		bad("site.name", "%s", err)
	}
	if c.Access.Read != "" {
		oneOf("access.read", c.Access.Read, ReadAnyone, ReadSignedIn)
	}
	oneOf("signup", c.Signup, "open", "invite", "closed")
	if c.Publish.MaxBytes < 1 {
		bad("publish.max_bytes", "%d bytes: at least 1 is needed.", c.Publish.MaxBytes)
	}
	if c.Publish.AdviseBytes < 0 {
		bad("publish.advise_bytes", "%d is negative; 0 turns the warning off.", c.Publish.AdviseBytes)
	}
	oneOf("publish.similar_ids", c.Publish.SimilarIDs, "warn", "off")
	if c.Keys.MaxDays < 0 || c.Keys.MaxDays > 36500 {
		bad("keys.max_days", "%d is not between 0 (no limit) and 36500.", c.Keys.MaxDays)
	}
	oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	oneOf("log.format", c.Log.Format, "auto", "text", "json")
	for i, f := range c.Feeds {
		for _, why := range f.check(rules.ReservedFeedName) {
			bad(fmt.Sprintf("feeds %q", f.Name), "%s", why)
		}
		if slices.ContainsFunc(c.Feeds[:i], func(g Feed) bool { return g.Name == f.Name }) {
			bad(fmt.Sprintf("feeds %q", f.Name), "There are two feeds of this name.")
		}
	}
	return all
}

// A problem is a sentence about the value of a key.
type problem struct{ key, text string }

// check returns what is wrong with one [[feeds]] table.
func (f Feed) check(reserved func(string) bool) []string {
	var all []string
	if err := gallery.ValidFeedName(f.Name); err != nil {
		all = append(all, err.Error())
	} else if f.Name != MainFeed && reserved(f.Name) {
		all = append(all, "The gallery uses this name in its own addresses; choose another.")
	}
	if f.Kind != "" && f.Kind != "release" && f.Kind != "test" {
		all = append(all, fmt.Sprintf("kind = %q is not one of release, test.", f.Kind))
	}
	if f.Path != "" && f.Path != FeedPath(f.Name) {
		all = append(all, fmt.Sprintf("path = %q: the path follows from the name and is %q; leave the key out.", f.Path, FeedPath(f.Name)))
	}
	if f.Read != "" && f.Read != ReadAnyone && f.Read != ReadSignedIn {
		all = append(all, fmt.Sprintf("read = %q is not one of %s, %s.", f.Read, ReadAnyone, ReadSignedIn))
	}
	if f.MaxBytes < 0 {
		all = append(all, fmt.Sprintf("max_bytes = %d is negative; leave the key out for the value of publish.max_bytes.", f.MaxBytes))
	}
	if f.Replace && f.Kind != "test" {
		all = append(all, `replace = true needs kind = "test": a release feed never replaces a version.`)
	}
	if f.Retain != nil {
		all = append(all, "retain: this version removes nothing by itself; leave the key out.")
	}
	return all
}

// FeedPath returns where the feed of that name lies: "/" for main, "/name" for any
// other.
func FeedPath(name string) string {
	if name == MainFeed {
		return "/"
	}
	return "/" + name
}

// The values of access.read and of a feed's read.
const (
	ReadAnyone   = "anyone"
	ReadSignedIn = "signed-in"
)

// MainFeed is the feed at the root of the site.
const MainFeed = "main"

// read returns who may read where a feed does not say: access.read, or what
// follows from where the gallery can be reached.
func (c *Config) read() string {
	if c.Access.Read != "" {
		return c.Access.Read
	}
	host, _, _ := net.SplitHostPort(c.Listen)
	if gallery.IsLoopback(host) && len(c.TrustedProxies) == 0 && (c.URL == "" || gallery.IsLoopback(hostOf(c.URL))) {
		return ReadAnyone
	}
	return ReadSignedIn
}

// FeedOptions returns what the gallery is to serve, main first.
func (c *Config) FeedOptions() []gallery.FeedOptions {
	list := c.Feeds
	if i := slices.IndexFunc(list, func(f Feed) bool { return f.Name == MainFeed }); i < 0 {
		list = append([]Feed{{Name: MainFeed}}, list...)
	} else if i > 0 {
		list = slices.Clone(list)
		list = slices.Insert(slices.Delete(list, i, i+1), 0, c.Feeds[i])
	}
	all := make([]gallery.FeedOptions, len(list))
	for i, f := range list {
		o := gallery.FeedOptions{Name: f.Name, Kind: gallery.ReleaseFeed, OpenToRead: c.read() == ReadAnyone, MaxBytes: c.Publish.MaxBytes, Replace: f.Replace}
		if f.Kind == "test" {
			o.Kind = gallery.TestFeed
		}
		if f.Read != "" {
			o.OpenToRead = f.Read == ReadAnyone
		}
		if f.MaxBytes > 0 {
			o.MaxBytes = f.MaxBytes
		}
		all[i] = o
	}
	return all
}

// Proxies returns trusted_proxies as networks. A bare address is a network of
// one.
func (c *Config) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, s := range c.TrustedProxies {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("%q is not a network such as 10.0.0.0/8 or fd00::/8", s)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// checkListen says what is wrong with an address to listen on, or nothing.
func checkListen(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "is not HOST:PORT, such as 127.0.0.1:5050 or :5050."
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "needs a port between 0 and 65535."
	}
	return ""
}

// hostOf returns the host of an address, without its port.
func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
