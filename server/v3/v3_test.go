package v3

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/internal/pack"
	"nougat/server/docs"
	"nougat/store/storetest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testGallery is a gallery with a clock of its own, and somebody who pushes.
type testGallery struct {
	testing.TB
	*gallery.Gallery
	store gallery.Store
	feed  *gallery.Feed
	actor gallery.Actor
	clock atomic.Int64 // seconds that have passed: one with each push and listing
}

func open(t testing.TB) *testGallery {
	t.Helper()
	store, blobs := storetest.Open(t)
	began := time.Date(2026, 11, 24, 8, 0, 0, 123456700, time.UTC)
	w := &testGallery{TB: t, store: store}
	g, err := gallery.Open(context.Background(), gallery.Options{
		Store: store, Blobs: blobs, NewIndex: search.New,
		Feeds: []gallery.FeedOptions{{Name: "main", OpenToRead: true}},
		Now:   func() time.Time { return began.Add(time.Duration(w.clock.Load()) * time.Second) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	a, _, err := g.AddAccount(context.Background(), gallery.Operator(), gallery.NewAccount{Name: "ann", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	actor, err := g.PersonActor(context.Background(), a.No, "", "")
	if err != nil {
		t.Fatal(err)
	}
	w.Gallery, w.feed, w.actor = g, g.Feeds()[0], actor
	return w
}

// push publishes a package made of a nuspec's metadata and files, whose content
// is their name.
func (g *testGallery) push(id, version, meta string, files ...string) {
	g.Helper()
	g.clock.Add(1)
	nuspec := fmt.Sprintf(`<?xml version="1.0"?><package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata><id>%s</id><version>%s</version><authors>Ann, Ben</authors>%s</metadata></package>`, id, version, meta)
	all := []pack.File{{Name: id + ".nuspec", Data: []byte(nuspec), Stored: true}}
	for _, name := range files {
		content := name
		if strings.HasSuffix(name, ".png") {
			content = "\x89PNG\r\n\x1a\n"
		}
		all = append(all, pack.File{Name: name, Data: []byte(content), Stored: true})
	}
	if _, err := storetest.Publish(g.Gallery, g.actor, g.feed, pack.Zip(all...)); err != nil {
		g.Fatal(err)
	}
}

func (g *testGallery) list(id, version string, listed bool) {
	g.Helper()
	g.clock.Add(1)
	if err := g.SetListed(context.Background(), g.actor, g.feed, id, version, listed); err != nil {
		g.Fatal(err)
	}
}

func newDocs(g *testGallery) *Docs { return New(g.Gallery, docs.New(g.Gallery, 0)) }

// plain gets a document as JSON text.
func (g *testGallery) plain(d *Docs, ref docs.Ref, err error) string {
	g.Helper()
	if err != nil {
		g.Fatal(err)
	}
	doc, err := d.docs.Get(context.Background(), &ref)
	if err != nil {
		g.Fatal(err)
	}
	b, err := doc.Inflate(nil)
	if err != nil {
		g.Fatal(err)
	}
	return string(b)
}

const full = `<title>Some "quoted" title</title><description>Line one.
Line two &lt;with&gt; "marks" \ and ünïcode.</description><summary>Short.</summary><tags>one two</tags><language>en</language>
<projectUrl>https://example.org/some</projectUrl><iconUrl>https://example.org/old.png</iconUrl><license type="file">LICENSE.txt</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>
<icon>images\icon.png</icon><readme>readme.md</readme><releaseNotes>All is new.</releaseNotes><copyright>(c) Ann</copyright><requireLicenseAcceptance>true</requireLicenseAcceptance>
<repository type="git" url="https://example.org/some.git" commit="abc"/><packageTypes><packageType name="Dependency"/><packageType name="Custom" version="1.0"/></packageTypes>
<dependencies><group targetFramework="net8.0"><dependency id="Other.Package" version="[1.0, 2.0)"/><dependency id="Any"/></group><group targetFramework=".NETStandard2.0"/></dependencies>
<frameworkAssemblies><frameworkAssembly assemblyName="System.Net.Http" targetFramework="net48"/></frameworkAssemblies>`

// The golden files hold every kind of document.
func TestGoldenDocuments(t *testing.T) {
	g := open(t)
	g.push("Full.Package", "1.0.0", full, "LICENSE.txt", "images/icon.png", "readme.md", "lib/net8.0/Full.Package.dll")
	g.push("Full.Package", "1.1.0-Beta", `<description>Bare.</description><license type="expression">MIT OR (Apache-2.0 AND BSD-2-Clause)</license>`)
	g.push("Full.Package", "2.0.0+build.5", `<description>Unlisted.</description><iconUrl>http://example.org/icon.png</iconUrl>`)
	g.push("full.package", "3.0.0-rc.1", `<description>SemVer 2.</description><repository type="git" url="http://example.org/hidden.git"/>`)
	g.push("Other.Package", "1.0.0.1", `<description>Four parts.</description>`)
	g.list("full.package", "2.0", false)
	d := newDocs(g)
	ctx := context.Background()
	place := docs.Place{Root: "https://nuget.example.org/sub/team", Keep: true}
	texts := map[string]string{"service-index": g.plain(d, d.ServiceIndex(g.feed, place), nil)}
	get := func(name string, ref docs.Ref, err error) {
		t.Helper()
		texts[name] = g.plain(d, ref, err)
	}
	ref, err := d.FlatIndex(ctx, g.feed, "FULL.Package")
	get("flat-index", ref, err)
	for _, h := range []Hive{Plain, Gzip, SemVer2} {
		ref, err = d.RegistrationIndex(ctx, g.feed, place, h, "FULL.Package")
		get("registration-index-"+h.Path(), ref, err)
	}
	for _, v := range []string{"1.0", "2.0.0"} {
		ref, err = d.RegistrationLeaf(ctx, g.feed, place, SemVer2, "FULL.Package", v)
		get("registration-leaf-"+v, ref, err)
	}
	ref, err = d.CatalogIndex(ctx, g.feed, place)
	get("catalog-index", ref, err)
	ref, err = d.CatalogPage(ctx, g.feed, place, 0)
	get("catalog-page", ref, err)
	evs, err := g.Events(ctx, g.feed, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i, ev := range evs {
		ref, err = d.CatalogLeaf(ctx, g.feed, place, ev.Time.Format(timeFolder), ev.ID.Key()+"."+ev.Version.Key()+".json")
		get(fmt.Sprintf("catalog-leaf-%d", i+1), ref, err)
	}
	get("search", d.Search(ctx, g.feed, place, "q=full&prerelease=true&semVerLevel=2.0.0"), nil)
	get("search-old", d.Search(ctx, g.feed, place, ""), nil)
	get("autocomplete", d.Autocomplete(ctx, g.feed, "q=pack"), nil)
	get("autocomplete-versions", d.Autocomplete(ctx, g.feed, "id=full.package&prerelease=true&semVerLevel=2.0.0"), nil)
	for name, text := range texts {
		var indented bytes.Buffer
		if err := json.Indent(&indented, []byte(text), "", " "); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		indented.WriteByte('\n')
		file := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(file, indented.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), indented.String()); diff != "" {
			t.Errorf("%s is not as in its golden file (go test -update writes it anew):\n%s", name, diff)
		}
	}
}

// Verify reports documents and records that disagree.
func TestVerify(t *testing.T) {
	g := open(t)
	g.push("A", "1.0.0", full, "LICENSE.txt", "images/icon.png", "readme.md")
	g.push("A", "1.1.0-b.c", "<description>d</description>")
	g.list("A", "1.0.0", false)
	ctx := context.Background()
	n, err := Verify(ctx, g.Gallery, g.feed, func(string) bool { return false }, func(f gallery.Finding) { t.Error(f) })
	if err != nil || n == 0 {
		t.Fatalf("%d documents, %v", n, err)
	}
	// The comparison itself, against records that are not the documents'.
	d := newDocs(g)
	v := &verifier{g: g.Gallery, kept: d.docs, docs: d, feed: g.feed, id: "a"}
	_, releases, err := g.Releases(ctx, g.feed, "A")
	if err != nil {
		t.Fatal(err)
	}
	changed := *releases[0]
	changed.Listed = true
	changed.Size++
	changed.Meta.Dependencies = nil
	if err := v.hive(ctx, SemVer2, []*gallery.Release{&changed, releases[1]}); err != nil {
		t.Fatal(err)
	}
	found := fmt.Sprint(v.found)
	for _, want := range []string{"listed is false", "published is 1900", "dependencies is group", "packageSize in the catalog", "listed of its leaf"} {
		if !strings.Contains(found, want) {
			t.Errorf("%q is not found in %s", want, found)
		}
	}
	v.found = nil
	if err := v.hive(ctx, SemVer2, releases[:1]); err != nil || len(v.found) == 0 {
		t.Errorf("a version too many: %v, %v", v.found, err)
	}
	v.found = nil
	if err := v.hive(ctx, SemVer2, nil); err != nil || len(v.found) == 0 {
		t.Errorf("a document too many: %v, %v", v.found, err)
	}
}

// Many who want one document wait for one rendering.
func TestSingleFlight(t *testing.T) {
	g := open(t)
	g.push("A", "1.0.0", "<description>d</description>")
	d := newDocs(g)
	ctx := context.Background()
	var different atomic.Int32
	var first atomic.Pointer[docs.Document]
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			ref, err := d.RegistrationIndex(ctx, g.feed, docs.Place{Root: "http://a", Keep: true}, SemVer2, "a")
			if err != nil {
				t.Error(err)
				return
			}
			doc, err := d.docs.Get(ctx, &ref)
			if err != nil {
				t.Error(err)
				return
			}
			if !first.CompareAndSwap(nil, doc) && first.Load() != doc {
				different.Add(1)
			}
		})
	}
	wg.Wait()
	// One who looked into the cache before and into the flights after may render
	// again; that is rare and harmless.
	if n := different.Load(); n > 5 {
		t.Errorf("%d of 50 got a document of their own", n)
	}
}

// A client that leaves does not take the document from those who wait with it.
func TestFlightOutlivesItsFirst(t *testing.T) {
	g := open(t)
	g.push("A", "1.0.0", "<description>d</description>")
	d := newDocs(g)
	gone, cancel := context.WithCancel(context.Background())
	ref, err := d.RegistrationIndex(gone, g.feed, docs.Place{Root: "http://a", Keep: true}, SemVer2, "a")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := d.docs.Get(gone, &ref); err != nil {
		t.Errorf("got %v", err)
	}
}

// Questions may wait for the index: they have slots of their own, whether their
// answers are kept or not, and documents do not wait for them.
func TestAnswersDoNotHoldDocumentsUp(t *testing.T) {
	g := open(t)
	g.push("Some.Package", "1.0.0", "<description>x</description>")
	d := newDocs(g)
	place := docs.Place{Root: "https://packages.example.org", Keep: true}
	const atOnce = 16 // answers are rendered
	begun, release := make(chan struct{}, 4*atOnce), make(chan struct{})
	slow := &docs.Kind{No: 255, Answer: true, Render: func(context.Context, *docs.Ref, *docs.Draft) error {
		begun <- struct{}{}
		<-release
		return docs.ErrNoDocument
	}}
	var waiting sync.WaitGroup
	for i := range 4 * atOnce {
		waiting.Go(func() {
			_, _ = d.docs.Get(t.Context(), &docs.Ref{Key: docs.Key{Kind: slow, Count: int32(i)}, Keep: true})
		})
	}
	for range atOnce {
		<-begun
	}
	for i, pad := range []string{"", strings.Repeat("x", maxKeptQuery)} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		ref := d.Search(context.Background(), g.feed, place, fmt.Sprintf("q=some&skip=%d%s", i, pad))
		_, err := d.docs.Get(ctx, &ref)
		cancel()
		if gallery.KindOf(err) != gallery.Unavailable {
			t.Errorf("one more answer: %v", err)
		}
	}
	ref, err := d.FlatIndex(t.Context(), g.feed, "some.package")
	if g.plain(d, ref, err) != `{"versions":["1.0.0"]}` {
		t.Error("a document waits")
	}
	close(release)
	g.plain(d, d.Search(context.Background(), g.feed, place, "q=some"), nil)
	waiting.Wait()
}

func TestParam(t *testing.T) {
	for raw, want := range map[string]string{
		"q=a": "a", "Q=a": "a", "x=1&q=a+b%20c": "a b c", "q=&q=b": "", "%71=a": "a", "q": "", "": "", "q=%zz": "", "q=%zz&q=b": "b", "qq=1": "", "q=a;b": "a;b", "q=a&": "a", "&&q=a": "a",
	} {
		if got := Param(raw, "q"); got != want {
			t.Errorf("Param(%q) = %q, want %q", raw, got, want)
		}
	}
}

// TestCatalogPages is Q-53 and PROTO-7: 550 events a page, and a page that
// is full never changes.
func TestCatalogPages(t *testing.T) {
	g := open(t)
	g.push("Some", "1.0.0", "<description>x</description>")
	d, ctx := newDocs(g), context.Background()
	place := docs.Place{Root: "https://nuget.example.org", Keep: true}
	head, err := g.Head(ctx, g.feed, "Some", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	happen := func(n int) { // n times that the package was listed again
		err := g.store.Update(ctx, func(w gallery.Writer) error {
			for range n {
				if err := w.AppendEvent(g.feed.Number, &gallery.Event{Time: g.Now(), Kind: gallery.Relisted, ID: "Some", Version: head.Version, Listed: true}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	index := func() string {
		ref, err := d.CatalogIndex(ctx, g.feed, place)
		var index struct {
			CommitTimeStamp string
			Items           []struct {
				CommitTimeStamp string
				Count           int
			}
		}
		if err := json.Unmarshal([]byte(g.plain(d, ref, err)), &index); err != nil {
			t.Fatal(err)
		}
		var counts []string
		for i, p := range index.Items {
			counts = append(counts, strconv.Itoa(p.Count))
			ref, err := d.CatalogPage(ctx, g.feed, place, uint64(i))
			var page struct {
				CommitTimeStamp string
				Count           int
				Items           []struct{ CommitTimeStamp string }
			}
			if err := json.Unmarshal([]byte(g.plain(d, ref, err)), &page); err != nil {
				t.Fatal(err)
			}
			if page.Count != p.Count || len(page.Items) != p.Count || page.CommitTimeStamp != p.CommitTimeStamp || page.Items[p.Count-1].CommitTimeStamp != p.CommitTimeStamp {
				t.Errorf("page %d: %d items, count %d, until %s; the index says %d until %s", i, len(page.Items), page.Count, page.CommitTimeStamp, p.Count, p.CommitTimeStamp)
			}
			if i == len(index.Items)-1 && index.CommitTimeStamp != p.CommitTimeStamp {
				t.Errorf("the index is of %s, its last page of %s", index.CommitTimeStamp, p.CommitTimeStamp)
			}
		}
		return strings.Join(counts, " ")
	}
	first := func() string {
		ref, err := d.CatalogPage(ctx, g.feed, place, 0)
		if err != nil {
			t.Fatal(err)
		}
		tag, _ := d.docs.Tags(&ref)
		return tag
	}
	happen(548)
	if got := index(); got != "549" {
		t.Errorf("549 events are pages of %s", got)
	}
	before := first()
	happen(1)
	full := first()
	if got := index(); got != "550" || full == before {
		t.Errorf("550 events are pages of %s, ETag %s, before %s", got, full, before)
	}
	happen(1)
	if got := index(); got != "550 1" || first() != full {
		t.Errorf("551 events are pages of %s, ETag of the first %s, before %s", got, first(), full)
	}
	if _, err := d.CatalogPage(ctx, g.feed, place, 2); gallery.KindOf(err) != gallery.NotFound {
		t.Errorf("a page behind the last: %v", err)
	}
}

func TestQueryOf(t *testing.T) {
	for raw, want := range map[string]gallery.Query{
		"":                               {Take: 20},
		"q=x&skip=5&take=7":              {Text: "x", Skip: 5, Take: 7},
		"skip=-1&take=-1":                {Take: 20},
		"skip=a&take=b":                  {Take: 20},
		"take=0":                         {Take: 0},
		"take=1001&skip=999999":          {Take: 1000, Skip: 999999},
		"take=99999999999999999999":      {Take: 20},
		"prerelease=TRUE":                {Take: 20, Filter: gallery.Filter{Prerelease: true}},
		"prerelease=1&semVerLevel=2.0.0": {Take: 20, Filter: gallery.Filter{SemVer2: true}},
		"SEMVERLEVEL=3.1":                {Take: 20, Filter: gallery.Filter{SemVer2: true}},
		"semVerLevel=2.0.0-beta":         {Take: 20},
		"semVerLevel=x":                  {Take: 20},
		"packageType=DotnetTool":         {Take: 20, PackageType: "DotnetTool"},
		"packageTypeFilter=DotnetTool":   {Take: 20, PackageType: "DotnetTool"},
		"PACKAGETYPES=DotnetTool":        {Take: 20, PackageType: "DotnetTool"},
	} {
		if got := queryOf(raw); got != want {
			t.Errorf("queryOf(%q) = %+v, want %+v", raw, got, want)
		}
	}
}

// FuzzJSON holds the writer against the standard reader.
func FuzzJSON(f *testing.F) {
	f.Add("plain", "a\"b\\c")
	f.Add("\x00\x1f\u2028", "\xff\xed\xa0\x80 ok \U0001F36B")
	f.Fuzz(func(t *testing.T, one, two string) {
		var w writer
		w.open('{')
		w.str("a", one, two)
		w.opt("b", two)
		w.strs("c", []string{one, two})
		w.num("d", int64(len(one)))
		w.name("e")
		w.open('[')
		w.open('{')
		w.bool("f", true)
		w.close('}')
		w.text(two)
		w.close(']')
		w.close('}')
		var got struct {
			A string
			B string
			C []string
			D int
			E []any
		}
		if err := json.Unmarshal(w.b, &got); err != nil {
			t.Fatalf("%v in %q", err, w.b)
		}
		one, two = string([]rune(one)), string([]rune(two)) // each wrong byte is U+FFFD
		if got.A != one+two || got.B != two || got.C[0] != one || got.C[1] != two || got.E[1] != two {
			t.Errorf("%q and %q came back as %+v", one, two, got)
		}
		if !utf8.Valid(w.b) {
			t.Errorf("%q is no UTF-8", w.b)
		}
	})
}
