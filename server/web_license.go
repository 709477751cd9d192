package server

import (
	"bytes"
	"context"
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
	b := s.buffer()
	defer s.web.buffers.Put(b)
	if err := s.drawLicense(c, b, p, rel); err != nil {
		return err
	}
	return s.sendPage(c, http.StatusOK, b)
}

// drawLicense draws the page into b. It holds a slot meanwhile, if there is a file
// to read, and has given it back when the page is sent.
func (s *Server) drawLicense(c *call, b *bytes.Buffer, p ui.LicensePage, rel *gallery.Release) error {
	if p.File != "" {
		ctx := c.r.Context()
		if err := s.web.texts.take(ctx); err != nil {
			return err
		}
		defer s.web.texts.give()
		if err := s.readLicense(ctx, &p, rel); err != nil {
			return err
		}
	}
	p.Notice = s.takeNotice(c)
	return s.o.Pages.Render(b, p)
}

// readLicense fills in the file: Markdown by its name, else plain text.
func (s *Server) readLicense(ctx context.Context, p *ui.LicensePage, rel *gallery.Release) error {
	file, err := s.g.LicenseText(ctx, rel)
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
