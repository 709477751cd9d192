package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// largePushes measures rows 13 and 14.
func (r *run) largePushes() error {
	say("making large packages")
	dir := filepath.Join(r.tmp, "big")
	var sized []sizedPackage
	for i := range r.rounds {
		sized = append(sized, sizedPackage{"Bench.Hundred." + strconv.Itoa(i), 100_000_000})
	}
	for i := range 5 {
		sized = append(sized, sizedPackage{"Bench.Most." + strconv.Itoa(i), 249_000_000})
	}
	if err := addSized(dir, sized...); err != nil {
		return err
	}
	g, err := r.open("pushed")
	if err != nil {
		return err
	}
	say("pushing large packages")
	var hash, rate []float64
	for i := range r.rounds {
		h, err := r.number(sha512Rate, "hash")
		if err != nil {
			return err
		}
		row, err := g.push(dir, "-extras", "-c", "1", "-skip", strconv.Itoa(i), "-n", "1")
		if err != nil {
			return err
		}
		hash, rate = append(hash, h), append(rate, row.SentRate/1e6)
	}
	r.add(figure{
		row: "13", what: "push 100 MB: bytes/s ÷ SHA-512", value: median(rate) / median(hash), bar: 0.33, stretch: 0.40, least: true,
		basis: fmt.Sprintf("%.0f, %.0f MB/s", median(rate), median(hash)),
	})
	// From a fresh start: what earlier pushes left is no part of it.
	for _, p := range []struct {
		n            int
		what         string
		bar, stretch float64
	}{{1, "one push of 249 MB", 16, 8}, {4, "four pushes of 249 MB at once", 32, 12}} {
		if err := g.stop(); err != nil {
			return err
		}
		if err := g.start(); err != nil {
			return err
		}
		time.Sleep(idle)
		before := g.memory("RssAnon")
		skip := r.rounds + p.n/4 // the four come after the one
		row, err := g.push(dir, "-extras", "-c", strconv.Itoa(p.n), "-skip", strconv.Itoa(skip), "-n", strconv.Itoa(p.n))
		if err != nil {
			return err
		}
		peak := row.Usage.Anon / 1024
		r.add(figure{
			row: "14", what: "anonymous memory over idle, " + p.what, value: peak - before, unit: "MiB", bar: p.bar, stretch: p.stretch,
			basis: fmt.Sprintf("%.1f, %.1f MiB", peak, before),
		})
	}
	if err := g.stop(); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// readsWhilePushing measures row 15: random registration indexes at 2,000 a
// second, alone and while 100 packages of 80 KB a second are pushed.
func (r *run) readsWhilePushing() error {
	const perSecond, length = 100, 10
	dir, err := r.generate("read-mostly", "small", 0)
	if err != nil {
		return err
	}
	trickle := filepath.Join(r.tmp, "trickle")
	var sized []sizedPackage
	for i := range r.rounds * perSecond * (length + 4) {
		sized = append(sized, sizedPackage{"Bench.Trickle." + strconv.Itoa(i), 80_000})
	}
	if err := addSized(trickle, sized...); err != nil {
		return err
	}
	g, err := r.open("busy")
	if err != nil {
		return err
	}
	if _, err := g.fill(dir); err != nil {
		return err
	}
	say("reading while others push")
	f := feed{"nougat", g.index(), g.pids}
	read := func() (float64, error) {
		rows, err := r.query(f, "-dir", dir, "-t", "reg-spread", "-c", "32", "-rate", "2000", "-d", fmt.Sprintf("%ds", length))
		if err != nil {
			return 0, err
		}
		return rows[0].P99, nil
	}
	var quiet, busy []float64
	for i := range r.rounds {
		p99, err := read()
		if err != nil {
			return err
		}
		quiet = append(quiet, p99)
		n := perSecond * (length + 4)
		pushed := make(chan error, 1)
		go func() {
			_, err := g.push(trickle, "-extras", "-c", "8", "-rate", strconv.Itoa(perSecond), "-skip", strconv.Itoa(i*n), "-n", strconv.Itoa(n))
			pushed <- err
		}()
		time.Sleep(2 * time.Second)
		if p99, err = read(); err != nil {
			return err
		}
		busy = append(busy, p99)
		if err := <-pushed; err != nil {
			return err
		}
	}
	r.add(figure{
		row: "15", what: "read p99 while 100 pushes/s run ÷ without", value: median(busy) / median(quiet), bar: 3, stretch: 1.8,
		basis: fmt.Sprintf("%.2f, %.2f ms", median(busy), median(quiet)),
	})
	return g.stop()
}

// empty measures the first half of row 17: a gallery without packages, after a
// start and after somebody's password was set while it ran.
func (r *run) empty() error {
	g, err := r.open("empty")
	if err != nil {
		return err
	}
	say("leaving an empty gallery alone")
	time.Sleep(idle)
	fresh, anon := g.memory("VmRSS"), g.memory("RssAnon")
	if _, err := g.verb("other long and strange words\n", "user", "add", "second", "--password-stdin"); err != nil {
		return err
	}
	time.Sleep(6 * idle)
	r.add(figure{row: "17", what: "idle resident memory, empty", value: fresh, unit: "MiB", bar: 32, stretch: 24, basis: fmt.Sprintf("anonymous %.1f MiB", anon)})
	r.add(figure{row: "17", what: "the same half a minute after a password was set", value: g.memory("VmRSS"), unit: "MiB", bar: 32, stretch: 24, basis: fmt.Sprintf("anonymous %.1f MiB", g.memory("RssAnon"))})
	return g.stop()
}

// program measures row 19.
func (r *run) program() error {
	info, err := os.Stat(r.nougat)
	if err != nil {
		return err
	}
	r.add(figure{row: "19", what: "stripped program", value: float64(info.Size()) / 1e6, unit: "MB", bar: 20, stretch: 14})
	return nil
}
