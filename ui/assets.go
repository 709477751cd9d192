package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"path"
)

//go:embed static
var staticFiles embed.FS

// Asset is a file that pages refer to. Its address holds its hash, so that it
// may be kept for ever: public, max-age=31536000, immutable.
type Asset struct {
	// ContentType is the value of the header.
	ContentType string
	// Body is the content, Gzip the same compressed.
	Body, Gzip []byte
	// ETag is strong and quoted, that of Body; GzipETag is that of Gzip.
	ETag, GzipETag string
}

// assets are the static files: their paths by name, themselves by path.
type assets struct {
	paths  map[string]string
	byPath map[string]Asset
}

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func loadAssets() (assets, error) {
	a := assets{paths: map[string]string{}, byPath: map[string]Asset{}}
	files, err := staticFiles.ReadDir("static")
	if err != nil {
		return a, fmt.Errorf("listing the assets: %w", err)
	}
	for _, f := range files {
		body, err := staticFiles.ReadFile("static/" + f.Name())
		if err != nil {
			return a, fmt.Errorf("reading the asset %s: %w", f.Name(), err)
		}
		contentType := contentTypes[path.Ext(f.Name())]
		if contentType == "" {
			return a, fmt.Errorf("the asset %s is of no known kind", f.Name())
		}
		var zipped bytes.Buffer
		z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(body)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			return a, fmt.Errorf("compressing the asset %s: %w", f.Name(), err)
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:8])
		p := "/assets/" + hash + "/" + f.Name()
		a.paths[f.Name()] = p
		a.byPath[p] = Asset{ContentType: contentType, Body: body, Gzip: zipped.Bytes(), ETag: `"` + hash + `"`, GzipETag: `"` + hash + `-gz"`}
	}
	return a, nil
}

// url is the path of an asset for a template, which cannot name an asset that
// does not exist.
func (a assets) url(name string) (string, error) {
	p, ok := a.paths[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return p, nil
}

// Asset finds an asset by its path below the base, such as
// "/assets/3f2a…/style.css". A path with another hash is not found.
func (r *Renderer) Asset(path string) (Asset, bool) {
	a, ok := r.assets.byPath[path]
	return a, ok
}

// AssetURL is the path of the asset name ("style.css") below the base, with its
// hash, or "" when there is no such asset.
func (r *Renderer) AssetURL(name string) string { return r.assets.paths[name] }
