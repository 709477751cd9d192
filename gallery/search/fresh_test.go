package search_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

// A process is one of several galleries over one store, with somebody who
// pushes and the first feed.
type process struct {
	*gallery.Gallery
	t    testing.TB
	feed *gallery.Feed
	ann  gallery.Actor
}

// openProcess opens a gallery and waits until its index is built.
func openProcess(t testing.TB, store gallery.Store, blobs gallery.Blobs) *process {
	t.Helper()
	g, err := gallery.Open(t.Context(), gallery.Options{
		Store: store, Blobs: blobs, NewIndex: search.New,
		Feeds: []gallery.FeedOptions{{Name: "main", Kind: gallery.TestFeed, OpenToRead: true, MaxBytes: 1 << 20}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close(context.Background()) })
	p := &process{Gallery: g, t: t, feed: g.Feeds()[0]}
	if _, err := g.AccountByName(t.Context(), "ann"); gallery.KindOf(err) == gallery.NotFound {
		_, _, err = g.AddAccount(t.Context(), gallery.Operator(), gallery.NewAccount{Name: "ann", Password: "ann has a long password"})
		if err != nil {
			t.Fatal(err)
		}
	}
	a, err := g.AccountByName(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if p.ann, err = g.PersonActor(t.Context(), a.No, "127.0.0.1", "test"); err != nil {
		t.Fatal(err)
	}
	p.find("")
	return p
}

func (p *process) push(id, version string) {
	p.t.Helper()
	data := pack.Nupkg(pack.Spec{ID: id, Version: version})
	if _, err := storetest.Publish(p.Gallery, p.ann, p.feed, data); err != nil {
		p.t.Fatal(err)
	}
}

// find returns the IDs of the packages that match, ascending.
func (p *process) find(text string) []string {
	p.t.Helper()
	res, err := p.Search(p.t.Context(), p.feed, gallery.Query{Text: text, Take: 100})
	if err != nil {
		p.t.Fatal(err)
	}
	var ids []string
	for _, h := range res.Hits {
		ids = append(ids, string(h.Card.ID))
	}
	slices.Sort(ids)
	return ids
}

// TestEventsOfAnotherProcess has two galleries over one store: each knows at its
// next question what the other did, and a cache that keeps answers under a
// snapshot's number is told at once.
func TestEventsOfAnotherProcess(t *testing.T) {
	store, blobs := storetest.Open(t)
	one, two := openProcess(t, store, blobs), openProcess(t, store, blobs)
	want := func(p *process, ids ...string) {
		t.Helper()
		if got := p.find("contoso"); !slices.Equal(got, ids) {
			t.Errorf("found %v, want %v", got, ids)
		}
	}
	cached := func(p *process) uint64 {
		t.Helper()
		n := p.SearchState(t.Context(), p.feed).Rev
		if n == 0 {
			t.Error("an index that is up to date has no number")
		}
		return n
	}
	// changed asks whether an answer kept under a number would be served now.
	changed := func(p *process, before uint64) {
		t.Helper()
		if p.SearchState(t.Context(), p.feed).Rev == before {
			t.Error("an old answer would be served after an event of another process")
		}
	}

	before := cached(two)
	one.push("Contoso.Core", "1.0.0")
	changed(two, before)
	want(two, "Contoso.Core")
	want(one, "Contoso.Core")

	before = cached(one)
	two.push("Contoso.Web", "1.0.0")
	changed(one, before)
	if ids, err := one.VersionsOf(t.Context(), one.feed, "contoso.web", gallery.Filter{}); err != nil || len(ids) != 1 {
		t.Errorf("versions %v, %v", ids, err)
	}
	cached(one)
	one.push("Contoso.Web", "2.0.0")
	if total, _, err := two.Autocomplete(t.Context(), two.feed, gallery.Query{Text: "contoso.", Take: 5}); err != nil || total != 2 {
		t.Errorf("%d IDs, %v", total, err)
	}

	before = cached(two)
	if err := one.SetListed(t.Context(), one.ann, one.feed, "Contoso.Core", "1.0.0", false); err != nil {
		t.Fatal(err)
	}
	changed(two, before)
	want(two, "Contoso.Web")

	// A wipe: another generation, and an event that says so.
	before = cached(two)
	err := store.Update(t.Context(), func(w gallery.Writer) error {
		f, err := w.Feed("main")
		if err != nil {
			return err
		}
		if err := w.NewGeneration(f); err != nil {
			return err
		}
		return w.AppendEvent(f.Number, &gallery.Event{Kind: gallery.Wiped, Time: time.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
	changed(two, before)
	want(two)
	want(one)
	if before = cached(two); before != cached(two) {
		t.Error("the number moves although nothing happens")
	}
}

// A brokenStore is a store whose reading can be made to fail.
type brokenStore struct {
	gallery.Store
	broken atomic.Bool
}

var errBroken = errors.New("the disk is gone")

func (s *brokenStore) View(ctx context.Context, f func(gallery.Reader) error) error {
	if s.broken.Load() {
		return errBroken
	}
	return s.Store.View(ctx, f)
}

// TestStoreThatFails: who cannot know whether the index is up to date does not
// answer; while nothing was written, there is nothing to ask the store.
func TestStoreThatFails(t *testing.T) {
	store, blobs := storetest.Open(t)
	s := &brokenStore{Store: store}
	p := openProcess(t, s, blobs)
	p.push("Contoso.Core", "1.0.0")
	p.find("")

	s.broken.Store(true)
	if res, err := p.Search(t.Context(), p.feed, gallery.Query{Take: 1}); err != nil || res.Total != 1 {
		t.Errorf("nothing was written, and the search says %v, %v", res, err)
	}
	err := store.Update(t.Context(), func(w gallery.Writer) error { return w.PutSetting("motd", "x") })
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Search(t.Context(), p.feed, gallery.Query{Take: 1})
	if gallery.KindOf(err) != gallery.Unavailable || !errors.Is(err, errBroken) {
		t.Errorf("search: %v", err)
	}
	if n := p.SearchState(t.Context(), p.feed).Rev; n != 0 {
		t.Errorf("snapshot %d", n)
	}

	s.broken.Store(false)
	p.find("")
}

// BenchmarkState is what a repeated search pays, over the real store, to know
// that its answer still holds.
func BenchmarkState(b *testing.B) {
	store, blobs := storetest.Open(b)
	p := openProcess(b, store, blobs)
	p.push("Contoso.Core", "1.0.0")
	b.ReportAllocs()
	for b.Loop() {
		if p.SearchState(b.Context(), p.feed).Rev == 0 {
			b.Fatal("behind")
		}
	}
}
