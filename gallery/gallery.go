package gallery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options says what a Gallery runs on and what its settings are. Store, Blobs,
// at least one feed and NewIndex are required.
type Options struct {
	Store Store
	Blobs Blobs
	Feeds []FeedOptions // the first is the main feed

	// NewIndex makes the search index of a feed (search.New). It is called once
	// for each feed of Feeds by Open, which starts the index and closes it with
	// the Gallery. The feed is as Open found it: who may read it is not kept up
	// to date. The logger is never nil.
	NewIndex func(Store, *Feed, *slog.Logger) Index

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: discarded

	Brand       func() string // site.name, which set-up may change; no password may equal it; nil: none
	AdviseBytes int64         // publish.advise_bytes: larger packages get advice (D-15); 0: never
	SimilarIDs  string        // publish.similar_ids: "warn" or "off" (D-14)
	LicenseRefs bool          // publish.license_refs: LicenseRef-… is allowed, with a warning (R-LIC-03)
	KeyMaxDays  int           // keys.max_days: longest life of a key; 0: no limit (R-KEY-09)
}

// FeedOptions is what the configuration says of one feed.
type FeedOptions struct {
	Name       string
	Kind       FeedKind
	OpenToRead bool
	MaxBytes   int64
	Replace    bool // test feeds only (D-05)
}

// A Gallery is the rules over one store. Its methods may be called from any
// goroutine. Each field says who may touch it; what says nothing is set by Open
// and fixed from then on, and has locks of its own where it changes inside.
type Gallery struct {
	store   Store
	blobs   Blobs
	o       Options
	epoch   uint64
	indexes map[uint32]Index // by feed number

	feeds      atomic.Pointer[[]*Feed] // in the order of the configuration; replaced as a whole (changeFeed)
	hasAccount atomic.Bool             // never false again

	// Packages on their way in.
	uploads   turns[AccountNo] // while they stream
	inHand    turns[AccountNo] // from then until they are discarded
	arriving  arriving
	uploading atomic.Int64  // bytes in the temporary files of uploads
	work      chan struct{} // slots for what follows the streaming of a push
	similar   similarIDs

	// Reading inside packages.
	opening chan struct{} // slots
	files   sharedFiles   // in use

	// People.
	names    names
	hashing  chan struct{} // slots for argon2id, which takes 19 MiB each
	tidy     *time.Timer   // gives them back to the system
	signIns  turns[string] // by network; one at once
	verdicts verdicts
	failures failures

	// What upkeep writes down.
	downloads counters
	uses      keyUses

	stop context.CancelFunc // ends the loops of upkeep
	done sync.WaitGroup     // they are over
}

// How many pushes are checked and stored at once, and passwords hashed: enough that their syncs overlap, few enough that memory stays bounded.
const (
	pushSlots = 32
	hashSlots = 2
)

// Open makes the feeds that the store does not have yet and starts the search
// indexes, which are complete some time after it returns; everything else is
// ready. It refuses a feed whose kind differs from the one stored (T-13).
func Open(ctx context.Context, o Options) (*Gallery, error) {
	if o.NewIndex == nil {
		return nil, errors.New("no search index is wired: set Options.NewIndex, as a rule to search.New")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Brand == nil {
		o.Brand = func() string { return "" }
	}
	g := &Gallery{
		store:   o.Store,
		blobs:   o.Blobs,
		o:       o,
		indexes: make(map[uint32]Index),
		work:    make(chan struct{}, pushSlots),
		opening: make(chan struct{}, openSlots),
		hashing: make(chan struct{}, hashSlots),
		uploads: turns[AccountNo]{each: maxUploads},
		inHand:  turns[AccountNo]{each: maxInHand},
		signIns: turns[string]{each: 1, most: maxSignIns},
		tidy:    time.AfterFunc(tidyAfter, debug.FreeOSMemory),
	}
	if err := g.verdicts.init(); err != nil {
		return nil, err
	}
	feeds, err := g.openFeeds(ctx)
	if err != nil {
		return nil, err
	}
	g.feeds.Store(&feeds)
	err = g.store.View(ctx, func(r Reader) error {
		meta, err := r.Meta()
		if err != nil {
			return err
		}
		g.epoch = meta.Epoch
		accounts, err := r.Accounts(0, 1)
		g.hasAccount.Store(len(accounts) > 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := g.clearDeleting(ctx); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.stop = stop
	for _, f := range feeds {
		ix := o.NewIndex(g.store, f, o.Log)
		g.indexes[f.Number] = ix
		ix.Start()
	}
	g.done.Go(func() { g.flushLoop(running) })
	g.done.Go(func() { g.sweepLoop(running) })
	return g, nil
}

// openFeeds brings the store's feeds and the configuration together.
func (g *Gallery) openFeeds(ctx context.Context) ([]*Feed, error) {
	if len(g.o.Feeds) == 0 {
		return nil, errors.New("no feed is configured: name at least one")
	}
	var feeds []*Feed
	err := g.upkeep(ctx, func(w Writer) error {
		feeds = feeds[:0]
		for _, fo := range g.o.Feeds {
			if err := ValidFeedName(fo.Name); err != nil {
				return err
			}
			if slices.ContainsFunc(feeds, func(f *Feed) bool { return f.Name == fo.Name }) {
				return fmt.Errorf("the feed %s is configured twice; give each feed a name of its own", fo.Name)
			}
			f, err := w.Feed(fo.Name)
			switch {
			case errors.Is(err, ErrNotFound):
				f = &Feed{Name: fo.Name, Kind: fo.Kind, Created: g.o.Now().UTC()}
				if err := w.NewFeed(f); err != nil {
					return err
				}
			case err != nil:
				return err
			case f.Kind != fo.Kind:
				return fmt.Errorf("the feed %s was made as a %s feed and stays one; set its kind back to %q or use another name", fo.Name, f.Kind, f.Kind)
			}
			if fo.Replace && fo.Kind != TestFeed {
				return fmt.Errorf("the feed %s may not replace versions: only a test feed may (kind = \"test\")", fo.Name)
			}
			f.OpenToRead, f.MaxBytes, f.Replace = fo.OpenToRead, fo.MaxBytes, fo.Replace
			feeds = append(feeds, f)
		}
		return nil
	})
	return feeds, err
}

// ValidFeedName refuses a name that is not [a-z0-9][a-z0-9-]{0,31}. Names
// that are routes are refused by the server room.
func ValidFeedName(name string) error {
	ok := len(name) >= 1 && len(name) <= 32 && name[0] != '-'
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		ok = c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-'
	}
	if !ok {
		return fmt.Errorf("%q is not a feed name: use 1 to 32 lower-case letters, digits and -, beginning with a letter or digit", name)
	}
	return nil
}

// Close writes the counters and stops what runs in the background. It leaves
// Store and Blobs open.
func (g *Gallery) Close(ctx context.Context) error {
	g.stop()
	g.tidy.Stop()
	g.done.Wait()
	for _, ix := range g.indexes {
		ix.Close()
	}
	return g.Flush(ctx)
}

// Now is the gallery's clock, in UTC.
func (g *Gallery) Now() time.Time { return g.o.Now().UTC() }

// Epoch is the store's epoch, a part of every ETag.
func (g *Gallery) Epoch() uint64 { return g.epoch }

// Feeds returns the feeds in the order of the configuration, main first.
func (g *Gallery) Feeds() []*Feed { return *g.feeds.Load() }

// Feed returns the feed of that exact name.
func (g *Gallery) Feed(name string) (*Feed, bool) {
	for _, f := range g.Feeds() {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// feedNumbered returns the feed with that number, or nil when it is not
// configured any more.
func (g *Gallery) feedNumbered(number uint32) *Feed {
	for _, f := range g.Feeds() {
		if f.Number == number {
			return f
		}
	}
	return nil
}

// SetOpenToRead changes who may read a feed while the gallery runs: the set-up
// page may.
func (g *Gallery) SetOpenToRead(name string, open bool) {
	g.changeFeed(name, func(f *Feed) { f.OpenToRead = open })
}

// changeFeed puts a changed copy of a feed in its place.
func (g *Gallery) changeFeed(name string, change func(*Feed)) {
	for {
		old := g.feeds.Load()
		feeds := slices.Clone(*old)
		for i, f := range feeds {
			if f.Name == name {
				changed := *f
				change(&changed)
				feeds[i] = &changed
			}
		}
		if g.feeds.CompareAndSwap(old, &feeds) {
			return
		}
	}
}

// refresh takes over the generation that the store has of a feed, when it was
// wiped since.
func (g *Gallery) refresh(now *Feed) {
	if f, ok := g.Feed(now.Name); !ok || f.Generation == now.Generation {
		return
	}
	g.changeFeed(now.Name, func(f *Feed) { f.Generation = max(f.Generation, now.Generation) })
}

// SavedSettings returns what set-up saved: site.name, url, access.read. The
// order of settings is default, saved, file, environment, flag.
func (g *Gallery) SavedSettings(ctx context.Context) (map[string]string, error) {
	return SavedSettings(ctx, g.store)
}

// SavedSettings reads what set-up saved straight from a store, before a gallery
// is opened on it.
func SavedSettings(ctx context.Context, s Store) (map[string]string, error) {
	var saved map[string]string
	err := s.View(ctx, func(r Reader) (err error) {
		saved, err = r.Settings()
		return err
	})
	return maps.Clone(saved), err
}

// awaitIndex waits until the search index has an event. The event is committed
// either way: a client that leaves meanwhile changes nothing.
func (g *Gallery) awaitIndex(ctx context.Context, f *Feed, seq uint64) {
	if err := g.index(f).Await(ctx, seq); err != nil {
		g.o.Log.Warn("an event was stored but its client left before the search index had it", "feed", f.Name, "event", seq, "err", err)
	}
}
