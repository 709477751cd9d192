package gallery_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

// A world is a gallery over the real store and blobs, with ann (the first
// account, an administrator) and bob, and a clock that the test moves.
type world struct {
	*gallery.Gallery
	t     testing.TB
	store gallery.Store
	blobs gallery.Blobs
	now   time.Time
	mu    sync.Mutex
	main  *gallery.Feed
	test  *gallery.Feed
	ann   gallery.Actor
	bob   gallery.Actor

	change []func(*gallery.Options) // what is unlike the usual
}

const (
	annPassword = "ann has a long password"
	bobPassword = "bob has a long password"
)

func newWorld(t testing.TB, change ...func(*gallery.Options)) *world {
	t.Helper()
	w := &world{t: t, change: change, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w.store, w.blobs = storetest.Open(t)
	w.open()
	if _, first, err := w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "ann", Password: annPassword}); err != nil || !first {
		t.Fatal(first, err)
	}
	if _, first, err := w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "bob", Password: bobPassword, Email: "bob@contoso.com"}); err != nil || first {
		t.Fatal(first, err)
	}
	w.ann, w.bob = w.person("ann"), w.person("bob")
	return w
}

func (w *world) open() {
	w.t.Helper()
	o := gallery.Options{
		Store: w.store, Blobs: w.blobs, NewIndex: search.New, Now: w.clock, KeyMaxDays: 365, LicenseRefs: true, AdviseBytes: 1 << 20, SimilarIDs: "warn", Brand: func() string { return "nougat" },
		Feeds: []gallery.FeedOptions{
			{Name: "main", MaxBytes: 1 << 20},
			{Name: "test", Kind: gallery.TestFeed, MaxBytes: 1 << 20, Replace: true},
		},
	}
	for _, change := range w.change {
		change(&o)
	}
	g, err := gallery.Open(w.ctx(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Gallery = g
	w.t.Cleanup(func() { g.Close(context.Background()) })
	w.main, _ = g.Feed("main")
	w.test, _ = g.Feed("test")
}

func (w *world) ctx() context.Context { return context.Background() }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) person(name string) gallery.Actor {
	w.t.Helper()
	a, err := w.AccountByName(w.ctx(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	actor, err := w.PersonActor(w.ctx(), a.No, "127.0.0.1", "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return actor
}

func (w *world) publish(a gallery.Actor, f *gallery.Feed, s pack.Spec) (*gallery.Published, error) {
	w.t.Helper()
	return w.publishBytes(a, f, pack.Nupkg(s))
}

func (w *world) publishBytes(a gallery.Actor, f *gallery.Feed, data []byte) (*gallery.Published, error) {
	w.t.Helper()
	return storetest.Publish(w.Gallery, a, f, data)
}

func (w *world) mustPublish(a gallery.Actor, f *gallery.Feed, s pack.Spec) *gallery.Published {
	w.t.Helper()
	p, err := w.publish(a, f, s)
	if err != nil {
		w.t.Fatalf("push of %s %s: %v", s.ID, s.Version, err)
	}
	return p
}

func (w *world) key(n gallery.NewKey) string {
	w.t.Helper()
	if n.Scopes == 0 {
		n.Scopes = gallery.AllScopes
	}
	secret, _, err := w.AddKey(w.ctx(), gallery.Operator(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func (w *world) verify() {
	w.t.Helper()
	_, err := gallery.Verify(w.ctx(), w.store, w.blobs, func(f gallery.Finding) { w.t.Errorf("verify: %v", f) })
	if err != nil {
		w.t.Error(err)
	}
}

func wantKind(t testing.TB, err error, kind gallery.Kind, text string) {
	t.Helper()
	var e *gallery.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Msg, text) {
		t.Errorf("got %v, want kind %d with %q", err, kind, text)
	}
}

// TestListing is: order of refusals, repeats, times.
func TestListing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "2.0.0"})
	wantKind(t, w.SetListed(w.ctx(), w.bob, w.main, "Contoso.Tables", "9.9", false), gallery.NotFound, "There is no package Contoso.Tables 9.9 here.")
	wantKind(t, w.SetListed(w.ctx(), w.bob, w.main, "Contoso.Tables", "not a version", false), gallery.NotFound, "There is no package")
	bob := w.bob
	bob.Admin = false
	wantKind(t, w.SetListed(w.ctx(), bob, w.main, "contoso.tables", "1.0", false), gallery.Forbidden, "bob does not own")
	for range 2 { // 204, again 204
		if err := w.SetListed(w.ctx(), w.ann, w.main, "contoso.TABLES", "2", false); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Hour)
	pkg, heads, _ := w.Heads(w.ctx(), w.main, "Contoso.Tables")
	if pkg.Rev != 3 || heads[1].Listed || pkg.Latest[0].String() != "1.0.0" {
		t.Errorf("after unlisting: %+v %+v", pkg, heads)
	}
	if res, _ := w.Search(w.ctx(), w.main, gallery.Query{Take: 20}); len(res.Hits) != 1 || res.Hits[0].Face.Version.String() != "1.0.0" {
		t.Errorf("search shows %+v", res)
	}
	if err := w.SetListed(w.ctx(), w.ann, w.main, "Contoso.Tables", "2.0.0", true); err != nil {
		t.Fatal(err)
	}
	h, _ := w.Head(w.ctx(), w.main, "Contoso.Tables", "1.0.0")
	if !h.Published.Equal(p.Head.Published) {
		t.Errorf("published moved from %v to %v", p.Head.Published, h.Published)
	}
	events, err := w.Events(w.ctx(), w.main, 0, 100)
	if err != nil || len(events) != 4 || events[2].Kind != gallery.Unlisted || events[3].Kind != gallery.Relisted || !events[3].Time.After(events[2].Time) {
		t.Errorf("events %+v, %v", events, err)
	}
	w.verify()
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Owner: "ann", Scopes: gallery.ScopePush})
	wantKind(t, err, gallery.Forbidden, "belongs to another account")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{})
	wantKind(t, err, gallery.Invalid, "Choose at least one")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Days: 366, HasDays: true})
	wantKind(t, err, gallery.Invalid, "at most 365 days") // R-KEY-09
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, HasDays: true})
	wantKind(t, err, gallery.Invalid, "at most 365 days")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Packages: []string{"a b"}})
	wantKind(t, err, gallery.Invalid, "pattern")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Feed: "none"})
	wantKind(t, err, gallery.NotFound, "The feeds are: main, test.")
	_, _, err = w.AddKey(w.ctx(), gallery.Operator(), gallery.NewKey{Owner: "nobody", Scopes: gallery.ScopePush})
	wantKind(t, err, gallery.NotFound, "There is no account nobody.")

	secret, k, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush | gallery.ScopeUnlist, Packages: []string{"Contoso.*", " ", "Contoso.*"}})
	if err != nil || k.Name != "made on 24 November 2026" || k.Days != 365 || len(k.Packages) != 1 {
		t.Fatalf("key %+v, %v", k, err)
	}
	a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret, Addr: "10.0.0.9", Client: "NuGet/7.9"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.AddKey(w.ctx(), a, gallery.NewKey{Scopes: gallery.ScopePush}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a key makes keys: %v", err)
	}
	_, err = w.publish(a, w.main, pack.Spec{ID: "Fabrikam", Version: "1.0.0"})
	wantKind(t, err, gallery.Forbidden, "This key may not push the new ID Fabrikam. It allows: push, unlist on Contoso.*.") // M-04
	for range 2 {
		list, err := w.KeysOf(w.ctx(), w.bob)
		if err != nil || len(list) != 1 || list[0].OwnerName != "bob" || list[0].FeedName != "main" || list[0].State != "live" || list[0].Use.Addr != "10.0.0.9" {
			t.Fatalf("list %+v, %v", list, err)
		}
		if err := w.Flush(w.ctx()); err != nil { // last use stays after it was written
			t.Fatal(err)
		}
	}
	if err := w.RevokeKey(w.ctx(), w.ann, k.ID); err != nil { // an administrator may
		t.Fatal(err)
	}
	wantKind(t, w.RevokeKey(w.ctx(), w.ann, "nope"), gallery.NotFound, "There is no key nope.")
	if _, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a revoked key works: %v", err)
	}
}

func TestDownloads(t *testing.T) { // GAL-B19
	t.Parallel()
	w := newWorld(t)
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	for range 3 {
		w.CountDownload(w.main, &p.Head)
	}
	check := func(when string) {
		t.Helper()
		total, by, err := w.DownloadsOf(w.ctx(), w.main, "contoso.tables")
		if err != nil || total != 3 || by["1.0.0"] != 3 {
			t.Errorf("%s: %d %v, %v", when, total, by, err)
		}
	}
	check("before the flush")
	if err := w.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	check("after the flush")
	if err := w.Close(w.ctx()); err != nil {
		t.Fatal(err)
	}
	w.open()
	check("after a restart")
	res, err := w.Search(w.ctx(), w.main, gallery.Query{Take: 1})
	if err != nil || len(res.Hits) != 1 || res.Hits[0].Downloads != 3 {
		t.Errorf("search: %+v, %v", res, err)
	}
}

// A file out of a package is one in memory for all who use it, however they
// spell it.
func TestFileIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.mustPublish(w.bob, w.main, pack.Spec{ID: "Some.Package", Version: "1.0.0"}).Head
	a, err := w.File(w.ctx(), head, "README.md", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, name := range []string{"README.md", "readme.MD", `.\%52EADME.md`} {
		b, err := w.File(w.ctx(), head, name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if &a.Data[0] != &b.Data[0] {
			t.Errorf("%s is read again", name)
		}
		b.Close()
	}
	for name, limit := range map[string]int64{"nothing.md": 1 << 20, "README.md": 1} {
		if _, err := w.File(w.ctx(), head, name, limit); gallery.KindOf(err) != gallery.NotFound {
			t.Errorf("%s of at most %d bytes: %v", name, limit, err)
		}
	}
}

// Packages are read inside by a bounded number at once, whoever asks.
func TestPackagesOpenAtOnce(t *testing.T) { synctest.Test(t, testPackagesOpenAtOnce) }

// In a bubble only those who wait for a place run out of time, and not those
// whose disk is slow.
func testPackagesOpenAtOnce(t *testing.T) {
	w := newWorld(t)
	head := w.mustPublish(w.bob, w.main, pack.Spec{ID: "Some.Package", Version: "1.0.0"}).Head
	var open []*gallery.PackageFile
	for {
		ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
		file, err := w.OpenArchive(ctx, head)
		cancel()
		if err != nil {
			break
		}
		if open = append(open, file); len(open) > 100 {
			t.Fatal("there is no bound")
		}
	}
	ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.Nuspec(ctx, head); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with %d open, one more: %v", len(open), err)
	}
	for _, file := range open {
		file.Close()
	}
	if _, err := w.Nuspec(w.ctx(), head); err != nil {
		t.Error(err)
	}
}

// A gallery that nobody gave a search index says what is missing.
func TestOpenNeedsAnIndex(t *testing.T) {
	store, blobs := storetest.Open(t)
	_, err := gallery.Open(t.Context(), gallery.Options{Store: store, Blobs: blobs, Feeds: []gallery.FeedOptions{{Name: "main"}}})
	if err == nil || !strings.Contains(err.Error(), "search.New") {
		t.Errorf("opened: %v", err)
	}
}

func TestFeedRules(t *testing.T) { // T-13, D-05
	t.Parallel()
	w := newWorld(t)
	w.Close(w.ctx())
	for _, tt := range []struct {
		feeds []gallery.FeedOptions
		text  string
	}{
		{nil, "no feed"},
		{[]gallery.FeedOptions{{Name: "Main"}}, "is not a feed name"},
		{[]gallery.FeedOptions{{Name: "main"}, {Name: "main"}}, "twice"},
		{[]gallery.FeedOptions{{Name: "main", Kind: gallery.TestFeed}}, "stays one"},
		{[]gallery.FeedOptions{{Name: "main", Replace: true}}, "only a test feed"},
	} {
		g, err := gallery.Open(w.ctx(), gallery.Options{Store: w.store, Blobs: w.blobs, NewIndex: search.New, Feeds: tt.feeds})
		if err == nil {
			g.Close(w.ctx())
		}
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("feeds %+v: %v, want %q", tt.feeds, err, tt.text)
		}
	}
}
