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

// A step brings a database from one schema to the next. It may be cut off between
// any two Updates, and an earlier program may write before the next start: so it
// starts over, and until its last Update everything that an earlier program reads
// is as that one wrote it.
type step struct {
	// fill makes what the new schema has besides, in many Updates of at most a page
	// of records, in buckets that earlier programs do not read. It begins by
	// forgetting what a try that was cut off has left there.
	fill func(ctx context.Context, kv KV) error
	// turn changes what earlier programs read, a few records, in the Update that
	// also writes the schema.
	turn func(w *writer) error
}

// steps holds the step to schema n+1 under n. One is never changed once a program
// with it is in use.
var steps = []step{
	{}, // the first schema
	{fill: noteBlobs, turn: noteGenerations},
}

// upgrade runs the steps that a database has not gone through.
func (s *Store) upgrade(ctx context.Context, meta gallery.Meta) error {
	for n := meta.Schema; n < Schema; n++ {
		var err error
		if fill := steps[n].fill; fill != nil {
			err = fill(ctx, s.kv)
		}
		if err == nil {
			err = s.kv.Update(ctx, func(tx Txn) error {
				w := &writer{s.reader(context.WithoutCancel(ctx), tx)}
				if turn := steps[n].turn; turn != nil {
					if err := turn(w); err != nil {
						return err
					}
				}
				meta.Schema = n + 1
				return w.PutMeta(meta)
			})
		}
		if err != nil {
			return fmt.Errorf("it could not be brought from schema %d to %d; nothing is lost, and a nougat of schema %d still opens it: %w", n, n+1, n, err)
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

// noteBlobs fills schema 2: who holds which blob is noted, and the index of keys by
// expiry, which nothing reads, is emptied. A release that cannot be read ends it:
// its file would otherwise count as unused.
func noteBlobs(ctx context.Context, kv KV) error {
	for _, b := range []Bucket{bBlobRefs, bKeyExp} {
		if err := eachPair(ctx, kv, b, func(w *writer, p Pair) error { return w.tx.Delete(b, p.Key) }); err != nil {
			return err
		}
	}
	return eachPair(ctx, kv, bReleases, func(w *writer, p Pair) error {
		h, err := decodeHead(p.Value)
		if err != nil {
			return damaged(bReleases, p.Key, err)
		}
		return w.hold(holdsRelease, p.Key, [2]gallery.Hash{}, [2]gallery.Hash{h.Blob, h.Received})
	})
}

// noteGenerations is the turn to schema 2: the state of a feed has its generation.
func noteGenerations(w *writer) error {
	all, err := w.Feeds()
	if err != nil {
		return err
	}
	for _, f := range all {
		state, err := w.FeedState(f.Number)
		if err != nil {
			return err
		}
		state.Generation = f.Generation
		if err := w.putFeedState(f.Number, &state); err != nil {
			return err
		}
	}
	return nil
}
