package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// atScale pushes the large gallery and measures it: rows 11, 12 on the way, then
// 6, 16 to 18.
func (r *run) atScale() error {
	dir, err := r.generate("large", "large", 0)
	if err != nil {
		return err
	}
	if err := thin(dir, r.packages); err != nil {
		return err
	}
	_, known, err := lines(dir)
	if err != nil {
		return err
	}
	g, err := r.open("scale")
	if err != nil {
		return err
	}
	pushed, err := r.smallPushes(g, dir)
	if err != nil {
		return err
	}
	say("pushing the rest of %d packages", r.packages)
	if pushed < r.packages {
		if _, err := g.push(dir, "-c", "16", "-skip", strconv.Itoa(pushed)); err != nil {
			return err
		}
	}
	size, err := g.size()
	if err != nil {
		return err
	}
	r.add(figure{row: "18", what: "database, a version", value: float64(size) / float64(r.packages), unit: "B", bar: 4000, stretch: 2500, basis: fmt.Sprintf("%d packages", r.packages)})
	if err := r.searches(g, dir, known); err != nil {
		return err
	}
	if err := g.stop(); err != nil {
		return err
	}
	return r.starts(g)
}

// smallPushes measures rows 11 and 12 with the first packages and returns how
// many were pushed.
func (r *run) smallPushes(g *gallery, dir string) (pushed int, err error) {
	if !r.wants("11") && !r.wants("12") {
		return 0, nil
	}
	say("pushing small packages, and asking the disk")
	const alone, together, most = 600, 2400, 5
	var disk, one, many []float64
	for range min(r.rounds, most) {
		syncs, err := r.number(fileSyncs, "fsync", "-dir", r.tmp, "-d", time.Second.String())
		if err != nil {
			return 0, err
		}
		disk = append(disk, syncs)
		for _, p := range []struct {
			clients, n int
			rates      *[]float64
		}{{1, alone, &one}, {16, together, &many}} {
			row, err := g.push(dir, "-c", strconv.Itoa(p.clients), "-skip", strconv.Itoa(pushed), "-n", strconv.Itoa(p.n))
			if err != nil {
				return 0, err
			}
			pushed += p.n
			*p.rates = append(*p.rates, row.Rate)
		}
	}
	r.add(figure{
		row: "11", what: "push 3.4 KB, 1 client ÷ file and folder syncs", value: median(one) / median(disk), bar: 0.22, stretch: 0.30, least: true,
		basis: fmt.Sprintf("%.0f, %.0f a second", median(one), median(disk)),
	})
	r.add(figure{
		row: "12", what: "push 3.4 KB, 16 clients ÷ 1 client", value: median(many) / median(one), bar: 2.2, stretch: 2.6, least: true,
		basis: fmt.Sprintf("%.0f, %.0f a second", median(many), median(one)),
	})
	return pushed, nil
}

// searches measures row 6 against nginx's one answer.
func (r *run) searches(g *gallery, dir string, known []packageLine) error {
	if !r.wants("6") || r.nginx == "" {
		return nil
	}
	m, err := r.mirror(g, dir, "nginx-search", false)
	if err != nil {
		return err
	}
	const tail = "&skip=0&take=20&prerelease=true&semVerLevel=2.0.0"
	// A word of an ID, or how it begins: what people type. Each address is new, so
	// that no answer is kept.
	word := func(i int64) string {
		words := strings.Split(known[int(i*7919)%len(known)].ID, ".")
		w := words[int(i)%len(words)]
		return url.QueryEscape(w[:min(len(w), 3+int(i/3)%6)])
	}
	var next atomic.Int64
	for _, s := range []struct {
		what         string
		bar, stretch float64
		path         func(int64) string
	}{
		{"search with hits", 25, 15, func(i int64) string { return "/v3/query?q=" + word(i) + tail + "&n=" + strconv.FormatInt(i, 10) }},
		{"search without a hit", 5, 0, func(i int64) string { return "/v3/query?q=zz" + word(i) + "qq" + strconv.FormatInt(i, 10) + tail }},
		{"search, repeated", 3.5, 0, func(i int64) string { return "/v3/query?q=" + word(i%30) + tail }},
	} {
		w := wire{status: 200, path: s.path}
		if err := r.against(g, m, &w, &next, figure{row: "6", what: s.what, bar: s.bar, stretch: s.stretch}); err != nil {
			return err
		}
	}
	return m.stop()
}

// starts measures rows 16 and 17 on the data of a gallery that has stopped.
func (r *run) starts(g *gallery) error {
	if !r.wants("16") && !r.wants("17") {
		return nil
	}
	say("starting")
	var ready, complete, anon, rss []float64
	for range 2*r.rounds - 1 {
		began := time.Now()
		if err := g.start(); err != nil {
			return err
		}
		// Search answers only from a complete index.
		found, err := g.awaitOK(g.url+"/v3/query?q=&take=1", began)
		if err != nil {
			return err
		}
		time.Sleep(idle)
		ready, complete = append(ready, ms(g.ready)), append(complete, ms(found))
		anon, rss = append(anon, g.memory("RssAnon")), append(rss, g.memory("VmRSS"))
		if err := g.stop(); err != nil {
			return err
		}
	}
	n := fmt.Sprintf("%d packages", r.packages)
	r.add(figure{row: "16", what: "first answer after the start, " + n, value: median(ready), unit: "ms", bar: 150, stretch: 50, basis: spread(ready)})
	r.add(figure{row: "16", what: "search complete, " + n, value: median(complete), unit: "ms", bar: 1500, stretch: 600, basis: spread(complete)})
	r.add(figure{row: "17", what: "idle anonymous memory, " + n, value: median(anon), unit: "MiB", bar: 128, stretch: 64, basis: fmt.Sprintf("resident with the database's pages %.0f MiB", median(rss))})
	return nil
}

// idle is how long a server is left alone before its memory is read.
const idle = 5 * time.Second

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

func spread(v []float64) string {
	lowest, highest := v[0], v[0]
	for _, x := range v {
		lowest, highest = min(lowest, x), max(highest, x)
	}
	return fmt.Sprintf("%.0f to %.0f ms in %d starts", lowest, highest, len(v))
}
