package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"go.etcd.io/bbolt"

	"nougat/gallery"
	"nougat/store"
)

// A batch ends when nobody waits, or at the first of these.
const (
	batchFunctions = 128
	batchBytes     = 4 << 20
	batchTime      = 10 * time.Millisecond
)

// A batch is one bbolt transaction and the functions that share it. The writer
// grants it to one function after another; while a function has it, its fields
// belong to that function's goroutine.
type batch struct {
	tx        *bbolt.Tx // begun by the first function
	began     time.Time
	functions int
	bytes     int
	dirty     bool  // a function succeeded and wrote
	broken    error // the transaction cannot be committed: an undo failed, or it never began

	returned chan struct{} // the function that had the grant gives it back
	done     chan struct{} // closed once err is what became of the batch
	err      error
}

// Update runs f alone (store.KV).
func (d *DB) Update(ctx context.Context, f func(store.Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	// The receive is the grant: an Update that waits is cancelled or run, never
	// both.
	select {
	case b := <-d.grants:
		return d.run(b, f)
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return store.Closed()
	}
}

// run is an Update that has the grant.
func (d *DB) run(b *batch, f func(store.Txn) error) error {
	err := d.lend(b, f)
	<-b.done
	// A failed commit is everybody's answer. Also that of a function which had
	// refused: what it saw of its neighbours never happened.
	if b.err != nil {
		return b.err
	}
	return err
}

// lend runs f on the batch's transaction and gives the grant back, however f
// ends; what f wrote stays only if it ends well. Without a transaction to lend f
// does not run, and the batch's error is the answer.
func (d *DB) lend(b *batch, f func(store.Txn) error) (err error) {
	defer func() { b.returned <- struct{}{} }()
	if b.tx == nil && b.broken == nil {
		b.begin(d)
	}
	if b.broken != nil {
		return nil
	}
	t := &txn{tx: b.tx, names: &d.names, log: new(undoLog)}
	good := false
	defer func() {
		if good && len(t.log.changes) > 0 {
			b.dirty = true
		}
		if !good && b.broken == nil {
			// f failed, panicked or called Goexit.
			b.broken = guard(nil, t.undo)
		}
		b.bytes += t.log.bytes
		t.tx = nil
	}()
	err = guard(t, func() error { return f(t) })
	if errors.Is(err, ErrDamaged) {
		b.broken = err // what bbolt was about when it met the damage is half done
	}
	if err == nil && t.log.tooMany {
		err = store.ErrTooMany
	}
	good = err == nil
	return err
}

func (b *batch) begin(d *DB) {
	b.began = time.Now()
	if d.stopped.Load() {
		b.broken = gallery.ErrReadOnly
		return
	}
	tx, err := d.bolt.Begin(true)
	if err != nil {
		b.broken = err
		return
	}
	b.tx = tx
}

// write owns the writer: it grants batches and commits them.
func (d *DB) write() {
	defer close(d.closed)
	for {
		b := &batch{returned: make(chan struct{}), done: make(chan struct{})}
		select {
		case d.grants <- b:
		case <-d.closing:
			return
		}
		<-b.returned
		for b.functions = 1; b.open() && d.offer(b); b.functions++ {
			<-b.returned
		}
		b.err = d.finish(b)
		close(b.done)
	}
}

func (b *batch) open() bool {
	return b.broken == nil && b.functions < batchFunctions && b.bytes < batchBytes && time.Since(b.began) < batchTime
}

// offer grants the batch to somebody who waits, and reports false when nobody
// does. Those whom the last commit has just answered get the chance to come back
// first: without it, every other batch would hold one function.
func (d *DB) offer(b *batch) bool {
	for range 2 {
		select {
		case d.grants <- b:
			return true
		default:
			runtime.Gosched()
		}
	}
	return false
}

// finish commits the batch, or rolls it back when nothing in it is to stay.
func (d *DB) finish(b *batch) error {
	if b.tx == nil {
		return store.Failed(b.broken)
	}
	if b.broken != nil || !b.dirty {
		b.tx.Rollback() // of an open transaction: never fails
		if b.broken != nil {
			return store.Failed(b.broken)
		}
		return nil
	}
	err := d.commit(b.tx)
	d.changes.Add(1)
	if err != nil {
		return store.Failed(err)
	}
	return nil
}

// commit makes the transaction durable. After a failed sync nobody knows what
// reached the disk, and a second sync may falsely succeed: nothing is written
// any more, nor after damage was met. A full disk refuses before that and may
// have room again later.
func (d *DB) commit(tx *bbolt.Tx) error {
	if d.hooks.Before != nil {
		if err := d.hooks.Before(); err != nil {
			tx.Rollback()
			return d.failed(err, false)
		}
	}
	id := tx.ID()
	err := guard(nil, tx.Commit)
	if errors.Is(err, ErrDamaged) {
		_ = guard(nil, tx.Rollback) // the writer's lock is still held
	}
	if err == nil && d.hooks.After != nil {
		err = d.hooks.After()
	}
	if err != nil {
		return d.failed(err, d.sees(id))
	}
	return nil
}

// sees reports whether readers see the transaction id, whatever its commit said.
func (d *DB) sees(id int) bool {
	tx, err := d.bolt.Begin(false)
	if err != nil {
		return true // nothing can be read any more: the worst is true
	}
	defer tx.Rollback()
	return tx.ID() >= id
}

// failed decides what a failed commit means for the writes after it.
func (d *DB) failed(err error, applied bool) error {
	if applied || !gallery.IsDiskFull(err) {
		d.stopped.Store(true)
		return fmt.Errorf("%w: %w", gallery.ErrReadOnly, err)
	}
	return err
}
