package store

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"nougat/gallery"
)

// Schema is the number of the newest step: the form of keys and records that
// this program writes. It is in every database, and a program refuses one with a
// larger number.
const Schema = 2

// steps bring a database from one schema to the next: steps[n] from n to n+1.
// A step is never changed once a program with it is in use.
//
// It works in many Updates of at most a page of records, and may be cut off
// between any two of them: it then starts over, and so it passes over what is
// done already. That also holds when an earlier program has written meanwhile,
// since the number of the schema is written last.
var steps = []func(ctx context.Context, kv KV) error{
	func(context.Context, KV) error { return nil }, // 1: the first schema
	noteBlobs, // 2
}

// upgrade runs the steps that a database has not gone through, and writes its
// new schema after each.
func (s *Store) upgrade(ctx context.Context, meta gallery.Meta) error {
	if meta.Schema > Schema {
		return fmt.Errorf("it was written by a newer nougat (schema %d, this one knows %d): start that one, or restore a backup", meta.Schema, Schema)
	}
	for n := meta.Schema; n < Schema; n++ {
		if err := steps[n](ctx, s.kv); err != nil {
			return fmt.Errorf("it could not be brought from schema %d to %d; nothing is lost, and the nougat that wrote it still opens it: %w", n, n+1, err)
		}
		meta.Schema = n + 1
		if err := s.Update(ctx, func(w gallery.Writer) error { return w.PutMeta(meta) }); err != nil {
			return err
		}
	}
	return nil
}

// begin makes an empty database one of this schema, with a random epoch, or
// returns what another begin has written meanwhile.
func (s *Store) begin(ctx context.Context) (meta gallery.Meta, err error) {
	err = s.Update(ctx, func(w gallery.Writer) error {
		if meta, err = w.Meta(); gallery.KindOf(err) != gallery.NotFound {
			return err
		}
		var epoch [8]byte
		rand.Read(epoch[:]) // never fails
		meta = gallery.Meta{Schema: Schema, Epoch: binary.BigEndian.Uint64(epoch[:])}
		return w.PutMeta(meta)
	})
	return meta, err
}

// eachPair calls f with every pair of a bucket, at most a page of them in one
// Update. f may change the pair, and other buckets by a few keys.
func eachPair(ctx context.Context, kv KV, b Bucket, f func(w *writer, p Pair) error) error {
	s := &Store{kv: kv}
	for from, more := []byte(nil), true; more; {
		err := kv.Update(ctx, func(tx Txn) error {
			w := &writer{s.reader(ctx, tx)}
			page, err := w.scan(b, from, nil, MaxPage)
			if err != nil {
				return err
			}
			for _, p := range page {
				from = append(append(from[:0], p.Key...), 0)
				if err := f(w, p); err != nil {
					return err
				}
			}
			more = len(page) == MaxPage
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noteBlobs is the step to schema 2: who holds which blob is noted, the state of a
// feed has its generation, and the index of keys by expiry, which nothing reads, is
// emptied. A release that cannot be
// read ends it: its file would otherwise count as unused.
func noteBlobs(ctx context.Context, kv KV) error {
	err := eachPair(ctx, kv, bReleases, func(w *writer, p Pair) error {
		h, err := decodeHead(p.Value)
		if err != nil {
			return damaged(bReleases, p.Key, err)
		}
		held := [2]gallery.Hash{h.Blob, h.Received}
		for i, blob := range held {
			row := refKey(nil, blob, holdsRelease, p.Key)
			if there, err := w.has(bBlobRefs, row); err != nil || there {
				if err != nil {
					return err
				}
				held[i] = gallery.Hash{}
			}
		}
		return w.hold(holdsRelease, p.Key, [2]gallery.Hash{}, held)
	})
	if err != nil {
		return err
	}
	err = eachPair(ctx, kv, bFeeds, func(w *writer, p Pair) error {
		f, err := feeds.read(w.reader, p.Key, p.Value)
		if err != nil {
			return err
		}
		state, err := w.FeedState(f.Number)
		if err != nil {
			return err
		}
		state.Generation = f.Generation
		return w.putFeedState(f.Number, &state)
	})
	if err != nil {
		return err
	}
	return eachPair(ctx, kv, bKeyExp, func(w *writer, p Pair) error { return w.tx.Delete(bKeyExp, p.Key) })
}
