package gallery

import (
	"cmp"
	"context"
	"slices"

	"nougat/nuget"
)

// An Index answers the questions that are asked about one feed as a whole: what
// matches, what is near, how much. It is a reader of the feed's event log and of
// its cards, and writes nothing. Package search has the one that the program
// uses; Options.NewIndex makes one for each feed.
//
// An answer knows every event that was committed before the question, by whoever
// shares the Store: when something was written since the last question
// (Store.Changes), it reads the feed's last event number (Reader.FeedState).
// Where the index is being built or is behind, the question waits; when ctx ends
// before that or the store cannot be read, the error is Unavailable, and no
// other error is returned but the store's own for the name of an owner. What
// does not match is an empty answer and no error.
//
// All methods may be called from any goroutine at any time, but for Start and
// Close.
type Index interface {
	// Search returns the packages that match, in the order of q.Sort, from
	// q.Skip on and at most q.Take of them.
	Search(ctx context.Context, q Query) (Results, error)

	// State is what an answer to a Search that began now depends on, for a cache
	// of whole answers: Rev is its Results.Snapshot, or 0, which none is, while
	// that is not known because the index is being built or is behind, or the
	// store fails. It never waits for the index.
	State(ctx context.Context) DocState

	// Autocomplete returns the IDs that q.Text begins, q.Skip and q.Take as for
	// Search, and how many there are (Gallery.Autocomplete).
	Autocomplete(ctx context.Context, q Query) (total int, ids []string, err error)

	// VersionsOf returns the listed versions of a package that the filter sees,
	// ascending, as Version.Full spells them. id is in any case.
	VersionsOf(ctx context.Context, id string, v Filter) ([]string, error)

	// Nearest returns at most n packages that the filter sees and whose IDs
	// resemble id, the likeliest first, without the package of that very ID.
	Nearest(ctx context.Context, id string, v Filter, n int) ([]Hit, error)

	// PackageTypes returns the types of the feed's listed packages, each once,
	// ascending without case.
	PackageTypes(ctx context.Context) ([]string, error)

	// DownloadsTotal returns all downloads of the feed, as far as they were
	// written and the index knows; 0 until it is built. It does not wait.
	DownloadsTotal() uint64

	// Await brings the index up to the event seq, which is committed, so that
	// the act that made it pays and not the next question. It returns at once
	// while the index is not built yet. An error says that this did not come to
	// its end, and is no reason to fail the act: questions catch up themselves.
	Await(ctx context.Context, seq uint64) error

	// AddDownloads says which counts were just added to the store; of each the
	// ID is looked at. What cannot be read now is read before the next answer.
	// Counts are no events: those that another process adds are not noticed
	// until this index is built anew.
	AddDownloads(counts []DownloadCount)

	// Start builds the index in the background, again and again until that
	// succeeds. It is called at most once. An index that was not started is
	// built by the first question.
	Start()

	// Close ends what runs in the background, and returns when it has ended. It
	// is called once, and no Start after it.
	Close()
}

// A Query asks for packages of a feed.
type Query struct {
	Text string // in the language of PROTO-4.2; nothing is every package

	// Skip and Take choose the hits that are returned. Skip has no upper limit
	// Take is bounded by the caller; negative ones count as 0. With
	// Take 0 the hits are only counted.
	Skip, Take int

	Filter      Filter
	PackageType string    // only packages of this type, in any case; empty: any
	Owner       AccountNo // only packages that this account owns; 0: any
	Sort        Sort
}

// Sort is the order of hits. Equals are ordered by ID.
type Sort uint8

// The orders of results; others are not offered (R-SRCH-03).
const (
	ByRelevance Sort = iota // by score (R-SRCH-02); without a text to compare, ByDownloads
	ByDownloads             // most downloads first
	ByRecent                // latest push of the version shown first
)

// Results are what a Search found.
type Results struct {
	Total int // packages that match, exact
	Hits  []Hit

	// Snapshot is another number whenever any answer to any query of the feed
	// may be another, and never one of an earlier run of the program.
	Snapshot uint64
}

// A Hit is a package that a Search found. It must not be changed, and neither
// must what it points to, which it shares with the index.
type Hit struct {
	Card      *Card
	Face      *Face         // of Card, of the version that the filter shows
	Versions  []CardVersion // those of Card that the filter sees, ascending; never empty
	Downloads uint64        // of all versions, as far as they have been written
	Exact     bool          // the text of the query is its ID

	Counts []VersionCount // the parts of Downloads, ascending by Version
	Score  uint64         // hits are ordered by it, the highest first
}

// A VersionCount is how often one version was downloaded.
type VersionCount struct {
	Version string // nuget.Version.Key
	Total   uint64
}

// VersionDownloads returns the downloads of one version, as far as they have
// been written.
func (h *Hit) VersionDownloads(v nuget.Version) uint64 {
	i, found := slices.BinarySearchFunc(h.Counts, v.Key(), func(c VersionCount, key string) int { return cmp.Compare(c.Version, key) })
	if !found {
		return 0
	}
	return h.Counts[i].Total
}

// index returns the search index of f.
func (g *Gallery) index(f *Feed) Index { return g.indexes[f.Number] }

// Search returns the packages that match. It reads memory only, except for the
// number of the feed's last event and the name of an owner, and waits while the
// index is being built or is behind; when ctx ends before that, the error is
// Unavailable.
func (g *Gallery) Search(ctx context.Context, f *Feed, q Query) (Results, error) {
	return g.index(f).Search(ctx, q)
}

// SearchState is Index.State of a feed.
func (g *Gallery) SearchState(ctx context.Context, f *Feed) DocState { return g.index(f).State(ctx) }

// Autocomplete returns the IDs of the packages whose ID holds the words of
// q.Text, which is no query but the beginning of an ID (PROTO-5). The ID
// that is the text comes first, then those that begin with it, for clients drop
// all others; Sort and Owner are not looked at. Errors are Search's.
func (g *Gallery) Autocomplete(ctx context.Context, f *Feed, q Query) (total int, ids []string, err error) {
	return g.index(f).Autocomplete(ctx, q)
}

// VersionsOf returns the listed versions of a package that the filter sees,
// ascending, with their metadata; none when the ID is unknown (PROTO-5).
// Errors are Search's.
func (g *Gallery) VersionsOf(ctx context.Context, f *Feed, id string, v Filter) ([]string, error) {
	return g.index(f).VersionsOf(ctx, id, v)
}

// Nearest returns at most n packages whose IDs resemble id, the likeliest
// first: what a page that found nothing offers instead. The package of that
// very ID is not among them. Errors are Search's.
func (g *Gallery) Nearest(ctx context.Context, f *Feed, id string, v Filter, n int) ([]Hit, error) {
	return g.index(f).Nearest(ctx, id, v, n)
}

// PackageTypes returns the package types of the listed packages of a feed, in
// order without case, as packages spell them. Errors are Search's.
func (g *Gallery) PackageTypes(ctx context.Context, f *Feed) ([]string, error) {
	return g.index(f).PackageTypes(ctx)
}
