package search

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"nougat/gallery"
)

// A downloadTable holds the downloads of a feed's packages, as written, apart
// from the segments: they change without an event, and a package that is not
// listed keeps its own.
type downloadTable struct {
	total atomic.Uint64        // of byID; stored under mu, loaded by anyone
	mu    sync.RWMutex         // for byID; taken under the index's mu or alone
	byID  map[string]*idCounts // by folded ID
}

// idCounts are the downloads of one package. They never change; nil is none.
type idCounts struct {
	total    uint64
	versions []gallery.VersionCount // ascending by Version
}

func newIDCounts(counts []gallery.DownloadCount) *idCounts {
	c := &idCounts{versions: make([]gallery.VersionCount, 0, len(counts))}
	for _, n := range counts {
		c.total += n.Total
		c.versions = append(c.versions, gallery.VersionCount{Version: n.Version, Total: n.Total})
	}
	slices.SortFunc(c.versions, func(a, b gallery.VersionCount) int { return cmp.Compare(a.Version, b.Version) })
	return c
}

// sum returns the downloads of all versions.
func (c *idCounts) sum() uint64 {
	if c == nil {
		return 0
	}
	return c.total
}

// all returns the downloads of each version, which nobody may change.
func (c *idCounts) all() []gallery.VersionCount {
	if c == nil {
		return nil
	}
	return c.versions
}

func (t *downloadTable) of(key string) *idCounts {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.byID[key]
}

// set replaces the counts of one package.
func (t *downloadTable) set(key string, c *idCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Add(c.sum() - t.byID[key].sum())
	t.byID[key] = c
}

// replace replaces all counts.
func (t *downloadTable) replace(byID map[string]*idCounts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.byID = byID
	total := uint64(0)
	for _, c := range byID {
		total += c.sum()
	}
	t.total.Store(total)
}

// AddDownloads tells the index which counts were just written, so that it reads
// those packages' downloads again. What it cannot read now, because the store
// fails or the index is being built, it reads before the next query.
func (ix *index) AddDownloads(counts []gallery.DownloadCount) {
	ix.putStale(func(yield func(string) bool) {
		for _, c := range counts {
			if !yield(c.ID) {
				return
			}
		}
	})
	select {
	case ix.turn <- struct{}{}:
	default:
		return
	}
	defer func() { <-ix.turn }()
	if ix.snap.Load() == nil {
		return
	}
	if err := ix.catchUp(ix.ctx, 0); err != nil && ix.ctx.Err() == nil {
		ix.log.Warn("the search index could not read downloads; it tries again", "feed", ix.feed, "err", err)
	}
}

// DownloadsTotal returns all downloads of the feed, as far as they are written;
// 0 until the index is built.
func (ix *index) DownloadsTotal() uint64 { return ix.downloads.total.Load() }

// readDownloads reads all counts of a generation.
func (ix *index) readDownloads(ctx context.Context, generation uint32) (map[string]*idCounts, error) {
	ix.takeStale() // what was written before this is read now
	table := make(map[string]*idCounts)
	var ofID []gallery.DownloadCount // of the ID being read
	for c, err := range gallery.Scan(ctx, ix.store, func(r gallery.Reader, last gallery.DownloadCount) ([]gallery.DownloadCount, error) {
		return r.AllDownloads(generation, last, gallery.ScanPage)
	}) {
		if err != nil {
			return nil, err
		}
		if len(ofID) > 0 && ofID[0].ID != c.ID {
			table[ofID[0].ID] = newIDCounts(ofID)
			ofID = ofID[:0]
		}
		ofID = append(ofID, c)
	}
	if len(ofID) > 0 {
		table[ofID[0].ID] = newIDCounts(ofID)
	}
	return table, nil
}

// takeStale returns the IDs whose downloads must be read, and forgets them.
func (ix *index) takeStale() []string {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ids := slices.Collect(maps.Keys(ix.stale))
	ix.stale = nil
	ix.behindDownloads.Store(false)
	return ids
}

// putStale notes IDs whose downloads must be read.
func (ix *index) putStale(ids iter.Seq[string]) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	if ix.stale == nil {
		ix.stale = make(map[string]struct{})
	}
	for id := range ids {
		ix.stale[id] = struct{}{}
	}
	ix.behindDownloads.Store(len(ix.stale) > 0)
}

// readStale reads the downloads that have changed. The caller holds the turn.
func (ix *index) readStale(ctx context.Context) error {
	ids := ix.takeStale()
	if len(ids) == 0 {
		return nil
	}
	generation := ix.snap.Load().generation
	read := make(map[string]*idCounts, len(ids))
	for page := range slices.Chunk(ids, gallery.ScanPage) {
		err := ix.store.View(ctx, func(r gallery.Reader) error {
			for _, id := range page {
				counts, err := r.Downloads(generation, id)
				if err != nil {
					return err
				}
				read[id] = newIDCounts(counts)
			}
			return nil
		})
		if err != nil {
			ix.putStale(slices.Values(ids))
			return err
		}
	}
	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := *ix.snap.Load()
	s.number++
	for id, counts := range read {
		ix.downloads.set(id, counts)
		if at, ok := s.find(id); ok {
			s.parts[at.part].seg.totals[at.doc].Store(counts.sum())
		}
	}
	ix.snap.Store(&s)
	return nil
}
