package gallery

import (
	"context"
	"errors"
	"time"
)

// gc keeps a blob that nothing references for a day: a push may be between its
// blob and its record, and a crash there leaves an orphan (engineering.md 3).
const (
	doomedFor  = 24 * time.Hour
	sweepEvery = 6 * time.Hour
	sweepFirst = 10 * time.Minute // after the start, when the rush is over
)

// A Swept is what one Sweep did.
type Swept struct {
	Doomed  int // found unreferenced
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

// Sweep marks blobs that no release references as doomed and deletes those that
// were doomed a day ago and still are. It relies on no file time: a push takes
// the mark from its hash before it stores the file, and again with its record.
// Records of wiped generations go first, so that their files count as unused.
func (g *Gallery) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	if err := g.sweepWiped(ctx); err != nil {
		return s, err
	}
	used, err := g.usedHashes(ctx)
	if err != nil {
		return s, err
	}
	now := g.Now()
	err = g.blobs.List(ctx, func(h Hash, size int64) error {
		if used[h] {
			return nil
		}
		d, err := g.doom(ctx, h, now)
		switch {
		case err != nil:
			return err
		case d.Since.Equal(now):
			s.Doomed++
		case d.Deleting || now.Sub(d.Since) >= doomedFor:
			deleted, err := g.deleteBlob(ctx, h)
			if err != nil {
				return err
			}
			if deleted {
				s.Deleted++
				s.Bytes += size
			}
		}
		return nil
	})
	return s, err
}

// sweepWiped deletes the records of wiped generations, a few at a time, so that
// pushes are never kept waiting.
func (g *Gallery) sweepWiped(ctx context.Context) error {
	for left := 1; left > 0; {
		err := g.store.Update(ctx, func(w Writer) (err error) {
			left, err = w.SweepWiped(2000)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// usedHashes is every hash that a release of any feed generation references.
func (g *Gallery) usedHashes(ctx context.Context) (map[Hash]bool, error) {
	used := make(map[Hash]bool)
	feeds, err := allFeeds(ctx, g.store)
	if err != nil {
		return nil, err
	}
	for _, f := range feeds {
		err := eachHead(ctx, g.store, f, func(h Head) error {
			used[h.Blob], used[h.Received] = true, true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return used, nil
}

func allFeeds(ctx context.Context, s Store) (feeds []*Feed, err error) {
	err = s.View(ctx, func(r Reader) (err error) {
		feeds, err = r.Feeds()
		return err
	})
	return feeds, err
}

// eachHead calls f for every release of a feed, in many short Views.
func eachHead(ctx context.Context, s Store, feed *Feed, f func(Head) error) error {
	var last Head
	for {
		var page []Head
		err := s.View(ctx, func(r Reader) (err error) {
			page, err = r.AllHeads(feed.Generation, last.ID.Key(), last.Version, scanPage)
			return err
		})
		if err != nil {
			return err
		}
		for _, h := range page {
			if err := f(h); err != nil {
				return err
			}
		}
		if len(page) < scanPage {
			return nil
		}
		last = page[len(page)-1]
	}
}

// doom returns the mark of a blob, making it now when there is none.
func (g *Gallery) doom(ctx context.Context, h Hash, now time.Time) (d Doomed, err error) {
	err = g.store.Update(ctx, func(w Writer) error {
		d, err = w.DoomedBlob(h)
		if errors.Is(err, ErrNotFound) {
			d = Doomed{Hash: h, Since: now}
			return w.PutDoomed(d)
		}
		return err
	})
	return d, err
}

// deleteBlob removes a doomed blob in three steps, so that a push of the same
// bytes sees it coming: doomed → deleting, the file, the mark. It leaves a blob
// alone whose mark is gone: a push has taken it up since.
func (g *Gallery) deleteBlob(ctx context.Context, h Hash) (bool, error) {
	err := g.store.Update(ctx, func(w Writer) error {
		d, err := w.DoomedBlob(h)
		if err != nil {
			return err
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
	err = g.store.Update(ctx, func(w Writer) error {
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
	var after Hash
	for {
		var page []Doomed
		err := g.store.View(ctx, func(r Reader) (err error) {
			page, err = r.Doomed(after, scanPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		for _, d := range page {
			if !d.Deleting {
				continue
			}
			d.Deleting = false
			if err := g.store.Update(ctx, func(w Writer) error { return w.PutDoomed(d) }); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Hash
	}
}
