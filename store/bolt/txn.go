package bolt

import (
	"bytes"
	"fmt"

	"go.etcd.io/bbolt"

	"nougat/store"
)

// A txn is one function's view of a bbolt transaction, which an Update shares
// with its batch. After the function it has no transaction and answers
// store.ErrOver.
type txn struct {
	tx      *bbolt.Tx
	names   *[store.NumBuckets][]byte
	buckets [store.NumBuckets]*bbolt.Bucket
	log     *undoLog // nil in a View
	inside  bool     // bbolt is at work: a panic is its
}

// bucket returns the handle of b, looked up once a function.
func (t *txn) bucket(b store.Bucket) (*bbolt.Bucket, error) {
	if t.tx == nil {
		return nil, store.ErrOver
	}
	if t.buckets[b] == nil {
		t.inside = true
		bucket := t.tx.Bucket(t.names[b])
		t.inside = false
		if bucket == nil {
			return nil, fmt.Errorf("%w: it has no bucket %v", ErrDamaged, b)
		}
		if b.Appends() {
			bucket.FillPercent = 0.9 // not kept by bbolt: set again in every transaction
		}
		t.buckets[b] = bucket
	}
	return t.buckets[b], nil
}

func (t *txn) Get(b store.Bucket, key []byte) ([]byte, error) {
	bucket, err := t.bucket(b)
	if err != nil || len(key) == 0 {
		return nil, err
	}
	return t.get(bucket, key), nil
}

func (t *txn) get(bucket *bbolt.Bucket, key []byte) []byte {
	t.inside = true
	value := bucket.Get(key)
	t.inside = false
	return value
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
	bucket, err := t.bucket(b)
	if err != nil {
		return nil, err
	}
	if limit < 1 || limit > store.MaxPage {
		return nil, fmt.Errorf("a scan of %v asks for %d pairs; 1 to %d are possible", b, limit, store.MaxPage)
	}
	t.inside = true
	pairs := scan(bucket, from, to, limit)
	t.inside = false
	// Whoever scans page after page would never come to an end.
	for i, p := range pairs {
		if bytes.Compare(p.Key, from) < 0 || i > 0 && bytes.Compare(pairs[i-1].Key, p.Key) >= 0 {
			return nil, fmt.Errorf("%w: the keys of %v are not in order", ErrDamaged, b)
		}
	}
	return pairs, nil
}

func scan(bucket *bbolt.Bucket, from, to []byte, limit int) []store.Pair {
	var pairs []store.Pair
	c := bucket.Cursor()
	for k, v := c.Seek(from); k != nil && (to == nil || bytes.Compare(k, to) < 0); k, v = c.Next() {
		if pairs == nil {
			pairs = make([]store.Pair, 0, min(limit, 32))
		}
		if pairs = append(pairs, store.Pair{Key: k, Value: v}); len(pairs) == limit {
			break
		}
	}
	return pairs
}

func (t *txn) Put(b store.Bucket, key, value []byte) error {
	if err := store.CheckPut(b, key, value); err != nil {
		return err
	}
	bucket, err := t.writable(b, key)
	if err != nil {
		return err
	}
	if value == nil {
		value = []byte{} // nil would read back as absent
	}
	t.log.bytes += len(key) + len(value)
	t.inside = true
	err = bucket.Put(key, value)
	t.inside = false
	return err
}

func (t *txn) Delete(b store.Bucket, key []byte) error {
	if len(key) == 0 {
		return nil
	}
	bucket, err := t.writable(b, key)
	if err != nil {
		return err
	}
	t.log.bytes += len(key)
	t.inside = true
	err = bucket.Delete(key)
	t.inside = false
	return err
}

// writable returns the bucket for a change of key, which it notes in the log
// first.
func (t *txn) writable(b store.Bucket, key []byte) (*bbolt.Bucket, error) {
	bucket, err := t.bucket(b)
	if err != nil {
		return nil, err
	}
	if t.log == nil {
		return nil, fmt.Errorf("a View cannot write to %v", b)
	}
	return bucket, t.log.note(b, key, t.get(bucket, key))
}

// An undoLog holds what a function's changes replaced, oldest first.
type undoLog struct {
	changes []change
	kept    []byte // keys and old values of all changes, one behind the other
	bytes   int    // put by the function, for the size of the batch
	tooMany bool
}

// A change is a key and its old value in undoLog.kept.
type change struct {
	bucket          store.Bucket
	absent          bool // the key was not there
	start, mid, end int  // of the key, and of the old value behind it
}

func (l *undoLog) note(b store.Bucket, key, old []byte) error {
	if len(l.changes) == store.MaxTouched {
		l.tooMany = true
	}
	if l.tooMany {
		return store.ErrTooMany
	}
	if l.changes == nil { // room for a push
		l.changes, l.kept = make([]change, 0, 16), make([]byte, 0, 2048)
	}
	start := len(l.kept)
	l.kept = append(append(l.kept, key...), old...)
	l.changes = append(l.changes, change{b, old == nil, start, start + len(key), len(l.kept)})
	return nil
}

// undo takes the changes back, latest first.
func (t *txn) undo() error {
	changes, kept := t.log.changes, t.log.kept
	t.log.changes, t.log.kept = nil, nil
	for i := len(changes) - 1; i >= 0; i-- {
		c := changes[i]
		bucket, err := t.bucket(c.bucket)
		if err != nil {
			return err
		}
		key := kept[c.start:c.mid:c.mid]
		if c.absent {
			err = bucket.Delete(key)
		} else {
			err = bucket.Put(key, kept[c.mid:c.end:c.end])
		}
		if err != nil {
			return fmt.Errorf("a change of %v could not be undone: %w", c.bucket, err)
		}
	}
	return nil
}
