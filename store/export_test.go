package store

import (
	"encoding/binary"

	"nougat/gallery"
)

// The parts of this package that its tests, which import backends, look at.
var (
	AppendTimeKey = appendTimeKey
	PrefixEnd     = prefixEnd
	Dictionary    = dictionaryV1
)

// The buckets of indexes without a Reader method.
const (
	KeysByExpiry = bKeyExp
	Releases     = bReleases
)

// Recode decodes a value as the bucket's and encodes the result again.
func Recode(b Bucket, key, value []byte) ([]byte, error) {
	switch b {
	case bFeeds:
		f, err := decodeFeed(key, value)
		if err != nil {
			return nil, err
		}
		return encodeFeed(f), nil
	case bPackages:
		p, err := decodePackage(value)
		if err != nil {
			return nil, err
		}
		return encodePackage(p), nil
	case bCards:
		c, err := decodeCard(value)
		if err != nil {
			return nil, err
		}
		return encodeCard(c)
	case bReleases:
		var p packer
		head, err := decodeHead(value)
		if err != nil {
			return nil, err
		}
		r, err := p.decodeRelease(value)
		if err != nil {
			return nil, err
		}
		r.Head = head
		return encodeRelease(r)
	case bEvents:
		e, err := decodeEvent(1, value)
		if err != nil {
			return nil, err
		}
		return encodeEvent(&e), nil
	case bAccounts:
		a, err := decodeAccount(key, value)
		if err != nil {
			return nil, err
		}
		return encodeAccount(a), nil
	case bKeys:
		k, err := decodeKey(key, value)
		if err != nil {
			return nil, err
		}
		return encodeKey(k), nil
	case bSessions:
		s, err := decodeSession(key, value)
		if err != nil {
			return nil, err
		}
		return encodeSession(s), nil
	case bDownloads:
		c, err := decodeDownloads(Pair{key, value})
		if err != nil {
			return nil, err
		}
		return appendUint(appendText([]byte{format1}, c.Version), c.Total), nil
	case bDoomed:
		d, err := decodeDoomed(key, value)
		if err != nil {
			return nil, err
		}
		return appendTime([]byte{format1, bits(d.Deleting)}, d.Since), nil
	}
	return value, nil
}

// RawRelease is a release's value with this metadata as its stored form.
func RawRelease(h *gallery.Head, meta []byte) []byte {
	head := appendHead(nil, h)
	return append(append(binary.AppendUvarint([]byte{format1}, uint64(len(head))), head...), meta...)
}
