package gallery

import (
	"context"
	"errors"
	"time"
)

// upkeep writes what changes by itself and is nobody's act: counters, sweeps,
// marks of gc, when a key or session was last used, the parameters of a hash.
// It asks no rights, and so what a person, a key or the operator changes is
// never written here (Do).
func (g *Gallery) upkeep(ctx context.Context, f func(Writer) error) error {
	return g.store.Update(ctx, f)
}

// flushEvery is how often counters are written.
const flushEvery = 10 * time.Second

// flushLoop writes the counters every flushEvery until ctx ends.
func (g *Gallery) flushLoop(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := g.Flush(ctx); err != nil && ctx.Err() == nil {
				g.o.Log.Error("counters could not be written; they are kept and written later", "err", err)
			}
		}
	}
}

// Flush writes downloads and key uses counted since the last time.
func (g *Gallery) Flush(ctx context.Context) error {
	return errors.Join(g.flushDownloads(ctx), g.flushKeyUses(ctx))
}
