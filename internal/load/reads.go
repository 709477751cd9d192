package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
)

// documents are the reads that feedbench's suite measures on both sides.
var documents = []struct {
	row, what, target string
	bar, stretch      float64
}{
	{"1", "service index", "service-index", 2.6, 2.1},
	{"1", "flat index.json, 5 versions", "flat-small", 2.6, 2.1},
	{"1", "flat index.json, random IDs", "flat-spread", 2.6, 2.1},
	{"1", "registration index, 5 versions", "reg-small", 2.6, 2.1},
	{"1", "registration index, random IDs", "reg-spread", 2.6, 2.1},
	{"1", "registration leaf", "reg-leaf", 2.6, 2.1},
	{"2", "flat index.json, 500 versions", "flat-many", 2.6, 2.2},
	{"2", "registration index, 500 versions", "reg-many", 2.6, 2.2},
	{"2", "registration page of 64", "reg-many-page", 3, 2.2},
	{"3", "404 of an unknown ID", "flat-404", 2.2, 1.7},
	{"4", "nupkg 10 KB", "nupkg-10k", 3, 2.5},
	{"4", "nupkg, random, mean 120 KB", "nupkg-spread", 2, 1.6},
	{"5", "nupkg 1 MB", "nupkg-1m", 1.15, 1},
	{"5", "nupkg 100 MB", "nupkg-100m", 1.15, 1},
	{"", "nuspec", "nuspec", 0, 0},
}

// reads measures rows 1 to 5 and 9: 200 IDs of 5 versions, one of 500, and
// packages of fixed sizes.
func (r *run) reads() error {
	if r.nginx == "" {
		return nil
	}
	dir, err := r.generate("small", "small", 500, sizedPackage{"Bench.Size.10K", 10_000}, sizedPackage{"Bench.Size.1M", 1_000_000}, sizedPackage{"Bench.Size.100M", 100_000_000})
	if err != nil {
		return err
	}
	config := filepath.Join(r.tmp, "config.toml")
	if err := os.WriteFile(config, []byte("[[feeds]]\nname = \"closed\"\nread = \"signed-in\"\n"), 0o600); err != nil {
		return err
	}
	g, err := r.open("read", "--config", config)
	if err != nil {
		return err
	}
	say("pushing")
	if _, err := g.fill(dir, "-extras", "-verify", "50"); err != nil {
		return err
	}
	m, err := r.mirror(g, dir, "nginx", true)
	if err != nil {
		return err
	}
	both := []feed{{"nginx", m.url + "/v3/index.json", m.pids}, {"nougat", g.index(), g.pids}}
	if err := r.documents(dir, both); err != nil {
		return err
	}
	if err := r.unchanged(dir, both); err != nil {
		return err
	}
	var next atomic.Int64
	challenge := wire{status: 401, path: func(int64) string { return "/closed/v3/flat/some.package/index.json" }}
	if err := r.against(g, m, &challenge, &next, figure{row: "3", what: "401 of a private feed", bar: 2.2, stretch: 1.7}); err != nil {
		return err
	}
	if err := r.restores(dir, both); err != nil {
		return err
	}
	if err := g.stop(); err != nil {
		return err
	}
	return m.stop()
}

func (r *run) documents(dir string, feeds []feed) error {
	targets := ""
	for _, d := range documents {
		if d.row == "" || r.wants(d.row) {
			targets += "," + d.target
		}
	}
	file, err := r.feedsFile(feeds...)
	if err != nil {
		return err
	}
	say("reading documents and packages")
	rows, err := r.load("suite", "-feeds", file, "-dir", dir, "-t", targets[1:], "-c", "32", "-d", r.each.String(), "-rounds", strconv.Itoa(r.rounds))
	if err != nil {
		return err
	}
	at := make(map[string]result)
	for _, row := range rows {
		at[row.Feed+" "+row.Target] = row
	}
	for _, d := range documents {
		ours, theirs := at["nougat "+d.target], at["nginx "+d.target]
		if ours.CPU == 0 || theirs.CPU == 0 {
			continue // not wanted
		}
		r.add(figure{row: d.row, what: d.what + ": CPU ÷ nginx", value: ours.CPU / theirs.CPU, bar: d.bar, stretch: d.stretch, basis: micros(ours.CPU, theirs.CPU)})
		if d.row == "5" {
			r.add(figure{
				row: "5", what: d.what + ": bytes/s ÷ nginx", value: ours.BytesRate / theirs.BytesRate, bar: 0.9, stretch: 1.1, least: true,
				basis: fmt.Sprintf("%.2f, %.2f GB/s", ours.BytesRate/1e9, theirs.BytesRate/1e9),
			})
		}
	}
	return nil
}

func micros(ours, theirs float64) string { return fmt.Sprintf("%.1f, %.1f µs", ours, theirs) }

// unchanged asks for a document with its ETag.
func (r *run) unchanged(dir string, feeds []feed) error {
	if !r.wants("3") {
		return nil
	}
	say("asking for unchanged documents")
	costs, err := r.inTurn(feeds, func(f feed) (float64, error) {
		rows, err := r.query(f, "-dir", dir, "-t", "reg-small", "-304", "-c", "32", "-d", r.each.String())
		if err != nil {
			return 0, err
		}
		return rows[0].CPU, nil
	})
	if err != nil {
		return err
	}
	r.add(figure{row: "3", what: "304 of a document: CPU ÷ nginx", value: costs[1] / costs[0], bar: 2.8, stretch: 2.3, basis: micros(costs[1], costs[0])})
	return nil
}

// restores plays eight builds at once, each with an empty package folder.
func (r *run) restores(dir string, feeds []feed) error {
	if !r.wants("9") {
		return nil
	}
	say("restoring")
	costs, err := r.inTurn(feeds, func(f feed) (float64, error) {
		rows, err := r.load("restore", "-name", f.Name, "-url", f.URL, "-pid", pidList(f), "-dir", dir, "-c", "8", "-d", (2 * r.each).String())
		if err != nil {
			return 0, err
		}
		return rows[0].CPU, nil
	})
	if err != nil {
		return err
	}
	r.add(figure{row: "9", what: "restore storm: CPU a restore ÷ nginx", value: costs[1] / costs[0], bar: 2.6, stretch: 2.1, basis: fmt.Sprintf("%.2f, %.2f ms", costs[1]/1e3, costs[0]/1e3)})
	return nil
}

// inTurn measures each feed in every round and returns the medians.
func (r *run) inTurn(feeds []feed, measure func(feed) (float64, error)) ([]float64, error) {
	all := make([][]float64, len(feeds))
	for range r.rounds {
		for i, f := range feeds {
			v, err := measure(f)
			if err != nil {
				return nil, err
			}
			all[i] = append(all[i], v)
		}
	}
	medians := make([]float64, len(feeds))
	for i := range all {
		medians[i] = median(all[i])
	}
	return medians, nil
}

// query runs feedbench query on a feed.
func (r *run) query(f feed, more ...string) ([]result, error) {
	return r.load(append([]string{"query", "-name", f.Name, "-url", f.URL, "-pid", pidList(f)}, more...)...)
}

func pidList(f feed) string {
	list := ""
	for _, pid := range f.PIDs {
		list += "," + strconv.Itoa(pid)
	}
	return list[1:]
}

// against measures a wire on gallery and mirror in turn.
func (r *run) against(g *gallery, m *mirror, w *wire, next *atomic.Int64, f figure) error {
	if !r.wants(f.row) {
		return nil
	}
	say("asking: %s", f.what)
	costs, err := r.inTurn([]feed{{Name: "nginx"}, {Name: "nougat"}}, func(side feed) (float64, error) {
		if side.Name == "nginx" {
			return w.cost(m.process, m.url, next, r.each)
		}
		return w.cost(g.process, g.url, next, r.each)
	})
	if err != nil {
		return err
	}
	f.what += ": CPU ÷ nginx"
	f.value, f.basis = costs[1]/costs[0], micros(costs[1], costs[0])
	r.add(f)
	return nil
}
