package gallery

import (
	"context"
	"errors"
	"slices"
	"sync"

	"nougat/nuget"
)

// counters counts downloads in memory until they are written, every ten seconds
// and at the end (GAL-B19): a download costs no write.
type counters struct {
	mu sync.Mutex
	m  map[downloadKey]uint64
}

type downloadKey struct {
	generation  uint32
	id, version string // folded; Version.Key
}

// flushChunk is how many counters one Update writes.
const flushChunk = 1000

// CountDownload adds one to a version. The server counts a complete answer and
// the first range of a resumed one, not HEAD and not 304 (GAL-B19).
func (g *Gallery) CountDownload(f *Feed, h *Head) {
	k := downloadKey{f.Generation, h.ID.Key(), h.Version.Key()}
	c := &g.downloads
	c.mu.Lock()
	if c.m == nil {
		c.m = make(map[downloadKey]uint64)
	}
	c.m[k]++
	c.mu.Unlock()
}

func (g *Gallery) flushDownloads(ctx context.Context) error {
	c := &g.downloads
	c.mu.Lock()
	counted := c.m
	c.m = nil
	c.mu.Unlock()
	byFeed := make(map[uint32][]DownloadCount)
	for k, n := range counted {
		byFeed[k.generation] = append(byFeed[k.generation], DownloadCount{ID: k.id, Version: k.version, Total: n})
	}
	var failed error
	for _, f := range g.Feeds() {
		for chunk := range slices.Chunk(byFeed[f.Generation], flushChunk) {
			err := g.upkeep(ctx, func(w Writer) error { return w.AddDownloads(f.Generation, chunk) })
			if err != nil {
				g.putBack(f.Generation, chunk)
				failed = errors.Join(failed, err)
				continue
			}
			g.index(f).AddDownloads(chunk)
		}
	}
	return failed
}

// putBack keeps what could not be written for the next flush.
func (g *Gallery) putBack(generation uint32, counts []DownloadCount) {
	c := &g.downloads
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil {
		c.m = make(map[downloadKey]uint64)
	}
	for _, n := range counts {
		c.m[downloadKey{generation, n.ID, n.Version}] += n.Total
	}
}

// DownloadsOf returns the downloads of a package, in all and by Version.Key,
// those not yet written included.
func (g *Gallery) DownloadsOf(ctx context.Context, f *Feed, id string) (total uint64, byVersion map[string]uint64, err error) {
	key := nuget.FoldID(id)
	byVersion = make(map[string]uint64)
	err = g.store.View(ctx, func(r Reader) error {
		counts, err := r.Downloads(f.Generation, key)
		for _, n := range counts {
			byVersion[n.Version] = n.Total
		}
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	c := &g.downloads
	c.mu.Lock()
	for k, n := range c.m {
		if k.generation == f.Generation && k.id == key {
			byVersion[k.version] += n
		}
	}
	c.mu.Unlock()
	for _, n := range byVersion {
		total += n
	}
	return total, byVersion, nil
}

// Totals is what the home page counts.
type Totals struct {
	Packages  uint64 // IDs
	Versions  uint64
	Bytes     int64
	Downloads uint64 // written ones
}

// Totals returns what a feed holds and how much of it was downloaded.
func (g *Gallery) Totals(ctx context.Context, f *Feed) (Totals, error) {
	s, err := g.State(ctx, f)
	if err != nil {
		return Totals{}, err
	}
	return Totals{Packages: s.Packages, Versions: s.Releases, Bytes: s.Bytes, Downloads: g.index(f).DownloadsTotal()}, nil
}
