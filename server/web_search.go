package server

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

const (
	searchRows = 20      // of the list of packages (R-SRCH-03)
	maxPage    = 100_000 // of any list; above it a number is taken for the first page
	nearRows   = 5
	maxQuery   = 2000 // bytes of a question that are read
	maxTypes   = 8    // package types that are offered: anybody may make types up
)

// handleSearchPage lists packages (UX-04). Prereleases are shown unless the
// address says prerel=false (R-SRCH-03).
func (s *Server) handleSearchPage(c *call) error {
	asked := c.query()
	p := ui.SearchPage{
		Type:       nuget.Cut(ask(asked, "type"), 100),
		Prerelease: !isFalse(ask(asked, "prerel")),
		Sort:       ui.SortRelevance,
		Page:       pageNumber(asked),
	}
	q := gallery.Query{
		Text:        nuget.Cut(strings.TrimSpace(ask(asked, "q")), maxQuery),
		Skip:        (p.Page - 1) * searchRows,
		Take:        searchRows,
		Filter:      gallery.Filter{Prerelease: p.Prerelease, SemVer2: true},
		PackageType: p.Type,
	}
	switch strings.ToLower(ask(asked, "sort")) {
	case ui.SortDownloads:
		p.Sort, q.Sort = ui.SortDownloads, gallery.ByDownloads
	case ui.SortRecent:
		p.Sort, q.Sort = ui.SortRecent, gallery.ByRecent
	}
	found, err := s.search(c, q, pageWait)
	if err != nil {
		return err
	}
	p.Frame = s.frame(c)
	p.Query = q.Text
	p.Rows = s.rows(c, p.Frame, found.Hits)
	p.Total = found.Total
	p.JSON = jsonOf(p.Frame, q)
	p.Pages = pages(found.Total, searchRows)
	if p.Types, err = s.typeChoices(c, q); err != nil {
		return err
	}
	if found.Total == 0 && q.Text != "" {
		p.Near = s.near(c, p.Frame, q.Text)
	}
	p.Notice = s.takeNotice(c)
	return s.show(c, http.StatusOK, p)
}

// usualTypes are the package types that clients know, in the order in which they
// are offered. Packages may name any others.
var usualTypes = []string{"Dependency", "DotnetTool", "Template", "MSBuildSdk", "McpServer"}

// typeChoices are the package types to filter by, when there is more than one,
// with how many of each answer the question.
func (s *Server) typeChoices(c *call, q gallery.Query) ([]ui.TypeChoice, error) {
	types, err := s.packageTypes(c)
	if err != nil || len(types) < 2 && q.PackageType == "" {
		return nil, err
	}
	choices := make([]ui.TypeChoice, len(types))
	for i, t := range types {
		q.PackageType, q.Skip, q.Take = t, 0, 0
		found, err := s.search(c, q, pageWait)
		if err != nil {
			return nil, err
		}
		choices[i] = ui.TypeChoice{Type: t, Count: found.Total}
	}
	return choices, nil
}

// packageTypes are those of the feed's packages, the usual ones first.
func (s *Server) packageTypes(c *call) ([]string, error) {
	types, err := s.g.PackageTypes(c.r.Context(), c.feed)
	if err != nil {
		return nil, err
	}
	rank := func(t string) int {
		if i := slices.IndexFunc(usualTypes, func(u string) bool { return strings.EqualFold(u, t) }); i >= 0 {
			return i
		}
		return len(usualTypes)
	}
	slices.SortStableFunc(types, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return types[:min(len(types), maxTypes)], nil
}

// jsonOf is the address where the feed answers the same question: its programs
// ask it in the order of relevance only.
func jsonOf(f ui.Frame, q gallery.Query) string {
	if q.Sort != gallery.ByRelevance {
		return ""
	}
	ask := url.Values{"q": {q.Text}, "skip": {strconv.Itoa(q.Skip)}, "take": {strconv.Itoa(q.Take)},
		"prerelease": {strconv.FormatBool(q.Filter.Prerelease)}, "semVerLevel": {"2.0.0"}}
	if q.PackageType != "" {
		ask.Set("packageType", q.PackageType)
	}
	return f.Root() + "/v3/query?" + ask.Encode()
}

// near are packages whose IDs resemble what was asked for; none when that cannot
// be found out, since it only helps.
func (s *Server) near(c *call, f ui.Frame, id string) []ui.PackageRow {
	ctx, cancel := context.WithTimeout(c.r.Context(), noWait)
	defer cancel()
	hits, err := s.g.Nearest(ctx, c.feed, id, everything, nearRows)
	if err != nil {
		return nil
	}
	return s.rows(c, f, hits)
}

// pageNumber is the page that was asked for, from 1; what is no number is the
// first.
func pageNumber(asked url.Values) int {
	n, err := strconv.Atoi(ask(asked, "page"))
	if err != nil || n < 1 || n > maxPage {
		return 1
	}
	return n
}

// pages is how many pages total rows take: at least one.
func pages(total, rows int) int { return max(1, (total+rows-1)/rows) }

func isFalse(text string) bool {
	b, err := strconv.ParseBool(text)
	return err == nil && !b
}
