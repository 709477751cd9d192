package store

import (
	"fmt"

	"nougat/gallery"
)

var feeds = table[gallery.Feed]{
	bucket: bFeeds, newest: 1,
	encode: func(b []byte, f *gallery.Feed) ([]byte, error) {
		b = appendUint(append(b, byte(f.Kind)), uint64(f.Number))
		return appendTime(appendUint(b, uint64(f.Generation)), f.Created), nil
	},
	decode: func(d *decoder, name []byte) gallery.Feed {
		return gallery.Feed{Name: string(name), Kind: gallery.FeedKind(d.byte()), Number: d.uint32(), Generation: d.uint32(), Created: d.time()}
	},
}

func (r *reader) Feed(name string) (*gallery.Feed, error) {
	return feeds.find(r, append(r.scratch(), name...))
}

func (r *reader) Feeds() ([]*gallery.Feed, error) {
	var all []*gallery.Feed
	err := r.scanAll(bFeeds, nil, func(p Pair) error {
		f, err := feeds.read(r, p.Key, p.Value)
		all = append(all, &f)
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
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
	number, err := w.next(bMeta, metaNextFeed)
	if err != nil {
		return err
	}
	generation, err := w.next(bMeta, metaNextGen)
	if err != nil {
		return err
	}
	f.Number, f.Generation = number, generation
	if err := w.putFeedState(number, &gallery.FeedState{Generation: generation}); err != nil {
		return err
	}
	return feeds.put(w, []byte(f.Name), f)
}

func (w *writer) NewGeneration(f *gallery.Feed) error {
	stored, err := w.Feed(f.Name)
	if err != nil {
		return err
	}
	generation, err := w.next(bMeta, metaNextGen)
	if err != nil {
		return err
	}
	if err := w.tx.Put(bWipes, appendNumber(nil, stored.Generation), nil); err != nil {
		return err
	}
	state, err := w.FeedState(stored.Number)
	if err != nil {
		return err
	}
	state.Generation = generation
	if err := w.putFeedState(stored.Number, &state); err != nil {
		return err
	}
	f.Number, f.Generation = stored.Number, generation
	return feeds.put(w, []byte(f.Name), f)
}

// feedStateFormat 2 added Generation.
const feedStateFormat = 2

func (r *reader) FeedState(feed uint32) (gallery.FeedState, error) {
	key := appendNumber(r.scratch(), feed)
	value, err := r.get(bFeedState, key)
	if err != nil {
		return gallery.FeedState{}, err
	}
	s, err := decodeFeedState(value)
	if err != nil {
		return gallery.FeedState{}, damaged(bFeedState, key, err)
	}
	return s, nil
}

func decodeFeedState(value []byte) (gallery.FeedState, error) {
	d := decodeFormat(value, feedStateFormat)
	s := gallery.FeedState{LastSeq: d.uint(), LastTime: d.time(), Packages: d.uint(), Releases: d.uint(), Bytes: d.int63()}
	if d.format >= 2 {
		s.Generation = d.uint32()
	}
	return s, d.done()
}

func encodeFeedState(s *gallery.FeedState) []byte {
	b := appendUint(append(make([]byte, 0, 64), feedStateFormat), s.LastSeq)
	b = appendUint(appendUint(appendTime(b, s.LastTime), s.Packages), s.Releases)
	return appendUint(appendUint(b, uint64(s.Bytes)), uint64(s.Generation))
}

// PutFeedState leaves what is not a count as it is, so that no mistake above opens
// a gap in the log.
func (w *writer) PutFeedState(feed uint32, s gallery.FeedState) error {
	stored, err := w.FeedState(feed)
	if err != nil {
		return err
	}
	s.LastSeq, s.LastTime, s.Generation = stored.LastSeq, stored.LastTime, stored.Generation
	return w.putFeedState(feed, &s)
}

func (w *writer) putFeedState(feed uint32, s *gallery.FeedState) error {
	if s.Bytes < 0 {
		return fmt.Errorf("feed %d would hold %d bytes", feed, s.Bytes)
	}
	return w.tx.Put(bFeedState, appendNumber(nil, feed), encodeFeedState(s))
}

// SweepWiped takes packages, cards, releases and downloads of one generation
// after the other. limit is at most MaxTouched; calls of 2,000 keep the pauses of
// other writers short.
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
	for _, b := range []Bucket{bReleases, bCards, bDownloads, bPackages} {
		for {
			page, err := w.scan(b, generation, prefixEnd(generation), MaxPage)
			if err != nil {
				return deleted, err
			}
			for _, p := range page {
				also := w.alsoWiped(b, p)
				if deleted+1+len(also) > limit && deleted > 0 {
					return deleted, nil
				}
				for _, row := range append(also, keyIn{b, p.Key}) {
					deleted++
					if err := w.tx.Delete(row.bucket, row.key); err != nil {
						return deleted, err
					}
				}
			}
			if len(page) < MaxPage {
				break
			}
		}
	}
	return deleted + 1, w.tx.Delete(bWipes, generation)
}

// keyIn is a key and where it lies.
type keyIn struct {
	bucket Bucket
	key    []byte
}

// alsoWiped are the rows of indexes that go with a record of a wiped generation.
// A record that cannot be read has none that are known; it must not keep the rest
// of its generation alive.
func (w *writer) alsoWiped(b Bucket, p Pair) (rows []keyIn) {
	switch b {
	case bPackages:
		if pkg, err := packages.read(w.reader, p.Key, p.Value); err == nil {
			for _, k := range packages.ixs[0].keys(p.Key, &pkg) {
				rows = append(rows, keyIn{bPkgOwner, k})
			}
		}
	case bReleases:
		if h, err := decodeHead(p.Value); err == nil {
			rows = append(rows, keyIn{bBlobRefs, refKey(nil, h.Blob, holdsRelease, p.Key)})
			if h.Received != h.Blob {
				rows = append(rows, keyIn{bBlobRefs, refKey(nil, h.Received, holdsRelease, p.Key)})
			}
		}
	}
	return rows
}
