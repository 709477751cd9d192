package server

import (
	"context"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/docs"
)

// handleFlatFile answers what lies in a version's folder of the flat container
// (PROTO-2): the package, its nuspec, and the files that the feed serves
// out of it.
func (s *Server) handleFlatFile(c *call) error {
	id, version, file := c.param("id"), c.versionParam("version"), c.param("file")
	switch ext := path.Ext(file); {
	case strings.EqualFold(ext, ".nupkg"):
		return s.flatPackage(c, id, version, file[:len(file)-len(ext)])
	case strings.EqualFold(ext, ".nuspec"):
		return s.flatNuspec(c, id, version, file[:len(file)-len(ext)])
	case strings.EqualFold(file, "icon"):
		return s.flatIcon(c, id, version)
	case strings.EqualFold(file, "readme"):
		return s.flatText(c, id, version, s.g.Readme, typeMarkdown)
	case strings.EqualFold(file, "license"):
		return s.flatText(c, id, version, s.g.LicenseText, typeText)
	}
	return errNothingHere()
}

// flatPackage checks that the file's name repeats its folder, in any case and
// any form of the version, and answers the package.
func (s *Server) flatPackage(c *call, id, version, stem string) error {
	h, err := s.g.Head(c.r.Context(), c.feed, id, version)
	if err != nil {
		return err
	}
	prefix, rest := stem, ""
	if len(stem) > len(id) {
		prefix, rest = stem[:len(id)], stem[len(id):]
	}
	if nuget.FoldID(prefix) != nuget.FoldID(id) || len(rest) < 2 || rest[0] != '.' {
		return errNothingHere()
	}
	if rest = withPlus(rest[1:]); !strings.EqualFold(rest, version) {
		if v, err := nuget.ParseVersion(rest); err != nil || !v.Equal(h.Version) {
			return errNothingHere()
		}
	}
	return s.download(c, &h)
}

// handleDownload is the V2 address of a package; without a version, the highest
// listed stable one (PROTO-6.2).
func (s *Server) handleDownload(c *call) error {
	ctx := c.r.Context()
	id, version := c.param("id"), c.versionParam("version")
	latest := version == ""
	if latest {
		pkg, err := s.g.Package(ctx, c.feed, id)
		if err != nil {
			return err
		}
		v := pkg.Latest[gallery.Filter{SemVer2: true}.Index()]
		if v.IsZero() {
			return &gallery.Error{Kind: gallery.NotFound, Op: "read", ID: string(pkg.ID), Msg: string(pkg.ID) + " has no listed stable version here. Name a version."}
		}
		version = v.String()
	}
	h, err := s.g.Head(ctx, c.feed, id, version)
	if err != nil {
		return err
	}
	if latest {
		return s.downloadFor(c, &h, c.documentLifetime())
	}
	return s.download(c, &h)
}

func (s *Server) download(c *call, h *gallery.Head) error {
	return s.downloadFor(c, h, c.packageLifetime())
}

// downloadFor answers the bytes of a package: small ones from memory, larger
// ones by sendfile (PERF-6.4). A complete answer is counted, and the
// first range of one that comes in pieces; HEAD and 304 are not (GAL-B19).
func (s *Server) downloadFor(c *call, h *gallery.Head, life lifetime) error {
	r := c.r
	if h.Size <= docs.SmallPackage && !conditional(r.Header) {
		return s.sendSmall(c, h, life)
	}
	return s.sendLarge(c, h, life)
}

// conditional reports whether ServeContent has something to decide.
func conditional(h http.Header) bool {
	return len(h["Range"]) > 0 || len(h["If-None-Match"]) > 0 || len(h["If-Match"]) > 0 ||
		len(h["If-Modified-Since"]) > 0 || len(h["If-Unmodified-Since"]) > 0
}

// packageHeaders are those of a package however it is sent.
func packageHeaders(c *call, h *gallery.Head, tag []string) {
	headers := c.header()
	headers["Content-Type"] = typePackage
	headers["Content-Disposition"] = []string{"attachment; filename=" + h.ID.Key() + "." + h.Version.Key() + ".nupkg"}
	headers["Etag"] = tag
}

func (s *Server) sendSmall(c *call, h *gallery.Head, life lifetime) error {
	doc, err := s.docs.Package(c.r.Context(), h)
	if err != nil {
		return err
	}
	packageHeaders(c, h, doc.Tag)
	headers := c.header()
	headers["Content-Length"] = doc.PlainLength
	headers["Accept-Ranges"] = acceptsRanges
	headers["Last-Modified"] = []string{h.Published.Format(http.TimeFormat)}
	if err := s.send(c, http.StatusOK, life, doc.Plain); err != nil {
		return err
	}
	if c.written == h.Size {
		s.g.CountDownload(c.feed, h)
	}
	return nil
}

// sendLarge lets http.ServeContent answer ranges and conditions, into a writer
// that hands files through to the kernel.
func (s *Server) sendLarge(c *call, h *gallery.Head, life lifetime) error {
	if err := s.takeFile(c.r.Context()); err != nil {
		return err
	}
	defer s.sending.give()
	blob, err := s.g.OpenBlob(*h)
	if err != nil {
		return err
	}
	defer blob.Close()
	packageHeaders(c, h, []string{docs.PackageTag(h)})
	var content io.ReadSeeker = io.NewSectionReader(blob, 0, blob.Size())
	if f := blob.File(); f != nil {
		content = f
	}
	head(c, life)
	w := &counted{ResponseWriter: c.w, r: c.r}
	http.ServeContent(w, c.r, "", h.Published.Truncate(time.Second), content)
	c.written = w.n
	switch w.status {
	case http.StatusOK:
		if w.n == h.Size && c.r.Method == http.MethodGet {
			s.g.CountDownload(c.feed, h)
		}
	case http.StatusPartialContent:
		whole := "bytes 0-"
		if got := w.Header().Get("Content-Range"); strings.HasPrefix(got, whole) && w.n > 0 {
			s.g.CountDownload(c.feed, h)
		}
	}
	return nil
}

// sendingWait is how long a download waits for another one to end, while as many
// run as there are files for.
const sendingWait = 5 * time.Second

// takeFile takes a slot for a download, which is held while its reader takes his
// time: as many as there are connections would leave no files to pushes, nor to
// the next connection. Unavailable after sendingWait.
func (s *Server) takeFile(ctx context.Context) error {
	if s.sending.try() {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, sendingWait)
	defer cancel()
	err := s.sending.take(waiting)
	if err != nil && ctx.Err() == nil {
		err = &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many downloads are running. Try again in a moment."}
	}
	return err
}

// counted knows the status and size of what was written, and keeps the way to
// sendfile open.
type counted struct {
	http.ResponseWriter
	r      *http.Request
	status int
	n      int64
}

func (w *counted) WriteHeader(status int) {
	w.status = status
	if status >= 400 { // ServeContent's 412 and 416
		w.Header()["Cache-Control"] = lifetimes[noStore]
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *counted) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.n += int64(n)
	return n, err
}

// ReadFrom sends the head first: net/http would read the first 512 bytes of the
// file into it, and the kernel then copies from between two pages.
func (w *counted) ReadFrom(src io.Reader) (int64, error) {
	if lr, ok := src.(*io.LimitedReader); ok && lr.N > 0 {
		moreFollows(w.r) // net/http writes the headers now, and then hands src over
	}
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	n, err := io.Copy(w.ResponseWriter, src)
	w.n += n
	return n, err
}

// flatNuspec answers the manifest's bytes as in the package.
func (s *Server) flatNuspec(c *call, id, version, stem string) error {
	h, err := s.g.Head(c.r.Context(), c.feed, id, version)
	if err != nil {
		return err
	}
	if nuget.FoldID(stem) != h.ID.Key() {
		return errNothingHere()
	}
	data, err := s.docs.Nuspec(c.r.Context(), &h)
	if err != nil {
		return err
	}
	return s.file(c, &h, typeXML, data)
}

// flatIcon answers the embedded icon: PNG or JPEG by its bytes, whatever its
// name says.
func (s *Server) flatIcon(c *call, id, version string) error {
	rel, err := s.g.Release(c.r.Context(), c.feed, id, version)
	if err != nil {
		return err
	}
	icon, kind, err := s.g.Icon(c.r.Context(), rel)
	if err != nil {
		return err
	}
	defer icon.Close()
	return s.file(c, &rel.Head, []string{kind}, icon.Data)
}

// textReader reads a text file out of a release's package.
type textReader func(ctx context.Context, r *gallery.Release) (*gallery.SharedFile, error)

func (s *Server) flatText(c *call, id, version string, read textReader, kind []string) error {
	rel, err := s.g.Release(c.r.Context(), c.feed, id, version)
	if err != nil {
		return err
	}
	text, err := read(c.r.Context(), rel)
	if err != nil {
		return err
	}
	defer text.Close()
	return s.file(c, &rel.Head, kind, text.Data)
}

// file answers a file out of a package. Its author is not trusted: the type is
// fixed, and a browser runs and loads nothing of it (PROTO-2).
func (s *Server) file(c *call, h *gallery.Head, kind []string, data []byte) error {
	head := c.header()
	head["Content-Type"] = kind
	head["Content-Security-Policy"] = sandbox
	life := c.packageLifetime()
	if s.unchanged(c, docs.PackageTag(h), life) {
		return nil
	}
	return s.send(c, http.StatusOK, life, data)
}
