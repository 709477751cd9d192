package gallery

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"time"
)

// gc keeps a blob that no record holds for a day: a push may be between its blob
// and its record, and a crash there leaves an orphan (ENG-3).
const (
	doomedFor  = 24 * time.Hour
	sweepEvery = 6 * time.Hour
	sweepFirst = 10 * time.Minute // after the start, when the rush is over
)

// A Swept is what one Sweep did.
type Swept struct {
	Doomed  int // found in no record
	Deleted int
	Bytes   int64 // of the deleted
}

func (g *Gallery) sweepLoop(ctx context.Context) {
	wait := time.NewTimer(sweepFirst)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wait.C:
		}
		s, err := g.Sweep(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			g.o.Log.Error("unused files could not all be removed; the next sweep tries again", "err", err)
		case s.Deleted > 0:
			g.o.Log.Info("removed unused files", "files", s.Deleted, "bytes", s.Bytes)
		}
		wait.Reset(sweepEvery)
	}
}

// Sweep marks blobs that no record holds as doomed, deletes those that were
// doomed a day ago and still are, and drops marks that mean nothing any more. It
// walks three lists in the order of their hashes, one page of each in memory: the
// files, the blobs in use, the marks. It relies on no file time: a push takes the
// mark from its hash before it stores the file, and again with its record. Records
// of wiped generations go first, so that their files count as unused. A file that
// cannot be removed keeps nothing else from going.
func (g *Gallery) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	if err := g.sweepWiped(ctx); err != nil {
		return s, err
	}
	used, stopUsed := iter.Pull2(blobsInUse(ctx, g.store))
	defer stopUsed()
	marks, stopMarks := iter.Pull2(allDoomed(ctx, g.store))
	defer stopMarks()
	use, mark := walker[BlobMark]{next: used}, walker[Doomed]{next: marks}
	var meaningless []Hash // marks of blobs that are in use after all, or gone
	now := g.Now()
	var kept error
	err := g.blobs.List(ctx, func(h Hash, size int64) error {
		held, err := use.skipTo(func(m BlobMark) int { o := h.Mark(); return bytes.Compare(m[:], o[:]) }, nil)
		if err != nil {
			return err
		}
		marked, err := mark.skipTo(func(d Doomed) int { return bytes.Compare(d.Hash[:], h[:]) }, func(d Doomed) { meaningless = append(meaningless, d.Hash) })
		switch {
		case err != nil:
			return err
		case held && marked:
			meaningless = append(meaningless, h)
			return nil
		case held:
			return nil
		case !marked:
			s.Doomed++
			return g.doom(ctx, h, now)
		case now.Sub(mark.at.Since) < doomedFor:
			return nil
		}
		deleted, err := g.deleteBlob(ctx, h)
		if deleted {
			s.Deleted++
			s.Bytes += size
		}
		if kept == nil {
			kept = err
		}
		return ctx.Err()
	})
	if err == nil {
		_, err = mark.skipTo(func(Doomed) int { return -1 }, func(d Doomed) { meaningless = append(meaningless, d.Hash) })
	}
	if err == nil {
		err = g.dropMarks(ctx, meaningless)
	}
	return s, errors.Join(err, kept)
}

// A walker goes through an ordered list beside another one.
type walker[T any] struct {
	next  func() (T, error, bool)
	at    T
	there bool // at was read and is still ahead
	ended bool
}

// skipTo goes on to the first that is not before what compare looks for; it takes
// it, into at, when it is just that. Those before it are given to passed.
func (w *walker[T]) skipTo(compare func(T) int, passed func(T)) (found bool, err error) {
	for !w.ended {
		if !w.there {
			var ok bool
			if w.at, err, ok = w.next(); err != nil || !ok {
				w.ended = true
				return false, err
			}
			w.there = true
		}
		if c := compare(w.at); c >= 0 {
			w.there = c > 0
			return c == 0, nil
		}
		if w.there = false; passed != nil {
			passed(w.at)
		}
	}
	return false, nil
}

// blobsInUse yields the marks of all blobs that records hold, ascending.
func blobsInUse(ctx context.Context, s Store) iter.Seq2[BlobMark, error] {
	return Scan(ctx, s, func(r Reader, last BlobMark) ([]BlobMark, error) { return r.BlobsInUse(last, ScanPage) })
}

// allDoomed yields every mark of gc, by hash.
func allDoomed(ctx context.Context, s Store) iter.Seq2[Doomed, error] {
	return Scan(ctx, s, func(r Reader, last Doomed) ([]Doomed, error) { return r.Doomed(last.Hash, ScanPage) })
}

// dropMarks takes back marks of blobs that are in use after all, marked while
// they were being recorded, or that are gone. A mark too few only makes a blob
// stay longer.
func (g *Gallery) dropMarks(ctx context.Context, hashes []Hash) error {
	for chunk := range slices.Chunk(hashes, 1000) {
		err := g.upkeep(ctx, func(w Writer) error {
			for _, h := range chunk {
				if err := w.DeleteDoomed(h); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweepWiped deletes the records of wiped generations, a few at a time, so that
// pushes are never kept waiting.
func (g *Gallery) sweepWiped(ctx context.Context) error {
	for left := 1; left > 0; {
		err := g.upkeep(ctx, func(w Writer) (err error) {
			left, err = w.SweepWiped(2000)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func allFeeds(ctx context.Context, s Store) (feeds []*Feed, err error) {
	err = s.View(ctx, func(r Reader) (err error) {
		feeds, err = r.Feeds()
		return err
	})
	return feeds, err
}

// allHeads yields every release of a feed, in whatever state.
func allHeads(ctx context.Context, s Store, f *Feed) iter.Seq2[Head, error] {
	return Scan(ctx, s, func(r Reader, last Head) ([]Head, error) {
		return r.AllHeads(f.Generation, last.ID.Key(), last.Version, ScanPage)
	})
}

// doom marks a blob.
func (g *Gallery) doom(ctx context.Context, h Hash, now time.Time) error {
	return g.upkeep(ctx, func(w Writer) error {
		if used, err := w.BlobInUse(h); err != nil || used {
			return err // recorded since the sweep came by
		}
		return w.PutDoomed(Doomed{Hash: h, Since: now})
	})
}

// deleteBlob removes a doomed blob in three steps, so that a push of the same
// bytes sees it coming: doomed → deleting, the file, the mark. It leaves a blob
// alone whose mark is gone, or that a record holds: a push has taken it up since.
func (g *Gallery) deleteBlob(ctx context.Context, h Hash) (bool, error) {
	err := g.upkeep(ctx, func(w Writer) error {
		d, err := w.DoomedBlob(h)
		if err != nil {
			return err
		}
		if used, err := w.BlobInUse(h); err != nil || used {
			return cmp.Or(err, ErrNotFound)
		}
		d.Deleting = true
		return w.PutDoomed(d)
	})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	failed := g.blobs.Delete(h)
	err = g.upkeep(ctx, func(w Writer) error {
		if failed != nil { // in use: the next sweep starts over
			return w.PutDoomed(Doomed{Hash: h, Since: g.Now().Add(-doomedFor)})
		}
		return w.DeleteDoomed(h)
	})
	return failed == nil, errors.Join(failed, err)
}

// clearDeleting takes back what a crash left half deleted: at the start nothing
// deletes, and a push would wait for it. The file is gone or the next sweep
// removes it.
func (g *Gallery) clearDeleting(ctx context.Context) error {
	for d, err := range allDoomed(ctx, g.store) {
		if err != nil {
			return err
		}
		if !d.Deleting {
			continue
		}
		d.Deleting = false
		if err := g.upkeep(ctx, func(w Writer) error { return w.PutDoomed(d) }); err != nil {
			return err
		}
	}
	return nil
}

// storeBlob makes the upload durable under its hash. Where gc had marked its
// bytes it first takes the mark back, so that the file cannot go between here and
// the record; a blob that is being deleted now is waited for (ENG-3).
// A mark that is set later is good for a day.
func (g *Gallery) storeBlob(ctx context.Context, u *Upload, marked bool) error {
	for marked {
		free, err := g.reprieve(ctx, u.Hash)
		if err != nil {
			return err
		}
		if free {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	// Put closes the file, and removes it when it fails.
	return diskError(g.blobs.Put(ctx, u.Hash, u.Size, u.take()))
}

// reprieve takes the mark from a doomed blob; false while it is being deleted.
func (g *Gallery) reprieve(ctx context.Context, h Hash) (free bool, err error) {
	err = g.upkeep(ctx, func(w Writer) error {
		d, err := w.DoomedBlob(h)
		if errors.Is(err, ErrNotFound) {
			free = true
			return nil
		}
		if err != nil || d.Deleting {
			return err
		}
		free = true
		return w.DeleteDoomed(h)
	})
	return free && err == nil, err
}
