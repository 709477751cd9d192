package server

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"nougat/gallery"
	"nougat/server/docs"
	"nougat/server/v3"
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

// place is the public address that the documents of this answer name.
func (c *call) place() docs.Place { return docs.Place{Root: c.root, Keep: c.site.keep} }

// param is a parameter of the route's path. echo matches paths as they came, so
// what was escaped is unescaped here, once.
func param(c echo.Context, name string) string {
	v := c.Param(name)
	if c.Request().URL.RawPath != "" {
		if u, err := url.PathUnescape(v); err == nil {
			return u
		}
	}
	return v
}

// versionParam is a version in a path.
func versionParam(c echo.Context, name string) string { return withPlus(param(c, name)) }

// withPlus mends a version whose plus, before build metadata, a proxy has made a
// blank (protocol.md 13 row 32).
func withPlus(version string) string { return strings.Replace(version, " ", "+", 1) }

// jsonName takes ".json" off a parameter.
func jsonName(v string) (string, bool) {
	const ext = ".json"
	if len(v) <= len(ext) || !strings.EqualFold(v[len(v)-len(ext):], ext) {
		return "", false
	}
	return v[:len(v)-len(ext)], true
}

func errNothingHere() error {
	return &gallery.Error{Kind: gallery.NotFound, Op: "read", Msg: "There is nothing at this address."}
}

func (s *Server) handleServiceIndex(ec echo.Context) error {
	c := ec.(*call)
	if c.actor.Key != nil {
		warn(c.Response().Header(), s.g.KeyWarning(c.actor))
	}
	ref := s.v3.ServiceIndex(c.feed, c.place())
	return s.document(c, &ref)
}

func (s *Server) handleFlatIndex(ec echo.Context) error {
	c := ec.(*call)
	ref, err := s.v3.FlatIndex(c.Request().Context(), c.feed, param(c, "id"))
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) registrationIndex(h v3.Hive) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := ec.(*call)
		ref, err := s.v3.RegistrationIndex(c.Request().Context(), c.feed, c.place(), h, param(c, "id"))
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) registrationPage(h v3.Hive) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := ec.(*call)
		upper, ok := jsonName(param(c, "upper"))
		if !ok {
			return errNothingHere()
		}
		ref, err := s.v3.RegistrationPage(c.Request().Context(), c.feed, c.place(), h, param(c, "id"), param(c, "lower"), upper)
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) registrationLeaf(h v3.Hive) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := ec.(*call)
		version, ok := jsonName(versionParam(c, "leaf"))
		if !ok {
			return errNothingHere()
		}
		ref, err := s.v3.RegistrationLeaf(c.Request().Context(), c.feed, c.place(), h, param(c, "id"), version)
		if err != nil {
			return err
		}
		return s.document(c, &ref)
	}
}

func (s *Server) handleCatalogIndex(ec echo.Context) error {
	c := ec.(*call)
	ref, err := s.v3.CatalogIndex(c.Request().Context(), c.feed, c.place())
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleCatalogPage(ec echo.Context) error {
	c := ec.(*call)
	name, ok := jsonName(param(c, "page"))
	if !ok || len(name) <= len("page") || !strings.EqualFold(name[:len("page")], "page") {
		return errNothingHere()
	}
	n, err := strconv.ParseUint(name[len("page"):], 10, 62)
	if err != nil {
		return errNothingHere()
	}
	ref, err := s.v3.CatalogPage(c.Request().Context(), c.feed, c.place(), n)
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleCatalogLeaf(ec echo.Context) error {
	c := ec.(*call)
	ref, err := s.v3.CatalogLeaf(c.Request().Context(), c.feed, c.place(), param(c, "folder"), param(c, "leaf"))
	if err != nil {
		return err
	}
	return s.document(c, &ref)
}

func (s *Server) handleSearch(ec echo.Context) error {
	c := ec.(*call)
	ref := s.v3.Search(c.feed, c.place(), c.Request().URL.RawQuery)
	return s.answer(c, &ref)
}

func (s *Server) handleAutocomplete(ec echo.Context) error {
	c := ec.(*call)
	ref := s.v3.Autocomplete(c.feed, c.Request().URL.RawQuery)
	return s.answer(c, &ref)
}

func (s *Server) handlePackageIDs(ec echo.Context) error {
	c := ec.(*call)
	ctx, cancel := context.WithTimeout(c.Request().Context(), searchWait)
	defer cancel()
	ids, err := s.v3.PackageIDs(ctx, c.feed, c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	return s.json(c, c.documents(), ids)
}

func (s *Server) handlePackageVersions(ec echo.Context) error {
	c := ec.(*call)
	ctx, cancel := context.WithTimeout(c.Request().Context(), searchWait)
	defer cancel()
	versions, err := s.v3.PackageVersions(ctx, c.feed, param(c, "id"), c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	return s.json(c, c.documents(), versions)
}

// document answers with a document, or 304 before it is rendered.
func (s *Server) document(c *call, ref *docs.Ref) error {
	r := c.Request()
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
			h := c.Response().Header()
			h["Etag"] = []string{tag}
			h["Vary"] = varyEncoding
			return s.send(c, http.StatusNotModified, c.documents(), nil)
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
		ctx, cancel := context.WithTimeout(c.Request().Context(), searchWait)
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
	h := c.Response().Header()
	h["Content-Type"] = typeJSON
	h["Vary"] = varyEncoding
	if doc.Gzip != nil && acceptsGzip(c.Request()) {
		h["Content-Encoding"] = encodingGzip
		h["Content-Length"] = doc.GzipLength
		if tagged {
			h["Etag"] = doc.GzipTag
		}
		return s.send(c, http.StatusOK, c.documents(), doc.Gzip)
	}
	h["Content-Length"] = doc.PlainLength
	if tagged {
		h["Etag"] = doc.Tag
	}
	if doc.Gzip == nil {
		return s.send(c, http.StatusOK, c.documents(), doc.Plain)
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
	return s.send(c, http.StatusOK, c.documents(), plain)
}

// sendInflated sends the plain form of a large document, which is not in memory
// as a whole: its reader may be slow, and not the only one.
func (s *Server) sendInflated(c *call, doc *docs.Document) error {
	head(c, http.StatusOK, c.documents())
	w := c.Response().Writer
	w.WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	if doc.InflateTo(w) != nil {
		panic(http.ErrAbortHandler) // its client has gone
	}
	c.Response().Size += int64(doc.Size())
	return nil
}

// acceptsGzip reads Accept-Encoding (RFC 9110 12.5.3). Nothing else is offered:
// brotli breaks clients (protocol.md 11.2).
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

// matches reports whether the client holds what tag names already.
func matches(r *http.Request, tag string) bool {
	known := r.Header["If-None-Match"]
	return len(known) > 0 && tagIn(known, tag)
}
