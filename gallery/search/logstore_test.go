package search

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// A logStore is a store of one feed, as far as the index reads one.
type logStore struct {
	gallery.Store
	mu        sync.RWMutex
	feed      gallery.Feed
	cards     map[string]*gallery.Card
	events    []gallery.Event
	downloads map[gallery.DownloadCount]uint64 // by ID and Version, Total 0
	accounts  map[string]gallery.AccountNo
	fail      atomic.Pointer[error]
	views     atomic.Int64
	ahead     atomic.Uint64 // the feed's state names so many events more than there are
	asked     atomic.Uint64
}

// Changes is always another number: what the log says is read every time.
func (s *logStore) Changes() uint64 { return s.asked.Add(1) }

func newLogStore() *logStore {
	return &logStore{
		feed:      gallery.Feed{Name: "main", Number: 7, Generation: 1},
		cards:     make(map[string]*gallery.Card),
		downloads: make(map[gallery.DownloadCount]uint64),
		accounts:  map[string]gallery.AccountNo{"contoso": 1, "fabrikam": 2},
	}
}

func (s *logStore) View(ctx context.Context, f func(gallery.Reader) error) error {
	s.views.Add(1)
	if err := s.fail.Load(); err != nil {
		return *err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return f(logReader{s: s})
}

type logReader struct {
	gallery.Reader
	s *logStore
}

func (logReader) People() (uint64, error) { return 0, nil }
func (r logReader) FeedState(uint32) (gallery.FeedState, error) {
	return gallery.FeedState{LastSeq: uint64(len(r.s.events)) + r.s.ahead.Load(), Generation: r.s.feed.Generation}, nil
}

func (r logReader) Card(generation uint32, id string) (*gallery.Card, error) {
	c := r.s.cards[id]
	if c == nil || generation != r.s.feed.Generation {
		return nil, fmt.Errorf("card: %w", gallery.ErrNotFound)
	}
	return c, nil
}

func (r logReader) Cards(generation uint32, after string, limit int) ([]*gallery.Card, error) {
	if generation != r.s.feed.Generation {
		return nil, nil
	}
	var keys []string
	for key := range r.s.cards {
		if key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var page []*gallery.Card
	for _, key := range keys[:min(limit, len(keys))] {
		page = append(page, r.s.cards[key])
	}
	return page, nil
}

func (r logReader) Events(_ uint32, after uint64, limit int) ([]gallery.Event, error) {
	events := r.s.events[after:]
	return slices.Clone(events[:min(limit, len(events))]), nil
}

func (r logReader) sortedDownloads() []gallery.DownloadCount {
	keys := slices.Collect(maps.Keys(r.s.downloads))
	slices.SortFunc(keys, compareCounts)
	for i := range keys {
		keys[i].Total = r.s.downloads[keys[i]]
	}
	return keys
}

func compareCounts(a, b gallery.DownloadCount) int {
	return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Version, b.Version))
}

func (r logReader) Downloads(_ uint32, id string) ([]gallery.DownloadCount, error) {
	var counts []gallery.DownloadCount
	for _, c := range r.sortedDownloads() {
		if c.ID == id {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

func (r logReader) AllDownloads(generation uint32, after gallery.DownloadCount, limit int) ([]gallery.DownloadCount, error) {
	var counts []gallery.DownloadCount
	if generation != r.s.feed.Generation {
		return nil, nil
	}
	for _, c := range r.sortedDownloads() {
		if compareCounts(c, after) > 0 && len(counts) < limit {
			counts = append(counts, c)
		}
	}
	return counts, nil
}

func (r logReader) AccountByName(name string) (*gallery.Account, error) {
	no := r.s.accounts[strings.ToLower(name)]
	if no == 0 {
		return nil, gallery.ErrNotFound
	}
	return &gallery.Account{No: no, Name: name}, nil
}

// put commits an event that leaves the package with this card, and returns the
// event's number.
func (s *logStore) put(kind gallery.EventKind, c *gallery.Card) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := gallery.Event{Seq: uint64(len(s.events) + 1), Kind: kind, ID: c.ID}
	s.events = append(s.events, e)
	c.Rev = e.Seq
	s.cards[c.ID.Key()] = c
	return e.Seq
}

// download adds to the stored counts.
func (s *logStore) download(id, version string, n uint64) gallery.DownloadCount {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.downloads[gallery.DownloadCount{ID: nuget.FoldID(id), Version: version}] += n
	return gallery.DownloadCount{ID: nuget.FoldID(id), Version: version, Total: n}
}

// A testRelease is one listed version from which cardOf makes a card.
type testRelease struct {
	version, title, description, tags, authors string
	types                                      []string
	semVer2                                    bool
	published                                  time.Time
}

// cardOf makes the card of a package with these listed versions, by the rules
// of the views and not by those that write cards.
func cardOf(t testing.TB, id string, owners []gallery.AccountNo, releases ...testRelease) *gallery.Card {
	t.Helper()
	c := &gallery.Card{ID: nuget.ID(id), Owners: owners}
	byVersion := make(map[string]testRelease)
	for _, r := range releases {
		v, err := nuget.ParseVersion(r.version)
		if err != nil {
			t.Fatal(err)
		}
		byVersion[v.Original()] = r
		c.Versions = append(c.Versions, gallery.CardVersion{Version: v, SemVer2: r.semVer2 || v.IsSemVer2()})
	}
	slices.SortFunc(c.Versions, func(a, b gallery.CardVersion) int { return a.Version.Compare(b.Version) })
	at := make(map[string]int8)
	for i := range 4 {
		view := gallery.Filter{Prerelease: i&1 != 0, SemVer2: i&2 != 0}
		c.Shown[i] = -1
		var highest string
		for _, cv := range c.Versions {
			if view.Sees(cv.Version.IsPrerelease(), cv.SemVer2) {
				highest = cv.Version.Original()
			}
		}
		if highest == "" {
			continue
		}
		n, ok := at[highest]
		if !ok {
			r := byVersion[highest]
			n = int8(len(c.Faces))
			at[highest] = n
			v, _ := nuget.ParseVersion(highest)
			c.Faces = append(c.Faces, gallery.Face{
				Version: v, Title: r.title, Description: r.description, Authors: r.authors,
				Tags: strings.Fields(r.tags), Types: r.types, Published: r.published,
			})
		}
		c.Shown[i] = n
	}
	return c
}
