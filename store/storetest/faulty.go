package storetest

import (
	"sync/atomic"

	"nougat/store"
)

// A Fault breaks the commits of a backend that was opened with its Hooks, from
// the moment when it is armed. It is the fault injection of every backend's
// tests: a disk can fail before anything took effect, or after all of it.
type Fault struct{ before, after atomic.Pointer[error] }

// Before makes every commit fail with err and without effect; nil ends that.
func (f *Fault) Before(err error) { f.before.Store(&err) }

// After makes every commit take effect and fail with err; nil ends that.
func (f *Fault) After(err error) { f.after.Store(&err) }

// Hooks are what the backend must be opened with.
func (f *Fault) Hooks() store.Hooks {
	return store.Hooks{Before: armed(&f.before), After: armed(&f.after)}
}

func armed(p *atomic.Pointer[error]) func() error {
	return func() error {
		if err := p.Load(); err != nil {
			return *err
		}
		return nil
	}
}
