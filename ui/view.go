package ui

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// rowView is a package in a list, with what is needed to draw it.
type rowView struct {
	PackageRow
	Frame Frame
	Query string
}

func makeRow(f Frame, query string, r PackageRow) rowView {
	return rowView{PackageRow: r, Frame: f, Query: query}
}

// chipList is a few of many names, and how many are left out.
type chipList struct {
	Shown []string
	More  int
}

func chips(n int, names []string) chipList {
	if len(names) <= n {
		return chipList{Shown: names}
	}
	return chipList{Shown: names[:n], More: len(names) - n}
}

// first are the first n of many names, which are shown.
func first(n int, names []string) []string { return names[:min(n, len(names))] }

// initial is the letter that stands for a person.
func initial(name string) string {
	for _, r := range name {
		return string(unicode.ToUpper(r))
	}
	return ""
}

func shortCommit(commit string) string {
	if len(commit) > 7 {
		return commit[:7]
	}
	return commit
}

// searchHref is the address of the same question with one thing changed; another
// page than the first is kept only when the page is what changes.
func searchHref(p SearchPage, key, value string) string {
	q := url.Values{}
	set := func(name, v, normal string) {
		if name == key {
			v = value
		}
		if v != normal {
			q.Set(name, v)
		}
	}
	set("q", p.Query, "")
	set("type", p.Type, "")
	set("prerel", strconv.FormatBool(p.Prerelease), "true")
	set("sort", p.Sort, "")
	if key == "page" && value != "1" {
		q.Set("page", value)
	}
	if len(q) == 0 {
		return p.PackagesURL()
	}
	return p.PackagesURL() + "?" + q.Encode()
}

// packageHref is the address of another tab, relative to this page: whether the
// address names a version or means the latest stays as it is.
func packageHref(p PackagePage, key, value string) string {
	q := url.Values{}
	set := func(name, v string) {
		if name == key {
			v = value
		}
		if v != "" {
			q.Set(name, v)
		}
	}
	set("tab", p.Tab)
	set("show", p.Show)
	if key == "page" {
		q.Set("show", ShowVersions)
		if value != "1" {
			q.Set("page", value)
		}
	}
	return "?" + q.Encode()
}

// pagerView leads to the pages before and after this one; an address is empty
// where there is none.
type pagerView struct {
	Page, Pages    int64
	Previous, Next string
	Label          string
}

// makePager takes the page as its first argument to build addresses with.
func makePager(p Page, label string) pagerView {
	var page, pages int
	var href func(string) string
	switch p := p.(type) {
	case SearchPage:
		page, pages = p.Page, p.Pages
		href = func(n string) string { return searchHref(p, "page", n) }
	case PackagePage:
		page, pages = p.VersionsPage, p.VersionsPages
		href = func(n string) string { return packageHref(p, "page", n) }
	}
	v := pagerView{Page: int64(page), Pages: int64(pages), Label: label}
	if page > 1 {
		v.Previous = href(strconv.Itoa(page - 1))
	}
	if page < pages {
		v.Next = href(strconv.Itoa(page + 1))
	}
	return v
}

// installView is the install box.
type installView struct {
	Tabs []installTab
	Tab  installTab
}

func viewInstall(p PackagePage) installView {
	tabs := installTabs(p.ID, p.Version, p.Types, p.DevelopmentDependency)
	return installView{Tabs: tabs, Tab: pick(tabs, p.Tab)}
}

// bodyTab is one of the tabs under the install box; Count below 0 is not shown.
type bodyTab struct {
	Key, Label string
	Count      int
}

// bodyView is what PackagePage says of the package itself: the sentence under
// the heading, and the part under the install box.
type bodyView struct {
	Lede string
	Tabs []bodyTab
	Show string
	// Described says that the description stands where a readme is missing.
	Described bool
}

// maxLede is how many characters stand under the heading.
const maxLede = 280

// viewBody lists the tabs that have something to show. The first is the readme;
// of a package without one the description, unless it stands whole under the
// heading.
func viewBody(p PackagePage) bodyView {
	v := bodyView{Show: ShowReadme, Lede: p.Summary}
	if strings.TrimSpace(v.Lede) == "" {
		v.Lede = firstParagraph(p.Description)
	}
	v.Lede = cut(maxLede, v.Lede)
	description := strings.TrimSpace(p.Description)
	v.Described = p.Readme == "" && description != "" && description != v.Lede
	first := "Readme"
	if v.Described {
		first = "Description"
	}
	ids := map[string]bool{}
	for _, g := range p.Dependencies {
		for _, d := range g.Packages {
			ids[strings.ToLower(d.ID)] = true
		}
	}
	tabs := []bodyTab{{ShowReadme, first, -1}, {ShowDependencies, "Dependencies", len(ids)}, {ShowVersions, "Versions", p.VersionCount}}
	if len(p.Frameworks) > 0 {
		tabs = append(tabs, bodyTab{ShowFrameworks, "Frameworks", -1})
	}
	if strings.TrimSpace(p.ReleaseNotes) != "" {
		tabs = append(tabs, bodyTab{ShowNotes, "Release notes", -1})
	}
	v.Tabs = tabs
	if slices.ContainsFunc(tabs, func(t bodyTab) bool { return t.Key == p.Show }) {
		v.Show = p.Show
	}
	return v
}

// firstParagraph is a text up to its first empty line.
func firstParagraph(text string) string {
	var lines []string
	for line := range strings.Lines(strings.TrimSpace(text)) {
		if strings.TrimSpace(line) == "" {
			break
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// word is a piece of a licence expression; URL is where an identifier is
// explained, "" for operators and own licences.
type word struct {
	Text string
	URL  string
}

// licenceWords splits a licence expression, keeping every character of it
// so that its identifiers can be links.
func licenceWords(expression string) []word {
	var words []word
	isID := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-.:+", r)
	}
	for rest := expression; rest != ""; {
		end := strings.IndexFunc(rest, func(r rune) bool { return isID(r) != isID([]rune(rest)[0]) })
		if end < 0 {
			end = len(rest)
		}
		text := rest[:end]
		rest = rest[end:]
		w := word{Text: text}
		switch {
		case !isID([]rune(text)[0]), text == "AND", text == "OR", text == "WITH", text == "UNLICENSED",
			strings.Contains(text, "LicenseRef-"):
		default:
			w.URL = "https://spdx.org/licenses/" + url.PathEscape(strings.TrimSuffix(text, "+")) + ".html"
		}
		words = append(words, w)
	}
	return words
}

// field is a line of a form with its error beside it.
type field struct {
	Name, Label, Value string
	Hint, Error        string
	// Kind is the type of the input; Complete its autocomplete attribute.
	Kind, Complete string
	Focus          bool
	Optional       bool
	// Fixed shows the value, which cannot be changed here.
	Fixed bool
}

// The functions below build a field in a template, as a pipeline.

func makeField(errors Errors, name, label, value string) field {
	return field{Name: name, Label: label, Value: value, Error: errors[name], Kind: "text", Complete: "off"}
}

func withHint(text string, f field) field { f.Hint = text; return f }

func withKind(kind string, f field) field { f.Kind = kind; return f }

func withComplete(as string, f field) field { f.Complete = as; return f }

func withFocus(when bool, f field) field { f.Focus = when; return f }

func optional(f field) field { f.Optional = true; return f }

func withFixed(fixed bool, f field) field { f.Fixed = fixed; return f }

func has(list []string, item string) bool { return slices.Contains(list, item) }

// lifetime is the word for how long a key lives; 0 is for ever.
func lifetime(days int) string {
	switch days {
	case 0:
		return "Never expires"
	case 365:
		return "1 year"
	}
	return count(int64(days), "day")
}

// keyView is a key in the list of Page.
type keyView struct {
	KeyRow
	Page   KeysPage
	Expiry expiryView
	// Over says that it works no more.
	Over bool
}

func makeKey(p KeysPage, k KeyRow) keyView {
	e := expiry(p.Now, k)
	return keyView{KeyRow: k, Page: p, Expiry: e, Over: e.Kind == "bad"}
}

// keysView are the keys that work, and those that do no more.
type keysView struct{ Live, Ended []keyView }

func viewKeys(p KeysPage) keysView {
	var v keysView
	for _, row := range p.Keys {
		if k := makeKey(p, row); k.Over {
			v.Ended = append(v.Ended, k)
		} else {
			v.Live = append(v.Live, k)
		}
	}
	return v
}

// expiryView says when a key ends, and how urgent that is.
type expiryView struct {
	Text string
	// Kind is "", "warn" (10 days or less are left) or "bad".
	Kind string
}

// warnDays is how many days before its end a key is shown as ending (R-KEY-10).
const warnDays = 10

func expiry(now time.Time, k KeyRow) expiryView {
	switch left := k.Expires.Sub(now); {
	case k.Revoked:
		return expiryView{"Revoked", "bad"}
	case k.Expires.IsZero():
		return expiryView{"Never expires", ""}
	case left <= 0:
		return expiryView{"Expired " + shortDate(k.Expires), "bad"}
	case left < 24*time.Hour:
		return expiryView{"Expires within a day", "warn"}
	case left <= warnDays*24*time.Hour:
		return expiryView{"Expires in " + count(int64(left/(24*time.Hour)), "day"), "warn"}
	}
	return expiryView{"Expires " + shortDate(k.Expires), ""}
}
