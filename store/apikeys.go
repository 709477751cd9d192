package store

import (
	"errors"
	"fmt"

	"nougat/gallery"
)

func encodeKey(k *gallery.Key) []byte {
	b := append([]byte{format1, byte(k.Scopes)}, k.Hash[:]...)
	b = appendUint(b, uint64(k.Owner))
	b = appendUint(b, uint64(k.Creator))
	b = appendUint(b, uint64(k.Feed))
	b = appendText(b, k.Name)
	b = appendList(b, k.Packages)
	b = appendUint(b, uint64(k.Days))
	b = appendTime(b, k.Created)
	b = appendTime(b, k.Expires)
	return appendTime(b, k.Revoked)
}

func decodeKey(id, value []byte) (*gallery.Key, error) {
	d := decodeFormat(value)
	k := &gallery.Key{ID: string(id), Scopes: gallery.Scope(d.byte())}
	d.bytes(k.Hash[:])
	k.Owner, k.Creator = gallery.AccountNo(d.uint32()), gallery.AccountNo(d.uint32())
	k.Feed = d.uint32()
	k.Name = d.text()
	k.Packages = d.list()
	k.Days = int(d.upTo(1<<31 - 1))
	k.Created, k.Expires, k.Revoked = d.time(), d.time(), d.time()
	if err := d.done(); err != nil {
		return nil, damaged(bKeys, id, err)
	}
	return k, nil
}

func keyOwnerKey(owner gallery.AccountNo, id string) []byte {
	return append(appendNumber(nil, uint32(owner)), id...)
}

// keyExpKey is nil for a key that never expires.
func keyExpKey(k *gallery.Key) []byte {
	if k.Expires.IsZero() {
		return nil
	}
	return append(appendTimeKey(nil, k.Expires), k.ID...)
}

func (r *reader) Key(id string) (*gallery.Key, error) {
	key := append(r.key[:0], id...)
	value, err := r.get(bKeys, key)
	if err != nil {
		return nil, err
	}
	return decodeKey(key, value)
}

func (r *reader) Keys(after string, limit int) ([]*gallery.Key, error) {
	page, err := r.scanPrefix(bKeys, nil, []byte(after), limit)
	if err != nil {
		return nil, err
	}
	keys := make([]*gallery.Key, len(page))
	for i, p := range page {
		if keys[i], err = decodeKey(p.Key, p.Value); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func (r *reader) KeysOf(owner gallery.AccountNo, after string, limit int) ([]*gallery.Key, error) {
	prefix := keyOwnerKey(owner, "")
	page, err := r.scanPrefix(bKeyOwner, prefix, []byte(after), limit)
	if err != nil {
		return nil, err
	}
	ids := make([][]byte, len(page))
	for i, p := range page {
		ids[i] = p.Key[len(prefix):]
	}
	values, err := r.lookUp(bKeys, ids)
	if err != nil {
		return nil, err
	}
	keys := make([]*gallery.Key, len(values))
	for i, v := range values {
		if keys[i], err = decodeKey(ids[i], v); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// PutKey stores k, new or known, and keeps the indexes by owner and expiry equal
// to it.
func (w *writer) PutKey(k *gallery.Key) error {
	if !usable(k.ID) {
		return fmt.Errorf("%q cannot be the public ID of a key", k.ID)
	}
	if k.Days < 0 {
		return fmt.Errorf("key %s cannot live for %d days", k.ID, k.Days)
	}
	var oldOwner, oldExp []byte
	switch old, err := w.Key(k.ID); {
	case err == nil:
		oldOwner, oldExp = keyOwnerKey(old.Owner, k.ID), keyExpKey(old)
	case !errors.Is(err, gallery.ErrNotFound):
		return err
	}
	if err := w.move(bKeyOwner, oldOwner, keyOwnerKey(k.Owner, k.ID)); err != nil {
		return err
	}
	if err := w.move(bKeyExp, oldExp, keyExpKey(k)); err != nil {
		return err
	}
	return w.tx.Put(bKeys, []byte(k.ID), encodeKey(k))
}

func (r *reader) KeyUse(id string) (gallery.KeyUse, error) {
	key := append(r.key[:0], id...)
	value, err := r.get(bKeyUse, key)
	if err != nil {
		return gallery.KeyUse{}, err
	}
	d := decodeFormat(value)
	use := gallery.KeyUse{Time: d.time(), Addr: d.text(), Client: d.text()}
	if err := d.done(); err != nil {
		return gallery.KeyUse{}, damaged(bKeyUse, key, err)
	}
	return use, nil
}

func (w *writer) PutKeyUse(id string, use gallery.KeyUse) error {
	b := appendTime([]byte{format1}, use.Time)
	b = appendText(appendText(b, use.Addr), use.Client)
	return w.tx.Put(bKeyUse, []byte(id), b)
}
