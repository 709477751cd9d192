package gallery

import (
	"sync"
	"time"
)

// failures counts wrong passwords by name and address (SM-16): after every
// tenth the pair waits 10^(n/10-1) minutes from the last failure. Counting by
// address too keeps a stranger from locking a colleague out. It is kept in
// memory: a restart forgets it.
type failures struct {
	mu sync.Mutex
	m  map[string]failure
}

type failure struct {
	count int
	last  time.Time
}

const maxFailures = 20_000

// wait returns how long the pair is still closed at this time.
func (f *failures) wait(pair string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.m[pair]
	if e.count < 10 {
		return 0
	}
	closed := time.Minute
	for range min(e.count/10-1, 4) {
		closed *= 10
	}
	return e.last.Add(closed).Sub(now)
}

func (f *failures) add(pair string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil || len(f.m) >= maxFailures {
		f.m = make(map[string]failure)
	}
	f.m[pair] = failure{count: f.m[pair].count + 1, last: now}
}

func (f *failures) clear(pair string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.m, pair)
}
