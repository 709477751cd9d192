package gallery

import (
	"context"
	"errors"
	"sync"
)

// names are the names of accounts as they are shown, read once and forgotten when
// any of them changes (SiteReader.People).
type names struct {
	mu      sync.Mutex
	changes uint64 // what Store.Changes said before the last reading
	people  uint64
	of      map[AccountNo]string
}

// maxNames bounds what is remembered; it then begins anew.
const maxNames = 100_000

// OwnerNames returns the names of accounts, in their order, without those that
// are gone. Names are joined when something is rendered and never stored with a
// package: DocState.People says when they must be joined again.
// The store is read only when something was written, or a name is not known yet.
func (g *Gallery) OwnerNames(ctx context.Context, nos []AccountNo) []string {
	n := &g.names
	changes := g.store.Changes() // first: what is read is then at least as new
	shown, ok := n.known(changes, nos)
	if ok {
		return shown
	}
	shown = shown[:0]
	err := g.store.View(ctx, func(r Reader) error {
		people, err := r.People()
		if err != nil {
			return err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.of == nil || n.people != people || len(n.of) > maxNames {
			n.of, n.people = make(map[AccountNo]string), people
		}
		n.changes = changes
		for _, no := range nos {
			name, known := n.of[no]
			if !known {
				a, err := r.Account(no)
				if errors.Is(err, ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				name = a.Name
				n.of[no] = name
			}
			shown = append(shown, name)
		}
		return nil
	})
	if err != nil {
		g.o.Log.Error("the names of accounts could not be read", "err", err)
	}
	return shown
}

// known returns the names of nos, if all were read since the store said changes.
func (n *names) known(changes uint64, nos []AccountNo) (shown []string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	shown = make([]string, 0, len(nos))
	if n.of == nil || n.changes != changes {
		return shown, false
	}
	for _, no := range nos {
		name, known := n.of[no]
		if !known {
			return shown, false
		}
		shown = append(shown, name)
	}
	return shown, true
}

// ownerName returns an account's name, "" when there is no such account.
func (g *Gallery) ownerName(ctx context.Context, no AccountNo) string {
	for _, name := range g.OwnerNames(ctx, []AccountNo{no}) {
		return name
	}
	return ""
}
