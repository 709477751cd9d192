package gallery_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/gallery/search"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Kept", Version: "1.0.0"})
	spec := pack.Spec{ID: "Contoso.Test", Version: "1.0.0"}
	old := w.mustPublish(w.ann, w.test, spec)
	w.mustPublish(w.ann, w.test, pack.Spec{ID: "Contoso.Test", Version: "1.0.0", Description: "Replaced."})
	sweep := func(doomed, deleted int) {
		t.Helper()
		s, err := w.Sweep(w.ctx())
		if err != nil || s.Doomed != doomed || s.Deleted != deleted {
			t.Errorf("sweep: %+v, %v; want %d doomed, %d deleted", s, err, doomed, deleted)
		}
	}
	sweep(1, 0)
	w.pass(23 * time.Hour)
	sweep(0, 0)
	w.mustPublish(w.ann, w.test, spec) // the same bytes again: the blob is used once more, the other is not
	w.pass(2 * time.Hour)
	sweep(1, 0)
	w.pass(25 * time.Hour)
	sweep(0, 1)
	if _, err := w.blobs.Open(old.Head.Blob); err != nil {
		t.Errorf("a blob in use was deleted: %v", err)
	}
	w.verify()
}

// TestSweepMarks: marks that mean nothing any more go, of blobs that are used
// and of blobs that are gone; a blob that is marked by mistake while it is
// recorded is not deleted at once when it is unused later.
func TestSweepMarks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	used := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Kept", Version: "1.0.0"}).Head.Blob
	gone := gallery.Hash{1, 2, 3}
	err := w.store.Update(w.ctx(), func(tx gallery.Writer) error {
		return errors.Join(tx.PutDoomed(gallery.Doomed{Hash: used, Since: w.Now()}), tx.PutDoomed(gallery.Doomed{Hash: gone, Since: w.Now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(48 * time.Hour)
	if s, err := w.Sweep(w.ctx()); err != nil || s != (gallery.Swept{}) {
		t.Errorf("sweep: %+v, %v", s, err)
	}
	err = w.store.View(w.ctx(), func(r gallery.Reader) error {
		left, err := r.Doomed(gallery.Hash{}, 10)
		if len(left) > 0 {
			t.Errorf("%d marks are left", len(left))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	w.verify()
}

// stuckBlobs cannot delete one of their blobs, as Windows cannot while it is read.
type stuckBlobs struct {
	gallery.Blobs
	stuck gallery.Hash
}

func (b *stuckBlobs) Delete(h gallery.Hash) error {
	if h == b.stuck {
		return errors.New("it is in use")
	}
	return b.Blobs.Delete(h)
}

// TestSweepGoesOn: a file that cannot be removed keeps no other from going, and
// goes later.
func TestSweepGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Close(w.ctx())
	stuck := &stuckBlobs{Blobs: w.blobs}
	g, err := gallery.Open(w.ctx(), gallery.Options{Store: w.store, Blobs: stuck, NewIndex: search.New, Now: w.Now, Feeds: []gallery.FeedOptions{{Name: "main"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(w.ctx())
	var first gallery.Hash
	for i := range 4 {
		h := storetest.PutBlob(t, w.blobs, []byte{byte(i)})
		if first.IsZero() || bytes.Compare(h[:], first[:]) < 0 {
			first = h
		}
	}
	stuck.stuck = first
	sweep := func(want gallery.Swept, fails bool) {
		t.Helper()
		if s, err := g.Sweep(w.ctx()); s != want || (err != nil) != fails {
			t.Errorf("sweep: %+v, %v", s, err)
		}
	}
	sweep(gallery.Swept{Doomed: 4}, false)
	w.pass(25 * time.Hour)
	sweep(gallery.Swept{Deleted: 3, Bytes: 3}, true)
	stuck.stuck = gallery.Hash{}
	sweep(gallery.Swept{Deleted: 1, Bytes: 1}, false)
}
