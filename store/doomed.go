package store

import "nougat/gallery"

func decodeDoomed(hash, value []byte) (gallery.Doomed, error) {
	d := decodeFormat(value)
	var doomed gallery.Doomed
	doomed.Deleting = d.flags(1) != 0
	doomed.Since = d.time()
	if copy(doomed.Hash[:], hash); len(hash) != len(doomed.Hash) {
		d.fail()
	}
	if err := d.done(); err != nil {
		return gallery.Doomed{}, damaged(bDoomed, hash, err)
	}
	return doomed, nil
}

func (r *reader) DoomedBlob(hash gallery.Hash) (gallery.Doomed, error) {
	key := append(r.key[:0], hash[:]...)
	value, err := r.get(bDoomed, key)
	if err != nil {
		return gallery.Doomed{}, err
	}
	return decodeDoomed(key, value)
}

func (r *reader) Doomed(after gallery.Hash, limit int) ([]gallery.Doomed, error) {
	var cursor []byte
	if !after.IsZero() {
		cursor = after[:]
	}
	page, err := r.scanPrefix(bDoomed, nil, cursor, limit)
	if err != nil {
		return nil, err
	}
	doomed := make([]gallery.Doomed, len(page))
	for i, p := range page {
		if doomed[i], err = decodeDoomed(p.Key, p.Value); err != nil {
			return nil, err
		}
	}
	return doomed, nil
}

func (w *writer) PutDoomed(d gallery.Doomed) error {
	return w.tx.Put(bDoomed, append([]byte(nil), d.Hash[:]...), appendTime([]byte{format1, bits(d.Deleting)}, d.Since))
}

// DeleteDoomed removes the row; one that is not there is no error.
func (w *writer) DeleteDoomed(hash gallery.Hash) error {
	return w.tx.Delete(bDoomed, append([]byte(nil), hash[:]...))
}
