package server

import (
	"net/http"
	"strconv"
)

// A lifetime says how long an answer may be kept; every answer has one.
type lifetime uint8

const (
	noStore    lifetime = iota // errors, and answers about one person
	revalidate                 // documents: asked again with their ETag
	forever                    // bytes that can never change
	privateRevalidate
	privateForever
)

// lifetimes are the values of Cache-Control.
var lifetimes = [...][]string{
	noStore:           {"no-store"},
	revalidate:        {"public, no-cache"},
	forever:           {"public, max-age=31536000, immutable"},
	privateRevalidate: {"private, no-cache"},
	privateForever:    {"private, max-age=31536000, immutable"},
}

// Values of headers that are shared by all answers: setting one costs a map
// entry and no allocation. Nobody may change them.
var (
	typeJSON      = []string{"application/json"}
	typeProblem   = []string{"application/problem+json"}
	typeText      = []string{"text/plain; charset=utf-8"}
	typeHTML      = []string{"text/html; charset=utf-8"}
	typePackage   = []string{"application/octet-stream"}
	typeXML       = []string{"application/xml"}
	typeMarkdown  = []string{"text/markdown; charset=utf-8"}
	sandbox       = []string{"default-src 'none'; sandbox"}
	noSniff       = []string{"nosniff"}
	anyOrigin     = []string{"*"}
	encodingGzip  = []string{"gzip"}
	varyEncoding  = []string{"Accept-Encoding"}
	acceptsRanges = []string{"bytes"}
	closing       = []string{"close"}
	corsMethods   = []string{"GET, HEAD"}
	corsHeaders   = []string{"*"}
	corsAge       = []string{"86400"}
)

// netBuffer is net/http's for a connection: what does not fit with its headers
// is written in two pieces.
const netBuffer = 4 << 10

// send is where every answer but a large download is written. Content-Type and
// the other headers are set before; the length is set here unless it is there.
// That the client has gone is no error of ours.
func (s *Server) send(c *call, status int, life lifetime, body []byte) error {
	head(c, life)
	h := c.header()
	if len(h["Content-Length"]) == 0 && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w := c.w
	w.WriteHeader(status)
	if len(body) > 0 && c.r.Method != http.MethodHead {
		if len(body) >= netBuffer {
			moreFollows(c.r)
		}
		n, _ := w.Write(body)
		c.written += int64(n)
	}
	return nil
}

// head sets what every answer carries, and notes that it begins.
func head(c *call, life lifetime) {
	c.sent = true
	h := c.header()
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = lifetimes[life]
}

// text answers with a line of plain text.
func (s *Server) text(c *call, status int, life lifetime, line string) error {
	c.header()["Content-Type"] = typeText
	return s.send(c, status, life, append([]byte(line), '\n'))
}

// json answers with a small document that is made for this request.
func (s *Server) json(c *call, life lifetime, body []byte) error {
	c.header()["Content-Type"] = typeJSON
	return s.send(c, http.StatusOK, life, body)
}

// html answers with a page.
func (s *Server) html(c *call, status int, life lifetime, page []byte) error {
	c.header()["Content-Type"] = typeHTML
	return s.send(c, status, life, page)
}

// noContent answers 204.
func (s *Server) noContent(c *call) error {
	return s.send(c, http.StatusNoContent, noStore, nil)
}
