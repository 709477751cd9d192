package gallery

import (
	"context"
	"errors"
	"maps"
	"slices"
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

// Sweep marks blobs that no release references as doomed, deletes those that
// were doomed a day ago and still are, and drops marks that mean nothing any
// more. It relies on no file time: a push takes the mark from its hash before it
// stores the file, and again with its record. Records of wiped generations go
// first, so that their files count as unused. A file that cannot be removed keeps
// nothing else from going.
func (g *Gallery) Sweep(ctx context.Context) (Swept, error) {
	var s Swept
	if err := g.sweepWiped(ctx); err != nil {
		return s, err
	}
	used, err := g.usedHashes(ctx)
	if err != nil {
		return s, err
	}
	marks, err := g.doomed(ctx)
	if err != nil {
		return s, err
	}
	now := g.Now()
	var kept error
	err = g.blobs.List(ctx, func(h Hash, size int64) error {
		if used[h] {
			return nil
		}
		since, marked := marks[h]
		delete(marks, h)
		switch {
		case !marked:
			s.Doomed++
			return g.doom(ctx, h, now)
		case now.Sub(since) < doomedFor:
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
		err = g.dropMarks(ctx, slices.Collect(maps.Keys(marks)))
	}
	return s, errors.Join(err, kept)
}

// doomed reads every mark.
func (g *Gallery) doomed(ctx context.Context) (map[Hash]time.Time, error) {
	marks := make(map[Hash]time.Time)
	err := g.eachDoomed(ctx, func(d Doomed) error {
		marks[d.Hash] = d.Since
		return nil
	})
	return marks, err
}

// eachDoomed calls f for each mark, in many short Views.
func (g *Gallery) eachDoomed(ctx context.Context, f func(Doomed) error) error {
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
			if err := f(d); err != nil {
				return err
			}
		}
		after = page[len(page)-1].Hash
	}
}

// dropMarks takes back marks of blobs that are in use after all, marked while
// they were being recorded, or that are gone. A mark too few only makes a blob
// stay longer.
func (g *Gallery) dropMarks(ctx context.Context, hashes []Hash) error {
	for chunk := range slices.Chunk(hashes, 1000) {
		err := g.store.Update(ctx, func(w Writer) error {
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

// doom marks a blob.
func (g *Gallery) doom(ctx context.Context, h Hash, now time.Time) error {
	return g.store.Update(ctx, func(w Writer) error { return w.PutDoomed(Doomed{Hash: h, Since: now}) })
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
	return g.eachDoomed(ctx, func(d Doomed) error {
		if !d.Deleting {
			return nil
		}
		d.Deleting = false
		return g.store.Update(ctx, func(w Writer) error { return w.PutDoomed(d) })
	})
}
