package server

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

const (
	recentRows = 10
	// pageWait is how long a page waits for an index that is being built,
	// before it says so.
	pageWait = 5 * time.Second
	// noWait is for what a page can do without.
	noWait = 100 * time.Millisecond
)

// everything sees what a modern client sees: the pages' own view (R-SRCH-03).
var everything = gallery.Filter{Prerelease: true, SemVer2: true}

// handleHome shows what the feed holds and what is new in it.
func (s *Server) handleHome(c *call) error {
	totals, err := s.g.Totals(c.r.Context(), c.feed)
	if err != nil {
		return err
	}
	found, err := s.search(c, gallery.Query{Take: recentRows, Filter: everything, Sort: gallery.ByRecent}, pageWait)
	if err != nil {
		return err
	}
	types, err := s.packageTypes(c)
	if err != nil {
		return err
	}
	types = slices.DeleteFunc(types, func(t string) bool { return strings.EqualFold(t, "Dependency") })
	f := s.frame(c)
	f.Notice = s.takeNotice(c)
	return s.show(c, http.StatusOK, ui.HomePage{
		Frame:     f,
		Packages:  int64(totals.Packages),
		Versions:  int64(totals.Versions),
		Downloads: int64(totals.Downloads),
		Recent:    s.rows(c, f, found.Hits),
		Types:     types,
		Index:     indexURL(c.root),
	})
}

// search asks the index, and waits a little for one that is being built.
func (s *Server) search(c *call, q gallery.Query, wait time.Duration) (gallery.Results, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), wait)
	defer cancel()
	return s.g.Search(ctx, c.feed, q)
}

// rows are hits as the pages list them.
func (s *Server) rows(c *call, f ui.Frame, hits []gallery.Hit) []ui.PackageRow {
	rows := make([]ui.PackageRow, 0, len(hits))
	for _, hit := range hits {
		face := hit.Face
		row := ui.PackageRow{
			ID:          string(hit.Card.ID),
			Version:     face.Version.String(),
			Description: face.Description,
			Owners:      s.g.OwnerNames(c.r.Context(), hit.Card.Owners),
			Frameworks:  chips(face.Frameworks),
			Tags:        face.Tags,
			Downloads:   int64(hit.Downloads),
			Updated:     face.Published,
		}
		if face.HasIcon {
			row.IconURL = flatURL(f, hit.Card.ID, face.Version) + "/icon"
		}
		if i := slices.IndexFunc(face.Types, func(t string) bool { return t != "Dependency" }); i >= 0 {
			row.Type = face.Types[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// flatURL is the folder of a version in the flat container, as a path: pages
// read icons and packages there, with the session's cookie where the feed is
// closed.
func flatURL(f ui.Frame, id nuget.ID, v nuget.Version) string {
	return f.Root() + "/v3/flat/" + id.Key() + "/" + v.Key()
}
