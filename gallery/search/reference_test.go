package search

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
)

// A reference says what a query must find, package by package and word by word.
type reference struct {
	cards     map[string]*gallery.Card
	downloads func(key string) uint64
	accounts  map[string]gallery.AccountNo
}

type refHit struct {
	id    string
	score uint64
}

func (ref *reference) search(q gallery.Query) []refHit {
	p := parseQuery(q.Text)
	var hits []refHit
	for key, c := range ref.cards {
		at := c.Shown[q.Filter.Index()]
		if at < 0 {
			continue
		}
		f := &c.Faces[at]
		types := f.Types
		if len(types) == 0 {
			types = []string{"Dependency"}
		}
		if q.PackageType != "" && !slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, q.PackageType) }) {
			continue
		}
		if q.Owner != 0 && !slices.Contains(c.Owners, q.Owner) {
			continue
		}
		words, parts := refWords(c, f)
		sum, met := uint64(0), true
		for _, clause := range p.clauses {
			best, any := uint64(0), false
			for _, v := range clause.values {
				if score, ok := ref.value(c, f, words, parts, v, clause.fields); ok {
					best, any = max(best, score), true
				}
			}
			sum, met = sum+best, met && any
		}
		if !met {
			continue
		}
		score := ref.downloads(key)
		if len(p.clauses) > 0 {
			score = downloadBoost(score)
			switch mean := sum / uint64(len(p.clauses)); {
			case p.exact == key:
				score += 1 << 24
			case p.beginning != "" && strings.HasPrefix(key, p.beginning) && strings.ContainsAny(p.beginning, ".-_"):
				score += 1<<20 + uint64(300*len(p.beginning)/len(key))
			case p.beginning != "" && strings.HasPrefix(key, p.beginning):
				score += mean + 100
			default:
				score += mean
			}
		}
		switch q.Sort {
		case gallery.ByDownloads:
			score = ref.downloads(key)
		case gallery.ByRecent:
			score = recency(f.Published)
		}
		hits = append(hits, refHit{string(c.ID), score})
	}
	slices.SortFunc(hits, func(a, b refHit) int {
		return cmp.Or(cmp.Compare(b.score, a.score), strings.Compare(strings.ToLower(a.id), strings.ToLower(b.id)))
	})
	return hits
}

// refWords returns the fields of each word of a face, and how many parts the ID
// has.
func refWords(c *gallery.Card, f *gallery.Face) (map[string]uint32, int) {
	words := make(map[string]uint32)
	add := func(text string, field uint32) (parts int) {
		var w wordCutter
		w.each(text, func(word []byte, cuts []int) {
			words[string(word)] |= field
			parts += 1 + len(cuts)
			eachPart(word, cuts, func(part []byte) { words[string(part)] |= field })
		})
		return parts
	}
	parts := add(string(c.ID), fieldID)
	add(f.Title, fieldTitle)
	add(f.Authors, fieldAuthors)
	add(f.Summary, fieldSummary)
	add(f.Description, fieldDescription)
	for _, tag := range f.Tags {
		add(tag, fieldTags)
	}
	return words, parts
}

func (ref *reference) value(c *gallery.Card, f *gallery.Face, words map[string]uint32, parts int, v queryValue, fields uint32) (uint64, bool) {
	weigh := func(fields uint32) uint64 {
		best, rest := uint64(0), uint64(0)
		for _, f := range []struct {
			bit    uint32
			weight uint64
		}{{fieldID, 1000}, {fieldTags, 600}, {fieldTitle, 500}, {fieldAuthors, 250}, {fieldSummary, 200}, {fieldDescription, 200}} {
			switch {
			case fields&f.bit == 0:
			case best == 0:
				best = f.weight
			default:
				rest += f.weight
			}
		}
		if fields&fieldID != 0 {
			best += uint64(300 / parts)
		}
		return best + rest/10
	}
	one := func(w string, prefix bool) (uint64, bool) {
		exact, begins := words[w]&fields, uint32(0)
		if prefix {
			for other, in := range words {
				if strings.HasPrefix(other, w) {
					begins |= in & fields
				}
			}
		}
		return max(weigh(exact), weigh(begins)*60/100), exact|begins != 0
	}
	switch {
	case v.key != "":
		return weigh(fieldID), v.key == c.ID.Key()
	case v.owner != "":
		return 0, slices.Contains(c.Owners, ref.accounts[strings.ToLower(v.owner)])
	case strings.HasPrefix(v.marked, markTag):
		return 600, slices.ContainsFunc(f.Tags, func(tag string) bool { return strings.ToLower(tag) == v.marked[len(markTag):] })
	case v.marked != "":
		return 0, strings.ToLower(f.Version.String()) == v.marked[len(markVersion):]
	}
	sum := uint64(0)
	for _, w := range v.words {
		score, ok := one(w.whole, w.prefix)
		if len(w.parts) > 0 {
			total, all := uint64(0), true
			for i, part := range w.parts {
				s, has := one(part, w.prefix && i == len(w.parts)-1)
				total, all = total+s, all && has
			}
			if all {
				score, ok = max(score, total/uint64(len(w.parts))*80/100), true
			}
		}
		if !ok {
			return 0, false
		}
		sum += score
	}
	if v.phrase {
		want := make([]string, len(v.words))
		for i, w := range v.words {
			want[i] = w.whole
		}
		phrase := " " + strings.Join(want, " ") + " "
		texts := map[uint32][]string{fieldID: {string(c.ID)}, fieldTitle: {f.Title}, fieldAuthors: {f.Authors}, fieldSummary: {f.Summary}, fieldDescription: {f.Description}, fieldTags: f.Tags}
		has := false
		for field, all := range texts {
			for _, text := range all {
				joined := " "
				var w wordCutter
				w.each(text, func(word []byte, _ []int) { joined += string(word) + " " })
				has = has || fields&field != 0 && strings.Contains(joined, phrase)
			}
		}
		if !has {
			return 0, false
		}
	}
	return sum / uint64(len(v.words)), true
}

var testWords = strings.Fields("Json Xml Log Logging Logger Core Web WebApi HttpClient Http2 Sql SqlServer Data DataFlow a an the of for net Net8 Contoso Fabrikam ContosoLog Serializer serial x1 1x LOGIN 日志 Größe")

func randomCard(t testing.TB, r *rand.Rand, id string) *gallery.Card {
	text := func(n int) string {
		words := make([]string, r.IntN(n+1))
		for i := range words {
			words[i] = testWords[r.IntN(len(testWords))]
		}
		return strings.Join(words, []string{" ", " ", ", ", "."}[r.IntN(4)])
	}
	var releases []testRelease
	versions := []string{"1.0.0", "1.1.0-beta", "1.2.0+x", "2.0.0-rc.1", "2.1"}
	description := text(12)
	for _, v := range versions {
		if r.IntN(3) == 0 {
			continue
		}
		if r.IntN(3) == 0 {
			description = text(12)
		}
		rel := testRelease{version: v, title: text(3), description: description, tags: strings.NewReplacer(",", "", ".", "").Replace(text(3)), authors: text(2), published: time.Unix(int64(r.IntN(50)), 0)}
		if r.IntN(4) == 0 {
			rel.types = []string{[]string{"DotnetTool", "Template", "dependency"}[r.IntN(3)]}
		}
		releases = append(releases, rel)
	}
	var owners []gallery.AccountNo
	for no := range gallery.AccountNo(3) {
		if r.IntN(2) == 0 {
			owners = append(owners, no+1)
		}
	}
	return cardOf(t, id, owners, releases...)
}

func randomID(r *rand.Rand, extra int) string {
	id := testWords[r.IntN(len(testWords)-2)]
	for range r.IntN(3) {
		id += []string{".", "-", "_", ""}[r.IntN(4)] + testWords[r.IntN(len(testWords)-2)]
	}
	if extra > 0 {
		id += fmt.Sprintf(".N%d", r.IntN(extra))
	}
	return id
}

func randomQuery(r *rand.Rand) gallery.Query {
	var terms []string
	for range r.IntN(4) {
		w := testWords[r.IntN(len(testWords))]
		switch r.IntN(10) {
		case 0:
			w = w[:1+r.IntN(len(w))]
		case 1:
			w = strings.ToLower(w)
		case 2:
			w = []string{"id", "packageid", "title", "description", "tags", "author", "summary", "owner", "version", "unknown"}[r.IntN(10)] + ":" + w
		case 3:
			w = fmt.Sprintf(`"%s %s"`, w, testWords[r.IntN(len(testWords))])
		case 4:
			w = fmt.Sprintf(`description:"%s %s"`, w, testWords[r.IntN(len(testWords))])
		case 5:
			w = []string{"owner:contoso", "version:1.0", "version:2.1.0", "owner:fabrikam", "tags:json,xml", "AND", "packageid:Json"}[r.IntN(7)]
		case 6:
			w = randomID(r, 0)
		}
		terms = append(terms, w)
	}
	q := gallery.Query{Text: strings.Join(terms, " "), Filter: gallery.Filter{Prerelease: r.IntN(2) == 0, SemVer2: r.IntN(2) == 0}, Sort: gallery.Sort(max(0, r.IntN(6)-3)), Take: 1 + r.IntN(40)}
	if r.IntN(3) == 0 {
		q.Skip = r.IntN(60)
	}
	if r.IntN(5) == 0 {
		q.PackageType = []string{"Dependency", "dotnettool", "Template"}[r.IntN(3)]
	}
	if r.IntN(8) == 0 {
		q.Owner = gallery.AccountNo(1 + r.IntN(3))
	}
	return q
}

// check holds the answer of an index to a query against the reference's.
func (ref *reference) check(t *testing.T, ix *index, q gallery.Query) {
	t.Helper()
	want := ref.search(q)
	res := mustSearch(t, ix, q)
	if res.Total != len(want) {
		t.Fatalf("%+v: %d hits, want %d", q, res.Total, len(want))
	}
	from := min(q.Skip, len(want))
	want = want[from:min(from+q.Take, len(want))]
	if len(res.Hits) != len(want) {
		t.Fatalf("%+v: a page of %d, want %d", q, len(res.Hits), len(want))
	}
	for i, h := range res.Hits {
		got := refHit{string(h.Card.ID), h.Score}
		if got != want[i] {
			t.Fatalf("%+v: hit %d is %v, want %v", q, i, got, want[i])
		}
		if !reflect.DeepEqual(h.Card, ref.cards[h.Card.ID.Key()]) && !sameCard(h.Card, ref.cards[h.Card.ID.Key()]) {
			t.Fatalf("%+v: card %+v, want %+v", q, h.Card, ref.cards[h.Card.ID.Key()])
		}
		if h.Downloads != ref.downloads(h.Card.ID.Key()) {
			t.Fatalf("%s has %d downloads, want %d", h.Card.ID, h.Downloads, ref.downloads(h.Card.ID.Key()))
		}
	}
}

// sameCard compares cards whose empty lists may be nil or not.
func sameCard(a, b *gallery.Card) bool {
	return string(appendCard(nil, a)) == string(appendCard(nil, b))
}

// TestSearchEqualsReference does random things to a feed and asks random
// questions in between. The large rounds reach what only long lists of postings
// reach.
func TestSearchEqualsReference(t *testing.T) {
	for _, round := range []struct{ start, ids, steps, asks int }{
		{0, 30, 400, 3},
		{40, 60, 300, 3},
		{2500, 2500, 40, 1},
	} {
		t.Run(fmt.Sprint(round.start), func(t *testing.T) {
			r := rand.New(rand.NewPCG(9, uint64(round.start)))
			s := newLogStore()
			ref := &reference{cards: s.cards, accounts: s.accounts, downloads: func(key string) (n uint64) {
				for k, total := range s.downloads {
					if k.ID == key {
						n += total
					}
				}
				return n
			}}
			var ids []string
			for range round.ids {
				ids = append(ids, randomID(r, 1000))
			}
			for _, id := range ids[:round.start] {
				s.put(gallery.Pushed, randomCard(t, r, id))
			}
			ix := testIndex(t, s)
			mustSearch(t, ix, gallery.Query{})
			for range round.steps {
				id := ids[r.IntN(len(ids))]
				switch r.IntN(8) {
				case 0:
					s.put(gallery.Unlisted, cardOf(t, id, nil))
				case 1:
					ix.AddDownloads([]gallery.DownloadCount{s.download(id, "1.0.0", uint64(r.IntN(1000)))})
				default:
					if r.IntN(10) == 0 {
						id = strings.ToUpper(id) // another spelling of the same ID
					}
					seq := s.put(gallery.Pushed, randomCard(t, r, id))
					if r.IntN(2) == 0 {
						if err := ix.Await(t.Context(), seq); err != nil {
							t.Fatal(err)
						}
					}
				}
				for range round.asks {
					ref.check(t, ix, randomQuery(r))
				}
			}
			if round.start > 1000 {
				// Enough to have everything merged, in the background.
				for range 1300 {
					if err := ix.Await(t.Context(), s.put(gallery.Pushed, randomCard(t, r, ids[r.IntN(len(ids))]))); err != nil {
						t.Fatal(err)
					}
				}
				waitForMerge(ix)
				if len(ix.snap.Load().parts[0].seg.heavy) == 0 {
					t.Error("no heavy beginnings: the round is too small for what it tests")
				}
				for range 60 {
					ref.check(t, ix, randomQuery(r))
				}
				for _, text := range []string{"l", "lo", "log", "s", "se", "x", "n", "con", "a", "日", "co j", `x1 l`} {
					ref.check(t, ix, gallery.Query{Text: text, Take: 50})
					ref.check(t, ix, gallery.Query{Text: text, Take: 50, Filter: everything})
				}
			}
		})
	}
}
