package store

import (
	"fmt"

	"nougat/gallery"
)

var apiKeys = table[gallery.Key]{
	bucket: bKeys, newest: 1,
	encode: func(b []byte, k *gallery.Key) ([]byte, error) {
		if k.Days < 0 {
			return nil, fmt.Errorf("key %s cannot live for %d days", k.ID, k.Days)
		}
		b = append(append(b, byte(k.Scopes)), k.Hash[:]...)
		b = appendUint(appendUint(appendUint(b, uint64(k.Owner)), uint64(k.Creator)), uint64(k.Feed))
		b = appendList(appendText(b, k.Name), k.Packages)
		b = appendTime(appendUint(b, uint64(k.Days)), k.Created)
		return appendTime(appendTime(b, k.Expires), k.Revoked), nil
	},
	decode: func(d *decoder, id []byte) gallery.Key {
		k := gallery.Key{ID: string(id), Scopes: gallery.Scope(d.byte())}
		d.bytes(k.Hash[:])
		k.Owner, k.Creator = gallery.AccountNo(d.uint32()), gallery.AccountNo(d.uint32())
		k.Feed = d.uint32()
		k.Name = d.text()
		k.Packages = d.list()
		k.Days = int(d.upTo(1<<31 - 1))
		k.Created, k.Expires, k.Revoked = d.time(), d.time(), d.time()
		return k
	},
	ixs: []index[gallery.Key]{{
		bucket: bKeyOwner,
		keys: func(id []byte, k *gallery.Key) [][]byte {
			return [][]byte{append(appendNumber(nil, uint32(k.Owner)), id...)}
		},
	}},
}

func (r *reader) Key(id string) (*gallery.Key, error) {
	return apiKeys.find(r, append(r.scratch(), id...))
}

func (r *reader) Keys(after string, limit int) ([]*gallery.Key, error) {
	return pointers(apiKeys.page(r, nil, []byte(after), limit))
}

func (r *reader) KeysOf(owner gallery.AccountNo, after string, limit int) ([]*gallery.Key, error) {
	prefix := appendNumber(nil, uint32(owner))
	page, err := r.scanPrefix(bKeyOwner, prefix, []byte(after), limit)
	if err != nil {
		return nil, err
	}
	return apiKeys.indexed(r, page, len(prefix))
}

func (w *writer) PutKey(k *gallery.Key) error {
	if !usable(k.ID) {
		return fmt.Errorf("%q cannot be the public ID of a key", k.ID)
	}
	return apiKeys.put(w, []byte(k.ID), k)
}

var keyUses = table[gallery.KeyUse]{
	bucket: bKeyUse, newest: 1,
	encode: func(b []byte, u *gallery.KeyUse) ([]byte, error) {
		return appendText(appendText(appendTime(b, u.Time), u.Addr), u.Client), nil
	},
	decode: func(d *decoder, _ []byte) gallery.KeyUse {
		return gallery.KeyUse{Time: d.time(), Addr: d.text(), Client: d.text()}
	},
}

func (r *reader) KeyUse(id string) (gallery.KeyUse, error) {
	return keyUses.get(r, append(r.scratch(), id...))
}

func (w *writer) PutKeyUse(id string, use gallery.KeyUse) error {
	return keyUses.put(w, []byte(id), &use)
}
