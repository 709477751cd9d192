package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A figure is one line of the table.
type figure struct {
	row     string // of the goals; "" for one without a bar
	what    string
	value   float64
	unit    string  // of value and bar; "" for a ratio
	bar     float64 // 0: none
	stretch float64 // 0: none
	least   bool    // the bar is a lower bound
	basis   string  // what the value was made of
}

// add notes a figure of a row that is wanted.
func (r *run) add(f figure) {
	if f.row != "" && !r.wants(f.row) {
		return
	}
	r.figures = append(r.figures, f)
	say("%s", strings.Join(f.cells(), " | "))
}

// number orders the lines; those without a row come last.
func (f *figure) number() int {
	if n, err := strconv.Atoi(f.row); err == nil {
		return n
	}
	return 1000
}

// met reports whether the value is on the right side of a bound.
func (f *figure) met(bound float64) bool {
	if f.least {
		return f.value >= bound
	}
	return f.value <= bound
}

func (f *figure) verdict() string {
	switch {
	case f.bar == 0:
		return ""
	case !f.met(f.bar):
		return "missed"
	case f.stretch != 0 && f.met(f.stretch):
		return "met, and its stretch"
	}
	return "met"
}

func (f *figure) bound(v float64) string {
	switch {
	case v == 0:
		return ""
	case f.least:
		return "≥ " + f.text(v)
	}
	return "≤ " + f.text(v)
}

// text prints three digits that mean something.
func (f *figure) text(v float64) string {
	digits := 2
	switch {
	case v >= 100:
		digits = 0
	case v >= 10:
		digits = 1
	}
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', digits, 64) + " " + f.unit)
}

func (f *figure) cells() []string {
	return []string{f.row, f.what, f.text(f.value), f.bound(f.bar), f.bound(f.stretch), f.verdict(), f.basis}
}

// table lays the figures out for a terminal or as Markdown.
func table(figures []figure, markdown bool) string {
	rows := [][]string{{"row", "what", "measured", "bar", "stretch", "", "made of"}}
	for _, f := range figures {
		rows = append(rows, f.cells())
	}
	var b strings.Builder
	if markdown {
		for i, cells := range rows {
			fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
			if i == 0 {
				b.WriteString("|" + strings.Repeat(" --- |", len(cells)) + "\n")
			}
		}
		return b.String()
	}
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, c := range cells {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	for _, cells := range rows {
		line := ""
		for i, c := range cells {
			line += c + strings.Repeat(" ", widths[i]-len([]rune(c))+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// median is the middle one, the lower of two; 0 of none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]
}
