// Package store keeps the gallery's records: it gives every kind of record its
// keys, its encoding and its indexes, over a small ordered map of bytes (KV)
// that a backend provides (bolt for a server, mem for tests). It implements
// gallery.Store.
//
// It must never know a rule: who may do what, what is shown and what follows
// from what is decided in gallery. It must never hold package files either;
// those are blobs (store/dir).
package store

import (
	"context"
	"encoding/binary"
	"fmt"

	"nougat/gallery"
)

// A Store is a gallery.Store over a KV.
type Store struct {
	kv   KV
	pack packer
}

var _ gallery.Store = (*Store)(nil)

// New returns the store kept in kv, which it closes with itself. An empty kv
// becomes a store of this program's Schema; one that an earlier program wrote is
// brought to it; one that a newer program wrote is an error.
func New(ctx context.Context, kv KV) (*Store, error) {
	s, meta, err := open(ctx, kv)
	if err == nil && meta == (gallery.Meta{}) {
		meta, err = s.begin(ctx)
	}
	if err == nil {
		err = s.upgrade(ctx, meta)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Peek is New for who only looks: nothing is written, and what an earlier program
// wrote stays as it is. An empty kv is an empty store.
func Peek(ctx context.Context, kv KV) (*Store, error) {
	s, _, err := open(ctx, kv)
	return s, err
}

// open returns the store in kv as it is, and what it says of itself: the zero
// Meta when kv is empty. One that a newer program wrote is an error.
func open(ctx context.Context, kv KV) (s *Store, meta gallery.Meta, err error) {
	s = &Store{kv: kv}
	err = s.View(ctx, func(r gallery.Reader) (err error) {
		meta, err = r.Meta()
		return err
	})
	if gallery.KindOf(err) == gallery.NotFound {
		return s, gallery.Meta{}, nil
	}
	if err == nil && meta.Schema > Schema {
		err = fmt.Errorf("it was written by a newer nougat (schema %d, this one knows %d): start that one, or restore a backup", meta.Schema, Schema)
	}
	return s, meta, err
}

// View lends a snapshot (gallery.Store).
func (s *Store) View(ctx context.Context, f func(gallery.Reader) error) error {
	return s.kv.View(ctx, func(tx Txn) error { return f(s.reader(ctx, tx)) })
}

// Update runs f alone (gallery.Store).
func (s *Store) Update(ctx context.Context, f func(gallery.Writer) error) error {
	return s.kv.Update(ctx, func(tx Txn) error {
		return f(&writer{s.reader(context.WithoutCancel(ctx), tx)})
	})
}

// Changes is the KV's (gallery.Store).
func (s *Store) Changes() uint64 { return s.kv.Changes() }

// Close closes the KV.
func (s *Store) Close() error { return s.kv.Close() }

// A reader implements gallery.Reader over a transaction.
type reader struct {
	ctx  context.Context // ends scans; that of a writer never does
	tx   Txn
	pack *packer
	dec  decoder   // of the value being read
	key  [160]byte // of the look-up being made
}

func (s *Store) reader(ctx context.Context, tx Txn) *reader {
	return &reader{ctx: ctx, tx: tx, pack: &s.pack}
}

// scratch is where the key of one look-up is built: until the next one.
func (r *reader) scratch() []byte { return r.key[:0] }

// decoder begins a value whose kind has formats up to newest. It is good until
// the next value is begun.
func (r *reader) decoder(value []byte, newest byte) *decoder {
	r.dec = decodeFormat(value, newest)
	return &r.dec
}

// A writer implements gallery.Writer over a transaction.
type writer struct{ *reader }

// get returns the value of key, or gallery.ErrNotFound.
func (r *reader) get(b Bucket, key []byte) ([]byte, error) {
	value, err := r.tx.Get(b, key)
	if err == nil && value == nil {
		err = gallery.ErrNotFound
	}
	return value, err
}

// has reports whether key is there.
func (r *reader) has(b Bucket, key []byte) (bool, error) {
	value, err := r.tx.Get(b, key)
	return value != nil, err
}

// scan returns a page of the keys in [from, to); a limit out of range means a
// whole page.
func (r *reader) scan(b Bucket, from, to []byte, limit int) ([]Pair, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	return r.tx.Scan(b, from, to, limit)
}

// scanPrefix returns a page of the keys that begin with prefix, after the key
// prefix+after; an empty after starts at the first.
func (r *reader) scanPrefix(b Bucket, prefix, after []byte, limit int) ([]Pair, error) {
	from := prefix
	if len(after) > 0 {
		from = successor(prefix, after)
	}
	return r.scan(b, from, prefixEnd(prefix), limit)
}

// successor returns the first key after prefix+key in byte order.
func successor(prefix, key []byte) []byte {
	from := make([]byte, 0, len(prefix)+len(key)+1)
	return append(append(append(from, prefix...), key...), 0)
}

// scanAll calls f with every pair whose key begins with prefix, page by page.
func (r *reader) scanAll(b Bucket, prefix []byte, f func(Pair) error) error {
	var after []byte
	for {
		page, err := r.scanPrefix(b, prefix, after, MaxPage)
		if err != nil {
			return err
		}
		for _, p := range page {
			if err := f(p); err != nil {
				return err
			}
		}
		if len(page) < MaxPage {
			return nil
		}
		after = append([]byte(nil), page[len(page)-1].Key[len(prefix):]...)
	}
}

// lookUp returns the values of keys that an index named; one that is missing
// means that the index does not fit its records.
func (r *reader) lookUp(b Bucket, keys [][]byte) ([][]byte, error) {
	values, err := r.tx.GetMany(b, keys)
	if err != nil {
		return nil, err
	}
	for i, v := range values {
		if v == nil {
			return nil, fmt.Errorf("the record %q in %v is missing although an index names it", keys[i], b)
		}
	}
	return values, nil
}

// counter returns the last number that next gave of a counter; 0 before the
// first.
func (r *reader) counter(b Bucket, name []byte) (uint32, error) {
	value, err := r.tx.Get(b, name)
	if err != nil || value == nil {
		return 0, err
	}
	if len(value) != 4 {
		return 0, damaged(b, name, errDamaged)
	}
	return binary.BigEndian.Uint32(value), nil
}

// next takes the next number of a counter; the first is 1.
func (w *writer) next(b Bucket, counter []byte) (uint32, error) {
	last, err := w.counter(b, counter)
	if err != nil {
		return 0, err
	}
	if last+1 == 0 {
		return 0, fmt.Errorf("the %s number is used up", counter)
	}
	return last + 1, w.tx.Put(b, counter, appendNumber(nil, last+1))
}
