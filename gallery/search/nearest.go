package search

import (
	"context"
	"math"
	"math/bits"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
)

// Nearest is Gallery.Nearest. An ID resembles another when few letters differ,
// or when they share half of their parts. Every ID of the feed is looked at,
// most of them for a nanosecond.
func (ix *index) Nearest(ctx context.Context, id string, v gallery.Filter, n int) ([]gallery.Hit, error) {
	s, err := ix.current(ctx)
	if err != nil {
		return nil, err
	}
	key := nuget.FoldID(strings.TrimSpace(id))
	if key == "" || len(key) > maxWord || n <= 0 {
		return nil, nil
	}
	w := ix.searchers.Get().(*searcher)
	defer ix.searchers.Put(w)
	w.collector.reset(s.parts, n)
	view := v.Index()
	alike := newResemblance(key, id)
	for i := range s.parts {
		x := &s.parts[i]
		w.matcher.reset(x.seg, view)
		shared := w.matcher.shareParts(alike.parts)
		for doc, other := range x.seg.keys {
			if x.seg.views[doc]&(1<<view) == 0 || x.dead.has(doc) {
				continue
			}
			if like := alike.to(other, int(shared[doc]), idBonus/int(x.seg.bonus[doc])); like > 0 {
				downloads := min(x.seg.totals[doc].Load(), math.MaxUint32)
				w.collector.add(uint64(like)<<32|downloads, i, uint32(doc))
			}
		}
		clear(shared)
	}
	window := w.collector.window(0)
	hits := make([]gallery.Hit, len(window))
	for i, c := range window {
		ix.fillHit(&hits[i], s, c, v)
	}
	return hits, nil
}

// shareParts returns for each package how many of the parts its ID has. The
// caller clears the result.
func (m *matcher) shareParts(parts []string) []byte {
	acc := m.acc[:len(m.seg.keys)]
	for _, part := range parts {
		for _, p := range m.seg.exact(part) {
			if p&m.bit != 0 && p&fieldID != 0 {
				acc[p>>docShift]++
			}
		}
	}
	return acc
}

// A resemblance compares IDs with one.
type resemblance struct {
	key     string
	parts   []string // distinct
	letters uint64
	edits   int // at most so many letters differ
	rows    [3][maxWord + 1]int
}

func newResemblance(key, spelled string) *resemblance {
	r := &resemblance{key: key, letters: letterSet(key), edits: min(1+len(key)/5, 4)}
	seen := make(map[string]bool)
	add := func(part []byte) {
		if !seen[string(part)] && len(r.parts) < maxQueryWords {
			seen[string(part)] = true
			r.parts = append(r.parts, string(part))
		}
	}
	var w wordCutter
	w.each(spelled, func(word []byte, cuts []int) { eachPart(word, cuts, add) })
	return r
}

// to returns how much a folded ID with so many parts, some of them shared,
// resembles the one: 1,000 is the most, 0 not at all.
func (r *resemblance) to(other string, shared, parts int) int {
	like := 0
	if both := parts + len(r.parts); shared > 0 && 4*shared >= both {
		like = 1800 * shared / both
	}
	if d := r.distance(other); d <= r.edits {
		if d == 0 {
			return 0
		}
		like = max(like, 1000-1000*d/max(len(other), len(r.key)))
	}
	return min(like, 1000)
}

// letterSet marks the letters of s; one edit changes at most two marks.
func letterSet(s string) uint64 {
	var set uint64
	for i := 0; i < len(s); i++ {
		set |= 1 << (s[i] & 63)
	}
	return set
}

// distance returns how many letters must be added, dropped, changed or swapped
// with their neighbour to make one ID the other, or more than r.edits.
func (r *resemblance) distance(other string) int {
	a, b, most := r.key, other, r.edits
	if len(b) > maxWord || max(len(a)-len(b), len(b)-len(a)) > most ||
		bits.OnesCount64(r.letters^letterSet(b)) > 2*most {
		return most + 1
	}
	two, one, row := &r.rows[0], &r.rows[1], &r.rows[2]
	for j := range len(b) + 1 {
		one[j] = j
	}
	for i := 1; i <= len(a); i++ {
		// Only a band around the diagonal can stay within the limit.
		lo, hi := max(1, i-most), min(len(b), i+most)
		row[lo-1] = most + 1
		if lo == 1 {
			row[0] = i
		}
		least := row[lo-1]
		for j := lo; j <= hi; j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			d := min(one[j-1]+change, row[j-1]+1)
			if j < i+most { // the row before has it
				d = min(d, one[j]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, two[j-2]+1)
			}
			row[j] = d
			least = min(least, d)
		}
		if least > most {
			return most + 1
		}
		two, one, row = one, row, two
	}
	return one[len(b)]
}
