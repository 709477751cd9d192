package server

import "context"

// slots bound how much is done at once: who takes one gives it back. Only slots
// that say so are held while something is written to a client, who may take long.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, n) }

// take waits for a slot, and returns ctx's error when that ends first.
func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// try takes a slot if one is free, and reports whether it did.
func (s slots) try() bool {
	select {
	case s <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s slots) give() { <-s }
