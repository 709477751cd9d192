package store

import (
	"errors"

	"nougat/gallery"
)

// A table keeps the records of one kind in one bucket, and the indexes that are
// declared with it equal to them. A record's key is made by its caller.
type table[T any] struct {
	bucket Bucket
	newest byte                                   // format that is written; every one up to it is read
	encode func(b []byte, rec *T) ([]byte, error) // appends to b, which holds the format
	decode func(d *decoder, key []byte) T         // d.format says how the value is written; a fault is the decoder's
	ixs    []index[T]
}

// An index is a bucket with a key for a record to be found by, or several.
type index[T any] struct {
	bucket Bucket
	keys   func(key []byte, rec *T) [][]byte
	same   func(a, b *T) bool // whether both have the same keys; nil: keys are compared
	holds  bool               // the value is the record's key; else it is empty, and the key holds it
}

// read decodes a value of the table.
func (t *table[T]) read(r *reader, key, value []byte) (rec T, err error) {
	d := r.decoder(value, t.newest)
	rec = t.decode(d, key)
	if err := d.done(); err != nil {
		return rec, damaged(t.bucket, key, err)
	}
	return rec, nil
}

// get returns the record of key, or gallery.ErrNotFound.
func (t *table[T]) get(r *reader, key []byte) (rec T, err error) {
	value, err := r.get(t.bucket, key)
	if err != nil {
		return rec, err
	}
	return t.read(r, key, value)
}

// find is get for those who hand out pointers.
func (t *table[T]) find(r *reader, key []byte) (*T, error) {
	rec, err := t.get(r, key)
	if err != nil {
		return nil, err
	}
	return &rec, nil
}

// page returns records whose keys begin with prefix, after the key prefix+after.
func (t *table[T]) page(r *reader, prefix, after []byte, limit int) ([]T, error) {
	pairs, err := r.scanPrefix(t.bucket, prefix, after, limit)
	if err != nil {
		return nil, err
	}
	return t.readAll(r, pairs)
}

func (t *table[T]) readAll(r *reader, pairs []Pair) ([]T, error) {
	recs := make([]T, len(pairs))
	for i, p := range pairs {
		var err error
		if recs[i], err = t.read(r, p.Key, p.Value); err != nil {
			return nil, err
		}
	}
	return recs, nil
}

// indexed returns the records that pairs of an index lead to: the keys of the
// records stand in the pairs' keys, behind cut bytes.
func (t *table[T]) indexed(r *reader, pairs []Pair, cut int) ([]*T, error) {
	keys := make([][]byte, len(pairs))
	for i, p := range pairs {
		keys[i] = p.Key[min(cut, len(p.Key)):]
	}
	values, err := r.lookUp(t.bucket, keys)
	if err != nil {
		return nil, err
	}
	recs := make([]*T, len(values))
	for i, v := range values {
		rec, err := t.read(r, keys[i], v)
		if err != nil {
			return nil, err
		}
		recs[i] = &rec
	}
	return recs, nil
}

// usualValue is room for most values, in bytes: they are then encoded without
// growing.
const usualValue = 320

// put stores a record, new or known, and moves its keys in the indexes.
func (t *table[T]) put(w *writer, key []byte, rec *T) error {
	value, err := t.encode(append(make([]byte, 0, usualValue), t.newest), rec)
	if err != nil {
		return err
	}
	if len(t.ixs) > 0 {
		old, err := t.find(w.reader, key)
		if err != nil && !errors.Is(err, gallery.ErrNotFound) {
			return err
		}
		if err := t.move(w, key, old, rec); err != nil {
			return err
		}
	}
	return w.tx.Put(t.bucket, key, value)
}

// delete removes a record and its keys in the indexes; one that is not there is
// no error.
func (t *table[T]) delete(w *writer, key []byte) error {
	if len(t.ixs) > 0 {
		old, err := t.find(w.reader, key)
		if errors.Is(err, gallery.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.move(w, key, old, nil); err != nil {
			return err
		}
	}
	return w.tx.Delete(t.bucket, key)
}

// move replaces the keys of one record by another's in every index; nil has
// none.
func (t *table[T]) move(w *writer, key []byte, old, now *T) error {
	for _, ix := range t.ixs {
		if old != nil && now != nil && ix.same != nil && ix.same(old, now) {
			continue
		}
		var before, after [][]byte
		if old != nil {
			before = ix.keys(key, old)
		}
		if now != nil {
			after = ix.keys(key, now)
		}
		for _, k := range before {
			if !hasKey(after, k) {
				if err := w.tx.Delete(ix.bucket, k); err != nil {
					return err
				}
			}
		}
		for _, k := range after {
			if hasKey(before, k) {
				continue
			}
			var value []byte
			if ix.holds {
				value = append(value, key...)
			}
			if err := w.tx.Put(ix.bucket, k, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasKey(keys [][]byte, key []byte) bool {
	for _, k := range keys {
		if string(k) == string(key) {
			return true
		}
	}
	return false
}

// pointers hands out the records of a page.
func pointers[T any](recs []T, err error) ([]*T, error) {
	if err != nil {
		return nil, err
	}
	all := make([]*T, len(recs))
	for i := range recs {
		all[i] = &recs[i]
	}
	return all, nil
}
