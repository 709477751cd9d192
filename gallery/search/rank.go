package search

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"

	"nougat/gallery"
)

// The scores that order results (R-SRCH-02). A package's score depends on the query and on the package
// alone, never on the other packages, so that it is the same today and
// tomorrow, and the goldens in testdata/ranking say why a package is where it
// is. It is downloadBoost and one of:
//
//   - exactBoost, when the query is the ID;
//   - beginningBoost and closeness, when the ID begins with the query, which
//     has a separator: what is asked for is then an ID, and texts mean nothing;
//   - the mean over the clauses of what they are worth, and startBoost when the
//     ID begins with the query.
//
// A word is worth its best field and a tenth of its other fields, which tell
// packages apart and cannot lift one that repeats itself over one with more
// downloads.
const (
	idWeight          = 1000
	titleWeight       = 500
	tagsWeight        = 600
	authorsWeight     = 250
	summaryWeight     = 200
	descriptionWeight = 200
	otherPercent      = 10

	idBonus   = 300 // shared by the parts of an ID that has the word: a short ID is more about it
	closeness = 300 // of it, as much as the query is of the ID

	prefixPercent = 60 // of a word that only begins so
	partsPercent  = 80 // of a word that is only there in parts

	downloadWeight = 40 // for each doubling of the downloads

	exactBoost     = 1 << 24
	beginningBoost = 1 << 20
	startBoost     = 100
)

// fieldWeights is what each set of fields is worth.
var fieldWeights = func() (weights [allFields + 1]uint16) {
	for fields := range weights {
		best, sum := 0, 0
		for bit, weight := range map[int]int{
			fieldID: idWeight, fieldTitle: titleWeight, fieldTags: tagsWeight,
			fieldAuthors: authorsWeight, fieldSummary: summaryWeight, fieldDescription: descriptionWeight,
		} {
			if fields&bit != 0 {
				best, sum = max(best, weight), sum+weight
			}
		}
		weights[fields] = uint16(best + (sum-best)*otherPercent/100)
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
// 100 downloads are worth 262, a million 796.
func downloadBoost(downloads uint64) uint64 {
	n := downloads + 1
	whole := bits.Len64(n) - 1
	sixteenths := n << (63 - whole) << 1 >> 60
	return (uint64(whole)*16 + sixteenths) * downloadWeight / 16
}

// A ranker gives the packages of one segment the numbers by which hits are
// ordered, the higher the earlier.
type ranker struct {
	seg    *segment
	by     gallery.Sort
	view   int
	lo, hi uint32 // packages whose IDs begin with the query
	exact  uint32 // the one that is it, or hi
	length int    // of the query, when what begins with it is all that counts; else 0
}

// newRanker returns the ranker of a query; relevance says that the query has
// something to be relevant to.
func newRanker(seg *segment, p *parsedQuery, by gallery.Sort, relevance bool, view int) ranker {
	r := ranker{seg: seg, by: by, view: view}
	if by == gallery.ByRelevance && !relevance {
		r.by = gallery.ByDownloads
	}
	if r.by == gallery.ByRelevance && p.beginning != "" {
		lo, hi := seg.docs(p.beginning)
		r.lo, r.hi, r.exact = uint32(lo), uint32(hi), uint32(hi)
		if lo < hi && p.exact != "" && seg.keys[lo] == p.exact {
			r.exact = r.lo
		}
		if p.ofID {
			r.length = len(p.beginning)
		}
	}
	return r
}

func (r *ranker) score(m match) uint64 {
	switch r.by {
	case gallery.ByRecent:
		return r.seg.recent[m.doc][r.view]
	case gallery.ByDownloads:
		return r.seg.totals[m.doc].Load()
	}
	score := downloadBoost(r.seg.totals[m.doc].Load())
	switch {
	case m.doc < r.lo || m.doc >= r.hi:
		return score + uint64(m.score)
	case m.doc == r.exact:
		return score + exactBoost
	case r.length > 0:
		return score + beginningBoost + uint64(closeness*r.length/len(r.seg.keys[m.doc]))
	}
	return score + uint64(m.score) + startBoost
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
