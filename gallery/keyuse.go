package gallery

import (
	"context"
	"slices"
	"sync"

	"nougat/nuget"
)

// keyUses holds the last use of each key until it is written.
type keyUses struct {
	mu sync.Mutex
	m  map[string]KeyUse
}

func (u *keyUses) note(id string, use KeyUse) {
	use.Client = nuget.Cut(use.Client, 100)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.m == nil {
		u.m = make(map[string]KeyUse)
	}
	u.m[id] = use
}

func (u *keyUses) pending(id string) (KeyUse, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	use, ok := u.m[id]
	return use, ok
}

func (u *keyUses) take() map[string]KeyUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.m
	u.m = nil
	return m
}

func (g *Gallery) flushKeyUses(ctx context.Context) error {
	uses := g.uses.take()
	if len(uses) == 0 {
		return nil
	}
	ids := make([]string, 0, len(uses))
	for id := range uses {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, 1000) {
		err := g.upkeep(ctx, func(w Writer) error {
			for _, id := range chunk {
				if err := w.PutKeyUse(id, uses[id]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err // a last use that is lost is noted again at the next one
		}
	}
	return nil
}
