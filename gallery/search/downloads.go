package search

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"nougat/gallery"
)

// A downloadTable holds the downloads of a feed's packages, as written, apart
// from the segments: they change without an event, and a package that is not
// listed keeps its own.
type downloadTable struct {
	total atomic.Uint64
	mu    sync.RWMutex
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
