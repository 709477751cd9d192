package tests

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ruleList is the page that says what every rule's ID means.
const ruleList = "docs/rules.md"

// A rule's ID is one of these prefixes with its number and nothing else around
// it: other things look alike, such as names of licences and of encodings.
var (
	ruleID = regexp.MustCompile(`\b(?:` +
		`(?:D|M|P|Q|S|SM|T|UX)-[0-9]{2,3}` +
		`|R-[A-Z]{2,5}-[0-9]{2}` +
		`|(?:ARCH|ENG|PERF|PROTO)-[0-9]{1,2}(?:\.[0-9]{1,2})?` +
		`|GAL-B[0-9]{1,2}` +
		`)\b`)
	ruleSpan  = regexp.MustCompile(`^ to $`)
	ruleRow   = regexp.MustCompile(`^\| ([A-Z][A-Z0-9.-]*) \| (.*) \| ([^|]*) \|$`)
	lineBreak = regexp.MustCompile(`[ \t]*\r?\n[ \t]*(?://|#|\*)?[ \t]*`)
)

// strayPages are documents that lie elsewhere, so that nobody who reads of them
// here can find them.
var strayPages = regexp.MustCompile(`(?:^|[^\w/-])(?:` +
	strings.Join([]string{"protocol", "gallery", "engineering", "architecture", "performance", "decisions", "house"}, "|") + `)\.md\b`)

// TestRules keeps docs/rules.md and the references to it equal: every ID that
// anything here names has one row, every row is named by something, and what a
// row says of rooms is so.
func TestRules(t *testing.T) {
	root := repository(t)
	list, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(ruleList)))
	if err != nil {
		t.Fatal(err)
	}
	rows := make(map[string]bool)
	for line := range strings.Lines(string(list)) {
		line = strings.TrimRight(line, "\r\n")
		row := ruleRow.FindStringSubmatch(line)
		if row == nil || row[1] == "ID" {
			continue
		}
		id := row[1]
		if ruleID.FindString(id) != id {
			t.Errorf("%s: %s has not the form of an ID", ruleList, id)
		}
		if rows[id] {
			t.Errorf("%s: %s has two rows", ruleList, id)
		}
		rows[id] = true
		if strings.TrimSpace(row[2]) == "" {
			t.Errorf("%s: %s says nothing", ruleList, id)
		}
		for room := range strings.SplitSeq(row[3], ",") {
			room = strings.Trim(room, " `")
			if !roomExists(root, room) {
				t.Errorf("%s: %s lies in the room %q, which is not there", ruleList, id, room)
			}
		}
	}
	used := make(map[string]string) // by which file
	for file, text := range written(t, root) {
		if file == ruleList {
			continue
		}
		for _, id := range rulesIn(text) {
			if used[id] == "" || file < used[id] {
				used[id] = file
			}
		}
		if stray := strayPages.FindString(text); stray != "" && !(path.Dir(file) == "docs" && strings.Contains(stray, "performance")) {
			t.Errorf("%s names %s, which is not in the repository: name the rule by its ID in %s", file, strings.Trim(stray, " (`"), ruleList)
		}
	}
	for id, file := range used {
		if !rows[id] {
			t.Errorf("%s names %s, which has no row in %s", file, id, ruleList)
		}
	}
	for id := range rows {
		if used[id] == "" {
			t.Errorf("%s: nothing names %s; take the row out", ruleList, id)
		}
	}
}

// TestRuleReferences is what counts as a reference, and what does not.
func TestRuleReferences(t *testing.T) {
	for text, want := range map[string]string{
		"UTF-8, SHA-512, RFC 7230, NU1602, GPL-3.0, MIT-0, CVE-2024-12345": "",
		"4D-0412, X-M-15x, SM-1":                     "",
		"A" + "-04 and M" + "-04.":                   "M" + "-04",
		"(Q" + "-20, R" + "-KEY" + "-10)":            "Q" + "-20 R" + "-KEY" + "-10",
		"UX" + "-03 to UX" + "-05":                   "UX" + "-03 UX" + "-04 UX" + "-05",
		"PROTO" + "-13.9 to\n\t// PROTO" + "-13.11.": "PROTO" + "-13.9 PROTO" + "-13.10 PROTO" + "-13.11",
	} {
		if got := strings.Join(rulesIn(text), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// rulesIn returns the IDs that a text names, in its order. "A to B" names all
// between as well.
func rulesIn(text string) []string {
	text = lineBreak.ReplaceAllString(text, " ")
	var ids []string
	end := 0 // of the ID before
	for _, at := range ruleID.FindAllStringIndex(text, -1) {
		if at[0] > 0 && text[at[0]-1] == '-' || at[1] < len(text) && text[at[1]] == '-' {
			continue // a part of a longer word
		}
		id := text[at[0]:at[1]]
		if len(ids) > 0 && ruleSpan.MatchString(text[end:at[0]]) {
			ids = append(ids, between(ids[len(ids)-1], id)...)
		}
		ids = append(ids, id)
		end = at[1]
	}
	return ids
}

// between returns the IDs between two that differ in their last number.
func between(first, last string) []string {
	number := func(id string) (stem string, n, digits int) {
		stem = strings.TrimRight(id, "0123456789")
		n, _ = strconv.Atoi(id[len(stem):])
		return stem, n, len(id) - len(stem)
	}
	stem, from, digits := number(first)
	other, to, _ := number(last)
	if stem != other {
		return nil
	}
	var ids []string
	for n := from + 1; n < to; n++ {
		text := strconv.Itoa(n)
		if !strings.ContainsAny(stem, ".") && len(text) < digits {
			text = strings.Repeat("0", digits-len(text)) + text
		}
		ids = append(ids, stem+text)
	}
	return ids
}

// repository is the folder of go.mod.
func repository(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// roomExists reports whether a folder of the repository holds Go files.
func roomExists(root, room string) bool {
	if room == "" || room == "." {
		return false
	}
	found, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(room), "*.go"))
	return len(found) > 0
}

// written returns what people wrote in the repository, by path: sources, tests,
// pages, scripts and templates, but no data of tests.
func written(t *testing.T, root string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		switch {
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "vendor"):
			return fs.SkipDir
		case d.IsDir() || strings.Contains("/"+file, "/testdata/") && path.Ext(file) != ".txtar":
			return nil
		}
		if !slices.Contains([]string{".go", ".md", ".txtar", ".toml", ".html", ".css", ".js", ".yml", ".sh"}, path.Ext(file)) && path.Dir(file) != ".ci" {
			return nil
		}
		text, err := os.ReadFile(name)
		all[file] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
