package docs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"

	"nougat/gallery"
)

// SmallPackage is the largest package, in bytes, that is kept in memory like a
// document: opening and reading its file would cost three times what sending it
// does.
const SmallPackage = 64 << 10

// The kinds of what is kept as it is in a package. None has an ETag of its key's.
var (
	packageBytes = Kind{No: 240}
	nuspecBytes  = Kind{No: 241}
)

// PackageTag is a strong ETag out of a package's SHA-512.
func PackageTag(h *gallery.Head) string {
	return `"` + base64.RawURLEncoding.EncodeToString(h.Blob[:24]) + `"`
}

// Package returns the bytes of a package of at most SmallPackage bytes, in plain
// form only, under PackageTag: as they are kept, else read now, by one of all who
// want them at once.
func (d *Docs) Package(ctx context.Context, h *gallery.Head) (*Document, error) {
	key := Key{Kind: &packageBytes, Sub: string(h.Blob[:])}
	if doc := d.cache.get(key); doc != nil {
		return doc, nil
	}
	return d.together(ctx, key, func(context.Context) (*Document, gallery.DocState, error) {
		doc, err := d.readPackage(h)
		return doc, gallery.DocState{}, err
	})
}

func (d *Docs) readPackage(h *gallery.Head) (*Document, error) {
	blob, err := d.g.OpenBlob(*h)
	if err != nil {
		return nil, err
	}
	defer blob.Close()
	b := make([]byte, h.Size)
	if n, err := blob.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("the file of %s %s is shorter than its record says: %w", h.ID, h.Version, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return &Document{Plain: b, Tag: []string{PackageTag(h)}, GzipTag: []string{""}, PlainLength: []string{strconv.Itoa(len(b))}, size: len(b)}, nil
}

// Nuspec returns the manifest of a release, the bytes as they are in the
// package. Nobody may change them.
func (d *Docs) Nuspec(ctx context.Context, h *gallery.Head) ([]byte, error) {
	key := Key{Kind: &nuspecBytes, Sub: string(h.Blob[:])}
	if doc := d.cache.get(key); doc != nil {
		return doc.Plain, nil
	}
	data, err := d.g.Nuspec(ctx, *h)
	if err == nil {
		d.cache.put(key, &Document{Plain: data})
	}
	return data, err
}
