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
	Steps         = steps
)

// The buckets that tests look into.
const (
	KeysByExpiry = bKeyExp
	Releases     = bReleases
	BlobRefs     = bBlobRefs
	MetaBucket   = bMeta
)

// BucketNamed is the bucket that backends call so.
func BucketNamed(name string) (Bucket, bool) {
	for b, n := range bucketNames {
		if n == name {
			return Bucket(b), true
		}
	}
	return 0, false
}

// Recode decodes a value as the bucket's and encodes the result again, in the
// newest format.
func Recode(b Bucket, key, value []byte) ([]byte, error) {
	r := new(reader)
	switch b {
	case bFeeds:
		return recode(&feeds, r, key, value)
	case bFeedState:
		state, err := decodeFeedState(value)
		if err != nil {
			return nil, err
		}
		return encodeFeedState(&state), nil
	case bPackages:
		return recode(&packages, r, key, value)
	case bCards:
		return recode(&cards, r, key, value)
	case bReleases:
		var p packer
		head, err := decodeHead(value)
		if err != nil {
			return nil, err
		}
		rel, err := p.decodeRelease(head, value)
		if err != nil {
			return nil, err
		}
		return encodeRelease(rel)
	case bEvents:
		e, err := decodeEvent(1, value)
		if err != nil {
			return nil, err
		}
		return encodeEvent(&e), nil
	case bAccounts:
		return recode(&accounts, r, key, value)
	case bKeys:
		return recode(&apiKeys, r, key, value)
	case bKeyUse:
		return recode(&keyUses, r, key, value)
	case bSessions:
		return recode(&sessions, r, key, value)
	case bDownloads:
		return recode(&downloads, r, key, value)
	case bDoomed:
		return recode(&doomed, r, key, value)
	}
	return value, nil
}

func recode[T any](t *table[T], r *reader, key, value []byte) ([]byte, error) {
	rec, err := t.read(r, key, value)
	if err != nil {
		return nil, err
	}
	return t.encode([]byte{t.newest}, &rec)
}

// RawRelease is a release's value with this metadata as its stored form.
func RawRelease(h *gallery.Head, meta []byte) []byte {
	head := appendHead(nil, h)
	return append(append(binary.AppendUvarint([]byte{format1}, uint64(len(head))), head...), meta...)
}
