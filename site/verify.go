package site

import (
	"context"

	"nougat/gallery"
	"nougat/nuget"
	v3 "nougat/server/v3"
)

// A Report is what Verify found.
type Report struct {
	Checked   gallery.Checked   `json:"checked"`
	Documents int               `json:"documents"` // rendered and compared with the records
	Findings  []gallery.Finding `json:"findings"`  // empty, not null, when all is well
}

// Verify checks the pages of the database where no server uses it, records
// against each other and against their files (gallery), and then the documents of
// what was found whole (server/v3). What it finds is no error.
var Verify = Verb[None, *Report]{"verify", func(ctx context.Context, s *Site, _ None) (*Report, error) {
	found := &Report{Findings: []gallery.Finding{}}
	note := func(f gallery.Finding) { found.Findings = append(found.Findings, f) }
	if s.control == nil {
		if err := s.database.Check(func(fault string) { note(gallery.Finding{What: fault}) }); err != nil {
			return nil, err
		}
	}
	var err error
	if found.Checked, err = gallery.Verify(ctx, s.store, s.blobs, note); err != nil {
		return nil, err
	}
	wrong := make(map[[2]string]bool)
	for _, f := range found.Findings {
		wrong[[2]string{f.Feed, nuget.FoldID(f.ID)}] = true
	}
	for _, f := range s.Gallery.Feeds() {
		n, err := v3.Verify(ctx, s.Gallery, f, func(id string) bool { return wrong[[2]string{f.Name, id}] }, note)
		if err != nil {
			return nil, err
		}
		found.Documents += n
	}
	return found, nil
}}
