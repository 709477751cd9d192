package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
	v3 "nougat/server/v3"
)

// searchWait is how long a question waits for an index that is being built.
const searchWait = 20 * time.Second

// Answers to questions that are larger than smallAnswer take largeAnswers bytes
// at most, all that are being sent together.
const (
	smallAnswer  = 32 << 10
	largeAnswers = 128 << 20
)

// plainBuffers hold documents that are inflated for one answer.
var plainBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 16<<10); return &b }}

const maxPlainBuffer = 64 << 10 // a larger document is inflated piece by piece

// withPlus mends a version whose plus, before build metadata, a proxy has made a
// blank (PROTO-13.32).
func withPlus(version string) string { return strings.Replace(version, " ", "+", 1) }

// jsonName takes ".json" off a parameter.
func jsonName(v string) (string, bool) {
	const ext = ".json"
	if len(v) <= len(ext) || !strings.EqualFold(v[len(v)-len(ext):], ext) {
		return "", false
	}
	return v[:len(v)-len(ext)], true
}

func errNothingHere() *gallery.Error {
	return &gallery.Error{Kind: gallery.NotFound, Op: "read", Msg: "There is nothing at this address."}
}

func (s *Server) handleServiceIndex(c *call) error {
	if c.actor.Key != nil {
		warn(c.header(), s.g.KeyWarning(c.actor))
	}
	ref := s.v3.ServiceIndex(c.feed, c.place())
	return s.document(c, &ref)
}

func (s *Server) handleFlatIndex(c *call) error {
	ref, err := s.v3.FlatIndex(c.r.Context(), c.feed, c.param("id"))
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) registrationIndex(h v3.Hive) handler {
	return func(c *call) error {
		ref, err := s.v3.RegistrationIndex(c.r.Context(), c.feed, c.place(), h, c.param("id"))
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) registrationPage(h v3.Hive) handler {
	return func(c *call) error {
		upper, ok := jsonName(c.param("upper"))
		if !ok {
			return errNothingHere()
		}
		ref, err := s.v3.RegistrationPage(c.r.Context(), c.feed, c.place(), h, c.param("id"), c.param("lower"), upper)
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) registrationLeaf(h v3.Hive) handler {
	return func(c *call) error {
		version, ok := jsonName(c.versionParam("leaf"))
		if !ok {
			return errNothingHere()
		}
		ref, err := s.v3.RegistrationLeaf(c.r.Context(), c.feed, c.place(), h, c.param("id"), version)
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) handleCatalogIndex(c *call) error {
	ref, err := s.v3.CatalogIndex(c.r.Context(), c.feed, c.place())
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleCatalogPage(c *call) error {
	name, ok := jsonName(c.param("page"))
	if !ok || len(name) <= len("page") || !strings.EqualFold(name[:len("page")], "page") {
		return errNothingHere()
	}
	n, err := strconv.ParseUint(name[len("page"):], 10, 62)
	if err != nil {
		return errNothingHere()
	}
	ref, err := s.v3.CatalogPage(c.r.Context(), c.feed, c.place(), n)
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleCatalogLeaf(c *call) error {
	ref, err := s.v3.CatalogLeaf(c.r.Context(), c.feed, c.place(), c.param("folder"), c.param("leaf"))
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleSearch(c *call) error {
	ref := s.v3.Search(c.r.Context(), c.feed, c.place(), c.r.URL.RawQuery)
	return s.answer(c, &ref)
}

func (s *Server) handleAutocomplete(c *call) error {
	ref := s.v3.Autocomplete(c.r.Context(), c.feed, c.r.URL.RawQuery)
	return s.answer(c, &ref)
}

func (s *Server) handlePackageIDs(c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), searchWait)
	defer cancel()
	ids, err := s.v3.PackageIDs(ctx, c.feed, c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	return s.json(c, c.documentLifetime(), ids)
}

func (s *Server) handlePackageVersions(c *call) error {
	ctx, cancel := context.WithTimeout(c.r.Context(), searchWait)
	defer cancel()
	versions, err := s.v3.PackageVersions(ctx, c.feed, c.param("id"), c.r.URL.RawQuery)
	if err != nil {
		return err
	}
	return s.json(c, c.documentLifetime(), versions)
}

// document answers with a document, or 304 before it is rendered.
func (s *Server) document(c *call, ref *docs.Ref) error {
	r := c.r
	if known := r.Header["If-None-Match"]; len(known) > 0 {
		plain, compressed := s.docs.Tags(ref)
		// Who takes gzip may hold either form; who does not, the plain one alone.
		tag := ""
		switch {
		case acceptsGzip(r) && tagIn(known, compressed):
			tag = compressed
		case tagIn(known, plain):
			tag = plain
		}
		if tag != "" {
			h := c.header()
			h["Etag"] = []string{tag}
			h["Vary"] = varyEncoding
			return s.send(c, http.StatusNotModified, c.documentLifetime(), nil)
		}
	}
	doc, err := s.docs.Get(r.Context(), ref)
	if err != nil {
		return err
	}
	return s.sendDocument(c, doc, true)
}

// answer answers a question to the search index. It has no ETag: it changes with
// every download.
func (s *Server) answer(c *call, ref *docs.Ref) error {
	doc := s.docs.Kept(ref)
	if doc == nil {
		ctx, cancel := context.WithTimeout(c.r.Context(), searchWait)
		defer cancel()
		var err error
		if doc, err = s.docs.Get(ctx, ref); err != nil {
			return err
		}
	}
	// Its reader may be slow, and another question's answer is not shared.
	if size := int64(len(doc.Gzip) + len(doc.Plain)); size > smallAnswer {
		defer s.answers.Add(-size)
		if s.answers.Add(size) > largeAnswers {
			return &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many large answers are being sent. Try again in a moment, or ask for fewer packages (take)."}
		}
	}
	return s.sendDocument(c, doc, false)
}

func (s *Server) sendDocument(c *call, doc *docs.Document, tagged bool) error {
	h := c.header()
	h["Content-Type"] = typeJSON
	h["Vary"] = varyEncoding
	if doc.Gzip != nil && acceptsGzip(c.r) {
		h["Content-Encoding"] = encodingGzip
		h["Content-Length"] = doc.GzipLength
		if tagged {
			h["Etag"] = doc.GzipTag
		}
		return s.send(c, http.StatusOK, c.documentLifetime(), doc.Gzip)
	}
	h["Content-Length"] = doc.PlainLength
	if tagged {
		h["Etag"] = doc.Tag
	}
	if doc.Gzip == nil {
		return s.send(c, http.StatusOK, c.documentLifetime(), doc.Plain)
	}
	if doc.Size() > maxPlainBuffer {
		return s.sendInflated(c, doc)
	}
	buf := plainBuffers.Get().(*[]byte)
	defer plainBuffers.Put(buf)
	plain, err := doc.Inflate((*buf)[:0])
	if err != nil {
		return err
	}
	*buf = plain
	return s.send(c, http.StatusOK, c.documentLifetime(), plain)
}

// sendInflated sends the plain form of a large document, which is not in memory
// as a whole: its reader may be slow, and not the only one.
func (s *Server) sendInflated(c *call, doc *docs.Document) error {
	head(c, c.documentLifetime())
	w := c.w
	w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return nil
	}
	if doc.InflateTo(w) != nil {
		panic(http.ErrAbortHandler) // its client has gone
	}
	c.written += int64(doc.Size())
	return nil
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3). Nothing else is offered:
// brotli breaks clients (PROTO-11.2).
func acceptsGzip(r *http.Request) bool {
	any := false
	for _, line := range r.Header["Accept-Encoding"] {
		if line == "gzip, deflate" || line == "gzip" {
			return true
		}
		for item := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(item, ";")
			coding = strings.ToLower(strings.TrimSpace(coding))
			if coding != "gzip" && coding != "x-gzip" && coding != "*" {
				continue
			}
			wanted := true
			if q, ok := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(weight, " ", "")), "q="); ok {
				v, err := strconv.ParseFloat(q, 64)
				wanted = err == nil && v > 0
			}
			if coding != "*" {
				return wanted
			}
			any = wanted
		}
	}
	return any
}

// tagIn reports whether an If-None-Match names tag, compared weakly.
func tagIn(known []string, tag string) bool {
	if tag == "" {
		return false
	}
	for _, line := range known {
		if line == tag {
			return true
		}
		for item := range strings.SplitSeq(line, ",") {
			item = strings.TrimSpace(item)
			if item == "*" || strings.TrimPrefix(item, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// unchanged gives the answer its ETag, and reports whether it has answered 304
// because the client holds what tag names already.
func (s *Server) unchanged(c *call, tag string, life lifetime) bool {
	c.header()["Etag"] = []string{tag}
	if !tagIn(c.r.Header["If-None-Match"], tag) {
		return false
	}
	_ = s.send(c, http.StatusNotModified, life, nil)
	return true
}
