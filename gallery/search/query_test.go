package search

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"nougat/gallery"
)

// printQuery writes a parsed query as a test reads it: clauses separated by
// "; ", the field where there is one, alternatives by "|", "*" after a prefix,
// parts in parentheses, phrases in quotation marks.
func printQuery(q parsedQuery) string {
	fields := map[uint32]string{fieldID: "id:", fieldTitle: "title:", fieldTags: "tags:", fieldAuthors: "authors:", fieldSummary: "summary:", fieldDescription: "description:", textFields: "", allFields: ""}
	var clauses []string
	for _, c := range q.clauses {
		var values []string
		for _, v := range c.values {
			var words []string
			for _, w := range v.words {
				s := w.whole
				if len(w.parts) > 0 {
					s += "(" + strings.Join(w.parts, " ") + ")"
				}
				if w.prefix {
					s += "*"
				}
				words = append(words, s)
			}
			s := strings.Join(words, "+")
			switch {
			case v.phrase:
				s = `"` + s + `"`
			case v.key != "":
				s = "packageid=" + v.key
			case v.owner != "":
				s = "owner=" + v.owner
			case strings.HasPrefix(v.marked, markVersion):
				s = "version=" + v.marked[len(markVersion):]
			case strings.HasPrefix(v.marked, markTag):
				s = "=" + v.marked[len(markTag):]
			}
			values = append(values, s)
		}
		clauses = append(clauses, fields[c.fields]+strings.Join(values, "|"))
	}
	s := strings.Join(clauses, "; ")
	if q.exact != "" {
		s += " exact=" + q.exact
	} else if q.beginning != "" {
		s += " beginning=" + q.beginning
	}
	return strings.TrimSpace(s)
}

func TestParseQuery(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		// Nothing, and what comes to nothing.
		{"", ""},
		{"   \t\n", ""},
		{"AND", ""},
		{"and OR Not", ""},
		{"foo:bar", ""},
		{`id:""`, ""},
		{`title:"  "`, ""},
		{"id:", ""},
		{":", ""},
		{`"`, ""},
		{`""`, ""},
		{"...", "beginning=..."},
		{"title:...", ""},

		// Free text.
		{"json", "json* exact=json"},
		{"JSON parser", "json; parser*"},
		{"  json   parser  ", "json; parser*"},
		{"json and parser", "json; parser*"},
		{"json OR xml", "json; xml*"},
		{"Newtonsoft.Json", "newtonsoft; json* exact=newtonsoft.json"},
		{"Newtonsoft.", "newtonsoft* beginning=newtonsoft."},
		{"NewtonsoftJson", "newtonsoftjson(newtonsoft json)* exact=newtonsoftjson"},
		{"Foo2Bar_baz", "foo2bar(foo 2 bar); baz* exact=foo2bar_baz"},
		{"json json JSON", "json*"},
		{"json parser json", "json*; parser"},
		{"c# parser", "c; parser*"},
		{"c++", "c* beginning=c++"},
		{"json !!", "json*"},
		{"char( union select /* --", "char; union; select*"}, // R-SRCH-04

		// Phrases.
		{`"unit testing"`, `"unit+testing" beginning=unit testing`},
		{`"unit testing" mock`, `"unit+testing"; mock*`},
		{`mock "unit testing"`, `mock; "unit+testing"`},
		{`"unit testing`, `"unit+testing" beginning=unit testing`}, // the end is missing
		{`"json"`, `json exact=json`},
		{`unit"testing"x`, `unit; testing; x*`},
		{`"AND"`, `and exact=and`},

		// Fields.
		{"id:json", "id:json*"},
		{"ID:Json Title:Parser", "id:json*; title:parser"},
		{"packageid:Newtonsoft.Json", "packageid=newtonsoft.json"},
		{"packageid:A packageid:B", "packageid=a|packageid=b"},
		{"version:1.0", "version=1.0.0"},
		{"version:01.2.0.0-Beta", "version=1.2.0-beta"},
		{"version:x.y", "version=x.y"},
		{"tags:json", "tags:=json"},
		{`tag:"json, XML  yaml"`, "tags:=json|=xml|=yaml"},
		{"tags:a,b tag:c", "tags:=a|=b|=c"},
		{"author:microsoft authors:james", "authors:microsoft|james"},
		{"owner:Contoso owners:x", "owner=Contoso|owner=x"},
		{`description:"health checks"`, `description:"health+checks"`},
		{`title:"one two" title:three`, `title:"one+two"|three`},
		{"summary:health.checks", "summary:health+checks"},
		{"id:Foo.Bar", "id:foo+bar*"},
		{`id:"Foo Bar"`, `id:"foo+bar"`},
		{"id: json", "id:json*"}, // the field waits for its word
		{"id:json logging", "logging*; id:json*"},
		{"id:title:json", "title:json"}, // the last field counts
		{"unknown:x json", "json* exact=json"},
		{`id:"" json`, "json* exact=json"}, // the empty phrase takes the field away
		{"http://example.com", ""},         // a field http, which is not known
		{"a:b:c", ""},
		{":json", "json* exact=json"},
		{"id:and", "id:and*"},
		{"id::json", "id:json*"},

		// Other scripts and broken text.
		{"größe", "größe* exact=größe"},
		{"日志", "日志(日 志)* exact=日志"},
		{"日志\u3000库", "日志(日 志); 库*"}, // an ideographic space
		{"a\xff\xfeb", "a; b* beginning=a\xff\xfeb"},
		{"\u202ejson", "json* beginning=\u202ejson"},
	} {
		if got := printQuery(parseQuery(c.text)); got != c.want {
			t.Errorf("parseQuery(%q)\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// hostile are queries that nobody types.
func hostile() []string {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	var distinct, phrases, camel strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&distinct, "w%d ", i)
		fmt.Fprintf(&phrases, `description:"the w%d for" "for the" `, i)
		fmt.Fprintf(&camel, "a%dB", i)
	}
	return []string{
		many("a ", 5000), many("a", 10000), many("é", 5000), many("aB", 5000), many("日", 4000), many("\u0301", 5000),
		many(":", 10000), many(`"`, 10001), many(`id:"`, 3000), many("id:", 4000), many("id:a ", 3000), many("packageid:a ", 3000),
		many("tags:a,b,c,d,e,f,g,h ", 1000), "tags:" + many("a,", 5000), "version:" + many("1.", 5000), "owner:" + many("o", 10000),
		many("\xff", 10000), many("\U0001F600 ", 3000), many("\x00", 10000), many("\x01t", 5000), many(". ", 5000),
		distinct.String(), phrases.String(), camel.String(), many(`"a b" `, 2000), many("AND ", 3000),
		"\x01yDependency", "\x01v1.0.0", "*", "?", "a*", "[a-z]", "%00", "'; drop table", "../../etc/passwd", many("(", 10000),
	}
}

// bounds fails when a query asks for more than it may.
func bounds(t *testing.T, q parsedQuery) {
	t.Helper()
	words, phrases := 0, 0
	if len(q.clauses) > maxQueryWords+16 {
		t.Errorf("%d clauses", len(q.clauses))
	}
	for _, c := range q.clauses {
		if len(c.values) == 0 || len(c.values) > maxQueryWords {
			t.Errorf("a clause of %d values", len(c.values))
		}
		for _, v := range c.values {
			if v.key == "" && v.marked == "" && v.owner == "" && len(v.words) == 0 {
				t.Error("a value of nothing")
			}
			if v.phrase {
				phrases++
			}
			words += len(v.words)
			for _, w := range v.words {
				if w.whole == "" || len(w.whole) > maxWord || len(w.parts) > maxQueryParts || len(w.parts) == 1 || !utf8.ValidString(w.whole) {
					t.Errorf("word %q of %d parts", w.whole, len(w.parts))
				}
				if len(w.parts) > 0 && strings.Join(w.parts, "") != w.whole {
					t.Errorf("the parts %q are not %q", w.parts, w.whole)
				}
			}
		}
	}
	if words > maxQueryWords || phrases > maxPhrases {
		t.Errorf("%d words, %d phrases", words, phrases)
	}
}

// TestHostileQueries asks an index what nobody asks, in every method that takes
// text.
func TestHostileQueries(t *testing.T) {
	s := newLogStore()
	for i, c := range benchCards(t, 300) {
		s.put(gallery.Pushed, c)
		if i == 0 {
			s.put(gallery.Pushed, cardOf(t, "Plain", []gallery.AccountNo{1}, testRelease{version: "1.0.0", title: strings.Repeat("aB日é", 4000), description: strings.Join(hostile(), " "), tags: strings.Repeat("t ", 3000)}))
		}
	}
	ix := testIndex(t, s)
	for _, text := range hostile() {
		bounds(t, parseQuery(text))
		mustSearch(t, ix, gallery.Query{Text: text, Filter: everything})
		mustSearch(t, ix, gallery.Query{Text: "plain", PackageType: text})
		if _, _, err := ix.Autocomplete(t.Context(), gallery.Query{Text: text, Take: 20}); err != nil {
			t.Error(err)
		}
		if _, err := ix.VersionsOf(t.Context(), text, everything); err != nil {
			t.Error(err)
		}
		if _, err := ix.Nearest(t.Context(), text, everything, 5); err != nil {
			t.Error(err)
		}
	}
	// What marks words inside the index cannot be asked for from outside.
	for _, text := range []string{"\x01yDependency", "\x01t", "\x01v1.0.0", "\x01o\x00\x00\x00\x01", "description:\x01yDependency"} {
		blank := strings.NewReplacer("\x01", " ", "\x00", " ").Replace(text)
		got, want := mustSearch(t, ix, gallery.Query{Text: text, Filter: everything}), mustSearch(t, ix, gallery.Query{Text: blank, Filter: everything})
		if got.Total != want.Total {
			t.Errorf("%q finds %d packages, and %q %d", text, got.Total, blank, want.Total)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "json", `id:Foo.Bar "unit testing" tags:a,b`, `version:1.0 owner:x packageid:"A`, "a:b:c AND \xff é日志", "NewtonsoftJson2 OR :x::"} {
		f.Add(seed, 3)
	}
	for _, text := range hostile() {
		f.Add(text, 0)
	}
	s := newLogStore()
	for _, c := range benchCards(f, 60) {
		s.put(gallery.Pushed, c)
	}
	ix := testIndex(f, s)
	f.Fuzz(func(t *testing.T, text string, n int) {
		bounds(t, parseQuery(text))
		bounds(t, parseBeginning(text))
		view := gallery.Filter{Prerelease: n&1 != 0, SemVer2: n&2 != 0}
		all := mustSearch(t, ix, gallery.Query{Text: text, Filter: view})
		if all.Total != len(all.Hits) || all.Total > 60 {
			t.Errorf("%d hits, %d in all", len(all.Hits), all.Total)
		}
		seen := idsOf(all.Hits)
		slices.Sort(seen)
		if len(slices.Compact(seen)) != all.Total {
			t.Error("a hit twice")
		}
		if _, _, err := ix.Autocomplete(t.Context(), gallery.Query{Text: text, Filter: view, Take: 5, Skip: n}); err != nil {
			t.Error(err)
		}
		if _, err := ix.Nearest(t.Context(), text, view, 3); err != nil {
			t.Error(err)
		}
	})
}

// FuzzPackedCard holds what the index makes of any text: a card comes back as
// it was, and its words find it.
func FuzzPackedCard(f *testing.F) {
	f.Add("Contoso.Core", "Title", "A description, of words.", "tag other")
	f.Add("é", "\xff\xfe", strings.Repeat("aB", 300), "日 志")
	f.Fuzz(func(t *testing.T, id, title, description, tags string) {
		if id == "" {
			t.Skip("no package is without an ID")
		}
		c := cardOf(t, id, nil, testRelease{version: "1.0.0", title: title, description: description, tags: tags})
		if got := readCard(string(appendCard(nil, c))); !sameCard(got, c) {
			t.Errorf("read %+v, want %+v", got, c)
		}
		s := newLogStore()
		s.put(gallery.Pushed, c)
		ix := testIndex(t, s)
		var w wordCutter
		w.each(title+" "+description, func(word []byte, _ []int) {
			if got := mustSearch(t, ix, gallery.Query{Text: string(word)}).Total; got != 1 && !isOperator(string(word)) {
				t.Errorf("the word %q is not found", word)
			}
		})
	})
}
