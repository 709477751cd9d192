package bolt_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/storetest"
)

// load pushes versions of ids packages in random order, some in one update.
func load(t testing.TB, s gallery.Store, ids, versions, together int) *gallery.Feed {
	t.Helper()
	corpus := storetest.NewCorpus(1)
	feed := &gallery.Feed{Name: "main"}
	if err := s.Update(t.Context(), func(w gallery.Writer) error { return w.NewFeed(feed) }); err != nil {
		t.Fatal(err)
	}
	packages, cards := make([]*gallery.Package, ids), make([]*gallery.Card, ids)
	for i := range packages {
		packages[i], cards[i] = &gallery.Package{ID: corpus.ID(i), Owners: []gallery.AccountNo{1}}, new(gallery.Card)
	}
	order := rand.New(rand.NewPCG(3, 4)).Perm(ids * versions)
	for chunk := range slices.Chunk(order, together) {
		err := s.Update(t.Context(), func(w gallery.Writer) error {
			for _, n := range chunk {
				p := packages[n%ids]
				v, err := nuget.ParseVersion(fmt.Sprintf("%d.%d.%d", 1+n/ids/3, n/ids, n%17))
				if err != nil {
					return err
				}
				if err := corpus.Push(w, feed, p, cards[n%ids], v); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return feed
}

// TestBytesPerVersion holds the database to 4,000 bytes a version with 2 kB of
// metadata: release, event, package, card and indexes together. The event log
// must fill its pages: bbolt forgets the fill percent with each transaction.
func TestBytesPerVersion(t *testing.T) {
	kv, err := bolt.Open(t.TempDir(), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.New(t.Context(), kv)
	if err != nil {
		t.Fatal(err)
	}
	const ids, versions = 1000, 5
	load(t, s, ids, versions, 25)
	size, err := kv.Size()
	if err != nil {
		t.Fatal(err)
	}
	each := float64(size) / (ids * versions)
	t.Logf("%.0f bytes a version", each)
	if each > 4000 {
		t.Errorf("the database takes %.0f bytes a version; 4,000 are allowed", each)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := bbolt.Open(kv.Path(), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	err = b.View(func(tx *bbolt.Tx) error {
		stats := tx.Bucket([]byte("events")).Stats()
		if fill := float64(stats.LeafInuse) / float64(stats.LeafAlloc); fill < 0.8 {
			t.Errorf("the pages of the event log are filled to %.2f", fill)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
