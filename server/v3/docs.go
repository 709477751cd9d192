package v3

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"nougat/gallery"
	"nougat/nuget"
)

// A Hive is one of the three sets of registration documents (protocol.md 3).
type Hive uint8

// The hives. The first two show no SemVer 2 packages. All are compressed for
// those who take it: the first two differ in name alone.
const (
	Plain Hive = iota
	Gzip
	SemVer2
)

// Path is the hive's folder below v3/.
func (h Hive) Path() string { return [...]string{"reg", "reg-gz", "reg-gz-semver2"}[h] }

func (h Hive) shows(r *gallery.Head) bool { return h == SemVer2 || !r.SemVer2 }

// A Place is the public address that a document names.
type Place struct {
	Root string // of the feed: absolute, without a slash at the end
	Keep bool   // documents for it may be kept
}

const defaultCacheBytes = 64 << 20

// Docs renders and keeps documents.
type Docs struct {
	g       *gallery.Gallery
	cache   *cache
	mu      sync.Mutex
	flights map[key]*flight
	strange chan struct{}    // the one place for rendering what is not kept
	waiting atomic.Int32     // requests that want it
	slots   [2]chan struct{} // for rendering: documents, and answers to queries
}

// maxRendering documents, and as many answers, are rendered at once: one may
// take many megabytes meanwhile, and more would not be done any sooner. Answers
// have their own places, because they wait for the index.
const maxRendering = 16

// maxWaiting requests for addresses whose documents are not kept wait for their
// turn; one more is Unavailable (engineering.md 4).
const maxWaiting = 16

// New returns Docs over g whose kept documents take at most cacheBytes (0: 64
// MiB).
func New(g *gallery.Gallery, cacheBytes int64) *Docs {
	if cacheBytes == 0 {
		cacheBytes = defaultCacheBytes
	}
	return &Docs{
		g: g, cache: newCache(int(cacheBytes)), flights: make(map[key]*flight), strange: make(chan struct{}, 1),
		slots: [2]chan struct{}{make(chan struct{}, maxRendering), make(chan struct{}, maxRendering)},
	}
}

// A Ref names a document in the state that it has now. It is cheap: nothing is
// rendered before Get.
type Ref struct {
	key   key
	feed  *gallery.Feed
	keep  bool
	loose bool           // its state has no number now: rendered for this request alone
	page  *pageRef       // of a registration page
	event *gallery.Event // of a catalog leaf
	head  *gallery.Head  // of a package
}

// Tags returns the ETags of the document's plain and compressed form without
// rendering it.
func (d *Docs) Tags(ref *Ref) (plain, compressed string) {
	if doc := d.cache.get(ref.key); doc != nil {
		return doc.Tag[0], doc.GzipTag[0]
	}
	return d.tags(&ref.key)
}

// Kept returns the document if it is kept, else nil.
func (d *Docs) Kept(ref *Ref) *Document { return d.cache.get(ref.key) }

// Get returns the document: as it is kept, else rendered now, by one of all who
// want it at once. NotFound when there is none.
func (d *Docs) Get(ctx context.Context, ref *Ref) (*Document, error) {
	doc := d.cache.get(ref.key)
	for try := 0; doc == nil; try++ {
		var err error
		if doc, err = d.make(ctx, ref); err == nil {
			break
		}
		if !errors.Is(err, errMoved) || try == maxMoves {
			return nil, err
		}
		if ref.key.kind == registrationPage {
			p := ref.page
			*ref, err = d.RegistrationPage(ctx, ref.feed, Place{ref.key.root, ref.keep}, ref.key.hive, ref.key.id, p.lowerKey, p.upperKey)
			if err != nil {
				return nil, err
			}
			doc = d.cache.get(ref.key)
		}
	}
	if doc.missing {
		return nil, errNoDocument
	}
	return doc, nil
}

// maxMoves is how often a rendering is begun again because a release changed
// under it.
const maxMoves = 10

var errNoDocument = &gallery.Error{Kind: gallery.NotFound, Op: "read", Msg: "There is no such document here."}

// flight is a rendering that others wait for.
type flight struct {
	done chan struct{}
	doc  *Document
	err  error
}

var errBroken = errors.New("rendering did not end")

func (d *Docs) make(ctx context.Context, ref *Ref) (*Document, error) {
	switch {
	case !ref.keep:
		return d.makeAlone(ctx, ref)
	case ref.loose:
		doc, _, err := d.render(ctx, ref)
		return doc, err
	}
	d.mu.Lock()
	if f := d.flights[ref.key]; f != nil {
		d.mu.Unlock()
		select {
		case <-f.done:
			return f.doc, f.err
		case <-ctx.Done():
			return nil, waited(ctx)
		}
	}
	f := &flight{done: make(chan struct{}), err: errBroken}
	d.flights[ref.key] = f
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.flights, ref.key)
		d.mu.Unlock()
		close(f.done)
	}()
	// Those who wait must not lose it because the first has left.
	alone := context.WithoutCancel(ctx)
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		alone, cancel = context.WithDeadline(alone, end)
		defer cancel()
	}
	var at key
	f.doc, at, f.err = d.render(alone, ref)
	if f.err == nil && !(at.kind.isAnswer() && f.doc.cost() > maxKeptAnswer) {
		d.cache.put(at, f.doc)
	}
	return f.doc, f.err
}

// waited is why a wait for others ended: the client has gone, or had to wait
// longer than ctx gives it.
func waited(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many requests are being answered. Try again in a moment."}
	}
	return ctx.Err()
}

// makeAlone renders for an address that nobody vouches for: one at a time.
func (d *Docs) makeAlone(ctx context.Context, ref *Ref) (*Document, error) {
	defer d.waiting.Add(-1)
	if d.waiting.Add(1) > maxWaiting+1 {
		return nil, &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "Too many requests come for addresses that this gallery does not know as its own. Set its public address (url)."}
	}
	select {
	case d.strange <- struct{}{}:
		defer func() { <-d.strange }()
	case <-ctx.Done():
		return nil, waited(ctx)
	}
	doc, _, err := d.render(ctx, ref)
	return doc, err
}

// render makes the document of ref out of the records as they are now, which may
// be newer than ref: at is the key of what was made.
func (d *Docs) render(ctx context.Context, ref *Ref) (doc *Document, at key, err error) {
	at = ref.key
	if at.kind == smallPackage {
		doc, err = d.readPackage(ref.head)
		return doc, at, err
	}
	slots := d.slots[0]
	if at.kind.isAnswer() {
		slots = d.slots[1]
	}
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, at, waited(ctx)
	}
	var w writer
	level := documentLevel
	var pages []pageRef
	switch at.kind {
	case serviceIndex:
		renderServiceIndex(&w, at.root)
	case flatIndex:
		err = d.renderFlatIndex(ctx, &w, ref, &at)
	case registrationIndex:
		pages, err = d.renderRegistrationIndex(ctx, &w, ref, &at)
	case registrationPage:
		err = d.renderRegistrationPage(ctx, &w, ref)
	case registrationLeaf:
		err = d.renderRegistrationLeaf(ctx, &w, ref, &at)
	case catalogIndex:
		err = d.renderCatalogIndex(ctx, &w, ref)
	case catalogPage:
		err = d.renderCatalogPage(ctx, &w, ref)
	case catalogLeaf:
		err = d.renderCatalogLeaf(ctx, &w, ref)
	case searchAnswer:
		level = answerLevel
		err = d.renderSearch(ctx, &w, ref, &at)
	case autocompleteAnswer:
		level = answerLevel
		err = d.renderAutocomplete(ctx, &w, ref, &at)
	}
	if errors.Is(err, errNoDocument) {
		return &Document{missing: true, Tag: []string{""}, GzipTag: []string{""}}, at, nil
	}
	if err != nil {
		return nil, at, err
	}
	doc = d.finish(&at, w.b, level)
	doc.pages = pages
	return doc, at, nil
}

// ServiceIndex is the index of a feed (protocol.md 1).
func (d *Docs) ServiceIndex(f *gallery.Feed, p Place) Ref {
	return Ref{key: key{kind: serviceIndex, root: p.Root}, feed: f, keep: p.Keep}
}

// FlatIndex is the list of a package's versions (protocol.md 2); NotFound for
// an unknown ID. It names no address.
func (d *Docs) FlatIndex(ctx context.Context, f *gallery.Feed, id string) (Ref, error) {
	ref := Ref{key: key{kind: flatIndex, feed: f.Generation, id: nuget.FoldID(id)}, feed: f, keep: true}
	state, err := d.g.PackageState(ctx, f, id)
	ref.key.rev = state.Rev
	return ref, err
}

// SmallPackage is the largest package that is kept in memory like a document:
// opening and reading its file would cost three times what sending it does.
const SmallPackage = 64 << 10

// Package is the bytes of a package of at most SmallPackage bytes, in plain form
// only; its Tag is PackageTag.
func (d *Docs) Package(h *gallery.Head) Ref {
	return Ref{key: key{kind: smallPackage, sub: string(h.Blob[:])}, keep: true, head: h}
}

// PackageTag is a strong ETag out of a package's SHA-512.
func PackageTag(h *gallery.Head) string {
	return `"` + base64.RawURLEncoding.EncodeToString(h.Blob[:24]) + `"`
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
	k := key{kind: nuspecFile, sub: string(h.Blob[:])}
	if doc := d.cache.get(k); doc != nil {
		return doc.Plain, nil
	}
	data, err := d.g.Nuspec(ctx, *h)
	if err == nil {
		d.cache.put(k, &Document{Plain: data})
	}
	return data, err
}

// renderServiceIndex lists what is served now, one object a type
// (protocol.md 0 rule 3, 1.2).
func renderServiceIndex(w *writer, root string) {
	base := root + "/v3/"
	resources := [...]struct{ url, kind, comment string }{
		{base + "flat/", "PackageBaseAddress/3.0.0", "The packages and their version lists."},
		{base + "reg/", "RegistrationsBaseUrl", "Metadata of packages, without SemVer 2 packages."},
		{base + "reg/", "RegistrationsBaseUrl/3.0.0-beta", ""},
		{base + "reg/", "RegistrationsBaseUrl/3.0.0-rc", ""},
		{base + "reg-gz/", "RegistrationsBaseUrl/3.4.0", ""},
		{base + "reg-gz-semver2/", "RegistrationsBaseUrl/3.6.0", "Metadata of packages, with SemVer 2 packages."},
		{base + "query", "SearchQueryService", "Search."},
		{base + "query", "SearchQueryService/3.0.0-beta", ""},
		{base + "query", "SearchQueryService/3.0.0-rc", ""},
		{base + "query", "SearchQueryService/3.5.0", "Search, with a filter by package type."},
		{base + "autocomplete", "SearchAutocompleteService", "IDs and versions as they are typed."},
		{base + "autocomplete", "SearchAutocompleteService/3.0.0-beta", ""},
		{base + "autocomplete", "SearchAutocompleteService/3.0.0-rc", ""},
		{base + "autocomplete", "SearchAutocompleteService/3.5.0", ""},
		{base + "package", "PackagePublish/2.0.0", "Push, unlist and relist."},
		{base + "catalog/index.json", "Catalog/3.0.0", "Everything that happened, in order."},
		{root + "/packages/{id}/{version}", "PackageDetailsUriTemplate/5.1.0", "The page of a package."},
		{base + "flat/{lower_id}/{lower_version}/readme", "ReadmeUriTemplate/6.13.0", "The readme of a package."},
	}
	w.open('{')
	w.str("version", "3.0.0")
	w.name("resources")
	w.open('[')
	for _, r := range resources {
		w.open('{')
		w.str("@id", r.url)
		w.str("@type", r.kind)
		w.opt("comment", r.comment)
		w.close('}')
	}
	w.close(']')
	w.close('}')
}

// renderFlatIndex lists all versions, unlisted ones as well, as URLs name them.
func (d *Docs) renderFlatIndex(ctx context.Context, w *writer, ref *Ref, at *key) error {
	pkg, heads, err := d.g.Heads(ctx, ref.feed, ref.key.id)
	if err != nil {
		return err
	}
	at.rev = pkg.Rev
	w.open('{')
	w.name("versions")
	w.open('[')
	for i := range heads {
		w.text(heads[i].Version.Key())
	}
	w.close(']')
	w.close('}')
	return nil
}
