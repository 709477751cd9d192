package server

import (
	"errors"
	"net/http"
	"path"
	"strings"

	"nougat/gallery"
	"nougat/ui"
)

// handleLicense shows a version's licence (UX-15).
func (s *Server) handleLicense(c *call) error {
	id, version := c.param("id"), c.versionParam("version")
	rel, err := s.g.Release(c.r.Context(), c.feed, id, version)
	if err != nil {
		return s.notFoundVersion(c, id, version, err)
	}
	p := ui.LicensePage{
		Frame:   s.frame(c),
		ID:      string(rel.ID),
		Version: rel.Version.String(),
		Licence: licenceOf(&rel.Meta),
		File:    rel.Meta.LicenseFile,
	}
	if p.File != "" {
		if err := s.readLicense(c, &p, rel); err != nil {
			return err
		}
	}
	return s.show(c, http.StatusOK, p)
}

// readLicense fills in the file: Markdown by its name, else plain text.
func (s *Server) readLicense(c *call, p *ui.LicensePage, rel *gallery.Release) error {
	done, err := s.textSlot(c.r.Context())
	if err != nil {
		return err
	}
	defer done()
	file, err := s.g.LicenseText(c.r.Context(), rel)
	if err != nil {
		var missing *gallery.Error
		if errors.As(err, &missing) && missing.Kind == gallery.NotFound {
			return nil // the page says that there is none to show
		}
		return err
	}
	defer file.Close()
	if strings.EqualFold(path.Ext(p.File), ".md") {
		p.Markup, err = ui.Markdown(file.Data, ui.MarkdownOptions{})
		return err
	}
	p.Text = plainText(file.Data)
	return nil
}

// plainText is a text file without its mark of byte order, in valid UTF-8.
func plainText(text []byte) string {
	return strings.ToValidUTF8(strings.TrimPrefix(string(text), "\ufeff"), "\ufffd")
}
