package store_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/store"
	"nougat/store/mem"
	"nougat/store/storetest"
)

// sample is a store with records of every kind, and its KV.
func sample(t testing.TB) (*store.Store, store.KV) {
	t.Helper()
	kv := mem.New(store.Hooks{})
	s, err := store.New(t.Context(), kv)
	if err != nil {
		t.Fatal(err)
	}
	f := &gallery.Feed{Name: "main", Kind: gallery.TestFeed, Created: time.Now()}
	r := storetest.Release(t, "Contoso.Json", "1.0.0-Beta+meta")
	plain := storetest.Release(t, "A", "1.0")
	plain.Meta, plain.Received, plain.Edited = gallery.Metadata{Title: "t"}, plain.Blob, plain.Published
	err = s.Update(t.Context(), func(w gallery.Writer) error {
		return errors.Join(w.NewFeed(f), w.PutRelease(f.Generation, r), w.PutRelease(f.Generation, plain), w.PutPackage(f.Generation, storetest.Package(t, r.ID, 1, 300)),
			w.PutCard(f.Generation, storetest.Card(t, r.ID)), w.NewAccount(storetest.Account("Ann")), w.PutKey(storetest.Key("AbCd1234", 1)),
			w.PutSession(storetest.Session("cookie", 1)), w.PutDoomed(gallery.Doomed{Hash: storetest.Hash("x"), Since: f.Created}),
			w.AddDownloads(f.Generation, []gallery.DownloadCount{{ID: "a", Version: "1.0.0", Total: 500}}), w.PutKeyUse("AbCd1234", gallery.KeyUse{Addr: "x", Client: "y"}),
			w.AppendEvent(f.Number, &gallery.Event{Kind: gallery.Pushed, ID: r.ID, Version: r.Version, Blob: r.Blob, Key: "k", Actor: 1}),
			w.AppendEvent(f.Number, &gallery.Event{Kind: gallery.Wiped}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, kv
}

// eachPair calls f with everything in a small KV.
func eachPair(t testing.TB, kv store.KV, f func(b store.Bucket, key, value []byte)) {
	t.Helper()
	err := kv.View(t.Context(), func(tx store.Txn) error {
		for b := range store.Bucket(store.NumBuckets) {
			page, err := tx.Scan(b, nil, nil, store.MaxPage)
			if err != nil {
				return err
			}
			for _, p := range page {
				f(b, p.Key, p.Value)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// FuzzDecode gives any bytes to every decoder: an error or a value whose
// encoding stands still, never a panic.
func FuzzDecode(f *testing.F) {
	_, kv := sample(f)
	eachPair(f, kv, func(b store.Bucket, key, value []byte) { f.Add(byte(b), key, value) })
	f.Fuzz(func(t *testing.T, bucket byte, key, value []byte) {
		b := store.Bucket(int(bucket) % store.NumBuckets)
		first, err := store.Recode(b, key, value)
		if err != nil {
			return
		}
		second, err := store.Recode(b, key, first)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%v: %q is encoded as %q, that as %q (%v)", b, value, first, second, err)
		}
	})
}

// TestDamaged cuts and bends every record of the sample: each change is an error
// or another valid record, and cut ones are always an error.
func TestDamaged(t *testing.T) {
	_, kv := sample(t)
	seen := make(map[store.Bucket]bool)
	eachPair(t, kv, func(b store.Bucket, key, value []byte) {
		same, err := store.Recode(b, key, value)
		if err != nil || !bytes.Equal(same, value) {
			t.Errorf("%v: a sound record is encoded as %q (%v)", b, same, err)
		}
		// Any value bends into another one where the record has no form.
		if again, err := store.Recode(b, key, nil); err == nil && again == nil {
			return
		}
		seen[b] = true
		for i := range value {
			if _, err := store.Recode(b, key, value[:i]); err == nil {
				t.Errorf("%v: the first %d of %d bytes pass", b, i, len(value))
			}
			bent := bytes.Clone(value)
			for _, mask := range []byte{1, 0x80, 0xff} {
				bent[i] = value[i] ^ mask
				store.Recode(b, key, bent) // must not panic
			}
			bent[0] = 0x55
			if _, err := store.Recode(b, key, bent); err == nil {
				t.Errorf("%v: an unknown format passes", b)
			}
		}
		if _, err := store.Recode(b, key, append(bytes.Clone(value), 0)); err == nil {
			t.Errorf("%v: a byte too many passes", b)
		}
	})
	if len(seen) != 12 {
		t.Errorf("the sample has records of %d forms: %v", len(seen), seen)
	}
}

// TestDamagedReads holds that a reader names the record that it cannot read.
func TestDamagedReads(t *testing.T) {
	s, kv := sample(t)
	type row struct {
		b   store.Bucket
		key []byte
	}
	var rows []row
	eachPair(t, kv, func(b store.Bucket, key, _ []byte) { rows = append(rows, row{b, bytes.Clone(key)}) })
	err := kv.Update(t.Context(), func(tx store.Txn) error {
		for _, r := range rows {
			if err := tx.Put(r.b, r.key, []byte{0x55}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	one, err := nuget.ParseVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(r gallery.Reader) error {
		session := storetest.Session("cookie", 1)
		reads := map[string]func() error{
			"Meta":         func() error { _, err := r.Meta(); return err },
			"Feed":         func() error { _, err := r.Feed("main"); return err },
			"Feeds":        func() error { _, err := r.Feeds(); return err },
			"FeedState":    func() error { _, err := r.FeedState(1); return err },
			"Package":      func() error { _, err := r.Package(1, "contoso.json"); return err },
			"PackageState": func() error { _, err := r.PackageState(1, "contoso.json"); return err },
			"Packages":     func() error { _, err := r.Packages(1, "", 1); return err },
			"Card":         func() error { _, err := r.Card(1, "contoso.json"); return err },
			"Cards":        func() error { _, err := r.Cards(1, "", 1); return err },
			"AnyHead":      func() error { _, err := r.AnyHead(1, "a", one); return err },
			"Head":         func() error { _, err := r.Head(1, "a", one); return err },
			"Heads":        func() error { _, err := r.Heads(1, "a", nuget.Version{}, 1); return err },
			"Release":      func() error { _, err := r.Release(1, "a", one); return err },
			"Releases":     func() error { _, err := r.Releases(1, "a", nuget.Version{}, 1); return err },
			"AllHeads":     func() error { _, err := r.AllHeads(1, "", nuget.Version{}, 1); return err },
			"Events":       func() error { _, err := r.Events(1, 0, 1); return err },
			"Downloads":    func() error { _, err := r.Downloads(1, "a"); return err },
			"AllDownloads": func() error { _, err := r.AllDownloads(1, gallery.DownloadCount{}, 1); return err },
			"Account":      func() error { _, err := r.Account(1); return err },
			"AccountByName": func() error {
				_, err := r.AccountByName("ann")
				return err
			},
			"Accounts":        func() error { _, err := r.Accounts(0, 1); return err },
			"Key":             func() error { _, err := r.Key("AbCd1234"); return err },
			"Keys":            func() error { _, err := r.Keys("", 1); return err },
			"KeysOf":          func() error { _, err := r.KeysOf(1, "", 1); return err },
			"KeyUse":          func() error { _, err := r.KeyUse("AbCd1234"); return err },
			"Session":         func() error { _, err := r.Session(session.Hash); return err },
			"SessionsOf":      func() error { _, err := r.SessionsOf(1, 1); return err },
			"ExpiredSessions": func() error { _, err := r.ExpiredSessions(session.Expires, 1); return err },
			"Doomed":          func() error { _, err := r.Doomed(gallery.Hash{}, 1); return err },
			"DoomedBlob":      func() error { _, err := r.DoomedBlob(storetest.Hash("x")); return err },
		}
		for name, read := range reads {
			if err := read(); err == nil || errors.Is(err, gallery.ErrNotFound) || !strings.Contains(err.Error(), "cannot be read") {
				t.Errorf("%s of a damaged record: %v", name, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestBombs holds that a few bytes of metadata cannot claim memory without end.
func TestBombs(t *testing.T) {
	h := &storetest.Release(t, "A", "1.0.0").Head
	for _, meta := range [][]byte{nil, {2}, {2, 5}, {2, 0xff, 0xff, 0xff, 0xff, 0x0f}, {2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 3, 0}, {2, 5, 3, 0}, {9}} {
		if _, err := store.Recode(store.Releases, nil, store.RawRelease(h, meta)); err == nil {
			t.Errorf("the metadata % x passes", meta)
		}
	}
}

// TestDictionary holds that the dictionary, a part of the stored form, never
// changes: its hash is that of the first database.
func TestDictionary(t *testing.T) {
	const want = "bdadcbac1009ffe8dffd3476b45dc9a3"
	if got := storetest.Hash(store.Dictionary).String()[:32]; got != want {
		t.Errorf("the dictionary is another one (%s): what was deflated with the old one can no longer be read", got)
	}
}

func TestTimeKeys(t *testing.T) {
	times := []time.Time{{}, time.Unix(0, 0), time.Unix(0, 1), time.Unix(255, 999999999), time.Unix(256, 0), time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)}
	for i := 1; i < len(times); i++ {
		a, b := store.AppendTimeKey(nil, times[i-1]), store.AppendTimeKey(nil, times[i])
		if len(a) != 12 || bytes.Compare(a, b) >= 0 {
			t.Errorf("%v is % x, %v is % x", times[i-1], a, times[i], b)
		}
	}
}

func TestPrefixEnd(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "\xff\xff": "", "": "", "a\x00": "a\x01"} {
		if got := string(store.PrefixEnd([]byte(prefix))); got != want {
			t.Errorf("the end of %q is %q, want %q", prefix, got, want)
		}
	}
}

// TestUnusable holds that what cannot be a key is refused when it is written.
func TestUnusable(t *testing.T) {
	s, _ := sample(t)
	for _, id := range []string{"", "a\x00b", strings.Repeat("a", 5000)} {
		pkg := func(w gallery.Writer) error { return w.PutPackage(1, &gallery.Package{ID: nuget.ID(id)}) }
		card := func(w gallery.Writer) error { return w.PutCard(1, &gallery.Card{ID: nuget.ID(id)}) }
		release := func(w gallery.Writer) error {
			return w.PutRelease(1, &gallery.Release{Head: gallery.Head{ID: nuget.ID(id)}})
		}
		feed := func(w gallery.Writer) error { return w.NewFeed(&gallery.Feed{Name: id}) }
		account := func(w gallery.Writer) error { return w.NewAccount(&gallery.Account{Name: id}) }
		key := func(w gallery.Writer) error { return w.PutKey(&gallery.Key{ID: id}) }
		downloads := func(w gallery.Writer) error {
			return w.AddDownloads(1, []gallery.DownloadCount{{ID: id, Version: "1.0.0"}})
		}
		for i, write := range []func(gallery.Writer) error{pkg, card, release, feed, account, key, downloads} {
			if err := s.Update(t.Context(), write); err == nil {
				t.Errorf("write %d takes %.10q as a key", i, id)
			}
		}
	}
	bad := []func(gallery.Writer) error{
		func(w gallery.Writer) error { return w.PutPackage(1, &gallery.Package{ID: "a", Versions: -1}) },
		func(w gallery.Writer) error {
			return w.PutRelease(1, &gallery.Release{Head: gallery.Head{ID: "a", Size: -1}})
		},
		func(w gallery.Writer) error {
			return w.PutCard(1, &gallery.Card{ID: "a", Faces: make([]gallery.Face, 5)})
		},
		func(w gallery.Writer) error { return w.PutCard(1, &gallery.Card{ID: "a", Shown: [4]int8{1}}) },
		func(w gallery.Writer) error { return w.PutCard(1, &gallery.Card{ID: "a", Shown: [4]int8{-2}}) },
		func(w gallery.Writer) error { return w.PutKey(&gallery.Key{ID: "a", Days: -1}) },
		func(w gallery.Writer) error { return w.PutFeedState(1, gallery.FeedState{Bytes: -1}) },
		func(w gallery.Writer) error { return w.NewAccount(&gallery.Account{Name: "a", Email: "a\x00b"}) },
		func(w gallery.Writer) error { return w.NewGeneration(&gallery.Feed{Name: "nowhere"}) },
	}
	for i, write := range bad {
		if err := s.Update(t.Context(), write); err == nil {
			t.Errorf("bad record %d is taken", i)
		}
	}
}

// TestBuckets holds that every bucket has a name of its own.
func TestBuckets(t *testing.T) {
	seen := make(map[string]bool)
	for b := range store.Bucket(store.NumBuckets) {
		if name := b.String(); name == "" || seen[name] {
			t.Errorf("bucket %d is called %q: give it a name in bucketNames", b, name)
		}
		seen[b.String()] = true
	}
}
