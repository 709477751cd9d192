package server

import "net/http"

// handleAsset sends a file that pages refer to. Its address holds its hash, so
// it is kept for a year and never asked for again.
func (s *Server) handleAsset(c *call) error {
	return s.asset(c, "/assets/"+c.param("hash")+"/"+c.param("name"), forever)
}

// handleFavicon answers browsers that ask without having read a page, of which
// some know no other address.
func (s *Server) handleFavicon(c *call) error {
	return s.asset(c, s.o.Pages.AssetURL("favicon.svg"), revalidate)
}

func (s *Server) asset(c *call, path string, life lifetime) error {
	a, ok := s.o.Pages.Asset(path)
	if !ok {
		return s.text(c, http.StatusNotFound, noStore, "There is no such file. Load the page that refers to it again.")
	}
	h := c.header()
	guard(c, filePolicy)
	h["Content-Type"] = []string{a.ContentType}
	h["Vary"] = varyEncoding
	zipped := acceptsGzip(c.r)
	body, tag := a.Body, a.ETag
	if zipped {
		body, tag = a.Gzip, a.GzipETag
	}
	if s.unchanged(c, tag, life) {
		return nil
	}
	if zipped {
		h["Content-Encoding"] = encodingGzip
	}
	return s.send(c, http.StatusOK, life, body)
}
