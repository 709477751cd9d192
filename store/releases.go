package store

import (
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
	b = append(b, bits(h.Listed, h.SemVer2, h.Signed, same, untouched))
	b = appendUint(b, h.Rev)
	b = appendText(b, string(h.ID))
	b = appendText(b, h.Version.Original())
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
	const widest = 1 + 5 // format and length
	d := decodeFormat(value[:min(len(value), widest)])
	n := d.upTo(uint64(len(value)))
	start := min(len(value), widest) - len(d.rest)
	if d.err != nil || n > uint64(len(value)-start) {
		return nil, nil, errDamaged
	}
	return value[start : start+int(n)], value[start+int(n):], nil
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

func (p *packer) decodeRelease(value []byte) (*gallery.Release, error) {
	head, err := decodeHead(value)
	if err != nil {
		return nil, err
	}
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

func (r *reader) Head(generation uint32, id string, v nuget.Version) (gallery.Head, error) {
	if !usable(id) {
		return gallery.Head{}, gallery.ErrNotFound
	}
	key := appendRelease(r.key[:0], generation, id, v)
	value, err := r.get(bReleases, key)
	if err != nil {
		return gallery.Head{}, err
	}
	h, err := decodeHead(value)
	if err != nil {
		return gallery.Head{}, damaged(bReleases, key, err)
	}
	return h, nil
}

func (r *reader) Release(generation uint32, id string, v nuget.Version) (*gallery.Release, error) {
	if !usable(id) {
		return nil, gallery.ErrNotFound
	}
	key := appendRelease(r.key[:0], generation, id, v)
	value, err := r.get(bReleases, key)
	if err != nil {
		return nil, err
	}
	release, err := r.pack.decodeRelease(value)
	if err != nil {
		return nil, damaged(bReleases, key, err)
	}
	return release, nil
}

// scanReleases returns a page of the releases of one package after a version.
func (r *reader) scanReleases(generation uint32, id string, after nuget.Version, limit int) ([]Pair, error) {
	if !usable(id) {
		return nil, nil
	}
	var cursor []byte
	if !after.IsZero() {
		cursor = after.SortKey()
	}
	return r.scanPrefix(bReleases, append(appendID(nil, generation, id), 0), cursor, limit)
}

func (r *reader) Heads(generation uint32, id string, after nuget.Version, limit int) ([]gallery.Head, error) {
	page, err := r.scanReleases(generation, id, after, limit)
	if err != nil {
		return nil, err
	}
	return decodeHeads(page)
}

func decodeHeads(page []Pair) ([]gallery.Head, error) {
	heads := make([]gallery.Head, len(page))
	for i, p := range page {
		var err error
		if heads[i], err = decodeHead(p.Value); err != nil {
			return nil, damaged(bReleases, p.Key, err)
		}
	}
	return heads, nil
}

func (r *reader) Releases(generation uint32, id string, after nuget.Version, limit int) ([]*gallery.Release, error) {
	page, err := r.scanReleases(generation, id, after, limit)
	if err != nil {
		return nil, err
	}
	releases := make([]*gallery.Release, len(page))
	for i, p := range page {
		if releases[i], err = r.pack.decodeRelease(p.Value); err != nil {
			return nil, damaged(bReleases, p.Key, err)
		}
	}
	return releases, nil
}

// AllHeads pages through a generation. The cursor is the ID and version of the
// last head; an ID with the zero version stands before that ID's first version.
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
	return decodeHeads(page)
}

// PutRelease stores r, and in the same transaction takes its bytes back from
// the blobs that gc is about to delete.
func (w *writer) PutRelease(generation uint32, r *gallery.Release) error {
	id := r.ID.Key()
	if err := checkID(id); err != nil {
		return err
	}
	if err := w.DeleteDoomed(r.Blob); err != nil {
		return err
	}
	if r.Received != r.Blob {
		if err := w.DeleteDoomed(r.Received); err != nil {
			return err
		}
	}
	value, err := encodeRelease(r)
	if err != nil {
		return err
	}
	return w.tx.Put(bReleases, appendRelease(nil, generation, id, r.Version), value)
}
