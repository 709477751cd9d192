package search

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nougat/gallery"
)

// An index is the search index of one feed, in memory, a reader of the feed's
// event log (ARCH-4). It is built from the feed's cards and then
// follows the log: for each event it reads the package's card again. A query
// reads the number of the feed's last event in the store, whoever wrote it, and
// catches up before it looks when the index is behind.
//
// What queries see is a snapshot, which never changes but for the downloads,
// and is replaced as a whole. It is a list of segments: one large one and a few
// that shrink by half and more, so that an event costs one small segment and
// a share in merging, never the index.
type index struct {
	// Fixed by newIndex.
	store  gallery.Store
	feed   string // its name: the generation is read by it
	number uint32
	log    *slog.Logger
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	// A token in turn is held by the one goroutine that reads the store for the
	// index: no other builds, follows the log or reads downloads. Who has it may
	// take mu; who has mu never asks for it.
	turn chan struct{}

	snap      atomic.Pointer[snapshot] // nil until built; loaded by anyone, stored under mu, and by all but a merge with the turn
	downloads downloadTable            // read by anyone; written under mu with the turn
	searchers sync.Pool                // of *searcher, each of one query at a time
	glanced   atomic.Pointer[glance]   // the last one; nil before the first; by anyone
	kept      atomic.Int64             // about how many bytes of cards lie in the segments' read columns; by anyone

	mu     sync.Mutex          // for the rest of this block; held for no reading of the store
	stale  map[string]struct{} // folded IDs whose downloads must be read
	busy   int                 // parts at the front that a background merge is concerned with; 0: none runs
	closed bool                // no merge begins any more

	behindDownloads atomic.Bool    // stale is not empty; loaded by anyone, stored under mu
	work            sync.WaitGroup // what runs in the background; Close waits
}

// A glance is what every query depends on beside the index: the number of the
// feed's last event, and how people are shown, as they were when the store said
// changes.
type glance struct{ changes, last, people uint64 }

// A snapshot is the index at one moment.
type snapshot struct {
	number     uint64 // of the answers: Results.Snapshot
	generation uint32 // of the feed
	applied    uint64 // the last event in it
	parts      []part // the largest and oldest first
}

// A part is a segment without the packages that have changed or gone since it
// was made. A package is alive in at most one part.
type part struct {
	seg  *segment
	dead bitset
	live int // packages alive
}

// find returns where the package with a folded ID lives.
func (s *snapshot) find(key string) (docAt, bool) {
	for p := range slices.Backward(s.parts) {
		if doc, ok := s.parts[p].seg.doc(key); ok && !s.parts[p].dead.has(doc) {
			return docAt{p, doc}, true
		}
	}
	return docAt{}, false
}

// packages counts what is alive.
func (s *snapshot) packages() int {
	n := 0
	for i := range s.parts {
		n += s.parts[i].live
	}
	return n
}

const (
	inlineMerge = 256 // more packages than this are merged in the background
	tinyPart    = 64  // a part is worth being rewritten for its dead from here on
)

// msgBuilding is all that a question is told that cannot be answered yet
// (PERF-6.10).
const msgBuilding = "The search index is being built. Try again in a few seconds."

// New returns an index of the feed f over a store, a gallery.Options.NewIndex.
// It neither reads nor keeps f beyond its name and number, and reads the store
// when it is started or asked. None of the three may be nil.
func New(store gallery.Store, f *gallery.Feed, log *slog.Logger) gallery.Index {
	return newIndex(store, f, log)
}

// newIndex returns an index that is built when it is first asked, or by Start.
func newIndex(store gallery.Store, f *gallery.Feed, log *slog.Logger) *index {
	ix := &index{
		store:  store,
		feed:   f.Name,
		number: f.Number,
		log:    log,
		turn:   make(chan struct{}, 1),
	}
	ix.searchers.New = func() any { return new(searcher) }
	ix.ctx, ix.cancel = context.WithCancel(context.Background())
	return ix
}

// Start builds the index in the background, again after a failure, until that
// succeeds or Close is called.
func (ix *index) Start() {
	ix.work.Go(func() {
		for wait := time.Second; ; wait = min(2*wait, time.Minute) {
			began := time.Now()
			s, err := ix.current(ix.ctx)
			if err == nil {
				ix.log.Debug("the search index is built", "feed", ix.feed, "packages", s.packages(), "took", time.Since(began).String())
				return
			}
			if ix.ctx.Err() != nil {
				return
			}
			ix.log.Error("the search index could not be built; it is tried again", "feed", ix.feed, "in", wait, "err", err)
			select {
			case <-ix.ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	})
}

// Close ends what runs in the background. Queries are still answered while the
// store is open; large merges are not begun any more.
func (ix *index) Close() {
	ix.mu.Lock()
	ix.closed = true
	ix.mu.Unlock()
	ix.cancel()
	ix.work.Wait()
}

// Await waits until an event that was committed is in the index, so that the
// push pays and not the next query. It does not wait for the index to be built:
// queries wait for that themselves, and will know the event. An error is no
// reason to fail the push: until the index has caught up, queries try again and
// are Unavailable, but never answer without the event.
func (ix *index) Await(ctx context.Context, seq uint64) error {
	if s := ix.snap.Load(); s == nil || s.applied >= seq {
		return nil
	}
	return unavailable(ix.waitAndCatchUp(ctx, seq))
}

// State is gallery.Index's.
func (ix *index) State(ctx context.Context) gallery.DocState {
	if ix.snap.Load() == nil {
		return gallery.DocState{}
	}
	last, people, err := ix.glance(ctx)
	if s := ix.snap.Load(); err == nil && !ix.behind(s, last) {
		return gallery.DocState{Rev: s.number, People: people}
	}
	return gallery.DocState{}
}

// glance returns the number of the feed's last event in the store, and that of
// the last change of how people are shown. It reads them only when something was
// written since the last time.
func (ix *index) glance(ctx context.Context) (last, people uint64, err error) {
	changes := ix.store.Changes() // first: what is read is then at least as new
	if g := ix.glanced.Load(); g != nil && g.changes == changes {
		return g.last, g.people, nil
	}
	g := &glance{changes: changes}
	err = ix.store.View(ctx, func(r gallery.Reader) error {
		state, err := r.FeedState(ix.number)
		if err == nil {
			g.last = state.LastSeq
			g.people, err = r.People()
		}
		return err
	})
	if err == nil {
		ix.glanced.Store(g)
	}
	return g.last, g.people, err
}

// behind reports whether s, once built, lacks an event up to last, or downloads.
func (ix *index) behind(s *snapshot, last uint64) bool {
	return s.applied < last || ix.behindDownloads.Load()
}

// current returns a snapshot that has every event committed before the call,
// catching up first where it must. When ctx ends before that or the store fails,
// the error is Unavailable.
func (ix *index) current(ctx context.Context) (*snapshot, error) {
	last, _, err := ix.glance(ctx)
	if err != nil {
		return nil, unavailable(err)
	}
	// Loaded after the number was read: a snapshot that is newer than the
	// number is none the worse.
	if s := ix.snap.Load(); s != nil && !ix.behind(s, last) {
		return s, nil
	}
	if err := ix.waitAndCatchUp(ctx, last); err != nil {
		return nil, unavailable(err)
	}
	return ix.snap.Load(), nil
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return &gallery.Error{Kind: gallery.Unavailable, Op: "search", Msg: msgBuilding, Err: err}
}

func (ix *index) waitAndCatchUp(ctx context.Context, goal uint64) error {
	select {
	case ix.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-ix.turn }() // also when a record makes reading it panic
	return ix.catchUp(ctx, goal)
}

// catchUp builds the index or brings it up to the event goal at least, and reads
// the downloads that have changed. It waits for nothing: when the log ends
// before goal, that is an error. The caller holds the turn.
func (ix *index) catchUp(ctx context.Context, goal uint64) error {
	if ix.snap.Load() == nil {
		if err := ix.build(ctx); err != nil {
			return err
		}
	}
	for ix.snap.Load().applied < goal {
		if err := ix.follow(ctx, goal); err != nil {
			return err
		}
	}
	return ix.readStale(ctx)
}

// build reads the feed as it is now. Events that come meanwhile are followed
// afterwards: a card read twice is no harm.
func (ix *index) build(ctx context.Context) error {
	var state gallery.FeedState
	err := ix.store.View(ctx, func(r gallery.Reader) (err error) {
		state, err = r.FeedState(ix.number)
		return err
	})
	if err != nil {
		return err
	}
	b := newSegmentBuilder()
	for c, err := range gallery.Scan(ctx, ix.store, func(r gallery.Reader, last *gallery.Card) ([]*gallery.Card, error) {
		after := ""
		if last != nil {
			after = last.ID.Key()
		}
		return r.Cards(state.Generation, after, gallery.ScanPage)
	}) {
		if err != nil {
			return err
		}
		b.add(c)
	}
	downloads, err := ix.readDownloads(ctx, state.Generation)
	if err != nil {
		return err
	}
	seg := b.segment()

	ix.mu.Lock()
	defer ix.mu.Unlock()
	s := &snapshot{generation: state.Generation, applied: state.LastSeq}
	if old := ix.snap.Load(); old != nil {
		s.number = old.number + 1
	} else {
		s.number = rand.Uint64()>>1 + 1 // not a number of an earlier run
	}
	ix.downloads.replace(downloads)
	if n := len(seg.keys); n > 0 {
		ix.fillTotals(seg)
		s.parts = []part{{seg: seg, live: n}}
	}
	ix.snap.Store(s)
	return nil
}

// follow applies the next events on the way to goal, at most a page of them and
// at least one; after a wipe it builds the index anew.
func (ix *index) follow(ctx context.Context, goal uint64) error {
	old := ix.snap.Load()
	var generation uint32
	var applied uint64
	var cards []*gallery.Card
	keys := make(map[string]bool)
	err := ix.store.View(ctx, func(r gallery.Reader) error {
		state, err := r.FeedState(ix.number)
		if err != nil {
			return err
		}
		generation = state.Generation
		events, err := r.Events(ix.number, old.applied, gallery.ScanPage)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return fmt.Errorf("the event log of the feed %s ends at %d, before the event %d that must be there", ix.feed, old.applied, goal)
		}
		for _, e := range events {
			applied = e.Seq
			key := e.ID.Key()
			if !e.Kind.OfRelease() || keys[key] {
				continue
			}
			keys[key] = true
			c, err := r.Card(generation, key)
			switch {
			case err == nil:
				cards = append(cards, c)
			case !errors.Is(err, gallery.ErrNotFound):
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if generation != old.generation { // the feed was wiped
		return ix.build(ctx)
	}
	slices.SortFunc(cards, func(a, b *gallery.Card) int { return strings.Compare(a.ID.Key(), b.ID.Key()) })
	b := newSegmentBuilder()
	for _, c := range cards {
		b.add(c)
	}
	ix.apply(keys, b.segment(), applied)
	return nil
}

// apply replaces the packages named by keys with those of seg.
func (ix *index) apply(keys map[string]bool, seg *segment, applied uint64) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	old := ix.snap.Load()
	s := *old
	s.number++
	s.applied = applied
	s.parts = slices.Clone(old.parts)
	for key := range keys {
		if at, ok := s.find(key); ok {
			p := &s.parts[at.part]
			p.dead = p.dead.with(at.doc, len(p.seg.keys))
			p.live--
		}
	}
	if n := len(seg.keys); n > 0 {
		ix.fillTotals(seg)
		s.parts = append(s.parts, part{seg: seg, live: n})
	}
	ix.compact(&s)
	ix.snap.Store(&s)
}

// fillTotals gives a new segment its downloads. The caller holds mu.
func (ix *index) fillTotals(seg *segment) {
	for doc, key := range seg.keys {
		seg.totals[doc].Store(ix.downloads.of(key).sum())
	}
}

// compact merges the newest parts of a snapshot that is not in use yet, so that
// each part stays more than twice as large as all after it together: there are
// then a dozen at most, and a package is merged a dozen times in its life. A
// part of which most is dead is rewritten. Large merges go on in the background.
// The caller holds mu.
func (ix *index) compact(s *snapshot) {
	busy := min(ix.busy, len(s.parts)) // fewer after a wipe
	s.parts = append(s.parts[:busy], slices.DeleteFunc(s.parts[busy:], func(p part) bool { return p.live == 0 })...)
	from, newer := len(s.parts), 0
	for i := len(s.parts) - 1; i >= busy; i-- {
		p := &s.parts[i]
		mostDead := len(p.seg.keys) >= tinyPart && p.live < len(p.seg.keys)/2
		if mostDead || newer > 0 && p.live <= 2*newer {
			from = i
		}
		newer += p.live
	}
	size := 0
	for _, p := range s.parts[from:] {
		size += len(p.seg.keys)
	}
	switch {
	case size == 0 || size >= maxDocs:
	case size <= inlineMerge:
		merged, _ := mergeParts(s.parts[from:])
		ix.fillTotals(merged)
		s.parts = append(s.parts[:from], part{seg: merged, live: len(merged.keys)})
	case ix.busy == 0 && !ix.closed:
		ix.busy = len(s.parts)
		parts := slices.Clone(s.parts[from:])
		ix.work.Go(func() { ix.mergeInBackground(parts) })
	}
}

// mergeInBackground puts one part in the place of several. What died in these
// while they were being merged is dead in the new one.
func (ix *index) mergeInBackground(parts []part) {
	seg, from := mergeParts(parts)

	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.busy = 0
	s := *ix.snap.Load()
	at := slices.IndexFunc(s.parts, func(p part) bool { return p.seg == parts[0].seg })
	if at < 0 {
		return // the feed was wiped
	}
	now := s.parts[at : at+len(parts)]
	merged := part{seg: seg, live: len(seg.keys)}
	for doc, d := range from {
		if now[d.part].dead.has(d.doc) {
			merged.dead = merged.dead.with(doc, len(seg.keys))
			merged.live--
		}
	}
	ix.fillTotals(seg)
	s.parts = slices.Concat(s.parts[:at], []part{merged}, s.parts[at+len(parts):])
	ix.compact(&s)
	ix.snap.Store(&s)
}

// accountNamed returns the account with a name, in any case; nobody when there
// is none.
func (ix *index) accountNamed(ctx context.Context, name string) (gallery.AccountNo, error) {
	var no gallery.AccountNo
	err := ix.store.View(ctx, func(r gallery.Reader) error {
		a, err := r.AccountByName(name)
		if errors.Is(err, gallery.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		no = a.No
		return nil
	})
	return no, err
}
