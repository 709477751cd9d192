package server

import (
	"crypto/sha256"
	"sync"
	"time"

	"nougat/ui"
)

// onces keeps what a page shows once after a redirect: the sentence about what
// was done, and a key at the one moment its value is known. It stays in memory,
// under the session that it belongs to, and never stands in an address. The zero
// value is empty and ready.
type onces struct {
	mu sync.Mutex
	m  map[[sha256.Size]byte]once
}

type once struct {
	text  string // Frame.Notice
	key   *ui.NewKey
	setUp bool // the key ends the set-up
	until time.Time
}

// What is not fetched is forgotten after onceLife; more than maxOnces sessions
// between two pages forget each other.
const (
	onceLife = 10 * time.Minute
	maxOnces = 1000
)

// put keeps one for the next page of the session.
func (o *onces) put(token string, one once) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	if o.m == nil {
		o.m = make(map[[sha256.Size]byte]once)
	}
	if len(o.m) >= maxOnces {
		for k, old := range o.m {
			if now.After(old.until) {
				delete(o.m, k)
			}
		}
		if len(o.m) >= maxOnces {
			clear(o.m)
		}
	}
	one.until = now.Add(onceLife)
	o.m[sha256.Sum256([]byte(token))] = one
}

// notice takes the sentence and leaves a key where it is: any page may say the
// sentence, but only some show a key.
func (o *onces) notice(token string) string {
	return o.change(token, func(one *once) { one.text = "" }).text
}

// key takes the key.
func (o *onces) key(token string) (key *ui.NewKey, setUp bool) {
	one := o.change(token, func(one *once) { one.key, one.setUp = nil, false })
	return one.key, one.setUp
}

// drop forgets all of a session.
func (o *onces) drop(token string) { o.change(token, func(one *once) { *one = once{} }) }

// change returns what is kept and lets f take of it.
func (o *onces) change(token string, f func(*once)) once {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.m) == 0 {
		return once{}
	}
	id := sha256.Sum256([]byte(token))
	was, ok := o.m[id]
	if !ok || time.Now().After(was.until) {
		delete(o.m, id)
		return once{}
	}
	is := was
	f(&is)
	if is.text == "" && is.key == nil {
		delete(o.m, id)
	} else {
		o.m[id] = is
	}
	return was
}
