package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"nougat/gallery"
	"nougat/nuget"
)

// A release's value: the format byte, the header's length, the header (a
// gallery.Head), then the metadata, compressed (metadata.go).

// The bits of a header's flags.
const (
	headListed       = 1 << iota
	headSemVer2      //
	headSigned       //
	headSameHash     // Received is Blob
	headNeverTouched // Edited is Published
	headStated       // a state other than Served follows the version; not written with schema 1
	headFlags        = iota
)

func encodeRelease(r *gallery.Release) ([]byte, error) {
	if r.Size < 0 {
		return nil, fmt.Errorf("release %s %v cannot have %d bytes", r.ID, r.Version, r.Size)
	}
	head := appendHead(make([]byte, 0, 320), &r.Head)
	b := appendUint(append(make([]byte, 0, 1024), format1), uint64(len(head)))
	b = append(b, head...)
	return pack(b, encodeMetadata(make([]byte, 0, 4096), &r.Meta))
}

func appendHead(b []byte, h *gallery.Head) []byte {
	same, untouched := h.Received == h.Blob, h.Edited.Equal(h.Published)
	b = append(b, bits(h.Listed, h.SemVer2, h.Signed, same, untouched, h.State != gallery.Served))
	b = appendUint(b, h.Rev)
	b = appendText(b, string(h.ID))
	b = appendText(b, h.Version.Original())
	if h.State != gallery.Served {
		b = append(b, byte(h.State))
	}
	b = appendTime(b, h.Published)
	if !untouched {
		b = appendTime(b, h.Edited)
	}
	b = appendUint(b, uint64(h.Size))
	b = append(b, h.Blob[:]...)
	if !same {
		b = append(b, h.Received[:]...)
	}
	b = appendUint(b, uint64(h.Pusher))
	return appendText(b, h.PushKey)
}

// splitRelease cuts a value into header and metadata.
func splitRelease(value []byte) (head, meta []byte, err error) {
	if err := checkFormat(value, format1); err != nil {
		return nil, nil, err
	}
	rest := value[1:]
	n, width := binary.Uvarint(rest)
	if width <= 0 || n > uint64(len(rest)-width) {
		return nil, nil, errDamaged
	}
	rest = rest[width:]
	return rest[:n], rest[n:], nil
}

func decodeHead(value []byte) (h gallery.Head, err error) {
	head, _, err := splitRelease(value)
	if err != nil {
		return gallery.Head{}, err
	}
	d := decode(head)
	flags := d.flags(headFlags)
	h.Listed, h.SemVer2, h.Signed = flags&headListed != 0, flags&headSemVer2 != 0, flags&headSigned != 0
	h.Rev = d.uint()
	h.ID = nuget.ID(d.text())
	h.Version = d.version()
	if flags&headStated != 0 {
		if h.State = gallery.ReleaseState(d.byte()); h.State == gallery.Served || h.State > gallery.Removed {
			d.fail()
		}
	}
	h.Published = d.time()
	h.Edited = h.Published
	if flags&headNeverTouched == 0 {
		h.Edited = d.time()
	}
	h.Size = d.int63()
	d.bytes(h.Blob[:])
	h.Received = h.Blob
	if flags&headSameHash == 0 {
		d.bytes(h.Received[:])
	}
	h.Pusher = gallery.AccountNo(d.uint32())
	h.PushKey = d.text()
	if err := d.done(); err != nil {
		return gallery.Head{}, err
	}
	return h, nil
}

// decodeRelease reads the rest of a release whose head was read already.
func (p *packer) decodeRelease(head gallery.Head, value []byte) (*gallery.Release, error) {
	_, packed, err := splitRelease(value)
	if err != nil {
		return nil, err
	}
	encoding, err := p.unpack(packed)
	if err != nil {
		return nil, err
	}
	r := &gallery.Release{Head: head}
	if err := decodeMetadata(encoding, &r.Meta); err != nil {
		return nil, err
	}
	return r, nil
}

// release returns the stored form of a release, and its head.
func (r *reader) release(key []byte) (h gallery.Head, value []byte, err error) {
	if value, err = r.get(bReleases, key); err != nil {
		return h, nil, err
	}
	if h, err = decodeHead(value); err != nil {
		err = damaged(bReleases, key, err)
	}
	return h, value, err
}

func (r *reader) AnyHead(generation uint32, id string, v nuget.Version) (gallery.Head, error) {
	if !usable(id) {
		return gallery.Head{}, gallery.ErrNotFound
	}
	h, _, err := r.release(appendRelease(r.scratch(), generation, id, v))
	return h, err
}

func (r *reader) Head(generation uint32, id string, v nuget.Version) (gallery.Head, error) {
	h, err := r.AnyHead(generation, id, v)
	if err == nil && h.State != gallery.Served {
		return gallery.Head{}, gallery.ErrNotFound
	}
	return h, err
}

func (r *reader) Release(generation uint32, id string, v nuget.Version) (*gallery.Release, error) {
	if !usable(id) {
		return nil, gallery.ErrNotFound
	}
	key := appendRelease(r.scratch(), generation, id, v)
	h, value, err := r.release(key)
	if err != nil {
		return nil, err
	}
	if h.State != gallery.Served {
		return nil, gallery.ErrNotFound
	}
	release, err := r.pack.decodeRelease(h, value)
	if err != nil {
		return nil, damaged(bReleases, key, err)
	}
	return release, nil
}

// served calls f with at most limit releases of a package that are served,
// after a version.
func (r *reader) served(generation uint32, id string, after nuget.Version, limit int, f func(gallery.Head, Pair) error) error {
	if !usable(id) {
		return nil
	}
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	prefix := append(appendID(nil, generation, id), 0)
	var cursor []byte
	if !after.IsZero() {
		cursor = after.SortKey()
	}
	for {
		page, err := r.scanPrefix(bReleases, prefix, cursor, limit)
		if err != nil {
			return err
		}
		whole := len(page) == limit // those that are not served make room for more
		for _, p := range page {
			h, err := decodeHead(p.Value)
			if err != nil {
				return damaged(bReleases, p.Key, err)
			}
			if h.State != gallery.Served {
				continue
			}
			if err := f(h, p); err != nil {
				return err
			}
			limit--
		}
		if !whole || limit == 0 {
			return nil
		}
		cursor = append([]byte(nil), page[len(page)-1].Key[len(prefix):]...)
	}
}

func (r *reader) Heads(generation uint32, id string, after nuget.Version, limit int) ([]gallery.Head, error) {
	heads := []gallery.Head{}
	err := r.served(generation, id, after, limit, func(h gallery.Head, _ Pair) error {
		heads = append(heads, h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

func (r *reader) Releases(generation uint32, id string, after nuget.Version, limit int) ([]*gallery.Release, error) {
	releases := []*gallery.Release{}
	err := r.served(generation, id, after, limit, func(h gallery.Head, p Pair) error {
		release, err := r.pack.decodeRelease(h, p.Value)
		if err != nil {
			return damaged(bReleases, p.Key, err)
		}
		releases = append(releases, release)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return releases, nil
}

func (r *reader) AllHeads(generation uint32, afterID string, after nuget.Version, limit int) ([]gallery.Head, error) {
	prefix := appendNumber(nil, generation)
	from := prefix
	switch {
	case afterID == "":
	case !usable(afterID):
		return nil, errors.New("AllHeads was given an ID that cannot be stored")
	case after.IsZero():
		from = append(appendID(nil, generation, afterID), 0)
	default:
		from = append(appendRelease(nil, generation, afterID, after), 0)
	}
	page, err := r.scan(bReleases, from, prefixEnd(prefix), limit)
	if err != nil {
		return nil, err
	}
	heads := make([]gallery.Head, len(page))
	for i, p := range page {
		if heads[i], err = decodeHead(p.Value); err != nil {
			return nil, damaged(bReleases, p.Key, err)
		}
	}
	return heads, nil
}

func (w *writer) PutRelease(generation uint32, r *gallery.Release) error {
	id := r.ID.Key()
	if err := checkID(id); err != nil {
		return err
	}
	key := appendRelease(nil, generation, id, r.Version)
	old, _, err := w.release(key)
	if err != nil && !errors.Is(err, gallery.ErrNotFound) {
		return err
	}
	now := [2]gallery.Hash{r.Blob, r.Received}
	if err := w.hold(holdsRelease, key, [2]gallery.Hash{old.Blob, old.Received}, now); err != nil {
		return err
	}
	for i, h := range now {
		if i == 0 || h != now[0] {
			if err := w.DeleteDoomed(h); err != nil {
				return err
			}
		}
	}
	value, err := encodeRelease(r)
	if err != nil {
		return err
	}
	return w.tx.Put(bReleases, key, value)
}
