package server

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

const (
	maxReadme = 1 << 20 // what a push lets in (R-RDM-01)
	maxImage  = 4 << 20
)

// imageTypes are the kinds of images that a readme may show out of its own
// package (R-MD-04), by what their bytes are and not by their names. SVG is a
// document that can run scripts and is not among them.
var imageTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// imageNames are the names that such images have.
var imageNames = []string{".png", ".jpg", ".jpeg", ".gif", ".webp"}

// handleImage sends an image out of a package, for its readme.
func (s *Server) handleImage(c *call) error {
	ctx := c.r.Context()
	head, err := s.g.Head(ctx, c.feed, c.param("id"), c.versionParam("version"))
	if err != nil {
		return s.noImage(c, err)
	}
	tag := `"` + head.Blob.String()[:32] + `-image"`
	guard(c, filePolicy)
	if s.unchanged(c, tag, c.packageLifetime()) {
		return nil
	}
	image, err := s.g.File(ctx, head, c.param("*"), maxImage)
	if err != nil {
		return s.noImage(c, err)
	}
	defer image.Close()
	kind := http.DetectContentType(image.Data)
	if !slices.Contains(imageTypes, kind) {
		return s.noImage(c, gallery.ErrNotFound)
	}
	c.header()["Content-Type"] = []string{kind}
	return s.send(c, http.StatusOK, c.packageLifetime(), image.Data)
}

// noImage answers in a line: nobody looks at it but who opens the image's
// address.
func (s *Server) noImage(c *call, err error) error {
	if gallery.KindOf(err) != gallery.NotFound {
		return err
	}
	delete(c.header(), "Etag")
	return s.text(c, http.StatusNotFound, noStore, "The package has no such image, or it is no PNG, JPEG, GIF or WebP of at most 4 MB.")
}

// packageImages lets a text in a package show the images beside it.
func (s *Server) packageImages(f ui.Frame, rel *gallery.Release, entries []nuget.Entry, text string) ui.MarkdownOptions {
	dir := path.Dir(strings.ReplaceAll(text, `\`, "/"))
	if dir == "." {
		dir = ""
	}
	names := make(map[string]bool, len(entries))
	for _, e := range entries {
		names[strings.ToLower(e.Name)] = true
	}
	root := f.PackageURL(string(rel.ID), rel.Version.String()) + "/image/"
	return ui.MarkdownOptions{
		Dir: dir,
		Image: func(name string) (string, bool) {
			if !names[strings.ToLower(name)] || !slices.Contains(imageNames, strings.ToLower(path.Ext(name))) {
				return "", false
			}
			segments := strings.Split(name, "/")
			for i := range segments {
				segments[i] = url.PathEscape(segments[i])
			}
			return root + strings.Join(segments, "/"), true
		},
	}
}
