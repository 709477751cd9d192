package gallery

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Why a turn did not come: too many wait for one already, or it took too long.
var (
	errCrowd  = errors.New("too many wait for their turn")
	errWaited = errors.New("the turn did not come in time")
)

// turns lets each key do so many things at once; one more waits until one of
// them has ended. Keys do not wait for each other.
type turns[K comparable] struct {
	each int // at once for one key
	most int // at once and waiting for one key; 0: any number

	mu sync.Mutex
	m  map[K]*turn
}

type turn struct {
	slots chan struct{}
	users int // at it or waiting; the entry goes with the last
}

// enter waits for a turn, which leave ends, at most as long as patience; 0 is for
// ever. The error is ctx's, errCrowd or errWaited.
func (t *turns[K]) enter(ctx context.Context, key K, patience time.Duration) error {
	t.mu.Lock()
	if t.m == nil {
		t.m = make(map[K]*turn)
	}
	at := t.m[key]
	if at == nil {
		at = &turn{slots: make(chan struct{}, t.each)}
		t.m[key] = at
	}
	if t.most > 0 && at.users >= t.most {
		t.mu.Unlock()
		return errCrowd
	}
	at.users++
	t.mu.Unlock()
	select {
	case at.slots <- struct{}{}:
		return nil
	default:
	}
	var late <-chan time.Time
	if patience > 0 {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		late = timer.C
	}
	var err error
	select {
	case at.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-late:
		err = errWaited
	}
	t.drop(key, at)
	return err
}

func (t *turns[K]) leave(key K) {
	t.mu.Lock()
	at := t.m[key]
	t.mu.Unlock()
	<-at.slots
	t.drop(key, at)
}

func (t *turns[K]) drop(key K, at *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(t.m, key)
	}
}
