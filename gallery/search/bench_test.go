package search

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// common are words that descriptions of packages are made of, the commonest
// first.
var common = strings.Fields(`the for and a net of to in is with this library that package provides core using support
framework simple api your client application an it types on by from web data can extensions as asp you be use based microsoft
json http service applications services implementation common abstractions based helper lightweight easy code or classes
azure interface interfaces base server tools windows sdk async access sql configuration logging entity xml build file which
system test testing fast text model component components management dependency injection high performance object database
management user utilities set generic cross platform standard wrapper custom mvc source open features functionality
identity message messaging event events queue cache caching memory redis storage blob table serialization serializer
validation rules fluent builder expression query provider linq mapping mapper dynamic proxy reflection attribute
authentication authorization security token jwt oauth openid certificate encryption hash password crypto monitoring metrics
telemetry tracing diagnostics health checks console terminal command line parser parsing markdown html css javascript
template templates razor blazor maui xamarin android ios mobile desktop wpf winforms controls charts grid pdf excel csv
report reporting image images graphics drawing audio video media geometry math numerics statistics machine learning
neural network graph tree collections concurrent parallel thread task scheduler background job jobs worker hosting host
docker kubernetes container cloud aws lambda function serverless google firebase kafka rabbitmq bus mediator pipeline
behavior pattern domain driven design event sourcing repository unit work cqrs saga orchestration workflow state machine
nunit xunit mstest mock mocking fake fixture assertion coverage benchmark analyzer roslyn generator generators compiler
msbuild targets nuget versioning git release deployment migration migrations schema sqlite postgres mysql oracle mongodb
elasticsearch search index localization globalization culture resources settings options environment variables email smtp
sms notification push payment billing invoice tax currency calendar date time zone scheduling retry resilience polly policy
circuit breaker rate limiting throttling compression archive zip stream streams buffer pipelines socket websocket signalr
grpc protobuf rest odata graphql openapi swagger documentation generation proxy gateway reverse load balancing tenant`)

// benchCards makes n packages with a vocabulary as uneven as that of real ones:
// some hundred words that are everywhere and some ten thousand that are rare.
func benchCards(t testing.TB, n int) []*gallery.Card {
	r := rand.New(rand.NewPCG(17, uint64(n)))
	syllables := strings.Fields("ba con di fo gra hel in ja ko lu mer ni o pra qui ro sta tor ul vex wi xan yo zen tra mi cro po li ne")
	rare := make([]string, 20000)
	for i := range rare {
		for range 2 + r.IntN(3) {
			rare[i] += syllables[r.IntN(len(syllables))]
		}
	}
	usual := rand.NewZipf(r, 1.05, 8, uint64(len(common)-1))
	unusual := rand.NewZipf(r, 1.1, 60, uint64(len(rare)-1))
	title := func(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
	companies := []string{"Contoso", "Microsoft", "System", "Fabrikam", "AdventureWorks", "Northwind", "Serilog", "Acme", "Tailspin"}
	cards := make([]*gallery.Card, n)
	for i := range cards {
		var id []string
		if r.IntN(3) > 0 {
			id = append(id, companies[r.IntN(len(companies))])
		} else {
			id = append(id, title(rare[unusual.Uint64()]))
		}
		for range 1 + r.IntN(3) {
			w := title(common[20+r.IntN(len(common)-20)])
			if r.IntN(4) == 0 {
				w += title(common[20+r.IntN(len(common)-20)])
			}
			id = append(id, w)
		}
		id = append(id, title(rare[i%len(rare)]))
		words := make([]string, 15+r.IntN(60))
		for j := range words {
			words[j] = common[usual.Uint64()]
			if r.IntN(5) == 0 {
				words[j] = rare[unusual.Uint64()]
			}
		}
		var tags []string
		for range 3 + r.IntN(4) {
			tags = append(tags, common[20+r.IntN(len(common)-20)])
		}
		var releases []testRelease
		for v := range 5 {
			releases = append(releases, testRelease{
				version: fmt.Sprintf("1.%d.0", v), title: strings.Join(id, " "), description: title(strings.Join(words, " ")) + ".",
				tags: strings.Join(tags, " "), authors: id[0] + " Team", published: time.Unix(1700000000+int64(r.IntN(1e8)), 0),
			})
		}
		if r.IntN(4) == 0 {
			releases[4].version = "2.0.0-beta.1"
		}
		cards[i] = cardOf(t, strings.Join(id, "."), []gallery.AccountNo{gallery.AccountNo(1 + r.IntN(20))}, releases...)
		cards[i].Faces[0].Types = []string{"Dependency"}
	}
	slices.SortFunc(cards, func(a, b *gallery.Card) int { return strings.Compare(a.ID.Key(), b.ID.Key()) })
	return slices.CompactFunc(cards, func(a, b *gallery.Card) bool { return a.ID.Key() == b.ID.Key() })
}

func benchStore(t testing.TB, n int) *logStore {
	s := newLogStore()
	for i, c := range benchCards(t, n) {
		s.put(gallery.Pushed, c)
		for _, v := range c.Versions {
			s.downloads[gallery.DownloadCount{ID: c.ID.Key(), Version: v.Version.Key()}] = uint64(i * i % 10007)
		}
	}
	return s
}

// benchIndex builds an index of n packages, past the slow pages of logStore.
func benchIndex(b *testing.B, n int) (*index, *logStore) {
	s := benchStore(b, n)
	ix := testIndex(b, s)
	seg, counts := benchSegment(s)
	ix.downloads.replace(counts)
	ix.fillTotals(seg)
	ix.snap.Store(&snapshot{number: 1, generation: 1, applied: uint64(len(s.events)), parts: []part{{seg: seg, live: len(seg.keys)}}})
	return ix, s
}

func benchSegment(s *logStore) (*segment, map[string]*idCounts) {
	b := newSegmentBuilder()
	counts := make(map[string]*idCounts)
	for _, key := range slices.Sorted(maps.Keys(s.cards)) {
		c := s.cards[key]
		b.add(c)
		var all []gallery.DownloadCount
		for _, v := range c.Versions {
			n := gallery.DownloadCount{ID: key, Version: v.Version.Key()}
			n.Total = s.downloads[n]
			all = append(all, n)
		}
		counts[key] = newIDCounts(all)
	}
	return b.segment(), counts
}

func BenchmarkSearch(b *testing.B) {
	ix, _ := benchIndex(b, 20000)
	key := ix.snap.Load().parts[0].seg.cards[12345]
	for _, q := range []struct{ name, text string }{
		{"empty", ""},
		{"letter", "m"},
		{"letters2", "co"},
		{"letters3", "log"},
		{"letters3rare", "xan"},
		{"word", "serialization"},
		{"id", readCardID(key)},
		{"two", "microsoft logging"},
		{"common5", "the library for your application"},
		{"five-none", "contoso billing qqqq zzzz invoice"},
		{"none", "qwertzuiop"},
		{"tag", "tags:json"},
		{"fields", `id:contoso description:"health checks"`},
		{"phrase-worst", `"for the"`},
		{"stopwords-worst", "a and the for of to in is with this library that package provides core using support framework simple"},
	} {
		for _, take := range []int{0, 20} {
			b.Run(fmt.Sprintf("%s/take%d", q.name, take), func(b *testing.B) {
				b.ReportAllocs()
				total := 0
				for b.Loop() {
					res, err := ix.Search(b.Context(), gallery.Query{Text: q.text, Take: take, Filter: gallery.Filter{SemVer2: true}})
					if err != nil {
						b.Fatal(err)
					}
					total = res.Total
				}
				b.ReportMetric(float64(total), "hits")
			})
		}
	}
	b.Run("recent/take20", func(b *testing.B) {
		for b.Loop() {
			if _, err := ix.Search(b.Context(), gallery.Query{Take: 20, Sort: gallery.ByRecent}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("deep/take20", func(b *testing.B) {
		for b.Loop() {
			if _, err := ix.Search(b.Context(), gallery.Query{Skip: 15000, Take: 20}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("type/take20", func(b *testing.B) {
		for b.Loop() {
			if _, err := ix.Search(b.Context(), gallery.Query{Text: "logging", Take: 20, PackageType: "dependency"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkAutocomplete(b *testing.B) {
	ix, _ := benchIndex(b, 20000)
	for _, text := range []string{"m", "Contoso.", "Serilog.Sin", "logg"} {
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := ix.Autocomplete(b.Context(), gallery.Query{Text: text, Take: 20, Filter: everything}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkNearest(b *testing.B) {
	ix, _ := benchIndex(b, 20000)
	for b.Loop() {
		if _, err := ix.Nearest(b.Context(), "Contoso.Billing.Invioce", everything, 5); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIndexBuild reports the size of the index beside the time: what the
// heap grew by for 20,000 packages of 5 versions with their downloads.
func BenchmarkIndexBuild(b *testing.B) {
	s := benchStore(b, 20000)
	var before, after runtime.MemStats
	for b.Loop() {
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		seg, counts := benchSegment(s)
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		cards, heavy := 0, 0
		for _, c := range seg.cards {
			cards += len(c)
		}
		for _, h := range seg.heavy {
			heavy += 4 * len(h)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
		b.ReportMetric(float64(cards)/1e6, "MB-cards")
		b.ReportMetric(float64(4*len(seg.posts))/1e6, "MB-postings")
		b.ReportMetric(float64(heavy)/1e6, "MB-heavy")
		b.ReportMetric(float64(len(seg.ends)), "words")
		runtime.KeepAlive(seg)
		runtime.KeepAlive(counts)
		b.StartTimer()
	}
}

// BenchmarkHit is what the card of a hit costs.
func BenchmarkHit(b *testing.B) {
	packed := string(appendCard(nil, benchCards(b, 10)[3]))
	b.ReportAllocs()
	for b.Loop() {
		readCard(packed)
	}
}

// BenchmarkPush is what a push costs the index, which holds 20,000 packages.
func BenchmarkPush(b *testing.B) {
	ix, s := benchIndex(b, 20000)
	cards := make([]*gallery.Card, 0, len(s.cards))
	for _, c := range s.cards {
		cards = append(cards, c)
	}
	slices.SortFunc(cards, func(a, b *gallery.Card) int { return strings.Compare(a.ID.Key(), b.ID.Key()) })
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	for _, kind := range []string{"new-version", "new-id"} {
		b.Run(kind, func(b *testing.B) {
			i := 0
			for b.Loop() {
				b.StopTimer()
				c := *cards[i%len(cards)]
				if kind == "new-id" {
					c.ID = nuget.ID(fmt.Sprintf("%s.N%d", c.ID, i))
				}
				i++
				seq := s.put(gallery.Pushed, &c)
				b.StartTimer()
				if err := ix.Await(b.Context(), seq); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(ix.snap.Load().parts)), "parts")
		})
	}
}
