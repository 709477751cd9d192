package search

import (
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"time"

	"nougat/gallery"
)

// A segment is an immutable index of some packages: sorted words, and for each
// word its postings. All of it lies in a few long slices without pointers, so
// that 20,000 packages cost the garbage collector next to nothing. Packages are
// numbered from 0 in the order of their folded IDs.
type segment struct {
	keys   []string    // folded IDs, ascending
	cards  []string    // appendCard
	views  []uint8     // the filters that show the package, here called views: a bit for each Filter.Index
	bonus  []uint16    // what a word of the ID adds to a score
	recent [][4]uint64 // when the version that a view shows was published (recency)

	// totals are the downloads. They change: they are stored by who holds the
	// index's mu, and read by every query.
	totals []atomic.Uint64

	// read are cards that were hits, see index.card; nil for most. Every query
	// loads and stores them.
	read []atomic.Pointer[gallery.Card]

	text   string   // all words, ascending, one behind the other
	ends   []uint32 // where each word ends in text
	starts []uint32 // where the postings of each word begin in posts, and, last, the end
	posts  []uint32 // see posting
	heavy  map[string][]uint32
}

// A posting says in one number which package has the word (21 bits), in which
// views (4 bits) and in which fields (7 bits). The postings of a word ascend. A
// package has more than one posting of a word when its views find the word in
// different fields; no view is in two of them.
func posting(doc int, views, fields uint32) uint32 {
	return uint32(doc)<<docShift | views<<viewShift | fields
}

const (
	viewShift = 7
	docShift  = 11
	maxDocs   = 1 << (32 - docShift)
)

// The fields of a posting.
const (
	fieldID = 1 << iota
	fieldTitle
	fieldTags
	fieldAuthors
	fieldSummary
	fieldDescription
	fieldMark // a marked word: owner, type or version

	textFields = fieldMark - 1
	allFields  = 2*fieldMark - 1
)

// Marked words hold what is matched whole: they begin with a byte that no word
// of a text begins with.
const (
	markOwner   = "\x01o" // and the number of the account
	markTag     = "\x01t" // and the whole tag in lower case; in fieldTags
	markType    = "\x01y" // and the package type in lower case
	markVersion = "\x01v" // and Version.Key of the version shown
)

// recency is a time as a number that orders as it does, from year 1.
func recency(t time.Time) uint64 {
	const yearOne = 62135596800 // seconds before 1970
	if t.Unix() < -yearOne {
		return 0
	}
	return uint64(t.Unix()+yearOne)*1e7 + uint64(t.Nanosecond()/100)
}

func (s *segment) word(i int) string {
	start := uint32(0)
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.text[start:s.ends[i]]
}

// at returns the number of the first word that is not before w.
func (s *segment) at(w string) int {
	return sort.Search(len(s.ends), func(i int) bool { return s.word(i) >= w })
}

// exact returns the postings of a word.
func (s *segment) exact(w string) []uint32 {
	if i := s.at(w); i < len(s.ends) && s.word(i) == w {
		return s.posts[s.starts[i]:s.starts[i+1]]
	}
	return nil
}

// beginning returns the postings of all words that begin with prefix, word
// after word; sorted is true when they ascend as those of one word do.
func (s *segment) beginning(prefix string) (posts []uint32, sorted bool) {
	if posts, ok := s.heavy[prefix]; ok {
		return posts, true
	}
	lo := s.at(prefix)
	n := sort.Search(len(s.ends)-lo, func(i int) bool { return !strings.HasPrefix(s.word(lo+i), prefix) })
	return s.posts[s.starts[lo]:s.starts[lo+n]], n <= 1
}

// doc returns the number of the package with that folded ID.
func (s *segment) doc(key string) (int, bool) { return slices.BinarySearch(s.keys, key) }

// docs returns the numbers, from lo to before hi, of the packages whose folded
// IDs begin with prefix.
func (s *segment) docs(prefix string) (lo, hi int) {
	lo = sort.SearchStrings(s.keys, prefix)
	n := sort.Search(len(s.keys)-lo, func(i int) bool { return !strings.HasPrefix(s.keys[lo+i], prefix) })
	return lo, lo + n
}

// Words that begin alike are heavy when a query for their beginning would have
// to read many postings. Their union is then kept beside them, which bounds the
// cost of the last word of a query: "m" costs what one common word does.
const (
	heavyPrefix   = 3    // longest beginning that is looked at, in bytes
	heavyPostings = 4096 // fewer are read faster than anybody notices
)

// findHeavy fills s.heavy.
func (s *segment) findHeavy() {
	if len(s.posts) < heavyPostings {
		return
	}
	s.heavy = make(map[string][]uint32)
	acc := make([]uint32, len(s.keys))
	for length := 1; length <= heavyPrefix; length++ {
		for lo := 0; lo < len(s.ends); {
			if w := s.word(lo); len(w) < length || w[0] < '0' || w[length-1] >= 0x80 {
				lo++ // too short, marked, or cut inside a character
				continue
			}
			prefix := s.word(lo)[:length]
			hi := lo + 1
			for hi < len(s.ends) && strings.HasPrefix(s.word(hi), prefix) {
				hi++
			}
			if posts := s.posts[s.starts[lo]:s.starts[hi]]; len(posts) >= heavyPostings {
				if u := union(posts, acc); 2*len(u) <= len(posts) {
					s.heavy[strings.Clone(prefix)] = u
				}
			}
			lo = hi
		}
	}
}

// union returns the postings of several words as if they were one word. acc has
// a zero for each package, before and after.
func union(posts []uint32, acc []uint32) []uint32 {
	for _, p := range posts {
		acc[p>>docShift] |= spread(p>>viewShift&15) * (p & allFields)
	}
	n := 0
	for _, a := range acc {
		if a != 0 {
			n++
		}
	}
	out := make([]uint32, 0, n)
	for doc, a := range acc {
		if a != 0 {
			out = appendPostings(out, doc, a)
			acc[doc] = 0
		}
	}
	return out
}

// spread turns a set of views into the byte 1 for each, so that a product with
// fields puts these into the bytes of the views.
func spread(views uint32) uint32 {
	return views&1 | views&2<<7 | views&4<<14 | views&8<<21
}

// appendPostings appends the postings of a package that has a word in the
// fields of a, one byte a view.
func appendPostings(dst []uint32, doc int, a uint32) []uint32 {
	for v := 0; a != 0; v++ {
		fields := a >> (8 * v) & 0xff
		if fields == 0 {
			continue
		}
		views := uint32(0)
		for i := v; i < 4; i++ {
			if a>>(8*i)&0xff == fields {
				views |= 1 << i
				a &^= 0xff << (8 * i)
			}
		}
		dst = append(dst, posting(doc, views, fields))
	}
	return dst
}

// A segmentBuilder makes a segment of cards that are added in the order of
// their folded IDs.
type segmentBuilder struct {
	seg     *segment
	cutter  wordCutter
	numbers map[string]uint32 // of words, in the order in which they came
	words   []string
	acc     []uint32 // by word: the fields of the package being added, a byte a view
	touched []uint32 // words of that package
	found   []foundWord
	posts   []uint32 // of one word of one package
	mark    []byte
	packed  []byte
}

type foundWord struct{ word, posting uint32 }

// fewWords is room for the words of one small package: an event mostly brings one.
const fewWords = 64

func newSegmentBuilder() *segmentBuilder {
	return &segmentBuilder{
		seg: new(segment), numbers: make(map[string]uint32), words: make([]string, 0, fewWords), acc: make([]uint32, 0, fewWords),
		touched: make([]uint32, 0, fewWords), found: make([]foundWord, 0, fewWords),
	}
}

// add adds a card. One that shows nothing in any view is left out.
func (b *segmentBuilder) add(c *gallery.Card) {
	var views uint8
	var recent [4]uint64
	perFace := make([]uint32, len(c.Faces)) // views, spread
	for v, at := range c.Shown {
		if at >= 0 {
			views |= 1 << v
			perFace[at] |= 1 << (8 * v)
			recent[v] = recency(c.Faces[at].Published)
		}
	}
	if views == 0 {
		return
	}
	doc, s := len(b.seg.keys), b.seg
	s.keys = append(s.keys, c.ID.Key())
	b.packed = appendCard(b.packed[:0], c)
	s.cards = append(s.cards, string(b.packed))
	s.views = append(s.views, views)
	s.recent = append(s.recent, recent)

	all := spread(uint32(views))
	parts := b.addText(string(c.ID), all*fieldID)
	s.bonus = append(s.bonus, uint16(max(idBonus/max(parts, 1), 1)))
	for _, no := range c.Owners {
		b.addMarked(markOwner, ownerWord(no), all*fieldMark)
	}
	for i := range c.Faces {
		if perFace[i] != 0 {
			b.addFace(&c.Faces[i], perFace[i])
		}
	}
	for _, w := range b.touched {
		b.posts = appendPostings(b.posts[:0], doc, b.acc[w])
		for _, p := range b.posts {
			b.found = append(b.found, foundWord{w, p})
		}
		b.acc[w] = 0
	}
	b.touched = b.touched[:0]
}

func (b *segmentBuilder) addFace(f *gallery.Face, views uint32) {
	b.addText(f.Title, views*fieldTitle)
	b.addText(f.Authors, views*fieldAuthors)
	b.addText(f.Summary, views*fieldSummary)
	b.addText(f.Description, views*fieldDescription)
	for _, tag := range f.Tags {
		b.addText(tag, views*fieldTags)
		b.addMarked(markTag, foldWhole(tag), views*fieldTags)
	}
	for _, t := range f.Types {
		b.addMarked(markType, foldWhole(t), views*fieldMark)
	}
	if len(f.Types) == 0 {
		b.addMarked(markType, foldWhole(dependencyType), views*fieldMark)
	}
	b.addMarked(markVersion, f.Version.Key(), views*fieldMark)
}

// dependencyType is the type of packages that name none (PROTO-4).
const dependencyType = "Dependency"

// addText adds the words of a text and returns how many parts they have in all.
func (b *segmentBuilder) addText(text string, fields uint32) (parts int) {
	b.cutter.each(text, func(word []byte, cuts []int) {
		b.addWord(word, fields)
		parts++
		if len(cuts) > 0 {
			eachPart(word, cuts, func(part []byte) { b.addWord(part, fields) })
			parts += len(cuts)
		}
	})
	return parts
}

func (b *segmentBuilder) addMarked(mark, text string, fields uint32) {
	b.mark = append(append(b.mark[:0], mark...), text...)
	b.addWord(b.mark, fields)
}

func (b *segmentBuilder) addWord(word []byte, fields uint32) {
	n, ok := b.numbers[string(word)]
	if !ok {
		n = uint32(len(b.words))
		w := string(word)
		b.numbers[w] = n
		b.words = append(b.words, w)
		b.acc = append(b.acc, 0)
	}
	if b.acc[n] == 0 {
		b.touched = append(b.touched, n)
	}
	b.acc[n] |= fields
}

// segment returns what was added and must be the last call.
func (b *segmentBuilder) segment() *segment {
	s := b.seg
	order := make([]uint32, len(b.words)) // words as they sort
	size := 0
	for i, w := range b.words {
		order[i] = uint32(i)
		size += len(w)
	}
	slices.SortFunc(order, func(x, y uint32) int { return strings.Compare(b.words[x], b.words[y]) })

	// A counting sort: found ascends by package, so that each word's postings
	// do.
	next := make([]uint32, len(b.words)) // by word: where its next posting goes
	for _, f := range b.found {
		next[f.word]++
	}
	var text strings.Builder
	text.Grow(size)
	s.ends = make([]uint32, 0, len(order))
	s.starts = make([]uint32, 0, len(order)+1)
	at := uint32(0)
	for _, w := range order {
		text.WriteString(b.words[w])
		s.ends = append(s.ends, uint32(text.Len()))
		s.starts = append(s.starts, at)
		at, next[w] = at+next[w], at
	}
	s.starts = append(s.starts, at)
	s.text = text.String()
	s.posts = make([]uint32, at)
	for _, f := range b.found {
		s.posts[next[f.word]] = f.posting
		next[f.word]++
	}
	s.totals, s.read = make([]atomic.Uint64, len(s.keys)), make([]atomic.Pointer[gallery.Card], len(s.keys))
	s.findHeavy()
	return s
}

// docAt names a package by the segment, as one of a list, and its number there.
type docAt struct{ part, doc int }

// mergeParts makes one segment of the packages that live in several, and says
// where each came from. No folded ID may live in two of them. The downloads are
// left at zero.
func mergeParts(parts []part) (*segment, []docAt) {
	var from []docAt
	for p := range parts {
		for doc := range parts[p].seg.keys {
			if !parts[p].dead.has(doc) {
				from = append(from, docAt{p, doc})
			}
		}
	}
	key := func(d docAt) string { return parts[d.part].seg.keys[d.doc] }
	slices.SortFunc(from, func(x, y docAt) int { return strings.Compare(key(x), key(y)) })

	n := len(from)
	s := &segment{
		keys: make([]string, n), cards: make([]string, n), views: make([]uint8, n),
		bonus: make([]uint16, n), recent: make([][4]uint64, n),
		totals: make([]atomic.Uint64, n), read: make([]atomic.Pointer[gallery.Card], n),
	}
	const gone = ^uint32(0)
	renumber := make([][]uint32, len(parts))
	for p := range parts {
		renumber[p] = make([]uint32, len(parts[p].seg.keys))
		for doc := range renumber[p] {
			renumber[p][doc] = gone
		}
	}
	for doc, d := range from {
		old := parts[d.part].seg
		s.keys[doc], s.cards[doc], s.views[doc] = old.keys[d.doc], old.cards[d.doc], old.views[d.doc]
		s.bonus[doc], s.recent[doc] = old.bonus[d.doc], old.recent[d.doc]
		renumber[d.part][d.doc] = uint32(doc)
	}

	size, words, posts := 0, 0, 0
	for p := range parts {
		size, words, posts = size+len(parts[p].seg.text), max(words, len(parts[p].seg.ends)), posts+len(parts[p].seg.posts)
	}
	var text strings.Builder
	text.Grow(size)
	s.ends, s.starts = make([]uint32, 0, words), make([]uint32, 0, words+1)
	s.posts = make([]uint32, 0, posts)
	next := make([]int, len(parts)) // in each segment, the first word not yet merged
	for {
		w, ok := smallestWord(parts, next)
		if !ok {
			break
		}
		start, sources := len(s.posts), 0
		for p := range parts {
			old, i := parts[p].seg, next[p]
			if i == len(old.ends) || old.word(i) != w {
				continue
			}
			next[p]++
			sources++
			for _, post := range old.posts[old.starts[i]:old.starts[i+1]] {
				if doc := renumber[p][post>>docShift]; doc != gone {
					s.posts = append(s.posts, doc<<docShift|post&(1<<docShift-1))
				}
			}
		}
		if len(s.posts) == start {
			continue
		}
		if sources > 1 {
			slices.Sort(s.posts[start:])
		}
		text.WriteString(w)
		s.ends = append(s.ends, uint32(text.Len()))
		s.starts = append(s.starts, uint32(start))
	}
	s.starts = append(s.starts, uint32(len(s.posts)))
	s.text = strings.Clone(text.String())
	s.findHeavy()
	return s, from
}

func smallestWord(parts []part, next []int) (w string, ok bool) {
	for p := range parts {
		if s := parts[p].seg; next[p] < len(s.ends) {
			if candidate := s.word(next[p]); !ok || candidate < w {
				w, ok = candidate, true
			}
		}
	}
	return w, ok
}

// ownerWord is an account as a marked word names it.
func ownerWord(no gallery.AccountNo) string {
	return string([]byte{byte(no >> 24), byte(no >> 16), byte(no >> 8), byte(no)})
}

// foldWhole brings a tag or type to the form in which it is compared.
func foldWhole(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if len(s) > maxWord {
		s = s[:maxWord]
	}
	return s
}

// A bitset is a set of package numbers; nil is empty.
type bitset []uint64

func (b bitset) has(i int) bool { return b != nil && b[i>>6]&(1<<(i&63)) != 0 }

// with returns a copy, for n packages, that also holds i.
func (b bitset) with(i, n int) bitset {
	c := make(bitset, (n+63)/64)
	copy(c, b)
	c[i>>6] |= 1 << (i & 63)
	return c
}
