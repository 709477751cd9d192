// Load measures a built nougat from outside and prints how it stands against the
// bars of the project's goals for speed and size. It is no part of the program.
//
//	go run ./internal/load                  all rows, in about 20 minutes
//	go run ./internal/load -rows 1,2,3 -d 1s -rounds 1
//	go run ./internal/load -md              the table as Markdown
//
// It is run from the root of the repository, on Linux. Nothing but nougat and
// this machine is measured: what a figure is held against is nginx handing out,
// as static files, the bytes that nougat answered, or what disk and processor
// can do at all. The server has the first core to itself and the load the second
// (taskset), so that the figure to trust is the processor time that the server
// takes a request. The two sides of a ratio take turns, and each is the median
// of its rounds.
//
// It needs the load generator feedbench and its companion phys, whose folder
// -bench names. Rows 1 to 6 and 9 need nginx as well.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := measure(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// A run is one call of the program: its tools, its folder, and what it measured.
type run struct {
	ctx      context.Context
	root     string // of the repository
	bench    string // the folder of feedbench
	tmp      string
	rounds   int
	each     time.Duration // of one stretch of load
	packages int           // of the large gallery
	rows     []string      // wanted; empty for all

	nougat, feedbench, phys, nginx string // programs; nginx is "" where there is none

	figures []figure
	noise   []float64 // share of a core that others used, one a stretch of load
}

func measure(ctx context.Context, args []string) (err error) {
	fs := flag.NewFlagSet("load", flag.ExitOnError)
	r := &run{ctx: ctx}
	fs.StringVar(&r.bench, "bench", filepath.Join("..", "shared", "bench"), "the folder of feedbench")
	fs.IntVar(&r.rounds, "rounds", 3, "how often each side of a ratio is measured")
	fs.DurationVar(&r.each, "d", 4*time.Second, "how long a stretch of load lasts")
	fs.IntVar(&r.packages, "packages", 20000, "packages of the large gallery, at most 100,000")
	rows := fs.String("rows", "", "rows to measure, comma separated; empty for all")
	in := fs.String("tmp", "", "where the temporary folder is made: on the disk to be measured")
	md := fs.Bool("md", false, "print Markdown")
	fs.Parse(args)
	if *rows != "" {
		r.rows = strings.Split(*rows, ",")
	}
	if r.root, err = os.Getwd(); err != nil {
		return err
	}
	if r.tmp, err = os.MkdirTemp(*in, "nougat-load"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.tmp)) }()
	if err := r.prepare(); err != nil {
		return err
	}
	for _, part := range []struct {
		rows    []string
		measure func() error
	}{
		{[]string{"1", "2", "3", "4", "5", "9"}, r.reads},
		{[]string{"11", "12", "6", "16", "17", "18"}, r.atScale},
		{[]string{"13", "14"}, r.largePushes},
		{[]string{"15"}, r.readsWhilePushing},
		{[]string{"17"}, r.empty},
		{[]string{"19"}, r.program},
	} {
		if slices.ContainsFunc(part.rows, r.wants) {
			if err := part.measure(); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(r.figures, func(a, b figure) int { return a.number() - b.number() })
	os.Stdout.WriteString(table(r.figures, *md))
	fmt.Printf("\n%d rounds of %v; %s, %d cores; other processes took %.0f %% of a core in the median stretch, %.0f %% in the worst\n",
		r.rounds, r.each, runtime.Version(), runtime.NumCPU(), 100*median(r.noise), 100*slices.Max(append(r.noise, 0)))
	return nil
}

// wants reports whether a row is to be measured.
func (r *run) wants(row string) bool { return len(r.rows) == 0 || slices.Contains(r.rows, row) }

// say tells who waits what is going on.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", args...)
}
