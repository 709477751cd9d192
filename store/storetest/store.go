package storetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/store"
)

// Run tests what gallery.Store promises over a KV.
func Run(t *testing.T, open OpenKV) {
	tests := []struct {
		name string
		test func(*testing.T, gallery.Store)
	}{
		{"records come back equal", testRoundTrip},
		{"records of nothing come back equal", testEmptyRecords},
		{"missing records", testMissing},
		{"values outlive the transaction", testOutlive},
		{"meta and settings", testSettings},
		{"feeds", testFeeds},
		{"generations", testGenerations},
		{"pages", testPages},
		{"5,000 versions", testManyVersions},
		{"versions are in their order", testVersionOrder},
		{"events have no gaps", testEvents},
		{"event times grow", testEventTimes},
		{"owners", testOwners},
		{"downloads", testDownloads},
		{"accounts", testAccounts},
		{"keys", testKeys},
		{"sessions", testSessions},
		{"doomed blobs", testDoomed},
		{"blobs in use", testBlobsInUse},
		{"releases that are not served", testStates},
		{"how people are shown", testPeople},
		{"a cancelled context ends a scan", testCancelScan},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, newStore(t, open(t, store.Hooks{}))) })
	}
	t.Run("a copy is equal", func(t *testing.T) { testCopy(t, open) })
}

// Equal compares records: versions by their text, times as instants, and no
// list with an empty one.
var Equal = gocmp.Options{
	gocmp.Comparer(func(a, b nuget.Version) bool { return a.Original() == b.Original() && a.Equal(b) }),
	gocmp.Comparer(func(a, b time.Time) bool {
		return a.Equal(b) && a.Location() == time.UTC && b.Location() == time.UTC && a.IsZero() == b.IsZero()
	}),
	cmpopts.EquateEmpty(),
}

func wantEqual(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, Equal); diff != "" {
		t.Errorf("%s is not what was put (-want +got):\n%s", what, diff)
	}
}

func mustUpdate(t testing.TB, s gallery.Store, f func(gallery.Writer) error) {
	t.Helper()
	if err := s.Update(background, f); err != nil {
		t.Fatalf("update: %v", err)
	}
}

func mustView(t testing.TB, s gallery.Store, f func(gallery.Reader) error) {
	t.Helper()
	if err := s.View(background, f); err != nil {
		t.Fatalf("view: %v", err)
	}
}

// read returns what one read gives.
func read[T any](t testing.TB, s gallery.Store, f func(gallery.Reader) (T, error)) (value T) {
	t.Helper()
	mustView(t, s, func(r gallery.Reader) (err error) {
		value, err = f(r)
		return err
	})
	return value
}

func newFeed(t testing.TB, s gallery.Store, name string) *gallery.Feed {
	t.Helper()
	f := &gallery.Feed{Name: name, Kind: gallery.TestFeed, Created: noon}
	mustUpdate(t, s, func(w gallery.Writer) error { return w.NewFeed(f) })
	return f
}

func testRoundTrip(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	g := feed.Generation
	r, p, c := Release(t, "Contoso.Json", "2.0.0-Beta.2+meta"), Package(t, "Contoso.Json", 3, 1, 2), Card(t, "Contoso.Json")
	a, k, session := Account("Ann"), Key("AbCd1234", 5), Session("cookie", 6)
	use := gallery.KeyUse{Time: noon, Addr: "192.0.2.1", Client: "NuGet Client"}
	doomed := gallery.Doomed{Hash: Hash("x"), Since: noon, Deleting: true}
	event := gallery.Event{Time: noon, Kind: gallery.Pushed, ID: r.ID, Version: r.Version, Actor: 4, Key: "AbCd1234", Listed: true, Blob: r.Blob}
	state := gallery.FeedState{Packages: 1, Releases: 2, Bytes: 1 << 60}
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.PutRelease(g, r), w.PutPackage(g, p), w.PutCard(g, c), w.NewAccount(a), w.PutKey(k), w.PutSession(session),
			w.PutKeyUse(k.ID, use), w.PutDoomed(doomed), w.AppendEvent(feed.Number, &event), w.PutFeedState(feed.Number, state))
	})
	if a.No == 0 || event.Seq != 1 {
		t.Errorf("numbers were not set: account %d, event %d", a.No, event.Seq)
	}
	state.LastSeq, state.LastTime, state.Generation = event.Seq, event.Time, g
	id, v := r.ID.Key(), Version(t, "2.0.0-beta.2") // the same version in another spelling
	mustView(t, s, func(rd gallery.Reader) error {
		compare := func(what string, want any) func(any, error) {
			return func(got any, err error) {
				if err != nil {
					t.Errorf("%s: %v", what, err)
				}
				wantEqual(t, what, got, want)
			}
		}
		// Each closure narrows a method to (any, error).
		f, err := rd.Feed("main")
		compare("Feed", feed)(f, err)
		fs, err := rd.FeedState(feed.Number)
		compare("FeedState", state)(fs, err)
		pkg, err := rd.Package(g, id)
		compare("Package", p)(pkg, err)
		docState, err := rd.PackageState(g, id)
		compare("PackageState", gallery.DocState{Rev: p.Rev})(docState, err)
		pkgs, err := rd.Packages(g, "", 10)
		compare("Packages", []*gallery.Package{p})(pkgs, err)
		ids, err := rd.PackageIDs(g, "", 10)
		compare("PackageIDs", []string{id})(ids, err)
		card, err := rd.Card(g, id)
		compare("Card", c)(card, err)
		cards, err := rd.Cards(g, "", 10)
		compare("Cards", []*gallery.Card{c})(cards, err)
		head, err := rd.Head(g, id, v)
		compare("Head", r.Head)(head, err)
		heads, err := rd.Heads(g, id, nuget.Version{}, 10)
		compare("Heads", []gallery.Head{r.Head})(heads, err)
		release, err := rd.Release(g, id, v)
		compare("Release", r)(release, err)
		releases, err := rd.Releases(g, id, nuget.Version{}, 10)
		compare("Releases", []*gallery.Release{r})(releases, err)
		all, err := rd.AllHeads(g, "", nuget.Version{}, 10)
		compare("AllHeads", []gallery.Head{r.Head})(all, err)
		events, err := rd.Events(feed.Number, 0, 10)
		compare("Events", []gallery.Event{event})(events, err)
		acc, err := rd.Account(a.No)
		compare("Account", a)(acc, err)
		acc, err = rd.AccountByName("aNN")
		compare("AccountByName", a)(acc, err)
		acc, err = rd.AccountByEmail("ANN@example.org")
		compare("AccountByEmail", a)(acc, err)
		accs, err := rd.Accounts(0, 10)
		compare("Accounts", []*gallery.Account{a})(accs, err)
		key, err := rd.Key(k.ID)
		compare("Key", k)(key, err)
		keys, err := rd.KeysOf(k.Owner, "", 10)
		compare("KeysOf", []*gallery.Key{k})(keys, err)
		keys, err = rd.Keys("", 10)
		compare("Keys", []*gallery.Key{k})(keys, err)
		ku, err := rd.KeyUse(k.ID)
		compare("KeyUse", use)(ku, err)
		ses, err := rd.Session(session.Hash)
		compare("Session", session)(ses, err)
		doom, err := rd.DoomedBlob(doomed.Hash)
		compare("DoomedBlob", doomed)(doom, err)
		dooms, err := rd.Doomed(gallery.Hash{}, 10)
		compare("Doomed", []gallery.Doomed{doomed})(dooms, err)
		return nil
	})
}

// testEmptyRecords stores records whose every field is zero but their key.
func testEmptyRecords(t *testing.T, s gallery.Store) {
	f := newFeed(t, s, "f")
	r := &gallery.Release{Head: gallery.Head{ID: "A", Version: Version(t, "0")}}
	p, c := &gallery.Package{ID: "A"}, &gallery.Card{ID: "A", Shown: [4]int8{-1, -1, -1, -1}}
	a, k, session := &gallery.Account{Name: "n"}, &gallery.Key{ID: "k"}, &gallery.Session{}
	e := gallery.Event{Kind: gallery.Wiped}
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.PutRelease(f.Generation, r), w.PutPackage(f.Generation, p), w.PutCard(f.Generation, c), w.NewAccount(a),
			w.PutKey(k), w.PutSession(session), w.PutKeyUse("k", gallery.KeyUse{}), w.PutDoomed(gallery.Doomed{}), w.AppendEvent(f.Number, &e))
	})
	wantEqual(t, "Release", read(t, s, func(rd gallery.Reader) (*gallery.Release, error) { return rd.Release(f.Generation, "a", r.Version) }), r)
	wantEqual(t, "Package", read(t, s, func(rd gallery.Reader) (*gallery.Package, error) { return rd.Package(f.Generation, "a") }), p)
	wantEqual(t, "Card", read(t, s, func(rd gallery.Reader) (*gallery.Card, error) { return rd.Card(f.Generation, "a") }), c)
	wantEqual(t, "Account", read(t, s, func(rd gallery.Reader) (*gallery.Account, error) { return rd.Account(a.No) }), a)
	wantEqual(t, "Key", read(t, s, func(rd gallery.Reader) (*gallery.Key, error) { return rd.Key("k") }), k)
	wantEqual(t, "Session", read(t, s, func(rd gallery.Reader) (*gallery.Session, error) { return rd.Session([32]byte{}) }), session)
	wantEqual(t, "KeyUse", read(t, s, func(rd gallery.Reader) (gallery.KeyUse, error) { return rd.KeyUse("k") }), gallery.KeyUse{})
	wantEqual(t, "Events", read(t, s, func(rd gallery.Reader) ([]gallery.Event, error) { return rd.Events(f.Number, 0, 1) }), []gallery.Event{e})
}

// testMissing holds that every method has one error for a record that is not
// there, and that a scan of nothing is no error.
func testMissing(t *testing.T, s gallery.Store) {
	v := Version(t, "1.0.0")
	check := func(r gallery.Reader) error {
		for _, id := range []string{"a", "", "a\x00b", string(make([]byte, 5000)), "é"} {
			_, setting := r.Setting(id)
			_, feed := r.Feed(id)
			_, state := r.FeedState(9)
			_, pkg := r.Package(1, id)
			_, rev := r.PackageState(1, id)
			_, card := r.Card(1, id)
			_, head := r.Head(1, id, v)
			_, anyHead := r.AnyHead(1, id, v)
			_, release := r.Release(1, id, v)
			_, account := r.Account(9)
			_, byName := r.AccountByName(id)
			_, byEmail := r.AccountByEmail(id)
			_, key := r.Key(id)
			_, use := r.KeyUse(id)
			_, session := r.Session([32]byte{1})
			_, doomed := r.DoomedBlob(gallery.Hash{1})
			for i, err := range []error{setting, feed, state, pkg, rev, card, head, anyHead, release, account, byName, byEmail, key, use, session, doomed} {
				if !errors.Is(err, gallery.ErrNotFound) {
					t.Errorf("look-up %d of %.20q: %v, want ErrNotFound", i, id, err)
				}
			}
			scan := func(what string, n int, err error) {
				if n != 0 || err != nil {
					t.Errorf("%s of %.20q: %d records, %v", what, id, n, err)
				}
			}
			heads, err := r.Heads(1, id, nuget.Version{}, 0)
			scan("Heads", len(heads), err)
			releases, err := r.Releases(1, id, v, 0)
			scan("Releases", len(releases), err)
			downloads, err := r.Downloads(1, id)
			scan("Downloads", len(downloads), err)
			keys, err := r.KeysOf(1, id, 0)
			scan("KeysOf", len(keys), err)
			packages, err := r.Packages(1, id, 0)
			scan("Packages", len(packages), err)
			cards, err := r.Cards(1, id, 0)
			scan("Cards", len(cards), err)
			owned, err := r.Owned(1, 1, id, 0)
			scan("Owned", len(owned), err)
		}
		settings, e1 := r.Settings()
		feeds, e2 := r.Feeds()
		events, e3 := r.Events(1, 0, 0)
		accounts, e4 := r.Accounts(0, 0)
		sessions, e5 := r.SessionsOf(1, 0)
		expired, e6 := r.ExpiredSessions(noon, 0)
		doomed, e7 := r.Doomed(gallery.Hash{}, 0)
		all, e8 := r.AllHeads(1, "", nuget.Version{}, 0)
		counts, e9 := r.AllDownloads(1, gallery.DownloadCount{}, 0)
		keys, e10 := r.Keys("", 0)
		if n := len(settings) + len(feeds) + len(events) + len(accounts) + len(sessions) + len(expired) + len(doomed) + len(all) + len(counts) + len(keys); n > 0 {
			t.Errorf("an empty store scans %d records", n)
		}
		return errors.Join(e1, e2, e3, e4, e5, e6, e7, e8, e9, e10)
	}
	mustView(t, s, check)
	mustUpdate(t, s, func(w gallery.Writer) error { return check(w) })
	err := s.Update(background, func(w gallery.Writer) error { return w.PutAccount(&gallery.Account{No: 9, Name: "nobody"}) })
	if !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("PutAccount of nobody: %v", err)
	}
	err = s.Update(background, func(w gallery.Writer) error { return w.AppendEvent(9, &gallery.Event{}) })
	if !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("AppendEvent to no feed: %v", err)
	}
}

// testOutlive reads values after their store is closed and its memory is gone.
func testOutlive(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	fill(t, s, feed, 30)
	before, err := Read(background, s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(background, s)
	if err != nil {
		t.Fatal(err)
	}
	// Other writes reuse pages; Close takes the mapping away.
	fill(t, s, feed, 60)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "what was read before", before, again)
}

// fill puts n packages of up to three versions, with cards, events and owners.
func fill(t testing.TB, s gallery.Store, feed *gallery.Feed, n int) {
	t.Helper()
	for i := range n {
		id := nuget.ID(fmt.Sprintf("Contoso.Part%03d", i))
		mustUpdate(t, s, func(w gallery.Writer) error {
			for v := range 1 + i%3 {
				r := Release(t, id, fmt.Sprintf("1.%d.0-Beta%d", v, n))
				e := gallery.Event{Time: noon, Kind: gallery.Pushed, ID: id, Version: r.Version, Listed: true, Blob: r.Blob}
				if err := errors.Join(w.PutRelease(feed.Generation, r), w.AppendEvent(feed.Number, &e)); err != nil {
					return err
				}
			}
			return errors.Join(w.PutPackage(feed.Generation, Package(t, id, gallery.AccountNo(1+i%4))), w.PutCard(feed.Generation, Card(t, id)))
		})
	}
}

func testSettings(t *testing.T, s gallery.Store) {
	first := read(t, s, func(r gallery.Reader) (gallery.Meta, error) { return r.Meta() })
	if first.Schema != store.Schema || first.Epoch == 0 {
		t.Errorf("a new store says %+v", first)
	}
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.PutMeta(gallery.Meta{Schema: 1, Epoch: 1<<64 - 1}), w.PutSetting("site.name", "Größe"), w.PutSetting("b", "x"), w.PutSetting("b", ""), w.PutSetting("c", "1"))
	})
	wantEqual(t, "Meta", read(t, s, func(r gallery.Reader) (gallery.Meta, error) { return r.Meta() }), gallery.Meta{Schema: 1, Epoch: 1<<64 - 1})
	wantEqual(t, "Settings", read(t, s, func(r gallery.Reader) (map[string]string, error) { return r.Settings() }), map[string]string{"site.name": "Größe", "c": "1"})
	wantEqual(t, "Setting", read(t, s, func(r gallery.Reader) (string, error) { return r.Setting("site.name") }), "Größe")
}

func testFeeds(t *testing.T, s gallery.Store) {
	b, a := newFeed(t, s, "b"), newFeed(t, s, "a")
	if b.Number != 1 || a.Number != 2 || a.Generation == b.Generation {
		t.Errorf("numbers %d and %d, generations %d and %d", b.Number, a.Number, b.Generation, a.Generation)
	}
	wantEqual(t, "Feeds", read(t, s, func(r gallery.Reader) ([]*gallery.Feed, error) { return r.Feeds() }), []*gallery.Feed{a, b})
	err := s.Update(background, func(w gallery.Writer) error { return w.NewFeed(&gallery.Feed{Name: "a"}) })
	if gallery.KindOf(err) != gallery.Exists {
		t.Errorf("a feed with a name that is taken: %v", err)
	}
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.AppendEvent(1, &gallery.Event{Time: noon}), w.PutFeedState(1, gallery.FeedState{LastSeq: 99, LastTime: noon.AddDate(9, 0, 0), Packages: 5}))
	})
	state := read(t, s, func(r gallery.Reader) (gallery.FeedState, error) { return r.FeedState(1) })
	wantEqual(t, "FeedState, whose log only AppendEvent moves,", state, gallery.FeedState{LastSeq: 1, LastTime: noon, Packages: 5, Generation: b.Generation})
}

// testGenerations holds that a wiped generation is empty at once, that its log
// goes on and that SweepWiped leaves nothing of it.
func testGenerations(t *testing.T, s gallery.Store) {
	feed, other := newFeed(t, s, "feed"), newFeed(t, s, "other")
	fill(t, s, feed, 40)
	fill(t, s, other, 3)
	want, err := Read(background, s)
	if err != nil {
		t.Fatal(err)
	}
	old := feed.Generation
	mustUpdate(t, s, func(w gallery.Writer) error {
		err := w.AddDownloads(old, []gallery.DownloadCount{{ID: "contoso.part000", Version: "1.0.0", Total: 3}})
		feed.Kind = gallery.ReleaseFeed
		return errors.Join(err, w.NewGeneration(feed))
	})
	if feed.Generation == old || feed.Generation == other.Generation {
		t.Errorf("generation %d after %d, beside %d", feed.Generation, old, other.Generation)
	}
	wantEqual(t, "Feed", read(t, s, func(r gallery.Reader) (*gallery.Feed, error) { return r.Feed("feed") }), feed)
	if state := read(t, s, func(r gallery.Reader) (gallery.FeedState, error) { return r.FeedState(feed.Number) }); state.Generation != feed.Generation {
		t.Errorf("the state of the feed is of generation %d, the feed of %d", state.Generation, feed.Generation)
	}
	e := gallery.Event{Time: noon, Kind: gallery.Wiped}
	mustUpdate(t, s, func(w gallery.Writer) error { return w.AppendEvent(feed.Number, &e) })
	if last := want.Feeds[0].State.LastSeq; e.Seq != last+1 {
		t.Errorf("the log goes on with event %d after %d", e.Seq, last)
	}
	type sweeper interface{ SweepWiped(limit int) (int, error) }
	for calls, deleted := 0, -1; deleted != 0; calls++ {
		mustUpdate(t, s, func(w gallery.Writer) (err error) {
			sw, ok := w.(sweeper)
			if !ok {
				t.Fatal("the writer cannot sweep")
			}
			deleted, err = sw.SweepWiped(25)
			if deleted > 25 {
				t.Errorf("SweepWiped(25) deleted %d keys", deleted)
			}
			return err
		})
		if calls > 100 {
			t.Fatal("SweepWiped does not end")
		}
	}
	mustView(t, s, func(r gallery.Reader) error {
		heads, e1 := r.AllHeads(old, "", nuget.Version{}, 1)
		packages, e2 := r.Packages(old, "", 1)
		cards, e3 := r.Cards(old, "", 1)
		downloads, e4 := r.AllDownloads(old, gallery.DownloadCount{}, 1)
		owned, e5 := r.Owned(2, old, "", 1)
		if n := len(heads) + len(packages) + len(cards) + len(downloads) + len(owned); n > 0 {
			t.Errorf("after SweepWiped %d records of the wiped generation are left", n)
		}
		return errors.Join(e1, e2, e3, e4, e5)
	})
	got, err := Read(background, s)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the other feed", got.Feeds[1], want.Feeds[1])
	wantEqual(t, "the wiped feed's log", got.Feeds[0].Events, append(want.Feeds[0].Events, e))
}

// testPages pages through every scan with every limit and finds each record
// once, in order.
func testPages(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	g := feed.Generation
	fill(t, s, feed, 12)
	fill(t, s, newFeed(t, s, "next"), 2) // the neighbouring generation is never seen
	whole, err := readFeed(background, s, feed)
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 2, 5, 256, 0, -1, 1000} {
		step := limit
		if limit < 1 || limit > 256 {
			step = 256
		}
		mustView(t, s, func(r gallery.Reader) error {
			var ids []string
			for after := ""; ; {
				page, err := r.Packages(g, after, limit)
				if err != nil || len(page) > step {
					return fmt.Errorf("limit %d: %d packages, %v", limit, len(page), err)
				}
				if len(page) == 0 {
					break
				}
				for _, p := range page {
					ids = append(ids, p.ID.Key())
				}
				after = ids[len(ids)-1]
			}
			var named []string
			for after := ""; ; after = named[len(named)-1] {
				page, err := r.PackageIDs(g, after, limit)
				if err != nil || len(page) > step {
					return fmt.Errorf("limit %d: %d IDs, %v", limit, len(page), err)
				}
				if named = append(named, page...); len(page) == 0 {
					break
				}
			}
			if !slices.Equal(named, ids) {
				t.Errorf("limit %d: the IDs are %v, and of the packages %v", limit, named, ids)
			}
			var heads []gallery.Head
			for last := (gallery.Head{}); ; last = heads[len(heads)-1] {
				page, err := r.AllHeads(g, last.ID.Key(), last.Version, limit)
				if err != nil || len(page) > step {
					return fmt.Errorf("limit %d: %d heads, %v", limit, len(page), err)
				}
				if heads = append(heads, page...); len(page) == 0 {
					break
				}
			}
			if len(ids) != len(whole.Packages) || !slices.IsSorted(ids) || len(heads) != len(whole.Releases) {
				t.Errorf("limit %d: %d packages, %d heads, want %d and %d", limit, len(ids), len(heads), len(whole.Packages), len(whole.Releases))
			}
			for i, h := range heads {
				if i < len(whole.Releases) {
					wantEqual(t, "a head", h, whole.Releases[i].Head)
				}
			}
			return nil
		})
	}
	mustView(t, s, func(r gallery.Reader) error {
		heads, err := r.AllHeads(g, "contoso.part002", nuget.Version{}, 2)
		if err == nil && (len(heads) != 2 || heads[0].ID != "Contoso.Part002") {
			t.Errorf("AllHeads after an ID without a version starts at %v", heads)
		}
		return err
	})
}

// testManyVersions stores 5,000 versions of one package in random order.
func testManyVersions(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	g, id := feed.Generation, nuget.ID("Contoso.Many")
	const versions = 5000
	order := rand.New(rand.NewPCG(1, 2)).Perm(versions)
	card := &gallery.Card{ID: id, Shown: [4]int8{-1, -1, -1, -1}}
	for i := range versions {
		card.Versions = append(card.Versions, gallery.CardVersion{Version: Version(t, fmt.Sprintf("1.%d.%d", i/300, i%300)), SemVer2: i%2 == 0})
	}
	for chunk := range slices.Chunk(order, 1000) {
		mustUpdate(t, s, func(w gallery.Writer) error {
			for _, i := range chunk {
				r := &gallery.Release{Head: gallery.Head{ID: id, Version: card.Versions[i].Version, Rev: uint64(i), Published: noon, Blob: Hash(fmt.Sprint(i))}}
				r.Received, r.Edited = r.Blob, r.Published
				if err := w.PutRelease(g, r); err != nil {
					return err
				}
			}
			return w.PutCard(g, card)
		})
	}
	wantEqual(t, "the card", read(t, s, func(r gallery.Reader) (*gallery.Card, error) { return r.Card(g, id.Key()) }), card)
	n := 0
	for after := (nuget.Version{}); ; {
		page := read(t, s, func(r gallery.Reader) ([]gallery.Head, error) { return r.Heads(g, id.Key(), after, 0) })
		for _, h := range page {
			if h.Version.Original() != card.Versions[n].Version.Original() || h.Rev != uint64(n) || h.Blob != Hash(fmt.Sprint(n)) {
				t.Fatalf("version %d is %v of revision %d, want %v", n, h.Version, h.Rev, card.Versions[n].Version)
			}
			n++
		}
		if len(page) == 0 {
			break
		}
		after = page[len(page)-1].Version
	}
	if n != versions {
		t.Errorf("%d versions of %d came back", n, versions)
	}
}

func testVersionOrder(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	texts := []string{"1.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-Beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
		"0.9", "1.0.0.1", "10.0.0", "2.0.0", "1.0.0-1", "1.0.0--1", "1.0.0-1a", "255.0.0", "256.0.0", "65536.1.0", "2147483647.0.0", "1.0.0-a-b"}
	mustUpdate(t, s, func(w gallery.Writer) error {
		for i, text := range texts {
			// IDs of which one begins with the other, and its versions between.
			for _, id := range []nuget.ID{"A", "A.B", "A-B", "AB"} {
				r := &gallery.Release{Head: gallery.Head{ID: id, Version: Version(t, text), Rev: uint64(i)}}
				if err := w.PutRelease(feed.Generation, r); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for _, id := range []string{"a", "a.b", "a-b", "ab"} {
		heads := read(t, s, func(r gallery.Reader) ([]gallery.Head, error) {
			return r.Heads(feed.Generation, id, nuget.Version{}, 0)
		})
		sorted := slices.IsSortedFunc(heads, func(a, b gallery.Head) int { return a.Version.Compare(b.Version) })
		if len(heads) != len(texts) || !sorted {
			t.Errorf("%s: %d of %d versions, sorted %v", id, len(heads), len(texts), sorted)
		}
		for i, h := range heads {
			rest := read(t, s, func(r gallery.Reader) ([]gallery.Head, error) { return r.Heads(feed.Generation, id, h.Version, 0) })
			if len(rest) != len(heads)-1-i || h.ID.Key() != id {
				t.Errorf("%s: %d versions after %v, want %d", id, len(rest), h.Version, len(heads)-1-i)
			}
		}
	}
}

func testCancelScan(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	fill(t, s, feed, 5)
	ctx, cancel := context.WithCancel(background)
	pages := 0
	err := s.View(ctx, func(r gallery.Reader) error {
		for {
			if _, err := r.Packages(feed.Generation, "", 1); err != nil {
				return err
			}
			if pages++; pages == 3 {
				cancel()
			}
		}
	})
	if !errors.Is(err, context.Canceled) || pages != 3 {
		t.Errorf("a scan whose context ended after page 3 went on to page %d: %v", pages, err)
	}
	ctx, cancel = context.WithCancel(background)
	err = s.Update(ctx, func(w gallery.Writer) error {
		cancel()
		_, err := w.Packages(feed.Generation, "", 1)
		return err
	})
	if err != nil {
		t.Errorf("an update that runs minds its context: %v", err)
	}
}

func testCopy(t *testing.T, open OpenKV) {
	from, to := newStore(t, open(t, store.Hooks{})), newStore(t, open(t, store.Hooks{}))
	for i, name := range []string{"zoo", "main"} {
		f := newFeed(t, from, name)
		fill(t, from, f, 8*(i+1))
		mustUpdate(t, from, func(w gallery.Writer) error {
			return errors.Join(w.NewAccount(Account("Ann"+name)), w.PutKey(Key("key"+name, 1)), w.PutSession(Session(name, 1)), w.PutKeyUse("key"+name, gallery.KeyUse{Addr: "x"}),
				w.AddDownloads(f.Generation, []gallery.DownloadCount{{ID: "contoso.part001", Version: "1.0.0", Total: 3}}),
				w.PutDoomed(gallery.Doomed{Hash: Hash(name), Since: noon}), w.PutSetting("s"+name, "v"), w.PutFeedState(f.Number, gallery.FeedState{Packages: 8, Releases: 9, Bytes: 10}))
		})
	}
	want, err := Read(background, from)
	if err != nil {
		t.Fatal(err)
	}
	if err := want.Write(background, to); err != nil {
		t.Fatal(err)
	}
	got, err := Read(background, to)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "the copy", got, want)
	if len(want.Feeds) != 2 || len(want.Feeds[1].Releases) < 16 || len(want.Sessions) != 2 || len(want.Keys) != 2 {
		t.Errorf("the dump misses records: %d feeds, %d sessions, %d keys", len(want.Feeds), len(want.Sessions), len(want.Keys))
	}
}
