package gallery

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Scores (R-SRCH-02). A package's score depends on the query and on the package
// alone, never on the other packages, so that it is the same today and
// tomorrow, and the goldens in testdata/ranking say why a package is where it
// is:
//
//	the mean over the clauses of what the fields with the word are worth
//	+ downloadBoost
//	+ exactBoost, beginningBoost or startBoost
const (
	idWeight          = 1000 // a word of the ID
	idBonus           = 600  // shared by the parts of the ID: a short ID that has the word is about it
	titleWeight       = 400
	tagsWeight        = 400
	authorsWeight     = 200
	summaryWeight     = 150
	descriptionWeight = 150

	prefixPercent = 60 // of a word that only begins so
	partsPercent  = 80 // of a word that is only there in parts

	downloadWeight = 30 // for each doubling of the downloads

	exactBoost     = 1 << 24 // the query is the ID
	beginningBoost = 1 << 20 // the ID begins with the query, which has a separator
	startBoost     = 300     // the ID begins with the query, which has none
)

// fieldWeights is what each set of fields is worth.
var fieldWeights = func() (weights [allFields + 1]uint16) {
	for fields := range weights {
		for bit, weight := range map[int]uint16{
			fieldID: idWeight, fieldTitle: titleWeight, fieldTags: tagsWeight,
			fieldAuthors: authorsWeight, fieldSummary: summaryWeight, fieldDescription: descriptionWeight,
		} {
			if fields&bit != 0 {
				weights[fields] += weight
			}
		}
	}
	return weights
}()

// weight is what a package has for a word in these fields.
func (m *matcher) weight(fields, doc uint32) uint32 {
	return uint32(fieldWeights[fields&allFields]) + fields&fieldID*uint32(m.seg.bonus[doc]) // fieldID is 1
}

func (m *matcher) scoreOf(fields, doc uint32, prefix bool) uint32 {
	w := m.weight(fields, doc)
	if prefix {
		return w * prefixPercent / 100
	}
	return w
}

// downloadBoost grows by downloadWeight with each doubling, evenly in between:
// 100 downloads are worth 198, a million 597.
func downloadBoost(downloads uint64) uint64 {
	n := downloads + 1
	whole := bits.Len64(n) - 1
	sixteenths := n << (63 - whole) << 1 >> 60
	return (uint64(whole)*16 + sixteenths) * downloadWeight / 16
}

// A ranker gives the packages of one segment the numbers by which hits are
// ordered, the higher the earlier.
type ranker struct {
	seg           *segment
	by            Sort
	view          int
	lo, hi, exact uint32 // packages whose IDs begin with the query; the one that is it, or hi
	boost         uint64 // for those that begin so
}

// newRanker returns the ranker of a query; relevance says that the query has
// something to be relevant to.
func newRanker(seg *segment, p *parsedQuery, by Sort, relevance bool, view int) ranker {
	r := ranker{seg: seg, by: by, view: view, boost: p.boost}
	if by == ByRelevance && !relevance {
		r.by = ByDownloads
	}
	if r.by == ByRelevance && p.beginning != "" {
		lo, hi := seg.docs(p.beginning)
		r.lo, r.hi, r.exact = uint32(lo), uint32(hi), uint32(hi)
		if lo < hi && p.exact != "" && seg.keys[lo] == p.exact {
			r.exact = r.lo
		}
	}
	return r
}

func (r *ranker) score(m match) uint64 {
	switch r.by {
	case ByRecent:
		return r.seg.recent[m.doc][r.view]
	case ByDownloads:
		return r.seg.totals[m.doc].Load()
	}
	score := uint64(m.score) + downloadBoost(r.seg.totals[m.doc].Load())
	switch {
	case m.doc < r.lo || m.doc >= r.hi:
		return score
	case m.doc == r.exact:
		return score + exactBoost
	}
	return score + r.boost
}

// A candidate is a package that may be a hit.
type candidate struct {
	score uint64
	part  int
	doc   uint32
}

// A collector keeps the best candidates of a query: higher scores first, then
// by ID. It holds at most a few more than were asked for.
type collector struct {
	parts []part
	keep  int // how many matter
	total int // how many came
	best  []candidate
	floor candidate // when full, nothing from here on matters
	full  bool
}

// reset makes the collector ready for another query.
func (c *collector) reset(parts []part, keep int) {
	*c = collector{parts: parts, keep: keep, best: c.best[:0], full: keep == 0}
	if c.full {
		c.floor = candidate{score: math.MaxUint64}
	}
}

func (c *collector) compare(a, b candidate) int {
	switch {
	case a.score != b.score:
		return cmp.Compare(b.score, a.score)
	case a.part == b.part:
		return cmp.Compare(a.doc, b.doc) // the order of IDs
	}
	return strings.Compare(c.parts[a.part].seg.keys[a.doc], c.parts[b.part].seg.keys[b.doc])
}

// add offers a candidate. The packages of a part come in their order, so that
// of equal ones in one part the first stays.
func (c *collector) add(score uint64, part int, doc uint32) {
	c.total++
	if c.full && (score < c.floor.score || score == c.floor.score && part == c.floor.part) {
		return
	}
	c.keepBest(candidate{score, part, doc})
}

func (c *collector) keepBest(x candidate) {
	if c.full && c.compare(x, c.floor) >= 0 {
		return
	}
	c.best = append(c.best, x)
	if len(c.best) >= 2*c.keep+64 {
		slices.SortFunc(c.best, c.compare)
		c.best = c.best[:c.keep]
		c.floor, c.full = c.best[c.keep-1], true
	}
}

// window returns the candidates from skip on, in order.
func (c *collector) window(skip int) []candidate {
	slices.SortFunc(c.best, c.compare)
	c.best = c.best[:min(len(c.best), c.keep)]
	return c.best[min(max(skip, 0), len(c.best)):]
}
