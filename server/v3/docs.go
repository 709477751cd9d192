package v3

import (
	"context"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/docs"
)

// A Hive is one of the three sets of registration documents (PROTO-3).
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

// Docs names the documents of V3 and renders them. What it names is asked for at
// the docs.Docs that it was made with, which keeps it. Any number of goroutines
// may use it.
type Docs struct {
	// Set in New, then fixed.
	g     *gallery.Gallery
	docs  *docs.Docs
	kinds kinds
}

// kinds are V3's sorts of documents; references point into it.
type kinds struct {
	serviceIndex, flatIndex                               docs.Kind
	registrationIndex, registrationPage, registrationLeaf docs.Kind
	catalogIndex, catalogPage, catalogLeaf                docs.Kind
	searchAnswer, autocompleteAnswer                      docs.Kind
}

// New returns the documents of V3 over g, kept by shared.
func New(g *gallery.Gallery, shared *docs.Docs) *Docs {
	d := &Docs{g: g, docs: shared}
	// The numbers are V3's, 1 to 31. One that was given stands for its kind for ever.
	d.kinds = kinds{
		serviceIndex:       docs.Kind{No: 1, Render: inJSON(d.renderServiceIndex)},
		flatIndex:          docs.Kind{No: 2, Render: inJSON(d.renderFlatIndex)},
		registrationIndex:  docs.Kind{No: 3, Render: inJSON(d.renderRegistrationIndex)},
		registrationPage:   docs.Kind{No: 4, Render: inJSON(d.renderRegistrationPage), Again: d.pageAgain},
		registrationLeaf:   docs.Kind{No: 5, Render: inJSON(d.renderRegistrationLeaf)},
		catalogIndex:       docs.Kind{No: 6, Render: inJSON(d.renderCatalogIndex)},
		catalogPage:        docs.Kind{No: 7, Render: inJSON(d.renderCatalogPage)},
		catalogLeaf:        docs.Kind{No: 8, Render: inJSON(d.renderCatalogLeaf)},
		searchAnswer:       docs.Kind{No: 9, Render: inJSON(d.renderSearch), Answer: true},
		autocompleteAnswer: docs.Kind{No: 10, Render: inJSON(d.renderAutocomplete), Answer: true},
	}
	return d
}

// inJSON makes a docs.Kind's Render of a function that writes JSON.
func inJSON(render func(context.Context, *writer, *docs.Ref, *docs.Draft) error) func(context.Context, *docs.Ref, *docs.Draft) error {
	return func(ctx context.Context, ref *docs.Ref, draft *docs.Draft) error {
		var w writer
		err := render(ctx, &w, ref, draft)
		draft.Body = w.b
		return err
	}
}

// rev is the state of a document that hangs on events alone.
func rev(seq uint64) gallery.DocState { return gallery.DocState{Rev: seq} }

// ServiceIndex is the index of a feed (PROTO-1).
func (d *Docs) ServiceIndex(f *gallery.Feed, p docs.Place) docs.Ref {
	return docs.Ref{Key: docs.Key{Kind: &d.kinds.serviceIndex, Root: p.Root}, Feed: f, Keep: p.Keep}
}

// FlatIndex is the list of a package's versions (PROTO-2); NotFound for
// an unknown ID. It names no address.
func (d *Docs) FlatIndex(ctx context.Context, f *gallery.Feed, id string) (docs.Ref, error) {
	ref := docs.Ref{Key: docs.Key{Kind: &d.kinds.flatIndex, Feed: f.Generation, ID: nuget.FoldID(id)}, Feed: f, Keep: true}
	var err error
	ref.Key.State, err = d.g.PackageState(ctx, f, id)
	return ref, err
}

// renderServiceIndex lists what is served now, one object a type
// (PROTO-0.3, PROTO-1.2).
func (d *Docs) renderServiceIndex(_ context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	root := ref.Key.Root
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
	return nil
}

// renderFlatIndex lists all versions, unlisted ones as well, as URLs name them.
func (d *Docs) renderFlatIndex(ctx context.Context, w *writer, ref *docs.Ref, draft *docs.Draft) error {
	pkg, heads, err := d.g.Heads(ctx, ref.Feed, ref.Key.ID)
	if err != nil {
		return err
	}
	draft.State.Rev = pkg.Rev
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
