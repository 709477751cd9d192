package search

import (
	"encoding/binary"
	"math"
	"slices"

	"nougat/gallery"
)

// A match is a package of a segment that meets a clause, and how well.
type match struct{ doc, score uint32 }

// A matcher finds the packages of one segment that meet a query in one view. It
// keeps its scratch memory from query to query. Lists of matches ascend by
// package.
type matcher struct {
	seg   *segment
	view  int
	bit   uint32 // of the view, in a posting
	acc   []byte // by package: fields; all zero between uses
	spare [][]match
	faces []gallery.Face
}

// reset turns to a segment and a view.
func (m *matcher) reset(s *segment, view int) {
	m.seg, m.view, m.bit = s, view, 1<<(viewShift+view)
	if len(m.acc) < len(s.keys)+8 {
		m.acc = make([]byte, len(s.keys)+8)
	}
}

// list lends an empty list; done takes it back.
func (m *matcher) list() []match {
	if n := len(m.spare); n > 0 {
		l := m.spare[n-1]
		m.spare = m.spare[:n-1]
		return l[:0]
	}
	return make([]match, 0, 64)
}

func (m *matcher) done(l []match) { m.spare = append(m.spare, l) }

// Everything that follows looks only among some matches, or, where from is
// nil, among all packages.

// all returns the packages that meet every clause, of which there is one at
// least, with the mean of their scores.
func (m *matcher) all(clauses []clause) []match {
	// The rarest clause first: it bounds the work of the others.
	var sizes [2 * maxQueryWords]int
	var order [2 * maxQueryWords]int
	n, scored := 0, uint32(0)
	for i := range clauses {
		size := m.clauseSize(&clauses[i])
		at := n
		for at > 0 && sizes[at-1] > size {
			sizes[at], order[at] = sizes[at-1], order[at-1]
			at--
		}
		sizes[at], order[at] = size, i
		n++
		if !clauses[i].filter {
			scored++
		}
	}
	var found []match
	for i, at := range order[:n] {
		next := m.any(&clauses[at], found)
		if i > 0 {
			addScores(next, found)
			m.done(found)
		}
		found = next
	}
	if scored > 1 {
		for i := range found {
			found[i].score /= scored
		}
	}
	return found
}

// addScores adds to each match its score in before, which holds all of them.
func addScores(matches, before []match) {
	at := 0
	for i := range matches {
		for before[at].doc != matches[i].doc {
			at++
		}
		matches[i].score += before[at].score
	}
}

// any returns the packages that have one of the clause's values.
func (m *matcher) any(c *clause, from []match) []match {
	found := m.value(&c.values[0], c.fields, from)
	for i := range c.values[1:] {
		found = m.either(found, m.value(&c.values[1+i], c.fields, from))
	}
	return found
}

// either returns what is in a or b, with the higher score.
func (m *matcher) either(a, b []match) []match {
	if len(a) == 0 {
		m.done(a)
		return b
	}
	if len(b) == 0 {
		m.done(b)
		return a
	}
	out := m.list()
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		switch {
		case a[i].doc < b[j].doc:
			out = append(out, a[i])
			i++
		case a[i].doc > b[j].doc:
			out = append(out, b[j])
			j++
		default:
			out = append(out, match{a[i].doc, max(a[i].score, b[j].score)})
			i, j = i+1, j+1
		}
	}
	out = append(append(out, a[i:]...), b[j:]...)
	m.done(a)
	m.done(b)
	return out
}

// value returns the packages that have a value.
func (m *matcher) value(v *queryValue, fields uint32, from []match) []match {
	switch {
	case v.key != "":
		return m.byID(v.key, from)
	case v.marked != "":
		return m.scan(m.seg.exact(v.marked), fields, false, from)
	}
	found := m.words(v.words, fields, from)
	if v.phrase {
		found = slices.DeleteFunc(found, func(x match) bool { return !m.hasPhrase(int(x.doc), v.words, fields) })
	}
	return found
}

// byID returns the package with a folded ID.
func (m *matcher) byID(key string, from []match) []match {
	found := m.list()
	doc, ok := m.seg.doc(key)
	if !ok || m.seg.views[doc]&(1<<m.view) == 0 {
		return found
	}
	if from != nil {
		if _, ok := slices.BinarySearchFunc(from, uint32(doc), func(x match, doc uint32) int { return int(x.doc) - int(doc) }); !ok {
			return found
		}
	}
	return append(found, match{uint32(doc), m.weight(fieldID, uint32(doc))})
}

// words returns the packages that have every word, with the mean score.
func (m *matcher) words(words []queryWord, fields uint32, from []match) []match {
	found := m.word(&words[0], fields, from)
	for i := range words[1:] {
		next := m.word(&words[1+i], fields, found)
		addScores(next, found)
		m.done(found)
		found = next
	}
	if len(words) > 1 {
		for i := range found {
			found[i].score /= uint32(len(words))
		}
	}
	return found
}

// word returns the packages that have a word as a whole or, for a little less,
// all its parts.
func (m *matcher) word(w *queryWord, fields uint32, from []match) []match {
	found := m.text(w.whole, w.prefix, fields, from)
	if len(w.parts) == 0 {
		return found
	}
	// The rarest part first.
	last, first, size := len(w.parts)-1, 0, math.MaxInt
	for i, part := range w.parts {
		if n := m.textSize(part, w.prefix && i == last); n < size {
			first, size = i, n
		}
	}
	parts := m.text(w.parts[first], w.prefix && first == last, fields, from)
	for i, part := range w.parts {
		if i == first {
			continue
		}
		next := m.text(part, w.prefix && i == last, fields, parts)
		addScores(next, parts)
		m.done(parts)
		parts = next
	}
	for i := range parts {
		parts[i].score = parts[i].score / uint32(len(w.parts)) * partsPercent / 100
	}
	return m.either(found, parts)
}

// text returns the packages that have a word in one of the fields, or, for a
// prefix, a word that begins with it.
func (m *matcher) text(w string, prefix bool, fields uint32, from []match) []match {
	exact := m.seg.exact(w)
	if !prefix {
		return m.scan(exact, fields, false, from)
	}
	posts, sorted := m.seg.beginning(w)
	if len(posts) == len(exact) {
		return m.scan(exact, fields, false, from) // nothing but the word begins with it
	}
	var found []match
	if sorted {
		found = m.scan(posts, fields, true, from)
	} else {
		found = m.gather(posts, fields, from)
	}
	if len(exact) == 0 {
		return found
	}
	return m.either(found, m.scan(exact, fields, false, from))
}

// scan returns the packages of ascending postings.
func (m *matcher) scan(posts []uint32, fields uint32, prefix bool, from []match) []match {
	if from != nil {
		return m.meet(posts, fields, prefix, from)
	}
	found := m.list()
	for _, p := range posts {
		if p&m.bit != 0 && p&fields != 0 {
			doc := p >> docShift
			found = append(found, match{doc, m.scoreOf(p&fields, doc, prefix)})
		}
	}
	return found
}

// meet returns the packages of ascending postings that are among from, leaping
// over long stretches of postings in between.
func (m *matcher) meet(posts []uint32, fields uint32, prefix bool, from []match) []match {
	found := m.list()
	at := 0
	for _, x := range from {
		lowest := x.doc << docShift
		for steps := 0; at < len(posts) && posts[at] < lowest; at++ {
			if steps++; steps > 8 {
				at += leap(posts[at:], lowest)
				break
			}
		}
		for ; at < len(posts) && posts[at]>>docShift == x.doc; at++ {
			if p := posts[at]; p&m.bit != 0 && p&fields != 0 {
				found = append(found, match{x.doc, m.scoreOf(p&fields, x.doc, prefix)})
			}
		}
	}
	return found
}

// leap returns where in ascending postings the first is that is not below
// lowest, in steps that double.
func leap(posts []uint32, lowest uint32) int {
	step := 1
	for step < len(posts) && posts[step] < lowest {
		step *= 2
	}
	at, _ := slices.BinarySearch(posts[step/2:min(step+1, len(posts))], lowest)
	return step/2 + at
}

// gather returns the packages of the postings of several words, taken as those
// of one that is found as a prefix.
func (m *matcher) gather(posts []uint32, fields uint32, from []match) []match {
	acc := m.acc[:len(m.seg.keys)+8]
	for _, p := range posts {
		if p&m.bit != 0 {
			acc[p>>docShift] |= byte(p & fields)
		}
	}
	found := m.list()
	if from != nil {
		for _, x := range from {
			if f := acc[x.doc]; f != 0 {
				found = append(found, match{x.doc, m.scoreOf(uint32(f), x.doc, true)})
			}
		}
		clear(acc)
		return found
	}
	for i := 0; i < len(m.seg.keys); i += 8 {
		if binary.LittleEndian.Uint64(acc[i:]) == 0 {
			continue
		}
		for doc := i; doc < i+8; doc++ {
			if f := acc[doc]; f != 0 {
				found = append(found, match{uint32(doc), m.scoreOf(uint32(f), uint32(doc), true)})
			}
		}
	}
	clear(acc)
	return found
}

// clauseSize is about how many postings a clause reads.
func (m *matcher) clauseSize(c *clause) int {
	sum := 0
	for i := range c.values {
		v := &c.values[i]
		switch {
		case v.key != "":
			sum++
		case v.marked != "":
			sum += len(m.seg.exact(v.marked))
		default:
			size := math.MaxInt
			for j := range v.words {
				size = min(size, m.wordSize(&v.words[j]))
			}
			sum += size
		}
	}
	return sum
}

func (m *matcher) wordSize(w *queryWord) int {
	size := m.textSize(w.whole, w.prefix)
	if len(w.parts) > 0 {
		least := math.MaxInt
		for i, part := range w.parts {
			least = min(least, m.textSize(part, w.prefix && i == len(w.parts)-1))
		}
		size += least
	}
	return size
}

func (m *matcher) textSize(w string, prefix bool) int {
	if prefix {
		posts, _ := m.seg.beginning(w)
		return len(posts)
	}
	return len(m.seg.exact(w))
}

// hasPhrase reports whether the words stand next to each other in one of the
// fields. It reads the package's texts: only packages that have all the words
// get here.
func (m *matcher) hasPhrase(doc int, words []queryWord, fields uint32) bool {
	card := m.seg.cards[doc]
	if fields&fieldID != 0 && hasPhrase(readCardID(card), words) {
		return true
	}
	f, shown := readFace(card, m.view, &m.faces)
	if !shown {
		return false
	}
	if fields&fieldTags != 0 {
		for _, tag := range f.Tags {
			if hasPhrase(tag, words) {
				return true
			}
		}
	}
	return fields&fieldTitle != 0 && hasPhrase(f.Title, words) ||
		fields&fieldAuthors != 0 && hasPhrase(f.Authors, words) ||
		fields&fieldSummary != 0 && hasPhrase(f.Summary, words) ||
		fields&fieldDescription != 0 && hasPhrase(f.Description, words)
}
