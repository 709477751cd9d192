package storetest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

func testOwners(t *testing.T, s gallery.Store) {
	feed, other := newFeed(t, s, "main"), newFeed(t, s, "other")
	own := func(f *gallery.Feed, id nuget.ID, owners ...gallery.AccountNo) {
		t.Helper()
		mustUpdate(t, s, func(w gallery.Writer) error { return w.PutPackage(f.Generation, Package(t, id, owners...)) })
	}
	owned := func(a gallery.AccountNo, f *gallery.Feed, after string, want ...string) {
		t.Helper()
		got := read(t, s, func(r gallery.Reader) ([]string, error) { return r.Owned(a, f.Generation, after, 0) })
		if !slices.Equal(got, want) {
			t.Errorf("account %d owns %q after %q, want %q", a, got, after, want)
		}
	}
	own(feed, "B", 1, 2)
	own(feed, "A", 1)
	own(feed, "C", 256, 1)
	own(other, "D", 1)
	owned(1, feed, "", "a", "b", "c")
	owned(1, feed, "a", "b", "c")
	owned(2, feed, "", "b")
	owned(256, feed, "", "c")
	owned(1, other, "", "d")
	own(feed, "b", 2, 3) // another spelling of B
	own(feed, "C")
	owned(1, feed, "", "a")
	owned(2, feed, "", "b")
	owned(3, feed, "", "b")
	owned(256, feed, "")
}

func testDownloads(t *testing.T, s gallery.Store) {
	add := func(g uint32, counts ...gallery.DownloadCount) {
		t.Helper()
		mustUpdate(t, s, func(w gallery.Writer) error { return w.AddDownloads(g, counts) })
	}
	add(1, gallery.DownloadCount{ID: "b", Version: "2.0.0-beta", Total: 1}, gallery.DownloadCount{ID: "a", Version: "10.0.0", Total: 5}, gallery.DownloadCount{ID: "a", Version: "9.0.0", Total: 2})
	add(1, gallery.DownloadCount{ID: "a", Version: "10.0.0", Total: 1 << 40}, gallery.DownloadCount{ID: "a", Version: "10.0.0", Total: 1})
	add(2, gallery.DownloadCount{ID: "a", Version: "1.0.0", Total: 9})
	a := []gallery.DownloadCount{{ID: "a", Version: "9.0.0", Total: 2}, {ID: "a", Version: "10.0.0", Total: 1<<40 + 6}}
	all := append(slices.Clone(a), gallery.DownloadCount{ID: "b", Version: "2.0.0-beta", Total: 1})
	wantEqual(t, "Downloads", read(t, s, func(r gallery.Reader) ([]gallery.DownloadCount, error) { return r.Downloads(1, "a") }), a)
	for i := range all {
		cursor := gallery.DownloadCount{}
		if i > 0 {
			cursor = all[i-1]
		}
		got := read(t, s, func(r gallery.Reader) ([]gallery.DownloadCount, error) { return r.AllDownloads(1, cursor, 0) })
		wantEqual(t, "AllDownloads", got, all[i:])
	}
	err := s.Update(background, func(w gallery.Writer) error {
		return w.AddDownloads(1, []gallery.DownloadCount{{ID: "a", Version: "no version", Total: 1}})
	})
	if err == nil {
		t.Error("downloads of what is no version are counted")
	}
}

func testAccounts(t *testing.T, s gallery.Store) {
	create := func(name, email string) (*gallery.Account, error) {
		a := &gallery.Account{Name: name, Email: email, Created: noon}
		return a, s.Update(background, func(w gallery.Writer) error { return w.NewAccount(a) })
	}
	ann, err := create("Ann", "ann@x.org")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create("ANN", ""); gallery.KindOf(err) != gallery.Exists {
		t.Errorf("a name that is taken in another case: %v", err)
	}
	bob, err := create("bob", "ANN@x.org") // two may wait for one address (R-ACC-04)
	if err != nil {
		t.Fatal(err)
	}
	if ann.No != 1 || bob.No != 2 {
		t.Errorf("numbers %d and %d: a refused account must not take one", ann.No, bob.No)
	}
	byEmail := func(email string) (a *gallery.Account, err error) {
		err = s.View(background, func(r gallery.Reader) error { a, err = r.AccountByEmail(email); return err })
		return a, err
	}
	if _, err := byEmail("ann@x.org"); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("an address of two accounts: %v", err)
	}
	put := func(a *gallery.Account) error {
		return s.Update(background, func(w gallery.Writer) error { return w.PutAccount(a) })
	}
	bob.Name, bob.Email = "ANN", "bob@x.org"
	if err := put(bob); gallery.KindOf(err) != gallery.Exists {
		t.Errorf("renamed to a name that is taken: %v", err)
	}
	bob.Name = "Robert"
	if err := put(bob); err != nil {
		t.Fatal(err)
	}
	a, err := byEmail("Ann@X.org")
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "AccountByEmail", a, ann)
	wantEqual(t, "AccountByName", read(t, s, func(r gallery.Reader) (*gallery.Account, error) { return r.AccountByName("robert") }), bob)
	err = s.View(background, func(r gallery.Reader) error { _, err := r.AccountByName("bob"); return err })
	if !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("a name that was given up: %v", err)
	}
	// Spelled otherwise, without an address, and as a tombstone.
	ann.Name, ann.Email, ann.Kind = "aNN", "", gallery.Tombstone
	if err := put(ann); err != nil {
		t.Fatal(err)
	}
	if _, err := create("ann", ""); gallery.KindOf(err) != gallery.Exists {
		t.Errorf("the name of a tombstone: %v", err)
	}
	if _, err := byEmail("ann@x.org"); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("an address that was given up: %v", err)
	}
	wantEqual(t, "Accounts", read(t, s, func(r gallery.Reader) ([]*gallery.Account, error) { return r.Accounts(0, 0) }), []*gallery.Account{ann, bob})
	wantEqual(t, "Accounts", read(t, s, func(r gallery.Reader) ([]*gallery.Account, error) { return r.Accounts(1, 0) }), []*gallery.Account{bob})
}

func testKeys(t *testing.T, s gallery.Store) {
	a, b, c := Key("aaaaaaaa", 1), Key("bbbbbbbb", 1), Key("Bbbbbbbb", 256)
	c.Expires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	b.Expires = time.Time{}
	mustUpdate(t, s, func(w gallery.Writer) error { return errors.Join(w.PutKey(b), w.PutKey(a), w.PutKey(c)) })
	of := func(owner gallery.AccountNo, after string, want ...*gallery.Key) {
		t.Helper()
		wantEqual(t, "KeysOf", read(t, s, func(r gallery.Reader) ([]*gallery.Key, error) { return r.KeysOf(owner, after, 0) }), want)
	}
	of(1, "", a, b)
	of(1, "aaaaaaaa", b)
	of(256, "", c)
	wantEqual(t, "Keys", read(t, s, func(r gallery.Reader) ([]*gallery.Key, error) { return r.Keys("", 0) }), []*gallery.Key{c, a, b})
	wantEqual(t, "Keys", read(t, s, func(r gallery.Reader) ([]*gallery.Key, error) { return r.Keys("aaaaaaaa", 1) }), []*gallery.Key{b})
	a.Owner, a.Revoked, a.Expires = 256, noon.Add(1), noon.Add(2)
	mustUpdate(t, s, func(w gallery.Writer) error { return w.PutKey(a) })
	of(1, "", b)
	of(256, "", c, a)
}

func testSessions(t *testing.T, s gallery.Store) {
	a, b, c := Session("a", 1), Session("b", 1), Session("c", 2)
	b.Expires = noon.Add(time.Minute)
	c.Expires = noon
	mustUpdate(t, s, func(w gallery.Writer) error { return errors.Join(w.PutSession(a), w.PutSession(b), w.PutSession(c)) })
	expired := func(at time.Time, limit int, want ...*gallery.Session) {
		t.Helper()
		got := read(t, s, func(r gallery.Reader) ([]*gallery.Session, error) { return r.ExpiredSessions(at, limit) })
		wantEqual(t, "ExpiredSessions", got, want)
	}
	of := func(account gallery.AccountNo, want ...*gallery.Session) {
		t.Helper()
		got := read(t, s, func(r gallery.Reader) ([]*gallery.Session, error) { return r.SessionsOf(account, 0) })
		byHash := func(a, b *gallery.Session) int { return cmp.Compare(string(a.Hash[:]), string(b.Hash[:])) }
		slices.SortFunc(want, byHash)
		wantEqual(t, "SessionsOf", got, want)
	}
	expired(noon.Add(-1), 0)
	expired(noon, 0, c)
	expired(noon.Add(time.Hour), 0, c, b, a)
	expired(noon.Add(time.Hour), 2, c, b)
	of(1, a, b)
	of(2, c)
	b.Expires, b.Account, b.Seen = noon.Add(2*time.Hour), 2, noon
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.PutSession(b), w.DeleteSession(c.Hash), w.DeleteSession(c.Hash), w.DeleteSession([32]byte{9}))
	})
	expired(noon.Add(time.Hour), 0, a)
	expired(noon.Add(9*time.Hour), 0, a, b)
	of(1, a)
	of(2, b)
}

func testDoomed(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	r := Release(t, "A", "1.0.0")
	rows := []gallery.Doomed{{Hash: r.Blob, Since: noon}, {Hash: r.Received, Since: noon, Deleting: true}, {Hash: Hash("x"), Since: noon}, {Hash: Hash("y"), Since: noon}}
	mustUpdate(t, s, func(w gallery.Writer) error {
		for _, d := range rows {
			if err := w.PutDoomed(d); err != nil {
				return err
			}
		}
		return nil
	})
	byHash := func(a, b gallery.Doomed) int { return cmp.Compare(a.Hash.String(), b.Hash.String()) }
	slices.SortFunc(rows, byHash)
	for i := range rows {
		cursor := gallery.Hash{}
		if i > 0 {
			cursor = rows[i-1].Hash
		}
		wantEqual(t, "Doomed", read(t, s, func(r gallery.Reader) ([]gallery.Doomed, error) { return r.Doomed(cursor, 2) }), rows[i:min(i+2, len(rows))])
	}
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.PutRelease(feed.Generation, r), w.DeleteDoomed(Hash("x")), w.DeleteDoomed(Hash("x")))
	})
	left := read(t, s, func(r gallery.Reader) ([]gallery.Doomed, error) { return r.Doomed(gallery.Hash{}, 0) })
	wantEqual(t, "Doomed", left, []gallery.Doomed{{Hash: Hash("y"), Since: noon}})
}

// testBlobsInUse holds that a blob is in use as long as a record names it: through
// two spellings of a version, another package under it, and a wiped generation.
func testBlobsInUse(t *testing.T, s gallery.Store) {
	feed, other := newFeed(t, s, "main"), newFeed(t, s, "other")
	inUse := func(want ...gallery.Hash) {
		t.Helper()
		var marks, wanted []gallery.BlobMark
		for _, h := range want {
			wanted = append(wanted, h.Mark())
			if !read(t, s, func(r gallery.Reader) (bool, error) { return r.BlobInUse(h) }) {
				t.Errorf("the blob %.8v is not in use", h)
			}
		}
		slices.SortFunc(wanted, func(a, b gallery.BlobMark) int { return bytes.Compare(a[:], b[:]) })
		for after, more := (gallery.BlobMark{}), true; more; {
			page := read(t, s, func(r gallery.Reader) ([]gallery.BlobMark, error) { return r.BlobsInUse(after, 2) })
			if more = len(page) == 2; more {
				after = page[1]
			}
			marks = append(marks, page...)
		}
		if marks = slices.Compact(marks); !slices.Equal(marks, wanted) {
			t.Errorf("in use are %x, want %x", marks, wanted)
		}
	}
	release := func(id nuget.ID, version, blob, received string) *gallery.Release {
		r := Release(t, id, version)
		r.Blob, r.Received = Hash(blob), Hash(received)
		return r
	}
	put := func(f *gallery.Feed, r *gallery.Release) {
		t.Helper()
		mustUpdate(t, s, func(w gallery.Writer) error { return w.PutRelease(f.Generation, r) })
	}
	inUse()
	put(feed, release("A", "1.0", "x", "x"))
	put(feed, release("a", "1.0.0", "x", "x"))
	inUse(Hash("x"))
	put(feed, release("B", "1.0", "x", "y"))
	put(other, release("B", "1.0", "x", "z"))
	put(other, release("C", "1.0", "w", "w"))
	inUse(Hash("w"), Hash("x"), Hash("y"), Hash("z"))
	put(feed, release("B", "1.0", "y", "x")) // the other way round
	inUse(Hash("w"), Hash("x"), Hash("y"), Hash("z"))
	put(feed, release("B", "1.0", "v", "v"))
	inUse(Hash("v"), Hash("w"), Hash("x"), Hash("z"))
	mustUpdate(t, s, func(w gallery.Writer) error { return w.NewGeneration(other) })
	inUse(Hash("v"), Hash("w"), Hash("x"), Hash("z"))
	for left := 1; left > 0; {
		mustUpdate(t, s, func(w gallery.Writer) (err error) { left, err = w.SweepWiped(2); return err })
	}
	inUse(Hash("v"), Hash("x"))
	if read(t, s, func(r gallery.Reader) (bool, error) { return r.BlobInUse(Hash("w")) }) {
		t.Error("a blob of a swept generation is in use")
	}
}

// testStates holds that what is not served is there for AnyHead and AllHeads
// alone, and that pages are filled nevertheless.
func testStates(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	g := feed.Generation
	const versions = 10
	removed := func(i int) bool { return i%3 == 1 || i == versions-1 }
	mustUpdate(t, s, func(w gallery.Writer) error {
		for i := range versions {
			r := Release(t, "A", fmt.Sprintf("%d.0.0", i))
			if removed(i) {
				r.State = gallery.Removed
			}
			if err := w.PutRelease(g, r); err != nil {
				return err
			}
		}
		return nil
	})
	mustView(t, s, func(r gallery.Reader) error {
		for i := range versions {
			v := Version(t, fmt.Sprintf("%d.0.0", i))
			_, head := r.Head(g, "a", v)
			_, release := r.Release(g, "a", v)
			h, err := r.AnyHead(g, "a", v)
			if errors.Is(head, gallery.ErrNotFound) != removed(i) || errors.Is(release, gallery.ErrNotFound) != removed(i) {
				t.Errorf("version %v, removed %v: %v, %v", v, removed(i), head, release)
			}
			if err != nil || (h.State == gallery.Removed) != removed(i) {
				t.Errorf("AnyHead of %v is in the state %v (%v)", v, h.State, err)
			}
		}
		for limit := 1; limit <= versions; limit++ {
			var heads, releases []string
			for after := (nuget.Version{}); ; {
				page, err := r.Heads(g, "a", after, limit)
				if err != nil {
					return err
				}
				for _, h := range page {
					after = h.Version
					heads = append(heads, h.Version.String())
				}
				if len(page) < limit {
					break
				}
			}
			for after := (nuget.Version{}); ; {
				page, err := r.Releases(g, "a", after, limit)
				if err != nil {
					return err
				}
				for _, rel := range page {
					after = rel.Version
					releases = append(releases, rel.Version.String())
				}
				if len(page) < limit {
					break
				}
			}
			want := []string{"0.0.0", "2.0.0", "3.0.0", "5.0.0", "6.0.0", "8.0.0"}
			if !slices.Equal(heads, want) || !slices.Equal(releases, want) {
				t.Errorf("in pages of %d: heads %q, releases %q, want %q", limit, heads, releases, want)
			}
		}
		all, err := r.AllHeads(g, "", nuget.Version{}, 0)
		if len(all) != versions {
			t.Errorf("AllHeads gives %d of %d", len(all), versions)
		}
		return err
	})
}

// testPeople holds that People grows whenever an account is shown otherwise, and
// not when only its secrets change; and that a package's documents depend on it.
func testPeople(t *testing.T, s gallery.Store) {
	feed := newFeed(t, s, "main")
	people := func() uint64 {
		t.Helper()
		return read(t, s, func(r gallery.Reader) (uint64, error) { return r.People() })
	}
	a := Account("Ann")
	mustUpdate(t, s, func(w gallery.Writer) error {
		return errors.Join(w.NewAccount(a), w.PutPackage(feed.Generation, Package(t, "A", 1)))
	})
	change := func(grows bool, f func()) {
		t.Helper()
		before := people()
		f()
		mustUpdate(t, s, func(w gallery.Writer) error { return w.PutAccount(a) })
		if now := people(); now > before != grows {
			t.Errorf("people went from %d to %d", before, now)
		}
		state := read(t, s, func(r gallery.Reader) (gallery.DocState, error) { return r.PackageState(feed.Generation, "a") })
		if state.People != people() {
			t.Errorf("the state of a package is %+v, people is %d", state, people())
		}
	}
	change(false, func() { a.Password, a.Locked, a.Credentials = "x", !a.Locked, 7 })
	change(true, func() { a.Name = "ann" })
	change(true, func() { a.Name = "Anna" })
	change(true, func() { a.Kind = gallery.Tombstone })
	change(false, func() {})
}
