package server

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// handleAsset sends a file that pages refer to. Its address holds its hash, so
// it is kept for a year and never asked for again.
func (s *Server) handleAsset(ec echo.Context) error {
	return s.asset(ec.(*call), "/assets/"+param(ec, "hash")+"/"+param(ec, "name"), forever)
}

// handleFavicon answers browsers that ask without having read a page, of which
// some know no other address.
func (s *Server) handleFavicon(ec echo.Context) error {
	return s.asset(ec.(*call), s.o.Pages.AssetURL("favicon.svg"), revalidate)
}

func (s *Server) asset(c *call, path string, life lifetime) error {
	a, ok := s.o.Pages.Asset(path)
	if !ok {
		return s.text(c, http.StatusNotFound, noStore, "There is no such file. Load the page that refers to it again.")
	}
	h := c.Response().Header()
	guard(c, filePolicy)
	h["Content-Type"] = []string{a.ContentType}
	h["Vary"] = varyEncoding
	body, tag := a.Body, a.ETag
	if acceptsGzip(c.Request()) {
		body, tag = a.Gzip, a.GzipETag
		h["Content-Encoding"] = encodingGzip
	}
	h["Etag"] = []string{tag}
	if matches(c.Request(), tag) {
		delete(h, "Content-Encoding")
		return s.send(c, http.StatusNotModified, life, nil)
	}
	return s.send(c, http.StatusOK, life, body)
}
