// Package mem keeps a store's records in memory, for tests. Its transactions are
// real: a View is a snapshot, an Update that fails leaves nothing behind.
//
// It must never be used for data that matters, and it knows nothing of what the
// records mean.
package mem

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"nougat/store"
)

// DB is a store.KV in memory. Each change of a bucket copies the bucket's slice
// of pairs once an Update: simple, and quick enough for thousands of records.
type DB struct {
	state   atomic.Pointer[state] // nil once closed
	turn    chan struct{}         // holds one token while an Update runs
	hooks   store.Hooks
	changes atomic.Uint64
}

// A state is never changed once it is in DB.state.
type state [store.NumBuckets][]store.Pair // sorted by key

var _ store.KV = (*DB)(nil)

// New returns an empty store; hooks may be zero.
func New(hooks store.Hooks) *DB {
	d := &DB{turn: make(chan struct{}, 1), hooks: hooks}
	d.state.Store(new(state))
	return d
}

// View lends a snapshot (store.KV).
func (d *DB) View(ctx context.Context, f func(store.Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s := d.state.Load()
	if s == nil {
		return store.Closed()
	}
	t := &txn{state: s}
	defer func() { t.state = nil }()
	return f(t)
}

// Update runs f alone (store.KV).
func (d *DB) Update(ctx context.Context, f func(store.Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case d.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.turn }()
	old := d.state.Load()
	if old == nil {
		return store.Closed()
	}
	next := *old
	t := &txn{state: &next, own: new([store.NumBuckets]bool)}
	defer func() { t.state = nil }()
	if err := f(t); err != nil {
		return err
	}
	if t.tooMany {
		return store.ErrTooMany
	}
	if t.touched == 0 {
		return nil
	}
	if d.hooks.Before != nil {
		if err := d.hooks.Before(); err != nil {
			return store.Failed(err)
		}
	}
	d.state.Store(&next)
	d.changes.Add(1)
	if d.hooks.After != nil {
		if err := d.hooks.After(); err != nil {
			return store.Failed(err)
		}
	}
	return nil
}

// Changes counts the Updates that took effect (store.KV).
func (d *DB) Changes() uint64 { return d.changes.Load() }

// Close waits for the running Update and forgets everything.
func (d *DB) Close() error {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	d.state.Store(nil)
	return nil
}

type txn struct {
	state   *state
	own     *[store.NumBuckets]bool // copied for this Update; nil in a View
	touched int
	tooMany bool
}

// find returns where key is in the bucket or belongs.
func (t *txn) find(b store.Bucket, key []byte) (int, bool) {
	return slices.BinarySearchFunc(t.state[b], key, func(p store.Pair, key []byte) int { return bytes.Compare(p.Key, key) })
}

func (t *txn) Get(b store.Bucket, key []byte) ([]byte, error) {
	if t.state == nil {
		return nil, store.ErrOver
	}
	if i, ok := t.find(b, key); ok {
		return t.state[b][i].Value, nil
	}
	return nil, nil
}

func (t *txn) GetMany(b store.Bucket, keys [][]byte) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		var err error
		if values[i], err = t.Get(b, key); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func (t *txn) Scan(b store.Bucket, from, to []byte, limit int) ([]store.Pair, error) {
	if t.state == nil {
		return nil, store.ErrOver
	}
	if limit < 1 || limit > store.MaxPage {
		return nil, fmt.Errorf("a scan of %v asks for %d pairs; 1 to %d are possible", b, limit, store.MaxPage)
	}
	start, _ := t.find(b, from)
	end := len(t.state[b])
	if to != nil {
		end, _ = t.find(b, to)
	}
	if end <= start {
		return nil, nil
	}
	return slices.Clone(t.state[b][start:min(end, start+limit)]), nil
}

func (t *txn) Put(b store.Bucket, key, value []byte) error {
	if err := store.CheckPut(b, key, value); err != nil {
		return err
	}
	if err := t.touch(b); err != nil {
		return err
	}
	p := store.Pair{Key: slices.Clone(key), Value: value}
	if value == nil {
		p.Value = []byte{}
	}
	if i, ok := t.find(b, key); ok {
		t.state[b][i] = p
	} else {
		t.state[b] = slices.Insert(t.state[b], i, p)
	}
	return nil
}

func (t *txn) Delete(b store.Bucket, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	if err := t.touch(b); err != nil {
		return err
	}
	if i, ok := t.find(b, key); ok {
		t.state[b] = slices.Delete(t.state[b], i, i+1)
	}
	return nil
}

// touch prepares a change of the bucket.
func (t *txn) touch(b store.Bucket) error {
	switch {
	case t.state == nil:
		return store.ErrOver
	case t.own == nil:
		return fmt.Errorf("a View cannot write to %v", b)
	case t.touched == store.MaxTouched:
		t.tooMany = true
		return store.ErrTooMany
	}
	t.touched++
	if !t.own[b] {
		t.own[b] = true
		t.state[b] = slices.Clone(t.state[b])
	}
	return nil
}
