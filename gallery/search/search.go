package search

import (
	"context"
	"slices"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
)

// A searcher is the scratch memory of one query.
type searcher struct {
	matcher   matcher
	collector collector
}

// Search is Gallery.Search.
func (ix *index) Search(ctx context.Context, q gallery.Query) (gallery.Results, error) {
	s, err := ix.current(ctx)
	if err != nil {
		return gallery.Results{}, err
	}
	res := gallery.Results{Snapshot: s.number}
	p, ok, err := ix.plan(ctx, q)
	if err != nil || !ok {
		return res, err
	}
	w := ix.searchers.Get().(*searcher)
	defer ix.searchers.Put(w)
	w.run(s, p, q)
	res.Total = w.collector.total
	if window := w.collector.window(q.Skip); len(window) > 0 {
		res.Hits = make([]gallery.Hit, len(window))
		for i, c := range window {
			ix.fillHit(&res.Hits[i], s, c, q.Filter)
			res.Hits[i].Exact = p.exact != "" && s.parts[c.part].seg.keys[c.doc] == p.exact
		}
	}
	return res, nil
}

// plan reads the text of a query and adds its filters; ok is false when nothing
// can match.
func (ix *index) plan(ctx context.Context, q gallery.Query) (p parsedQuery, ok bool, err error) {
	p = parseQuery(q.Text)
	for _, c := range p.clauses {
		for i := range c.values {
			v := &c.values[i]
			if v.owner == "" {
				continue
			}
			no, err := ix.accountNamed(ctx, v.owner)
			if err != nil {
				return p, false, err
			}
			v.marked = markOwner + ownerWord(no) // of nobody, no package has
		}
	}
	if q.Owner != 0 {
		p.addFilter(markOwner + ownerWord(q.Owner))
	}
	return p, p.addType(q.PackageType), nil
}

// addType narrows the query to a package type; it is false for what is no name
// of one.
func (q *parsedQuery) addType(name string) bool {
	if name = strings.TrimSpace(name); name == "" {
		return true
	}
	q.addFilter(markType + foldWhole(name))
	return nuget.ValidIDForm(name)
}

func (q *parsedQuery) addFilter(marked string) {
	q.clauses = append(q.clauses, clause{fields: allFields, values: []queryValue{{marked: marked}}, filter: true})
}

// run collects the hits of a query.
func (w *searcher) run(s *snapshot, p parsedQuery, q gallery.Query) {
	view := q.Filter.Index()
	relevance := slices.ContainsFunc(p.clauses, func(c clause) bool { return !c.filter })
	packages := 0
	for i := range s.parts {
		packages += len(s.parts[i].seg.keys)
	}
	keep := 0
	if skip := max(q.Skip, 0); q.Take > 0 && skip < packages {
		keep = min(packages, skip+min(q.Take, packages))
	}
	w.collector.reset(s.parts, keep)
	for i := range s.parts {
		x := &s.parts[i]
		rank := newRanker(x.seg, &p, q.Sort, relevance, view)
		if len(p.clauses) == 0 {
			for doc, views := range x.seg.views {
				if views&(1<<view) != 0 && !x.dead.has(doc) {
					w.collector.add(rank.score(match{doc: uint32(doc)}), i, uint32(doc))
				}
			}
			continue
		}
		w.matcher.reset(x.seg, view)
		found := w.matcher.all(p.clauses)
		for _, m := range found {
			if !x.dead.has(int(m.doc)) {
				w.collector.add(rank.score(m), i, m.doc)
			}
		}
		w.matcher.done(found)
	}
}

// fillHit reads the card of a candidate.
func (ix *index) fillHit(h *gallery.Hit, s *snapshot, c candidate, view gallery.Filter) {
	seg := s.parts[c.part].seg
	card := ix.card(s, c.part, int(c.doc))
	h.Card, h.Face = card, &card.Faces[card.Shown[view.Index()]]
	h.Versions = versionsIn(card.Versions, view)
	counts := ix.downloads.of(seg.keys[c.doc])
	h.Downloads, h.Counts = counts.sum(), counts.all()
	h.Score = c.score
}

// keptCards is how many bytes of cards that were read are kept: the
// packages that people look for are mostly the same ones, and reading a card
// costs more than finding it.
const keptCards = 4 << 20

// card returns a card, which nobody may change.
func (ix *index) card(s *snapshot, at, doc int) *gallery.Card {
	seg := s.parts[at].seg
	if c := seg.read[doc].Load(); c != nil {
		return c
	}
	c := readCard(seg.cards[doc])
	size := 512 + 512*len(c.Faces) + 96*len(c.Versions) // about
	if ix.kept.Add(int64(size)) > keptCards {
		ix.kept.Store(0)
		for _, p := range s.parts {
			for i := range p.seg.read {
				p.seg.read[i].Store(nil)
			}
		}
	}
	seg.read[doc].Store(c)
	return c
}

// versionsIn returns those that the view sees, the same slice when it sees all.
func versionsIn(versions []gallery.CardVersion, view gallery.Filter) []gallery.CardVersion {
	hidden := func(v gallery.CardVersion) bool { return !view.Sees(v.Version.IsPrerelease(), v.SemVer2) }
	if !slices.ContainsFunc(versions, hidden) {
		return versions
	}
	seen := make([]gallery.CardVersion, 0, len(versions)-1)
	for _, v := range versions {
		if !hidden(v) {
			seen = append(seen, v)
		}
	}
	return seen
}

// Autocomplete is Gallery.Autocomplete.
func (ix *index) Autocomplete(ctx context.Context, q gallery.Query) (total int, ids []string, err error) {
	s, err := ix.current(ctx)
	if err != nil {
		return 0, nil, err
	}
	p := parseBeginning(q.Text)
	if !p.addType(q.PackageType) {
		return 0, nil, nil
	}
	q.Sort = gallery.ByRelevance
	w := ix.searchers.Get().(*searcher)
	defer ix.searchers.Put(w)
	w.run(s, p, q)
	for _, c := range w.collector.window(q.Skip) {
		ids = append(ids, readCardID(s.parts[c.part].seg.cards[c.doc]))
	}
	return w.collector.total, ids, nil
}

// VersionsOf is Gallery.VersionsOf.
func (ix *index) VersionsOf(ctx context.Context, id string, v gallery.Filter) ([]string, error) {
	s, err := ix.current(ctx)
	if err != nil {
		return nil, err
	}
	at, ok := s.find(nuget.FoldID(id))
	if !ok {
		return nil, nil
	}
	var texts []string
	for _, cv := range versionsIn(readCard(s.parts[at.part].seg.cards[at.doc]).Versions, v) {
		texts = append(texts, cv.Version.Full())
	}
	return texts, nil
}

// PackageTypes is Gallery.PackageTypes.
func (ix *index) PackageTypes(ctx context.Context) ([]string, error) {
	s, err := ix.current(ctx)
	if err != nil {
		return nil, err
	}
	spelling := make(map[string]string) // by folded type
	for i := range s.parts {
		x := &s.parts[i]
		for w := x.seg.at(markType); w < len(x.seg.ends) && strings.HasPrefix(x.seg.word(w), markType); w++ {
			folded := x.seg.word(w)[len(markType):]
			if _, known := spelling[folded]; known {
				continue
			}
			for _, p := range x.seg.posts[x.seg.starts[w]:x.seg.starts[w+1]] {
				if doc := int(p >> docShift); !x.dead.has(doc) {
					spellTypes(spelling, readCard(x.seg.cards[doc]))
					if spelling[folded] == "" { // the type of packages that name none
						spelling[folded] = dependencyType
					}
					break
				}
			}
		}
	}
	types := make([]string, 0, len(spelling))
	for _, t := range spelling {
		types = append(types, t)
	}
	slices.SortFunc(types, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return types, nil
}

// spellTypes adds the types of a card, each as the first one spells it: a card
// is read once, however many it has.
func spellTypes(spelling map[string]string, c *gallery.Card) {
	for i := range c.Faces {
		for _, t := range c.Faces[i].Types {
			if folded := foldWhole(t); spelling[folded] == "" {
				spelling[folded] = t
			}
		}
	}
}
