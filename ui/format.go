package ui

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// number writes n with separators: 48,210.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// count writes a number with its noun, whose plural ends in s: "1 package", "4
// packages".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// countOf is count for templates, whose numbers are of either kind.
func countOf(n any, noun string) (string, error) {
	switch n := n.(type) {
	case int:
		return count(int64(n), noun), nil
	case int64:
		return count(n, noun), nil
	}
	return "", fmt.Errorf("%v is no number of %s", n, noun)
}

// size writes bytes for people: 184 KB, 2.4 MB; a KB has 1,024 bytes.
func size(n int64) string {
	if n < 1024 {
		return count(n, "byte")
	}
	v := float64(n) / 1024
	for _, unit := range []string{"KB", "MB", "GB"} {
		switch {
		case v < 9.95:
			return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
		case v < 1023.5 || unit == "GB":
			return number(int64(v+0.5)) + " " + unit
		}
		v /= 1024
	}
	return ""
}

// Dates are written in UTC: out in full in the aside, short in lists, exactly
// in titles.
func longDate(t time.Time) string  { return when(t, "2 January 2006") }
func shortDate(t time.Time) string { return when(t, "2 Jan 2006") }
func exactTime(t time.Time) string { return when(t, "2006-01-02 15:04:05 UTC") }
func isoTime(t time.Time) string   { return when(t, time.RFC3339) }

func when(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}

// authors puts a blank behind each comma of a nuspec's authors, where most have
// none.
func authors(text string) string {
	names := strings.FieldsFunc(text, func(c rune) bool { return c == ',' })
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return strings.Join(names, ", ")
}

// cut shortens text to about n characters, at the end of a word, and puts all
// white space into single blanks.
func cut(n int, text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)[:n]
	s := string(runes)
	if i := strings.LastIndexByte(s, ' '); i > len(s)*2/3 {
		s = s[:i]
	}
	return strings.TrimRight(s, " .,;:") + "…"
}

// webURL is raw when it is an absolute http or https address, else "". The text
// comes from a nuspec.
func webURL(raw string) string {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return ""
	}
	return u.String()
}

// host is the part of an address that says whose it is, for the text of a link.
func host(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	return strings.TrimPrefix(u.Host, "www.")
}

// tile is what stands for a package without an icon.
type tile struct {
	Letters string
	// Hue chooses one of the colours --tile-0 and so on of the style sheet.
	Hue int
}

// tiles is how many colours the style sheet has for tiles.
const tiles = 12

// makeTile takes the first letter of each of the first two words of an ID, or
// the first two letters of its only word, so that Contoso.Text is "Ct" and
// Contoso.Storage "Cs".
func makeTile(id string) tile {
	h := fnv.New32a()
	h.Write([]byte(strings.ToLower(id)))
	words := idWords(id)
	var letters []rune
	switch {
	case len(words) == 0:
		letters = []rune{'?'}
	case len(words) == 1:
		letters = []rune(words[0])
	default:
		letters = []rune{[]rune(words[0])[0], []rune(words[1])[0]}
	}
	s := string(unicode.ToUpper(letters[0]))
	if len(letters) > 1 {
		s += string(unicode.ToLower(letters[1]))
	}
	return tile{Letters: s, Hue: int(h.Sum32() % tiles)}
}

// idWords splits an ID at its separators and before capital letters that follow
// small ones.
func idWords(id string) []string {
	var words []string
	start := -1
	var last rune
	for i, r := range id {
		letter := unicode.IsLetter(r) || unicode.IsDigit(r)
		switch {
		case !letter:
			if start >= 0 {
				words = append(words, id[start:i])
			}
			start = -1
		case start < 0:
			start = i
		case unicode.IsUpper(r) && unicode.IsLower(last):
			words = append(words, id[start:i])
			start = i
		}
		last = r
	}
	if start >= 0 {
		words = append(words, id[start:])
	}
	return words
}

// part is a piece of an ID that was or was not asked for.
type part struct {
	Text string
	Hit  bool
}

// highlight marks in id what the words of the query match; words for other
// fields than the ID mark nothing.
func highlight(id, query string) []part {
	// An ID is ASCII; anything else would change its length under ToLower and is
	// shown unmarked.
	for i := 0; i < len(id); i++ {
		if id[i] >= utf8.RuneSelf {
			return []part{{Text: id}}
		}
	}
	lower := strings.ToLower(id)
	hit := make([]bool, len(id))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if field, rest, ok := strings.Cut(word, ":"); ok {
			if field != "id" && field != "packageid" {
				continue
			}
			word = rest
		}
		word = strings.Trim(word, `"'`)
		for at := 0; word != ""; {
			i := strings.Index(lower[at:], word)
			if i < 0 {
				break
			}
			for j := range word {
				hit[at+i+j] = true
			}
			at += i + len(word)
		}
	}
	var parts []part
	for i := 0; i < len(id); {
		j := i
		for j < len(id) && hit[j] == hit[i] {
			j++
		}
		parts = append(parts, part{Text: id[i:j], Hit: hit[i]})
		i = j
	}
	return parts
}

// words are the pieces of a command line that are kept whole where they fit.
func words(line string) []string { return strings.Split(line, " ") }

// pieces are the parts of a name or address that a line may be broken between,
// each but the last with the dot or slash at its end.
func pieces(name string) []string {
	var list []string
	start := 0
	for i := 1; i < len(name); i++ {
		if (name[i] == '.' || name[i] == '/') && !strings.HasPrefix(name[i+1:], "/") {
			list = append(list, name[start:i+1])
			start = i + 1
		}
	}
	return append(list, name[start:])
}

// typeLabels are the words for package types, in the order they are offered.
var typeLabels = []struct{ name, one, many string }{
	{"Dependency", "Library", "Libraries"},
	{"DotnetTool", "Tool", "Tools"},
	{"Template", "Template", "Templates"},
	{"MSBuildSdk", "MSBuild SDK", "MSBuild SDKs"},
	{"McpServer", "MCP server", "MCP servers"},
}

// typeLabel is the word for one package of a type.
func typeLabel(name string) string {
	for _, t := range typeLabels {
		if strings.EqualFold(t.name, name) {
			return t.one
		}
	}
	return name
}

// typesLabel is the word for several packages of a type.
func typesLabel(name string) string {
	for _, t := range typeLabels {
		if strings.EqualFold(t.name, name) {
			return t.many
		}
	}
	return name
}

// scopeWords say what a key's scopes allow, as one sentence.
func scopeWords(scopes []string) string {
	var words []string
	for _, s := range scopes {
		switch s {
		case "push":
			s = "push packages"
		case "pushversion":
			if slices.Contains(scopes, "push") {
				continue
			}
			s = "push new versions"
		case "unlist":
			s = "unlist"
		case "read":
			s = "read"
		}
		words = append(words, s)
	}
	if n := len(words) - 1; n > 0 {
		words = append(words[:n-1], words[n-1]+" and "+words[n])
	}
	return "May " + strings.Join(words, ", ")
}
