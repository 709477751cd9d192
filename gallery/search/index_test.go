package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nougat/gallery"
)

func testIndex(t testing.TB, s *logStore) *index {
	f := s.feed
	ix := newIndex(s, &f, slog.New(slog.DiscardHandler))
	t.Cleanup(ix.Close)
	return ix
}

func mustSearch(t testing.TB, ix *index, q gallery.Query) gallery.Results {
	t.Helper()
	if q.Take == 0 {
		q.Take = 1000
	}
	res, err := ix.Search(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func idsOf(hits []gallery.Hit) []string {
	ids := make([]string, len(hits))
	for i := range hits {
		ids[i] = string(hits[i].Card.ID)
	}
	return ids
}

var everything = gallery.Filter{Prerelease: true, SemVer2: true}

func TestIndexFollowsTheLog(t *testing.T) {
	s := newLogStore()
	s.put(gallery.Pushed, cardOf(t, "Contoso.Core", []gallery.AccountNo{1}, testRelease{version: "1.0.0"}))
	ix := testIndex(t, s)
	find := func(text string, want ...string) {
		t.Helper()
		got := idsOf(mustSearch(t, ix, gallery.Query{Text: text, Filter: everything}).Hits)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("search %q: %v, want %v", text, got, want)
		}
	}
	find("contoso", "Contoso.Core")

	s.put(gallery.Pushed, cardOf(t, "Contoso.Web", []gallery.AccountNo{1}, testRelease{version: "1.0.0", description: "pages"}))
	find("contoso", "Contoso.Core", "Contoso.Web") // the query catches up
	find("pages", "Contoso.Web")

	seq := s.put(gallery.Pushed, cardOf(t, "Contoso.Web", []gallery.AccountNo{1}, testRelease{version: "1.0.0", description: "pages"}, testRelease{version: "2.0.0", description: "forms"}))
	if err := ix.Await(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	if got := ix.snap.Load().applied; got != seq {
		t.Errorf("applied up to %d, want %d", got, seq)
	}
	find("pages")
	find("forms", "Contoso.Web")
	find("contoso", "Contoso.Core", "Contoso.Web")

	s.put(gallery.Unlisted, cardOf(t, "Contoso.Web", []gallery.AccountNo{1}))
	find("forms")
	find("contoso", "Contoso.Core")
	s.put(gallery.Relisted, cardOf(t, "Contoso.Web", []gallery.AccountNo{1}, testRelease{version: "1.0.0", description: "pages"}))
	find("pages", "Contoso.Web")

	find("owner:contoso", "Contoso.Core", "Contoso.Web")
	find("owner:fabrikam")
	s.put(gallery.Relisted, cardOf(t, "Contoso.Web", []gallery.AccountNo{2}, testRelease{version: "1.0.0", description: "pages"}))
	find("owner:contoso", "Contoso.Core")
	find("owner:FABRIKAM", "Contoso.Web")
	find("owner:nobody")

	// The ID is spelled as its newest version spells it.
	s.put(gallery.Pushed, cardOf(t, "CONTOSO.core", []gallery.AccountNo{1}, testRelease{version: "3.0.0"}))
	find("contoso.core", "CONTOSO.core")

	// Many events at once, more than a page.
	for i := range 3*gallery.ScanPage + 5 {
		s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("Bulk.N%d", i%300), nil, testRelease{version: "1.0.0"}))
	}
	if got := mustSearch(t, ix, gallery.Query{Text: "bulk"}).Total; got != 300 {
		t.Errorf("%d bulk packages, want 300", got)
	}
}

func TestIndexWipe(t *testing.T) {
	s := newLogStore()
	for i := range 400 {
		s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("Old.N%d", i), nil, testRelease{version: "1.0.0"}))
	}
	s.download("Old.N1", "1.0.0", 5)
	ix := testIndex(t, s)
	if got := mustSearch(t, ix, gallery.Query{}).Total; got != 400 {
		t.Fatalf("%d packages, want 400", got)
	}
	before := ix.State(t.Context()).Rev
	s.mu.Lock()
	s.feed.Generation++
	s.cards = make(map[string]*gallery.Card)
	s.downloads = make(map[gallery.DownloadCount]uint64)
	s.events = append(s.events, gallery.Event{Seq: uint64(len(s.events) + 1), Kind: gallery.Wiped})
	s.mu.Unlock()
	s.put(gallery.Pushed, cardOf(t, "New", nil, testRelease{version: "1.0.0"}))
	if got := idsOf(mustSearch(t, ix, gallery.Query{}).Hits); !slices.Equal(got, []string{"New"}) {
		t.Errorf("after the wipe: %v", got)
	}
	if ix.State(t.Context()).Rev == before {
		t.Error("the wipe left the snapshot's number")
	}
	if ix.DownloadsTotal() != 0 {
		t.Errorf("%d downloads after the wipe", ix.DownloadsTotal())
	}
}

func TestIndexDownloads(t *testing.T) {
	s := newLogStore()
	for _, id := range []string{"Lib.A", "Lib.B", "Lib.C"} {
		s.put(gallery.Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0"}, testRelease{version: "2.0.0-Beta"}))
	}
	s.download("lib.c", "1.0.0", 10)
	s.download("lib.c", "2.0.0-beta", 7)
	ix := testIndex(t, s)
	ask := func(want ...string) []gallery.Hit {
		t.Helper()
		hits := mustSearch(t, ix, gallery.Query{Text: "lib", Filter: everything}).Hits
		if got := idsOf(hits); !slices.Equal(got, want) {
			t.Errorf("order %v, want %v", got, want)
		}
		return hits
	}
	hits := ask("Lib.C", "Lib.A", "Lib.B")
	if hits[0].Downloads != 17 || hits[0].VersionDownloads(hits[0].Versions[1].Version) != 7 || hits[1].VersionDownloads(hits[1].Versions[0].Version) != 0 {
		t.Errorf("downloads %d, of the beta %d", hits[0].Downloads, hits[0].VersionDownloads(hits[0].Versions[1].Version))
	}

	number := ix.State(t.Context()).Rev
	ix.AddDownloads([]gallery.DownloadCount{s.download("Lib.B", "1.0.0", 1000)})
	ask("Lib.B", "Lib.C", "Lib.A")
	if ix.State(t.Context()).Rev == number {
		t.Error("downloads changed the order and not the snapshot's number")
	}
	if got := ix.DownloadsTotal(); got != 1017 {
		t.Errorf("%d downloads in all, want 1017", got)
	}

	// A package keeps its downloads while it is not listed, and through merges.
	s.put(gallery.Unlisted, cardOf(t, "Lib.B", nil))
	ask("Lib.C", "Lib.A")
	ix.AddDownloads([]gallery.DownloadCount{s.download("Lib.B", "1.0.0", 1)})
	s.put(gallery.Relisted, cardOf(t, "Lib.B", nil, testRelease{version: "1.0.0"}))
	if hits := ask("Lib.B", "Lib.C", "Lib.A"); hits[0].Downloads != 1001 {
		t.Errorf("%d downloads after relisting, want 1001", hits[0].Downloads)
	}

	// A store that fails delays the counts and loses none.
	broken := errors.New("broken")
	s.fail.Store(&broken)
	ix.AddDownloads([]gallery.DownloadCount{s.download("Lib.A", "1.0.0", 5000)})
	if ix.State(t.Context()).Rev != 0 {
		t.Error("an answer cache may use the number of an index that is behind")
	}
	s.fail.Store(nil)
	ask("Lib.A", "Lib.B", "Lib.C")
}

func TestIndexNotBuilt(t *testing.T) {
	s := newLogStore()
	s.put(gallery.Pushed, cardOf(t, "Contoso", nil, testRelease{version: "1.0.0"}))
	broken := errors.New("the store is broken")
	s.fail.Store(&broken)
	ix := testIndex(t, s)
	_, err := ix.Search(t.Context(), gallery.Query{})
	if gallery.KindOf(err) != gallery.Unavailable || !errors.Is(err, broken) {
		t.Errorf("search without an index: %v", err)
	}
	if ix.State(t.Context()).Rev != 0 {
		t.Errorf("snapshot %d of an index that is not built", ix.State(t.Context()).Rev)
	}
	s.fail.Store(nil)
	ix.turn <- struct{}{} // somebody builds, and takes long
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := ix.Search(ctx, gallery.Query{}); gallery.KindOf(err) != gallery.Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("search of somebody who leaves: %v", err)
	}
	// A push does not wait for the build, and a flush neither.
	if err := ix.Await(t.Context(), 1); err != nil {
		t.Error(err)
	}
	ix.AddDownloads([]gallery.DownloadCount{s.download("Contoso", "1.0.0", 3)})
	<-ix.turn
	if got := mustSearch(t, ix, gallery.Query{}); got.Total != 1 || got.Hits[0].Downloads != 3 {
		t.Errorf("after the build: %+v", got)
	}
}

// TestIndexPanic has a card that cannot be read: the query that meets it
// panics, as every query does until the card is gone, and none waits for ever.
func TestIndexPanic(t *testing.T) {
	s := newLogStore()
	ix := testIndex(t, s)
	mustSearch(t, ix, gallery.Query{})
	s.put(gallery.Pushed, &gallery.Card{ID: "Broken", Shown: [4]int8{3, 3, 3, 3}})
	for range 2 {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, err := ix.Search(t.Context(), gallery.Query{})
			t.Errorf("answered, with %v", err)
		}()
	}
	s.put(gallery.Pushed, cardOf(t, "Broken", nil, testRelease{version: "1.0.0"}))
	if got := mustSearch(t, ix, gallery.Query{}).Total; got != 1 {
		t.Errorf("%d packages", got)
	}
}

// TestIndexLogTooShort waits for an event that is not in the log, and has a
// state that names one: both fail and none spins or hangs, and nothing stays
// broken once the event is there.
func TestIndexLogTooShort(t *testing.T) {
	s := newLogStore()
	ix := testIndex(t, s)
	mustSearch(t, ix, gallery.Query{})
	if err := ix.Await(t.Context(), 1); gallery.KindOf(err) != gallery.Unavailable {
		t.Errorf("waited for an event that nobody wrote: %v", err)
	}
	mustSearch(t, ix, gallery.Query{})
	s.ahead.Store(1)
	if _, err := ix.Search(t.Context(), gallery.Query{}); gallery.KindOf(err) != gallery.Unavailable {
		t.Errorf("error %v", err)
	}
	if got := ix.State(t.Context()).Rev; got != 0 {
		t.Errorf("snapshot %d of an index that is behind", got)
	}
	s.put(gallery.Pushed, cardOf(t, "Contoso", nil, testRelease{version: "1.0.0"}))
	s.ahead.Store(0)
	if got := mustSearch(t, ix, gallery.Query{}).Total; got != 1 {
		t.Errorf("%d packages", got)
	}
}

// TestIndexStart has a store that fails at first: start tries again.
func TestIndexStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newLogStore()
		s.put(gallery.Pushed, cardOf(t, "Contoso", nil, testRelease{version: "1.0.0"}))
		broken := errors.New("broken")
		s.fail.Store(&broken)
		ix := newIndex(s, &s.feed, slog.New(slog.DiscardHandler))
		ix.Start()
		time.Sleep(10 * time.Second)
		if n := s.views.Load(); n < 3 || n > 10 {
			t.Errorf("%d tries in 10 seconds", n)
		}
		s.fail.Store(nil)
		time.Sleep(time.Minute)
		if ix.State(t.Context()).Rev == 0 {
			t.Error("not built after the store came back")
		}
		ix.Close()
		s.fail.Store(&broken)
		other := newIndex(s, &s.feed, slog.New(slog.DiscardHandler))
		other.Start()
		other.Close() // ends the tries; synctest would find a goroutine left
	})
}

// waitForMerge waits until no merge runs in the background.
func waitForMerge(ix *index) {
	for busy := true; busy; {
		time.Sleep(time.Millisecond)
		ix.mu.Lock()
		busy = ix.busy != 0
		ix.mu.Unlock()
	}
}

// TestIndexSegments pushes thousands of packages one by one and looks at what
// holds them: few parts, nothing lost, nothing twice.
func TestIndexSegments(t *testing.T) {
	s := newLogStore()
	ix := testIndex(t, s)
	mustSearch(t, ix, gallery.Query{})
	const n = 3000
	most := 0
	for i := range n {
		// Every third push is a new version of an older package.
		id := i
		if i%3 == 2 {
			id = i / 2
		}
		seq := s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("Some.Package%d", id), nil, testRelease{version: "1.0.0", description: fmt.Sprintf("push%d by somebody", i)}))
		if err := ix.Await(t.Context(), seq); err != nil {
			t.Fatal(err)
		}
		if i%500 == 0 {
			waitForMerge(ix) // its speed is not what is tested
			most = max(most, len(ix.snap.Load().parts))
		}
	}
	if most > 14 {
		t.Errorf("%d parts", most)
	}
	seen := make(map[string]bool)
	snap := ix.snap.Load()
	for _, p := range snap.parts {
		live := 0
		for doc, key := range p.seg.keys {
			if p.dead.has(doc) {
				continue
			}
			live++
			if seen[key] {
				t.Errorf("%s lives twice", key)
			}
			seen[key] = true
		}
		if live != p.live {
			t.Errorf("a part counts %d alive and has %d", p.live, live)
		}
	}
	if len(seen) != len(s.cards) {
		t.Errorf("%d packages, want %d", len(seen), len(s.cards))
	}
	for i := n - 500; i < n; i++ {
		if got := mustSearch(t, ix, gallery.Query{Text: fmt.Sprintf(`"push%d"`, i)}).Total; got != 1 {
			t.Fatalf("push %d is found %d times", i, got)
		}
	}
}

// TestIndexConcurrent has queries, pushes, unlistings and flushes at once, and
// after each push its own package in the answer. It is for -race.
func TestIndexConcurrent(t *testing.T) {
	s := newLogStore()
	for i := range 1500 {
		s.put(gallery.Pushed, cardOf(t, fmt.Sprintf("Base.Package%d", i), nil, testRelease{version: "1.0.0", description: "a package that was here before"}))
	}
	ix := testIndex(t, s)
	ix.Start()
	var pushers, others sync.WaitGroup
	stop := make(chan struct{})
	for w := range 4 {
		pushers.Go(func() {
			for i := range 300 {
				id := fmt.Sprintf("Worker%d.Package%d", w, i)
				seq := s.put(gallery.Pushed, cardOf(t, id, nil, testRelease{version: "1.0.0", description: "pushed"}))
				if err := ix.Await(t.Context(), seq); err != nil {
					t.Error(err)
				}
				res, err := ix.Search(t.Context(), gallery.Query{Text: id, Take: 1})
				if err != nil || len(res.Hits) != 1 || !res.Hits[0].Exact {
					t.Errorf("%s is not found after its push: %v", id, err)
				}
				if i%3 == 0 {
					s.put(gallery.Unlisted, cardOf(t, id, nil))
					if res, err := ix.Search(t.Context(), gallery.Query{Text: "packageid:" + id}); err != nil || res.Total != 0 {
						t.Errorf("%s is found after it was unlisted: %d, %v", id, res.Total, err)
					}
				}
			}
		})
	}
	others.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			ix.AddDownloads([]gallery.DownloadCount{s.download(fmt.Sprintf("Base.Package%d", i%1500), "1.0.0", 1)})
			time.Sleep(time.Millisecond)
		}
	})
	for range 2 {
		others.Go(func() {
			r := rand.New(rand.NewPCG(1, 2))
			for {
				select {
				case <-stop:
					return
				default:
				}
				res, err := ix.Search(t.Context(), gallery.Query{Text: "base", Take: 20, Skip: r.IntN(1500), Sort: gallery.Sort(r.IntN(3))})
				if err != nil || res.Total != 1500 {
					t.Errorf("%d packages, %v", res.Total, err)
				}
				if _, err := ix.Nearest(t.Context(), "Base.Pakcage12", gallery.Filter{}, 3); err != nil {
					t.Error(err)
				}
				if _, _, err := ix.Autocomplete(t.Context(), gallery.Query{Text: "Worker", Take: 20}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	pushers.Wait()
	close(stop)
	others.Wait()
	if got := mustSearch(t, ix, gallery.Query{}).Total; got != 1500+4*200 {
		t.Errorf("%d packages in the end, want %d", got, 1500+4*200)
	}
}
