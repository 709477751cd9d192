package store

import (
	"encoding/binary"
	"fmt"

	"nougat/gallery"
)

func encodeFeed(f *gallery.Feed) []byte {
	b := []byte{format1, byte(f.Kind)}
	b = appendUint(b, uint64(f.Number))
	b = appendUint(b, uint64(f.Generation))
	return appendTime(b, f.Created)
}

func decodeFeed(name, value []byte) (*gallery.Feed, error) {
	d := decodeFormat(value)
	f := &gallery.Feed{
		Name:       string(name),
		Kind:       gallery.FeedKind(d.byte()),
		Number:     d.uint32(),
		Generation: d.uint32(),
		Created:    d.time(),
	}
	if err := d.done(); err != nil {
		return nil, damaged(bFeeds, name, err)
	}
	return f, nil
}

func (r *reader) Feed(name string) (*gallery.Feed, error) {
	key := append(r.key[:0], name...)
	value, err := r.get(bFeeds, key)
	if err != nil {
		return nil, err
	}
	return decodeFeed(key, value)
}

func (r *reader) Feeds() ([]*gallery.Feed, error) {
	var feeds []*gallery.Feed
	err := r.scanAll(bFeeds, nil, func(p Pair) error {
		f, err := decodeFeed(p.Key, p.Value)
		feeds = append(feeds, f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return feeds, nil
}

// NewFeed makes a feed under a name that is free, and sets Number and
// Generation. Numbers are given in order and never again: making the feeds of
// another store in the order of their numbers gives them the same ones.
func (w *writer) NewFeed(f *gallery.Feed) error {
	if !usable(f.Name) {
		return fmt.Errorf("%q cannot name a feed", f.Name)
	}
	taken, err := w.has(bFeeds, []byte(f.Name))
	if err != nil {
		return err
	}
	if taken {
		return &gallery.Error{Kind: gallery.Exists, Msg: fmt.Sprintf("There is a feed %s already.", f.Name)}
	}
	number, err := w.next(metaNextFeed)
	if err != nil {
		return err
	}
	generation, err := w.next(metaNextGen)
	if err != nil {
		return err
	}
	f.Number, f.Generation = number, generation
	if err := w.putFeedState(number, gallery.FeedState{}); err != nil {
		return err
	}
	return w.tx.Put(bFeeds, []byte(f.Name), encodeFeed(f))
}

// NewGeneration sets a fresh Generation, without packages, stores f with it,
// and leaves the keys of the old one to SweepWiped. The event log goes on.
func (w *writer) NewGeneration(f *gallery.Feed) error {
	stored, err := w.Feed(f.Name)
	if err != nil {
		return err
	}
	generation, err := w.next(metaNextGen)
	if err != nil {
		return err
	}
	if err := w.tx.Put(bWipes, appendNumber(nil, stored.Generation), nil); err != nil {
		return err
	}
	f.Number, f.Generation = stored.Number, generation
	return w.tx.Put(bFeeds, []byte(f.Name), encodeFeed(f))
}

func (r *reader) FeedState(feed uint32) (gallery.FeedState, error) {
	key := appendNumber(r.key[:0], feed)
	value, err := r.get(bFeedState, key)
	if err != nil {
		return gallery.FeedState{}, err
	}
	d := decodeFormat(value)
	s := gallery.FeedState{
		LastSeq:  d.uint(),
		LastTime: d.time(),
		Packages: d.uint(),
		Releases: d.uint(),
		Bytes:    d.int63(),
	}
	if err := d.done(); err != nil {
		return gallery.FeedState{}, damaged(bFeedState, key, err)
	}
	return s, nil
}

// PutFeedState sets Packages, Releases and Bytes. LastSeq and LastTime stay what
// AppendEvent made them, so that no mistake above opens a gap in the log.
func (w *writer) PutFeedState(feed uint32, s gallery.FeedState) error {
	stored, err := w.FeedState(feed)
	if err != nil {
		return err
	}
	s.LastSeq, s.LastTime = stored.LastSeq, stored.LastTime
	return w.putFeedState(feed, s)
}

func (w *writer) putFeedState(feed uint32, s gallery.FeedState) error {
	if s.Bytes < 0 {
		return fmt.Errorf("feed %d would hold %d bytes", feed, s.Bytes)
	}
	b := appendUint([]byte{format1}, s.LastSeq)
	b = appendTime(b, s.LastTime)
	b = appendUint(b, s.Packages)
	b = appendUint(b, s.Releases)
	b = appendUint(b, uint64(s.Bytes))
	return w.tx.Put(bFeedState, appendNumber(nil, feed), b)
}

// SweepWiped deletes up to limit keys of generations that NewGeneration left behind,
// and returns how many; 0 means that none are left. limit is at most
// MaxTouched; calls of 2,000 keep the pauses of other writers short.
func (w *writer) SweepWiped(limit int) (int, error) {
	if limit <= 0 || limit > MaxTouched {
		limit = MaxTouched
	}
	wiped, err := w.scan(bWipes, nil, nil, 1)
	if err != nil || len(wiped) == 0 {
		return 0, err
	}
	generation := append([]byte(nil), wiped[0].Key...)
	if len(generation) != 4 {
		return 0, damaged(bWipes, generation, errDamaged)
	}
	deleted := 0
	remove := func(b Bucket, key []byte) error {
		deleted++
		return w.tx.Delete(b, key)
	}
	for _, b := range []Bucket{bReleases, bCards, bDownloads, bPackages} {
		for {
			page, err := w.scan(b, generation, prefixEnd(generation), MaxPage)
			if err != nil {
				return deleted, err
			}
			for _, p := range page {
				var owners []gallery.AccountNo
				if b == bPackages {
					// A record that cannot be read has no owners to forget; it
					// must not keep the rest of its generation alive.
					if pkg, err := decodePackage(p.Value); err == nil {
						owners = pkg.Owners
					}
				}
				if deleted+1+len(owners) > limit && deleted > 0 {
					return deleted, nil
				}
				for _, a := range owners {
					id := p.Key[len(generation):]
					if err := remove(bPkgOwner, appendPkgOwner(nil, a, binary.BigEndian.Uint32(generation), string(id))); err != nil {
						return deleted, err
					}
				}
				if err := remove(b, p.Key); err != nil {
					return deleted, err
				}
			}
			if len(page) < MaxPage {
				break
			}
		}
	}
	return deleted + 1, w.tx.Delete(bWipes, generation)
}
