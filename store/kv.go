package store

import (
	"context"
	"errors"
	"fmt"

	"nougat/gallery"
)

// A KV is an ordered map of byte strings in buckets, with transactions: all that
// a backend has to provide. The typed methods, keys, encodings and indexes are
// written once on top of it. storetest.RunKV is its contract as tests.
type KV interface {
	// View lends a snapshot: f sees all of an Update or none of it. A context
	// that has ended is an error before f runs.
	View(ctx context.Context, f func(Txn) error) error

	// Update runs f alone in its caller's goroutine. It promises what
	// gallery.Store.Update promises: an error, a panic or a Goexit of f undoes
	// what f wrote and touches no neighbour; nil means durable; a failed commit
	// is Failed's error to everyone who was part of it, those included whose f
	// had failed. f makes at most MaxTouched changes.
	Update(ctx context.Context, f func(Txn) error) error

	// Changes is what gallery.Store.Changes promises.
	Changes() uint64

	// Close waits for the running Update and gives the data back. Everything
	// after it is ErrClosed.
	Close() error
}

// A Txn is lent to one function and dead when that returns. It is for one
// goroutine at a time.
//
// Keys and values that it hands out are lent with it: they must be copied to
// outlive the function, and not be changed. A key given to it may be changed
// after the call; a value given to Put belongs to the transaction from then on.
type Txn interface {
	// Get returns the value of key, or nil when there is none. A value that is
	// there and empty is not nil. A key that is too long or empty is not there.
	Get(b Bucket, key []byte) ([]byte, error)
	// GetMany returns what Get returns of each key, in the order of keys.
	GetMany(b Bucket, keys [][]byte) ([][]byte, error)
	// Scan returns the first limit pairs with from <= key < to, in byte order of
	// the keys. A nil from or to is the end of the bucket. limit is 1 to MaxPage;
	// whoever wants more scans again after the last key, and so may change the
	// bucket between.
	Scan(b Bucket, from, to []byte, limit int) ([]Pair, error)
	// Put sets the value of key: 1 to MaxKey bytes and up to MaxValue.
	Put(b Bucket, key, value []byte) error
	// Delete removes key; one that is not there is no error.
	Delete(b Bucket, key []byte) error
}

// A Pair is a key with its value.
type Pair struct{ Key, Value []byte }

// The limits of every backend: what the strictest of those in sight can keep
// (an index row of Postgres holds 2,704 bytes).
const (
	MaxKey     = 1024     // bytes of a key
	MaxValue   = 16 << 20 // bytes of a value
	MaxPage    = 256      // pairs of one Scan
	MaxTouched = 5000     // Puts and Deletes of one Update
)

// ErrClosed is the cause of the Unavailable that every call after Close gets.
var ErrClosed = errors.New("the store is closed")

// ErrOver is what a Txn answers after the function that it was lent to.
var ErrOver = errors.New("the transaction is over: its function has returned")

// ErrTooMany is the error of an Update whose function changes more than
// MaxTouched keys; it must work in chunks.
var ErrTooMany = fmt.Errorf("one update may change at most %d keys", MaxTouched)

// Closed is the answer to a call after Close.
func Closed() error {
	return &gallery.Error{Kind: gallery.Unavailable, Msg: "The gallery is stopping. Try again in a moment.", Err: ErrClosed}
}

// Failed is the answer to everyone whose commit failed with cause: Full when the
// disk is full, else Unavailable.
func Failed(cause error) error {
	if gallery.IsDiskFull(cause) {
		return &gallery.Error{Kind: gallery.Full, Msg: gallery.MsgDiskFull, Err: cause}
	}
	if errors.Is(cause, gallery.ErrReadOnly) {
		return &gallery.Error{Kind: gallery.Unavailable, Msg: "The gallery takes no changes until it is restarted, since its disk failed. Its log says why.", Err: cause}
	}
	return &gallery.Error{Kind: gallery.Unavailable, Msg: "The gallery could not store this. Try again in a moment.", Err: cause}
}

// CheckPut holds the key and value of a Put against the limits.
func CheckPut(b Bucket, key, value []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("a key for %v is empty", b)
	case len(key) > MaxKey:
		return fmt.Errorf("a key for %v has %d bytes; at most %d are possible", b, len(key), MaxKey)
	case len(value) > MaxValue:
		return fmt.Errorf("a value for %v has %d bytes; at most %d are possible", b, len(value), MaxValue)
	}
	return nil
}

// Hooks lets a test break commits: a backend calls Before in place of a commit
// that would have no effect when it returns an error ("failed, not applied"),
// and After once a commit took effect, so that its error is one of "failed, but
// applied". Both may be nil.
type Hooks struct{ Before, After func() error }
