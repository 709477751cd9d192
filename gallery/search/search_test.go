package search

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
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
	versions := func(texts ...string) (all []gallery.CardVersion) {
		for _, s := range texts {
			v, err := nuget.ParseVersion(s)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, gallery.CardVersion{Version: v, SemVer2: v.IsSemVer2()})
		}
		return all
	}
	vs := versions("1.0", "2.0.0-Beta.1+build", "0.0.1.2")
	for _, c := range []*gallery.Card{
		{Shown: [4]int8{-1, -1, -1, -1}},
		{ID: "A", Shown: [4]int8{-1, -1, -1, -1}},
		{
			ID: "Contoso.Größe", Owners: []gallery.AccountNo{1, 1 << 31}, Rev: 1 << 60, Shown: [4]int8{0, 1, -1, 2}, Versions: vs,
			Faces: []gallery.Face{
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
		var scratch []gallery.Face
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

// TestSearchKeepsSomeCards pages through more cards than are kept: what is kept
// stays bounded, and every page is right.
func TestSearchKeepsSomeCards(t *testing.T) {
	s := newLogStore()
	const n = 5000
	for i := range n {
		s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("P%05d", i), nil, testRelease{version: "1.0.0"}))
	}
	ix := testIndex(t, s)
	for range 2 {
		for skip := 0; skip < n; skip += 500 {
			for i, h := range mustSearch(t, ix, gallery.Query{Skip: skip, Take: 500}).Hits {
				if want := fmt.Sprintf("P%05d", skip+i); string(h.Card.ID) != want {
					t.Fatalf("hit %d is %s", skip+i, h.Card.ID)
				}
			}
			kept := 0
			for _, p := range ix.snap.Load().parts {
				for i := range p.seg.read {
					if p.seg.read[i].Load() != nil {
						kept++
					}
				}
			}
			if kept == 0 || kept > keptCards/1024+500 {
				t.Errorf("%d cards are kept", kept)
			}
		}
	}
}

// TestSearchViews is the matrix of prerelease and SemVer 2: which version each
// view shows, which it lists, and by which words it finds the package
// (PROTO-3 and PROTO-4, R-DEL-04).
func TestSearchViews(t *testing.T) {
	s := newLogStore()
	s.put(gallery.Pushed, cardOf(t, "Four", nil,
		testRelease{version: "1.1.0", description: "alpha"},
		testRelease{version: "1.2.0-beta", description: "bravo"},
		testRelease{version: "1.3.0+build", description: "charlie"},
		testRelease{version: "1.4.0-delta.4", description: "delta"}))
	s.put(gallery.Pushed, cardOf(t, "OnlyPre", nil, testRelease{version: "1.0.0-rc", description: "bravo delta"}))
	s.put(gallery.Pushed, cardOf(t, "OnlySemVer2", nil, testRelease{version: "1.0.0", semVer2: true, description: "charlie delta"}))
	s.put(gallery.Pushed, cardOf(t, "Nothing", nil))
	ix := testIndex(t, s)
	for _, c := range []struct {
		view     gallery.Filter
		ids      string
		version  string
		versions string
		finds    string // words with which Four is found
	}{
		{gallery.Filter{}, "Four", "1.1.0", "1.1.0", "alpha"},
		{gallery.Filter{Prerelease: true}, "Four OnlyPre", "1.2.0-beta", "1.1.0 1.2.0-beta", "bravo"},
		{gallery.Filter{SemVer2: true}, "Four OnlySemVer2", "1.3.0+build", "1.1.0 1.3.0+build", "charlie"},
		{everything, "Four OnlyPre OnlySemVer2", "1.4.0-delta.4", "1.1.0 1.2.0-beta 1.3.0+build 1.4.0-delta.4", "delta"},
	} {
		res := mustSearch(t, ix, gallery.Query{Filter: c.view})
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
		if got, err := ix.VersionsOf(t.Context(), "FOUR", c.view); err != nil || strings.Join(got, " ") != c.versions {
			t.Errorf("%+v: versions %v, %v, want %s", c.view, got, err, c.versions)
		}
		for _, word := range []string{"alpha", "bravo", "charlie", "delta", "version:" + c.version} {
			want := word == c.finds || strings.HasPrefix(word, "version:")
			if got := slices.Contains(idsOf(mustSearch(t, ix, gallery.Query{Text: word, Filter: c.view}).Hits), "Four"); got != want {
				t.Errorf("%+v: %s finds it: %v", c.view, word, got)
			}
		}
	}
	for _, id := range []string{"Nothing", "Unknown", "", "\x01t"} {
		if got, err := ix.VersionsOf(t.Context(), id, everything); err != nil || len(got) != 0 {
			t.Errorf("versions of %q: %v, %v", id, got, err)
		}
	}
}

func TestSearchPaging(t *testing.T) {
	s := newLogStore()
	for i := range 250 {
		s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("P%03d", i), nil, testRelease{version: "1.0.0", published: time.Unix(int64(i*7919%1000), 0)}))
		s.download(fmt.Sprintf("P%03d", i), "1.0.0", uint64(i*31%10))
	}
	ix := testIndex(t, s)
	for _, sort := range []gallery.Sort{gallery.ByRelevance, gallery.ByDownloads, gallery.ByRecent} {
		whole := idsOf(mustSearch(t, ix, gallery.Query{Sort: sort, Take: 1000}).Hits)
		if len(whole) != 250 {
			t.Fatalf("%d hits", len(whole))
		}
		for _, take := range []int{1, 7, 20, 100, 249, 250, 251} {
			for _, skip := range []int{-5, 0, 1, 3, 99, 249, 250, 3001, 1 << 62} {
				res := mustSearch(t, ix, gallery.Query{Sort: sort, Skip: skip, Take: take})
				from := min(max(skip, 0), len(whole))
				want := whole[from:min(from+take, len(whole))]
				if got := idsOf(res.Hits); !slices.Equal(got, want) || res.Total != 250 {
					t.Errorf("skip %d take %d: %v (%d), want %v", skip, take, got, res.Total, want)
				}
			}
		}
	}
	for _, take := range []int{0, -1} {
		res, err := ix.Search(t.Context(), gallery.Query{Take: take, Skip: 3})
		if err != nil || res.Total != 250 || len(res.Hits) != 0 {
			t.Errorf("take %d: %d hits of %d, %v", take, len(res.Hits), res.Total, err)
		}
	}
	if res := mustSearch(t, ix, gallery.Query{Take: 1 << 62, Skip: 1 << 62}); res.Total != 250 || len(res.Hits) != 0 {
		t.Errorf("far beyond the end: %d of %d", len(res.Hits), res.Total)
	}
}

func TestSearchSort(t *testing.T) {
	s := newLogStore()
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	s.put(gallery.Pushed, cardOf(t, "Lib", nil, testRelease{version: "1.0.0", published: day(3)}, testRelease{version: "2.0.0-rc", published: day(9)}))
	s.put(gallery.Pushed, cardOf(t, "Lib.Old", nil, testRelease{version: "1.0.0", published: day(1)}))
	s.put(gallery.Pushed, cardOf(t, "Lib.New", nil, testRelease{version: "1.0.0", published: day(5)}))
	s.download("Lib.Old", "1.0.0", 100)
	s.download("Lib.New", "1.0.0", 10)
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    gallery.Query
		want string
	}{
		{gallery.Query{Text: "lib"}, "Lib Lib.Old Lib.New"}, // exact first
		{gallery.Query{Text: "lib", Sort: gallery.ByDownloads}, "Lib.Old Lib.New Lib"},
		{gallery.Query{Text: "lib", Sort: gallery.ByRecent}, "Lib.New Lib Lib.Old"},
		{gallery.Query{Text: "lib", Sort: gallery.ByRecent, Filter: everything}, "Lib Lib.New Lib.Old"}, // by the version shown
		{gallery.Query{}, "Lib.Old Lib.New Lib"},
		{gallery.Query{PackageType: "dependency"}, "Lib.Old Lib.New Lib"},
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
	s.put(gallery.Pushed, cardOf(t, "Lib", nil, testRelease{version: "1.0.0"}))
	s.put(gallery.Pushed, cardOf(t, "Tool", nil, testRelease{version: "1.0.0", types: []string{"DotnetTool"}}))
	s.put(gallery.Pushed, cardOf(t, "Both", nil, testRelease{version: "1.0.0", types: []string{"Dependency", "DotnetTool"}}))
	s.put(gallery.Pushed, cardOf(t, "Was", nil, testRelease{version: "1.0.0", types: []string{"Template"}}, testRelease{version: "2.0.0-rc", types: []string{"McpServer"}}))
	s.put(gallery.Pushed, cardOf(t, "Odd", nil, testRelease{version: "1.0.0", types: []string{"not a name"}}))
	s.put(gallery.Pushed, cardOf(t, "Gone", nil))
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    gallery.Query
		want string
	}{
		{gallery.Query{PackageType: "DotnetTool"}, "Both Tool"},
		{gallery.Query{PackageType: "dotnetTOOL", Text: "tool"}, "Tool"},
		{gallery.Query{PackageType: " dependency "}, "Both Lib"},
		{gallery.Query{PackageType: "Template"}, "Was"},
		{gallery.Query{PackageType: "Template", Filter: everything}, ""},
		{gallery.Query{PackageType: "McpServer", Filter: everything}, "Was"},
		{gallery.Query{PackageType: ""}, "Both Lib Odd Tool Was"},
		{gallery.Query{PackageType: "unknown"}, ""},
		{gallery.Query{PackageType: "not a name"}, ""}, // invalid names find nothing
		{gallery.Query{PackageType: "y"}, ""},
		{gallery.Query{PackageType: "Dependency,DotnetTool"}, ""},
	} {
		res := mustSearch(t, ix, c.q)
		got := idsOf(res.Hits)
		slices.Sort(got)
		if s := strings.Join(got, " "); s != c.want || res.Total != len(got) {
			t.Errorf("%+v: %q (%d), want %q", c.q, s, res.Total, c.want)
		}
	}
	types, err := ix.PackageTypes(t.Context())
	if want := []string{"Dependency", "DotnetTool", "McpServer", "not a name", "Template"}; err != nil || !slices.Equal(types, want) {
		t.Errorf("types %q, %v, want %q", types, err, want)
	}
}

// A package with many types is read once, not once for each.
func TestManyPackageTypes(t *testing.T) {
	s := newLogStore()
	var types []string
	for i := range 1000 {
		types = append(types, fmt.Sprintf("Type%d", i))
	}
	s.put(gallery.Pushed, cardOf(t, "Many", nil, testRelease{version: "1.0.0", types: types}))
	s.put(gallery.Pushed, cardOf(t, "Lib", nil, testRelease{version: "1.0.0"}))
	ix := testIndex(t, s)
	got, err := ix.PackageTypes(t.Context())
	if err != nil || len(got) != 1001 || got[0] != "Dependency" {
		t.Fatalf("%d types, %v", len(got), err)
	}
	if n := testing.AllocsPerRun(1, func() { ix.PackageTypes(t.Context()) }); n > 50_000 {
		t.Errorf("%.0f allocations", n)
	}
}

func TestSearchByOwner(t *testing.T) {
	s := newLogStore()
	s.put(gallery.Pushed, cardOf(t, "A", []gallery.AccountNo{1}, testRelease{version: "1.0.0"}))
	s.put(gallery.Pushed, cardOf(t, "B", []gallery.AccountNo{1, 2}, testRelease{version: "1.0.0"}))
	s.put(gallery.Pushed, cardOf(t, "C", []gallery.AccountNo{257}, testRelease{version: "1.0.0"})) // 257 and 1 differ in the high byte
	s.put(gallery.Pushed, cardOf(t, "D", nil, testRelease{version: "1.0.0"}))
	ix := testIndex(t, s)
	for _, c := range []struct {
		q    gallery.Query
		want string
	}{
		{gallery.Query{Owner: 1}, "A B"},
		{gallery.Query{Owner: 2}, "B"},
		{gallery.Query{Owner: 3}, ""},
		{gallery.Query{Text: "owner:contoso"}, "A B"},
		{gallery.Query{Text: "owners:Contoso owner:FABRIKAM"}, "A B"},
		{gallery.Query{Text: "owner:contoso", Owner: 2}, "B"},
		{gallery.Query{Text: "owner:cont"}, ""}, // exact only
		{gallery.Query{Text: "owner:nobody"}, ""},
		{gallery.Query{Text: `owner:""`}, "A B C D"},
		{gallery.Query{Text: "contoso"}, ""}, // owners are no text
	} {
		if got := strings.Join(idsOf(mustSearch(t, ix, c.q).Hits), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.q, got, c.want)
		}
	}
}

func TestAutocomplete(t *testing.T) {
	s := newLogStore()
	for _, id := range []string{"Json.More", "JsonSubTypes", "Newtonsoft.Json", "Newtonsoft.Json.Bson", "System.Text.Json", "Serilog", "JSON"} {
		s.put(gallery.Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0", description: "everything about newton and json"}))
	}
	s.put(gallery.Pushed, cardOf(t, "Json.Preview", nil, testRelease{version: "1.0.0-rc", types: []string{"DotnetTool"}}))
	s.put(gallery.Pushed, cardOf(t, "Json.Gone", nil))
	s.download("Newtonsoft.Json", "1.0.0", 1e9)
	ix := testIndex(t, s)
	for _, c := range []struct {
		q     gallery.Query
		total int
		want  string
	}{
		{gallery.Query{Text: "json", Take: 20}, 6, "JSON Json.More JsonSubTypes Newtonsoft.Json Newtonsoft.Json.Bson System.Text.Json"},
		{gallery.Query{Text: "json", Take: 2}, 6, "JSON Json.More"},
		{gallery.Query{Text: "json", Take: 2, Skip: 3}, 6, "Newtonsoft.Json Newtonsoft.Json.Bson"},
		{gallery.Query{Text: "newtonsoft.j", Take: 20}, 2, "Newtonsoft.Json Newtonsoft.Json.Bson"},
		{gallery.Query{Text: "Newtonsoft.Json.", Take: 20}, 2, "Newtonsoft.Json.Bson Newtonsoft.Json"},
		{gallery.Query{Text: "sub", Take: 20}, 1, "JsonSubTypes"},
		{gallery.Query{Text: "about", Take: 20}, 0, ""}, // only IDs
		{gallery.Query{Text: "json", Take: 20, Filter: everything}, 7, "JSON Json.More Json.Preview JsonSubTypes Newtonsoft.Json Newtonsoft.Json.Bson System.Text.Json"},
		{gallery.Query{Text: "json", Take: 20, Filter: everything, PackageType: "dotnettool"}, 1, "Json.Preview"},
		{gallery.Query{Text: "", Take: 2}, 7, "Newtonsoft.Json JSON"},
		{gallery.Query{Text: "tags:x", Take: 20}, 0, ""}, // no query language
		{gallery.Query{Text: "x", PackageType: "a b", Take: 20}, 0, ""},
	} {
		total, ids, err := ix.Autocomplete(t.Context(), c.q)
		if got := strings.Join(ids, " "); err != nil || total != c.total || got != c.want {
			t.Errorf("%+v: %d %s, %v\nwant %d %s", c.q, total, got, err, c.total, c.want)
		}
	}
}

func TestNearest(t *testing.T) {
	s := newLogStore()
	for _, id := range []string{"Newtonsoft.Json", "Newtonsoft.Json.Bson", "Serilog", "Serilog.Sinks.File", "Serilog.Sinks.Console", "Contoso.Billing.Client", "Moq", "xunit", "Polly"} {
		s.put(gallery.Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0"}))
	}
	s.put(gallery.Pushed, cardOf(t, "Serilogg", nil, testRelease{version: "1.0.0-rc"}))
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
		hits, err := ix.Nearest(t.Context(), id, gallery.Filter{}, 3)
		got := ""
		if len(hits) > 0 {
			got = string(hits[0].Card.ID)
		}
		if err != nil || got != want {
			t.Errorf("nearest to %q: %q, %v, want %q", id, got, err, want)
		}
	}
	hits, err := ix.Nearest(t.Context(), "serilog", gallery.Filter{Prerelease: true}, 5)
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
