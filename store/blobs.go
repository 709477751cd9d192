package store

import (
	"crypto/sha256"

	"nougat/gallery"
)

// Who holds a blob: a row for each record that names it, kept with the record.
// The sweep of unused blobs walks these rows beside the list of files.

// Kinds of records that hold blobs, a byte of the row's key.
const holdsRelease = 1 // F id | v

// refKey appends mark kind d, where d is a digest of the record's key: it tells
// the holders of one blob apart, in 8 bytes.
func refKey(b []byte, blob gallery.Hash, kind byte, key []byte) []byte {
	mark, d := blob.Mark(), sha256.Sum256(key)
	return append(append(append(b, mark[:]...), kind), d[:8]...)
}

// hold notes, for a record of this kind under key, that it holds the blobs of
// now and no longer those of old. A zero hash is none.
func (w *writer) hold(kind byte, key []byte, old, now [2]gallery.Hash) error {
	for i, h := range old {
		if h.IsZero() || h == now[0] || h == now[1] || i == 1 && h == old[0] {
			continue
		}
		if err := w.tx.Delete(bBlobRefs, refKey(nil, h, kind, key)); err != nil {
			return err
		}
	}
	for i, h := range now {
		if h.IsZero() || h == old[0] || h == old[1] || i == 1 && h == now[0] {
			continue
		}
		if err := w.tx.Put(bBlobRefs, refKey(nil, h, kind, key), nil); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) BlobsInUse(after gallery.BlobMark, limit int) ([]gallery.BlobMark, error) {
	var from []byte
	if after != (gallery.BlobMark{}) {
		from = prefixEnd(after[:])
		if from == nil {
			return nil, nil
		}
	}
	page, err := r.scan(bBlobRefs, from, nil, limit)
	if err != nil {
		return nil, err
	}
	marks := make([]gallery.BlobMark, len(page))
	for i, p := range page {
		if copy(marks[i][:], p.Key) < len(marks[i]) {
			return nil, damaged(bBlobRefs, p.Key, errDamaged)
		}
	}
	return marks, nil
}

func (r *reader) BlobInUse(hash gallery.Hash) (bool, error) {
	mark := hash.Mark()
	page, err := r.scanPrefix(bBlobRefs, mark[:], nil, 1)
	return len(page) > 0, err
}

var doomed = table[gallery.Doomed]{
	bucket: bDoomed, newest: 1,
	encode: func(b []byte, d *gallery.Doomed) ([]byte, error) {
		return appendTime(append(b, bits(d.Deleting)), d.Since), nil
	},
	decode: func(d *decoder, hash []byte) (row gallery.Doomed) {
		row.Deleting = d.flags(1) != 0
		row.Since = d.time()
		d.whole(row.Hash[:], hash)
		return row
	},
}

func (r *reader) DoomedBlob(hash gallery.Hash) (gallery.Doomed, error) {
	return doomed.get(r, append(r.scratch(), hash[:]...))
}

func (r *reader) Doomed(after gallery.Hash, limit int) ([]gallery.Doomed, error) {
	var cursor []byte
	if !after.IsZero() {
		cursor = after[:]
	}
	return doomed.page(r, nil, cursor, limit)
}

func (w *writer) PutDoomed(d gallery.Doomed) error { return doomed.put(w, d.Hash[:], &d) }

func (w *writer) DeleteDoomed(hash gallery.Hash) error { return doomed.delete(w, hash[:]) }
