package gallery

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nougat/nuget"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"._-!  ":                  "",
		"Foo2Bar.Baz":             "foo2bar(foo 2 bar) baz",
		"Newtonsoft.Json":         "newtonsoft json",
		"EntityFrameworkCore":     "entityframeworkcore(entity framework core)",
		"HTTPServer":              "httpserver(http server)",
		"xUnit":                   "xunit(x unit)",
		"OAuth2":                  "oauth2(o auth 2)",
		"MVVMLight":               "mvvmlight(mvvm light)",
		"iOS_14-Android":          "ios(i os) 14 android",
		"net8.0":                  "net8(net 8) 0",
		"JSON":                    "json",
		"C#, F# and .NET":         "c f and net",
		"don't":                   "don t",
		"Größe ÄÖÜ":               "größe äöü",
		"日志 library":              "日志(日 志) library",
		"カタカナ":                    "カタカナ(カ タ カ ナ)",
		"Привет МирДом":           "привет мирдом(мир дом)",
		"e\u0301cole":             "e\u0301cole",
		"\u0301x":                 "\u0301x",
		"a\xffb\xf0\x9f\x98\x80c": "a b c",
		"١٢٣abc":                  "١٢٣abc(١٢٣ abc)",
		strings.Repeat("x", 500):  strings.Repeat("x", 125),
	} {
		var got []string
		var w wordCutter
		w.each(text, func(word []byte, cuts []int) {
			s := string(word)
			if len(cuts) > 0 {
				var parts []string
				eachPart(word, cuts, func(part []byte) { parts = append(parts, string(part)) })
				s += "(" + strings.Join(parts, " ") + ")"
			}
			got = append(got, s)
		})
		if s := strings.Join(got, " "); s != want {
			t.Errorf("words of %q: %q, want %q", text, s, want)
		}
	}
}

func TestHasPhrase(t *testing.T) {
	for _, c := range []struct {
		text, phrase string
		want         bool
	}{
		{"A JSON serializer for .NET", "json serializer", true},
		{"A JSON serializer for .NET", "serializer json", false},
		{"A JSON serializer for .NET", "serializer for net", true},
		{"A JSON serializer for .NET", "json serial", false},
		{"json json serializer", "json serializer", true},
		{"Json.Serializer", "JSON serializer", true},
		{"json", "json serializer", false},
		{"json serializer", "json serializer", true},
		{"Größe der Tür", "der tür", true},
		{"日志 记录", "日志 记录", true},
		{"", "a b", false},
		{strings.Repeat("long", 100) + " word", strings.Repeat("long", 90) + " word", true}, // both are cut
	} {
		q := parseQuery(`"` + c.phrase + `"`)
		if got := hasPhrase(c.text, q.clauses[0].values[0].words); got != c.want {
			t.Errorf("hasPhrase(%q, %q) = %v", c.text, c.phrase, got)
		}
	}
}

func TestCardRoundTrip(t *testing.T) {
	when := time.Date(2026, 11, 24, 8, 0, 0, 1234500, time.UTC)
	versions := func(texts ...string) (all []CardVersion) {
		for _, s := range texts {
			v, err := nuget.ParseVersion(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, CardVersion{v, v.IsSemVer2()})
		}
		return all
	}
	vs := versions("1.0", "2.0.0-Beta.1+build", "0.0.1.2")
	for _, c := range []*Card{
		{Shown: [4]int8{-1, -1, -1, -1}},
		{ID: "A", Shown: [4]int8{-1, -1, -1, -1}},
		{
			ID: "Contoso.Größe", Owners: []AccountNo{1, 1 << 31}, Rev: 1 << 60, Shown: [4]int8{0, 1, -1, 2}, Versions: vs,
			Faces: []Face{
				{Version: vs[0].Version, Title: "T", Description: strings.Repeat("long ", 5000), Authors: "a", Tags: []string{"x", "y"}, Published: when},
				{Version: vs[1].Version, Title: "T", Description: "other", Authors: "a", Types: []string{"DotnetTool"}, Frameworks: []string{"net8.0", "net10.0"}, HasIcon: true},
				{Version: vs[2].Version, Title: "", Summary: "s", ProjectURL: "https://p", IconURL: "https://i", LicenseURL: "https://l", HasLicenseFile: true, Published: time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)},
			},
		},
	} {
		packed := string(appendCard(nil, c))
		if got := readCard(packed); !reflect.DeepEqual(got, c) {
			t.Errorf("read %+v\nwant %+v", got, c)
		}
		if got := readCardID(packed); got != string(c.ID) {
			t.Errorf("ID %q", got)
		}
		var scratch []Face
		for range 2 { // the second time with what the first left
			for view, at := range c.Shown {
				f, shown := readFace(packed, view, &scratch)
				if shown != (at >= 0 && len(c.Faces) > 0) {
					t.Fatalf("view %d is shown: %v", view, shown)
				}
				if shown && (f.Title != c.Faces[at].Title || f.Description != c.Faces[at].Description || !slices.Equal(f.Tags, c.Faces[at].Tags)) {
					t.Errorf("texts of view %d: %+v", view, f)
				}
			}
		}
	}
}

// TestSearchViews is the matrix of prerelease and SemVer 2: which version each
// view shows, which it lists, and by which words it finds the package
// (protocol.md 3 and 4, R-DEL-04).
func TestSearchViews(t *testing.T) {
	s := newLogStore()
	s.put(Pushed, cardOf(t, "Four", nil,
		testRelease{version: "1.1.0", description: "alpha"},
		testRelease{version: "1.2.0-beta", description: "bravo"},
		testRelease{version: "1.3.0+build", description: "charlie"},
		testRelease{version: "1.4.0-delta.4", description: "delta"}))
	s.put(Pushed, cardOf(t, "OnlyPre", nil, testRelease{version: "1.0.0-rc", description: "bravo delta"}))
	s.put(Pushed, cardOf(t, "OnlySemVer2", nil, testRelease{version: "1.0.0", semVer2: true, description: "charlie delta"}))
	s.put(Pushed, cardOf(t, "Nothing", nil))
	ix := testIndex(t, s)
	for _, c := range []struct {
		view     View
		ids      string
		version  string
		versions string
		finds    string // words with which Four is found
	}{
		{View{}, "Four", "1.1.0", "1.1.0", "alpha"},
		{View{Prerelease: true}, "Four OnlyPre", "1.2.0-beta", "1.1.0 1.2.0-beta", "bravo"},
		{View{SemVer2: true}, "Four OnlySemVer2", "1.3.0+build", "1.1.0 1.3.0+build", "charlie"},
		{View{true, true}, "Four OnlyPre OnlySemVer2", "1.4.0-delta.4", "1.1.0 1.2.0-beta 1.3.0+build 1.4.0-delta.4", "delta"},
	} {
		res := mustSearch(t, ix, Query{View: c.view})
		if got := strings.Join(idsOf(res.Hits), " "); got != c.ids || res.Total != len(res.Hits) {
			t.Errorf("%+v: %s (%d), want %s", c.view, got, res.Total, c.ids)
		}
		h := res.Hits[0]
		if got := h.Face.Version.Full(); got != c.version {
			t.Errorf("%+v shows %s, want %s", c.view, got, c.version)
		}
		var listed []string
		for _, v := range h.Versions {
			listed = append(listed, v.Version.Full())
		}
		if got := strings.Join(listed, " "); got != c.versions {
			t.Errorf("%+v lists %s, want %s", c.view, got, c.versions)
		}
		if got, err := ix.versionsOf(t.Context(), "FOUR", c.view); err != nil || strings.Join(got, " ") != c.versions {
			t.Errorf("%+v: versions %v, %v, want %s", c.view, got, err, c.versions)
		}
		for _, word := range []string{"alpha", "bravo", "charlie", "delta", "version:" + c.version} {
			want := word == c.finds || strings.HasPrefix(word, "version:")
			if got := slices.Contains(idsOf(mustSearch(t, ix, Query{Text: word, View: c.view}).Hits), "Four"); got != want {
				t.Errorf("%+v: %s finds it: %v", c.view, word, got)
			}
		}
	}
	for _, id := range []string{"Nothing", "Unknown", "", "\x01t"} {
		if got, err := ix.versionsOf(t.Context(), id, everything); err != nil || len(got) != 0 {
			t.Errorf("versions of %q: %v, %v", id, got, err)
		}
	}
}

func TestSearchPaging(t *testing.T) {
	s := newLogStore()
	for i := range 250 {
		s.put(Pushed, cardOf(t, fmt.Sprintf("P%03d", i), nil, testRelease{version: "1.0.0", published: time.Unix(int64(i*7919%1000), 0)}))
		s.download(fmt.Sprintf("P%03d", i), "1.0.0", uint64(i*31%10))
	}
	ix := testIndex(t, s)
	for _, sort := range []Sort{ByRelevance, ByDownloads, ByRecent} {
		whole := idsOf(mustSearch(t, ix, Query{Sort: sort, Take: 1000}).Hits)
		if len(whole) != 250 {
			t.Fatalf("%d hits", len(whole))
		}
		for _, take := range []int{1, 7, 20, 100, 249, 250, 251} {
			for _, skip := range []int{-5, 0, 1, 3, 99, 249, 250, 3001, 1 << 62} {
				res := mustSearch(t, ix, Query{Sort: sort, Skip: skip, Take: take})
				from := min(max(skip, 0), len(whole))
				want := whole[from:min(from+take, len(whole))]
				if got := idsOf(res.Hits); !slices.Equal(got, want) || res.Total != 250 {
					t.Errorf("skip %d take %d: %v (%d), want %v", skip, take, got, res.Total, want)
				}
			}
		}
	}
	for _, take := range []int{0, -1} {
		res, err := ix.search(t.Context(), Query{Take: take, Skip: 3})
		if err != nil || res.Total != 250 || len(res.Hits) != 0 {
			t.Errorf("take %d: %d hits of %d, %v", take, len(res.Hits), res.Total, err)
		}
	}
	if res := mustSearch(t, ix, Query{Take: 1 << 62, Skip: 1 << 62}); res.Total != 250 || len(res.Hits) != 0 {
		t.Errorf("far beyond the end: %d of %d", len(res.Hits), res.Total)
	}
}

func TestSearchSort(t *testing.T) {
	s := newLogStore()
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	s.put(Pushed, cardOf(t, "Lib", nil, testRelease{version: "1.0.0", published: day(3)}, testRelease{version: "2.0.0-rc", published: day(9)}))
	s.put(Pushed, cardOf(t, "Lib.Old", nil, testRelease{version: "1.0.0", published: day(1)}))
	s.put(Pushed, cardOf(t, "Lib.New", nil, testRelease{version: "1.0.0", published: day(5)}))
	s.download("Lib.Old", "1.0.0", 100)
	s.download("Lib.New", "1.0.0", 10)
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Text: "lib"}, "Lib Lib.Old Lib.New"}, // exact first
		{Query{Text: "lib", Sort: ByDownloads}, "Lib.Old Lib.New Lib"},
		{Query{Text: "lib", Sort: ByRecent}, "Lib.New Lib Lib.Old"},
		{Query{Text: "lib", Sort: ByRecent, View: everything}, "Lib Lib.New Lib.Old"}, // by the version shown
		{Query{}, "Lib.Old Lib.New Lib"},
		{Query{PackageType: "dependency"}, "Lib.Old Lib.New Lib"},
	} {
		res := mustSearch(t, ix, c.q)
		if got := strings.Join(idsOf(res.Hits), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
		for _, h := range res.Hits {
			if want := h.Card.ID == "Lib" && c.q.Text != ""; h.Exact != want {
				t.Errorf("%+v: %s is exact: %v", c.q, h.Card.ID, h.Exact)
			}
		}
	}
}

func TestSearchPackageType(t *testing.T) {
	s := newLogStore()
	s.put(Pushed, cardOf(t, "Lib", nil, testRelease{version: "1.0.0"}))
	s.put(Pushed, cardOf(t, "Tool", nil, testRelease{version: "1.0.0", types: []string{"DotnetTool"}}))
	s.put(Pushed, cardOf(t, "Both", nil, testRelease{version: "1.0.0", types: []string{"Dependency", "DotnetTool"}}))
	s.put(Pushed, cardOf(t, "Was", nil, testRelease{version: "1.0.0", types: []string{"Template"}}, testRelease{version: "2.0.0-rc", types: []string{"McpServer"}}))
	s.put(Pushed, cardOf(t, "Odd", nil, testRelease{version: "1.0.0", types: []string{"not a name"}}))
	s.put(Pushed, cardOf(t, "Gone", nil))
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{PackageType: "DotnetTool"}, "Both Tool"},
		{Query{PackageType: "dotnetTOOL", Text: "tool"}, "Tool"},
		{Query{PackageType: " dependency "}, "Both Lib"},
		{Query{PackageType: "Template"}, "Was"},
		{Query{PackageType: "Template", View: everything}, ""},
		{Query{PackageType: "McpServer", View: everything}, "Was"},
		{Query{PackageType: ""}, "Both Lib Odd Tool Was"},
		{Query{PackageType: "unknown"}, ""},
		{Query{PackageType: "not a name"}, ""}, // invalid names find nothing
		{Query{PackageType: "y"}, ""},
		{Query{PackageType: "Dependency,DotnetTool"}, ""},
	} {
		res := mustSearch(t, ix, c.q)
		got := idsOf(res.Hits)
		slices.Sort(got)
		if s := strings.Join(got, " "); s != c.want || res.Total != len(got) {
			t.Errorf("%+v: %q (%d), want %q", c.q, s, res.Total, c.want)
		}
	}
	types, err := ix.packageTypes(t.Context())
	if want := []string{"Dependency", "DotnetTool", "McpServer", "not a name", "Template"}; err != nil || !slices.Equal(types, want) {
		t.Errorf("types %q, %v, want %q", types, err, want)
	}
}

func TestSearchByOwner(t *testing.T) {
	s := newLogStore()
	s.put(Pushed, cardOf(t, "A", []AccountNo{1}, testRelease{version: "1.0.0"}))
	s.put(Pushed, cardOf(t, "B", []AccountNo{1, 2}, testRelease{version: "1.0.0"}))
	s.put(Pushed, cardOf(t, "C", []AccountNo{257}, testRelease{version: "1.0.0"})) // 257 and 1 differ in the high byte
	s.put(Pushed, cardOf(t, "D", nil, testRelease{version: "1.0.0"}))
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    Query
		want string
	}{
		{Query{Owner: 1}, "A B"},
		{Query{Owner: 2}, "B"},
		{Query{Owner: 3}, ""},
		{Query{Text: "owner:contoso"}, "A B"},
		{Query{Text: "owners:Contoso owner:FABRIKAM"}, "A B"},
		{Query{Text: "owner:contoso", Owner: 2}, "B"},
		{Query{Text: "owner:cont"}, ""}, // exact only
		{Query{Text: "owner:nobody"}, ""},
		{Query{Text: `owner:""`}, "A B C D"},
		{Query{Text: "contoso"}, ""}, // owners are no text
	} {
		if got := strings.Join(idsOf(mustSearch(t, ix, c.q).Hits), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

func TestAutocomplete(t *testing.T) {
	s := newLogStore()
	for _, id := range []string{"Json.More", "JsonSubTypes", "Newtonsoft.Json", "Newtonsoft.Json.Bson", "System.Text.Json", "Serilog", "JSON"} {
		s.put(Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0", description: "everything about newton and json"}))
	}
	s.put(Pushed, cardOf(t, "Json.Preview", nil, testRelease{version: "1.0.0-rc", types: []string{"DotnetTool"}}))
	s.put(Pushed, cardOf(t, "Json.Gone", nil))
	s.download("Newtonsoft.Json", "1.0.0", 1e9)
	ix := testIndex(t, s)
	for _, c := range []struct {
		q     Query
		total int
		want  string
	}{
		{Query{Text: "json", Take: 20}, 6, "JSON Json.More JsonSubTypes Newtonsoft.Json Newtonsoft.Json.Bson System.Text.Json"},
		{Query{Text: "json", Take: 2}, 6, "JSON Json.More"},
		{Query{Text: "json", Take: 2, Skip: 3}, 6, "Newtonsoft.Json Newtonsoft.Json.Bson"},
		{Query{Text: "newtonsoft.j", Take: 20}, 2, "Newtonsoft.Json Newtonsoft.Json.Bson"},
		{Query{Text: "Newtonsoft.Json.", Take: 20}, 2, "Newtonsoft.Json.Bson Newtonsoft.Json"},
		{Query{Text: "sub", Take: 20}, 1, "JsonSubTypes"},
		{Query{Text: "about", Take: 20}, 0, ""}, // only IDs
		{Query{Text: "json", Take: 20, View: everything}, 7, "JSON Json.More Json.Preview JsonSubTypes Newtonsoft.Json Newtonsoft.Json.Bson System.Text.Json"},
		{Query{Text: "json", Take: 20, View: everything, PackageType: "dotnettool"}, 1, "Json.Preview"},
		{Query{Text: "", Take: 2}, 7, "Newtonsoft.Json JSON"},
		{Query{Text: "tags:x", Take: 20}, 0, ""}, // no query language
		{Query{Text: "x", PackageType: "a b", Take: 20}, 0, ""},
	} {
		total, ids, err := ix.autocomplete(t.Context(), c.q)
		if got := strings.Join(ids, " "); err != nil || total != c.total || got != c.want {
			t.Errorf("%+v: %d %s, %v\nwant %d %s", c.q, total, got, err, c.total, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	s := newLogStore()
	for _, id := range []string{"Newtonsoft.Json", "Newtonsoft.Json.Bson", "Serilog", "Serilog.Sinks.File", "Serilog.Sinks.Console", "Contoso.Billing.Client", "Moq", "xunit", "Polly"} {
		s.put(Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0"}))
	}
	s.put(Pushed, cardOf(t, "Serilogg", nil, testRelease{version: "1.0.0-rc"}))
	ix := testIndex(t, s)
	for id, want := range map[string]string{
		"Newtonsoft.Jsn":                       "Newtonsoft.Json",
		"newtonsoftjson":                       "Newtonsoft.Json",
		"Newtonsof.Json":                       "Newtonsoft.Json",
		"Newtnosoft.Json":                      "Newtonsoft.Json", // neighbours swapped
		"Json.Newtonsoft":                      "Newtonsoft.Json",
		"Serilog.Sinks.Fiel":                   "Serilog.Sinks.File",
		"Serilog.Sink.Console":                 "Serilog.Sinks.Console",
		"Contoso.Client.Billing":               "Contoso.Billing.Client",
		"Contoso.Billing.Clients":              "Contoso.Billing.Client",
		"mok":                                  "Moq",
		"x.unit":                               "xunit",
		"Serilgo":                              "Serilog",
		"completely.else":                      "",
		"":                                     "",
		"é":                                    "",
		strings.Repeat("Newtonsoft.Json", 300): "",
		strings.Repeat("a", 128):               "",
	} {
		hits, err := ix.nearest(t.Context(), id, View{}, 3)
		got := ""
		if len(hits) > 0 {
			got = string(hits[0].Card.ID)
		}
		if err != nil || got != want {
			t.Errorf("nearest to %q: %q, %v, want %q", id, got, err, want)
		}
	}
	hits, err := ix.nearest(t.Context(), "serilog", View{Prerelease: true}, 5)
	if got := idsOf(hits); err != nil || !slices.Contains(got, "Serilogg") || slices.Contains(got, "Serilog") {
		t.Errorf("nearest to an ID that exists: %v, %v", got, err)
	}
}

// TestDistance holds the banded distance against the textbook's.
func TestDistance(t *testing.T) {
	plain := func(a, b string) int {
		d := make([][]int, len(a)+1)
		for i := range d {
			d[i] = make([]int, len(b)+1)
			d[i][0] = i
		}
		for j := range d[0] {
			d[0][j] = j
		}
		for i := 1; i <= len(a); i++ {
			for j := 1; j <= len(b); j++ {
				change := 1
				if a[i-1] == b[j-1] {
					change = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+change)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
		return d[len(a)][len(b)]
	}
	r := rand.New(rand.NewPCG(5, 6))
	text := func() string {
		b := make([]byte, 1+r.IntN(20))
		for i := range b {
			b[i] = "abc."[r.IntN(4)]
		}
		return string(b)
	}
	for range 20000 {
		a, b := text(), text()
		if r.IntN(2) == 0 { // a few changes only
			c := []byte(a)
			for range r.IntN(5) {
				c[r.IntN(len(c))] = "abc."[r.IntN(4)]
			}
			b = string(c) + b[:r.IntN(min(3, len(b)+1))]
		}
		alike := newResemblance(a, a)
		want := plain(a, b)
		got := alike.distance(b)
		if want > alike.edits {
			if got <= alike.edits {
				t.Fatalf("distance of %q and %q is %d, want more than %d", a, b, got, alike.edits)
			}
		} else if got != want {
			t.Fatalf("distance of %q and %q is %d, want %d", a, b, got, want)
		}
	}
}

// A reference says what a query must find, package by package and word by word.
type reference struct {
	cards     map[string]*Card
	downloads func(key string) uint64
	accounts  map[string]AccountNo
}

type refHit struct {
	id    string
	score uint64
}

func (ref *reference) search(q Query) []refHit {
	p := parseQuery(q.Text)
	var hits []refHit
	for key, c := range ref.cards {
		at := c.Shown[q.View.Index()]
		if at < 0 {
			continue
		}
		f := &c.Faces[at]
		types := f.Types
		if len(types) == 0 {
			types = []string{"Dependency"}
		}
		if q.PackageType != "" && !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, q.PackageType) }) {
			continue
		}
		if q.Owner != 0 && !slices.Contains(c.Owners, q.Owner) {
			continue
		}
		words, parts := refWords(c, f)
		sum, met := uint64(0), true
		for _, clause := range p.clauses {
			best, any := uint64(0), false
			for _, v := range clause.values {
				if score, ok := ref.value(c, f, words, parts, v, clause.fields); ok {
					best, any = max(best, score), true
				}
			}
			sum, met = sum+best, met && any
		}
		if !met {
			continue
		}
		score := ref.downloads(key)
		if len(p.clauses) > 0 {
			score = downloadBoost(score)
			switch mean := sum / uint64(len(p.clauses)); {
			case p.exact == key:
				score += 1 << 24
			case p.beginning != "" && strings.HasPrefix(key, p.beginning) && strings.ContainsAny(p.beginning, ".-_"):
				score += 1<<20 + uint64(300*len(p.beginning)/len(key))
			case p.beginning != "" && strings.HasPrefix(key, p.beginning):
				score += mean + 100
			default:
				score += mean
			}
		}
		switch q.Sort {
		case ByDownloads:
			score = ref.downloads(key)
		case ByRecent:
			score = recency(f.Published)
		}
		hits = append(hits, refHit{string(c.ID), score})
	}
	slices.SortFunc(hits, func(a, b refHit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(strings.ToLower(a.id), strings.ToLower(b.id)))
	})
	return hits
}

// refWords returns the fields of each word of a face, and how many parts the ID
// has.
func refWords(c *Card, f *Face) (map[string]uint32, int) {
	words := make(map[string]uint32)
	add := func(text string, field uint32) (parts int) {
		var w wordCutter
		w.each(text, func(word []byte, cuts []int) {
			words[string(word)] |= field
			parts += 1 + len(cuts)
			eachPart(word, cuts, func(part []byte) { words[string(part)] |= field })
		})
		return parts
	}
	parts := add(string(c.ID), fieldID)
	add(f.Title, fieldTitle)
	add(f.Authors, fieldAuthors)
	add(f.Summary, fieldSummary)
	add(f.Description, fieldDescription)
	for _, tag := range f.Tags {
		add(tag, fieldTags)
	}
	return words, parts
}

func (ref *reference) value(c *Card, f *Face, words map[string]uint32, parts int, v queryValue, fields uint32) (uint64, bool) {
	weigh := func(fields uint32) uint64 {
		best, rest := uint64(0), uint64(0)
		for _, f := range []struct {
			bit    uint32
			weight uint64
		}{{fieldID, 1000}, {fieldTags, 600}, {fieldTitle, 500}, {fieldAuthors, 250}, {fieldSummary, 200}, {fieldDescription, 200}} {
			switch {
			case fields&f.bit == 0:
			case best == 0:
				best = f.weight
			default:
				rest += f.weight
			}
		}
		if fields&fieldID != 0 {
			best += uint64(300 / parts)
		}
		return best + rest/10
	}
	one := func(w string, prefix bool) (uint64, bool) {
		exact, begins := words[w]&fields, uint32(0)
		if prefix {
			for other, in := range words {
				if strings.HasPrefix(other, w) {
					begins |= in & fields
				}
			}
		}
		return max(weigh(exact), weigh(begins)*60/100), exact|begins != 0
	}
	switch {
	case v.key != "":
		return weigh(fieldID), v.key == c.ID.Key()
	case v.owner != "":
		return 0, slices.Contains(c.Owners, ref.accounts[strings.ToLower(v.owner)])
	case strings.HasPrefix(v.marked, markTag):
		return 600, slices.ContainsFunc(f.Tags, func(tag string) bool { return strings.ToLower(tag) == v.marked[len(markTag):] })
	case v.marked != "":
		return 0, strings.ToLower(f.Version.String()) == v.marked[len(markVersion):]
	}
	sum := uint64(0)
	for _, w := range v.words {
		score, ok := one(w.whole, w.prefix)
		if len(w.parts) > 0 {
			total, all := uint64(0), true
			for i, part := range w.parts {
				s, has := one(part, w.prefix && i == len(w.parts)-1)
				total, all = total+s, all && has
			}
			if all {
				score, ok = max(score, total/uint64(len(w.parts))*80/100), true
			}
		}
		if !ok {
			return 0, false
		}
		sum += score
	}
	if v.phrase {
		want := make([]string, len(v.words))
		for i, w := range v.words {
			want[i] = w.whole
		}
		phrase := " " + strings.Join(want, " ") + " "
		texts := map[uint32][]string{fieldID: {string(c.ID)}, fieldTitle: {f.Title}, fieldAuthors: {f.Authors}, fieldSummary: {f.Summary}, fieldDescription: {f.Description}, fieldTags: f.Tags}
		has := false
		for field, all := range texts {
			for _, text := range all {
				joined := " "
				var w wordCutter
				w.each(text, func(word []byte, _ []int) { joined += string(word) + " " })
				has = has || fields&field != 0 && strings.Contains(joined, phrase)
			}
		}
		if !has {
			return 0, false
		}
	}
	return sum / uint64(len(v.words)), true
}

var testWords = strings.Fields("Json Xml Log Logging Logger Core Web WebApi HttpClient Http2 Sql SqlServer Data DataFlow a an the of for net Net8 Contoso Fabrikam ContosoLog Serializer serial x1 1x LOGIN 日志 Größe")

func randomCard(t testing.TB, r *rand.Rand, id string) *Card {
	text := func(n int) string {
		words := make([]string, r.IntN(n+1))
		for i := range words {
			words[i] = testWords[r.IntN(len(testWords))]
		}
		return strings.Join(words, []string{" ", " ", ", ", "."}[r.IntN(4)])
	}
	var releases []testRelease
	versions := []string{"1.0.0", "1.1.0-beta", "1.2.0+x", "2.0.0-rc.1", "2.1"}
	description := text(12)
	for _, v := range versions {
		if r.IntN(3) == 0 {
			continue
		}
		if r.IntN(3) == 0 {
			description = text(12)
		}
		rel := testRelease{version: v, title: text(3), description: description, tags: strings.NewReplacer(",", "", ".", "").Replace(text(3)), authors: text(2), published: time.Unix(int64(r.IntN(50)), 0)}
		if r.IntN(4) == 0 {
			rel.types = []string{[]string{"DotnetTool", "Template", "dependency"}[r.IntN(3)]}
		}
		releases = append(releases, rel)
	}
	var owners []AccountNo
	for no := range AccountNo(3) {
		if r.IntN(2) == 0 {
			owners = append(owners, no+1)
		}
	}
	return cardOf(t, id, owners, releases...)
}

func randomID(r *rand.Rand, extra int) string {
	id := testWords[r.IntN(len(testWords)-2)]
	for range r.IntN(3) {
		id += []string{".", "-", "_", ""}[r.IntN(4)] + testWords[r.IntN(len(testWords)-2)]
	}
	if extra > 0 {
		id += fmt.Sprintf(".N%d", r.IntN(extra))
	}
	return id
}

func randomQuery(r *rand.Rand) Query {
	var terms []string
	for range r.IntN(4) {
		w := testWords[r.IntN(len(testWords))]
		switch r.IntN(10) {
		case 0:
			w = w[:1+r.IntN(len(w))]
		case 1:
			w = strings.ToLower(w)
		case 2:
			w = []string{"id", "packageid", "title", "description", "tags", "author", "summary", "owner", "version", "unknown"}[r.IntN(10)] + ":" + w
		case 3:
			w = fmt.Sprintf(`"%s %s"`, w, testWords[r.IntN(len(testWords))])
		case 4:
			w = fmt.Sprintf(`description:"%s %s"`, w, testWords[r.IntN(len(testWords))])
		case 5:
			w = []string{"owner:contoso", "version:1.0", "version:2.1.0", "owner:fabrikam", "tags:json,xml", "AND", "packageid:Json"}[r.IntN(7)]
		case 6:
			w = randomID(r, 0)
		}
		terms = append(terms, w)
	}
	q := Query{Text: strings.Join(terms, " "), View: View{r.IntN(2) == 0, r.IntN(2) == 0}, Sort: Sort(max(0, r.IntN(6)-3)), Take: 1 + r.IntN(40)}
	if r.IntN(3) == 0 {
		q.Skip = r.IntN(60)
	}
	if r.IntN(5) == 0 {
		q.PackageType = []string{"Dependency", "dotnettool", "Template"}[r.IntN(3)]
	}
	if r.IntN(8) == 0 {
		q.Owner = AccountNo(1 + r.IntN(3))
	}
	return q
}

// check holds the answer of an index to a query against the reference's.
func (ref *reference) check(t *testing.T, ix *index, q Query) {
	t.Helper()
	want := ref.search(q)
	res := mustSearch(t, ix, q)
	if res.Total != len(want) {
		t.Fatalf("%+v: %d hits, want %d", q, res.Total, len(want))
	}
	from := min(q.Skip, len(want))
	want = want[from:min(from+q.Take, len(want))]
	if len(res.Hits) != len(want) {
		t.Fatalf("%+v: a page of %d, want %d", q, len(res.Hits), len(want))
	}
	for i, h := range res.Hits {
		got := refHit{string(h.Card.ID), h.score}
		if got != want[i] {
			t.Fatalf("%+v: hit %d is %v, want %v", q, i, got, want[i])
		}
		if !reflect.DeepEqual(h.Card, ref.cards[h.Card.ID.Key()]) && !sameCard(h.Card, ref.cards[h.Card.ID.Key()]) {
			t.Fatalf("%+v: card %+v, want %+v", q, h.Card, ref.cards[h.Card.ID.Key()])
		}
		if h.Downloads != ref.downloads(h.Card.ID.Key()) {
			t.Fatalf("%s has %d downloads, want %d", h.Card.ID, h.Downloads, ref.downloads(h.Card.ID.Key()))
		}
	}
}

// sameCard compares cards whose empty lists may be nil or not.
func sameCard(a, b *Card) bool {
	return string(appendCard(nil, a)) == string(appendCard(nil, b))
}

// TestSearchEqualsReference does random things to a feed and asks random
// questions in between. The large rounds reach what only long lists of postings
// reach.
func TestSearchEqualsReference(t *testing.T) {
	for _, round := range []struct{ start, ids, steps, asks int }{
		{0, 30, 400, 3},
		{40, 60, 300, 3},
		{2500, 2500, 40, 1},
	} {
		t.Run(fmt.Sprint(round.start), func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, uint64(round.start)))
			s := newLogStore()
			ref := &reference{cards: s.cards, accounts: s.accounts, downloads: func(key string) (n uint64) {
				for k, total := range s.downloads {
					if k.ID == key {
						n += total
					}
				}
				return n
			}}
			var ids []string
			for range round.ids {
				ids = append(ids, randomID(r, 1000))
			}
			for _, id := range ids[:round.start] {
				s.put(Pushed, randomCard(t, r, id))
			}
			ix := testIndex(t, s)
			mustSearch(t, ix, Query{})
			for range round.steps {
				id := ids[r.IntN(len(ids))]
				switch r.IntN(8) {
				case 0:
					ix.announce(s.put(Unlisted, cardOf(t, id, nil)))
				case 1:
					ix.addDownloads([]DownloadCount{s.download(id, "1.0.0", uint64(r.IntN(1000)))})
				default:
					if r.IntN(10) == 0 {
						id = strings.ToUpper(id) // another spelling of the same ID
					}
					seq := s.put(Pushed, randomCard(t, r, id))
					if r.IntN(2) == 0 {
						if err := ix.applied(t.Context(), seq); err != nil {
							t.Fatal(err)
						}
					}
					ix.announce(seq)
				}
				for range round.asks {
					ref.check(t, ix, randomQuery(r))
				}
			}
			if round.start > 1000 {
				// Enough to have everything merged, in the background.
				for range 1300 {
					if err := ix.applied(t.Context(), s.put(Pushed, randomCard(t, r, ids[r.IntN(len(ids))]))); err != nil {
						t.Fatal(err)
					}
				}
				waitForMerge(ix)
				if len(ix.snap.Load().parts[0].seg.heavy) == 0 {
					t.Error("no heavy beginnings: the round is too small for what it tests")
				}
				for range 60 {
					ref.check(t, ix, randomQuery(r))
				}
				for _, text := range []string{"l", "lo", "log", "s", "se", "x", "n", "con", "a", "日", "co j", `x1 l`} {
					ref.check(t, ix, Query{Text: text, Take: 50})
					ref.check(t, ix, Query{Text: text, Take: 50, View: everything})
				}
			}
		})
	}
}
