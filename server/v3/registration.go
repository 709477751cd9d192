package v3

import (
	"context"
	"slices"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/docs"
)

// Paging as on nuget.org: 64 versions a page, and all pages inside the index up
// to 127 versions.
const (
	pageSize  = 64
	mostInOne = 127
)

// pageRef says what a registration page holds, and in which state.
type pageRef struct {
	lower, upper string   // as the document says them: normalized
	lowerKey     string   // as addresses name them: folded
	upperKey     string   //
	sub          string   // both, for the cache's key
	rev          uint64   // of the release that changed last
	versions     []string // Version.Key of each
}

func (p *pageRef) cost() int { return 200 + 32*len(p.versions) }

func newPageRef(heads []gallery.Head) pageRef {
	first, last := heads[0].Version, heads[len(heads)-1].Version
	p := pageRef{lower: first.String(), upper: last.String(), lowerKey: first.Key(), upperKey: last.Key()}
	p.sub = p.lowerKey + "/" + p.upperKey
	for i := range heads {
		p.rev = max(p.rev, heads[i].Rev)
		p.versions = append(p.versions, heads[i].Version.Key())
	}
	return p
}

// RegistrationIndex names all versions of a package that a hive shows
// (PROTO-3.1). NotFound for an unknown ID, and from Get for one of which
// the hive shows nothing.
func (d *Docs) RegistrationIndex(ctx context.Context, f *gallery.Feed, p docs.Place, h Hive, id string) (docs.Ref, error) {
	ref := docs.Ref{
		Key:  docs.Key{Kind: &d.kinds.registrationIndex, Form: uint8(h), Feed: f.Generation, ID: nuget.FoldID(id), Root: p.Root},
		Feed: f, Keep: p.Keep,
	}
	var err error
	ref.Key.State, err = d.g.PackageState(ctx, f, id)
	return ref, err
}

// RegistrationPage is one page of an index of 128 versions or more. Bounds of a
// page as it was before a push are found as well, as long as both are versions;
// such a page is not kept.
func (d *Docs) RegistrationPage(ctx context.Context, f *gallery.Feed, p docs.Place, h Hive, id, lower, upper string) (docs.Ref, error) {
	index, err := d.RegistrationIndex(ctx, f, p, h, id)
	if err != nil {
		return docs.Ref{}, err
	}
	doc, err := d.docs.Get(ctx, &index)
	if err != nil {
		return docs.Ref{}, err
	}
	pages, _ := doc.Parts.([]pageRef)
	ref := docs.Ref{Key: index.Key, Feed: f, Keep: p.Keep}
	page := findPage(pages, lower, upper)
	if page == nil {
		low, err := nuget.ParseVersion(lower)
		if err != nil {
			return docs.Ref{}, docs.ErrNoDocument
		}
		up, err := nuget.ParseVersion(upper)
		if err != nil {
			return docs.Ref{}, docs.ErrNoDocument
		}
		if page = findPage(pages, low.Key(), up.Key()); page == nil {
			if page, err = d.oldPage(ctx, f, h, ref.Key.ID, low, up); err != nil {
				return docs.Ref{}, err
			}
			ref.Keep = false
		}
	}
	ref.Key.Kind, ref.Of = &d.kinds.registrationPage, page
	ref.Key.Sub, ref.Key.State.Rev, ref.Key.Count = page.sub, page.rev, int32(len(page.versions))
	return ref, nil
}

// pageAgain finds a page anew of which a release changed while it was put
// together: a new key names it now.
func (d *Docs) pageAgain(ctx context.Context, ref docs.Ref) (docs.Ref, error) {
	page := ref.Of.(*pageRef)
	place := docs.Place{Root: ref.Key.Root, Keep: ref.Keep}
	return d.RegistrationPage(ctx, ref.Feed, place, Hive(ref.Key.Form), ref.Key.ID, page.lowerKey, page.upperKey)
}

func findPage(pages []pageRef, lowerKey, upperKey string) *pageRef {
	for i := range pages {
		if p := &pages[i]; p.lowerKey == lowerKey && p.upperKey == upperKey {
			return p
		}
	}
	return nil
}

// oldPage is a page with bounds that the index does not name now.
func (d *Docs) oldPage(ctx context.Context, f *gallery.Feed, h Hive, lid string, low, up nuget.Version) (*pageRef, error) {
	_, heads, err := d.g.Heads(ctx, f, lid)
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(r gallery.Head) bool {
		return !h.shows(&r) || r.Version.Compare(low) < 0 || r.Version.Compare(up) > 0
	})
	if n := len(heads); n == 0 || n > mostInOne || !heads[0].Version.Equal(low) || !heads[n-1].Version.Equal(up) {
		return nil, docs.ErrNoDocument
	}
	p := newPageRef(heads)
	return &p, nil
}

// RegistrationLeaf is one version (PROTO-3.5); version in any form that
// parses.
func (d *Docs) RegistrationLeaf(ctx context.Context, f *gallery.Feed, p docs.Place, h Hive, id, version string) (docs.Ref, error) {
	head, err := d.g.Head(ctx, f, id, version)
	if err != nil {
		return docs.Ref{}, err
	}
	if !h.shows(&head) {
		return docs.Ref{}, docs.ErrNoDocument
	}
	return docs.Ref{
		Key: docs.Key{
			Kind: &d.kinds.registrationLeaf, Form: uint8(h), Feed: f.Generation, ID: head.ID.Key(), Sub: head.Version.Key(),
			State: rev(head.Rev), Root: p.Root,
		},
		Feed: f, Keep: p.Keep,
	}, nil
}

func (d *Docs) renderRegistrationIndex(ctx context.Context, w *writer, ref *docs.Ref, draft *docs.Draft) error {
	h := Hive(ref.Key.Form)
	pkg, err := d.g.Package(ctx, ref.Feed, ref.Key.ID)
	if err != nil {
		return err
	}
	var heads []gallery.Head
	var releases []*gallery.Release
	if pkg.Versions <= mostInOne {
		if pkg, releases, err = d.g.Releases(ctx, ref.Feed, ref.Key.ID); err != nil {
			return err
		}
		releases = slices.DeleteFunc(releases, func(r *gallery.Release) bool { return !h.shows(&r.Head) })
		for _, r := range releases {
			heads = append(heads, r.Head)
		}
	} else {
		if pkg, heads, err = d.g.Heads(ctx, ref.Feed, ref.Key.ID); err != nil {
			return err
		}
		heads = slices.DeleteFunc(heads, func(r gallery.Head) bool { return !h.shows(&r) })
	}
	draft.State.Rev = pkg.Rev
	if len(heads) == 0 {
		return docs.ErrNoDocument
	}
	var pages []pageRef
	for chunk := range slices.Chunk(heads, pageSize) {
		pages = append(pages, newPageRef(chunk))
	}
	inline := len(heads) <= mostInOne
	if inline && releases == nil { // most of the versions are in another hive
		for i := range pages {
			page, err := d.releases(ctx, ref, &pages[i])
			if err != nil {
				return err
			}
			releases = append(releases, page...)
		}
	}

	r := rendererOf(ref, w)
	index := r.indexURL(ref.Key.ID)
	w.open('{')
	w.str("@id", index)
	w.strs("@type", []string{"catalog:CatalogRoot", "PackageRegistration", "catalog:Permalink"})
	w.num("count", int64(len(pages)))
	w.name("items")
	w.open('[')
	for i := range pages {
		p := &pages[i]
		w.open('{')
		if inline {
			n := len(p.versions)
			w.str("@id", index, "#page/", p.lower, "/", p.upper)
			r.page(p, index, releases[:n])
			releases = releases[n:]
		} else {
			w.str("@id", r.pageURL(ref.Key.ID, p))
			r.page(p, index, nil)
		}
		w.close('}')
	}
	w.close(']')
	w.close('}')
	if !inline { // the pages are documents of their own
		draft.Parts = pages
		for i := range pages {
			draft.PartsCost += pages[i].cost()
		}
	}
	return nil
}

func (d *Docs) renderRegistrationPage(ctx context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	page := ref.Of.(*pageRef)
	releases, err := d.releases(ctx, ref, page)
	if err != nil {
		return err
	}
	r := rendererOf(ref, w)
	w.open('{')
	w.str("@id", r.pageURL(ref.Key.ID, page))
	r.page(page, r.indexURL(ref.Key.ID), releases)
	w.close('}')
	return nil
}

// releases reads the versions of one page. None is ever removed but by a wipe,
// so that they need not be read in one View; one that changed since the page
// was laid out is noticed by its Rev.
func (d *Docs) releases(ctx context.Context, ref *docs.Ref, p *pageRef) ([]*gallery.Release, error) {
	all := make([]*gallery.Release, 0, len(p.versions))
	for _, v := range p.versions {
		r, err := d.g.Release(ctx, ref.Feed, ref.Key.ID, v)
		if err != nil {
			return nil, err
		}
		if r.Rev > p.rev {
			return nil, docs.ErrMoved
		}
		all = append(all, r)
	}
	return all, nil
}

func (d *Docs) renderRegistrationLeaf(ctx context.Context, w *writer, ref *docs.Ref, draft *docs.Draft) error {
	head, err := d.g.Head(ctx, ref.Feed, ref.Key.ID, ref.Key.Sub)
	if err != nil {
		return err
	}
	draft.State.Rev = head.Rev
	r := rendererOf(ref, w)
	w.open('{')
	w.str("@id", r.leafURL(&head))
	w.strs("@type", []string{"Package", "http://schema.nuget.org/catalog#Permalink"})
	w.str("catalogEntry", r.catalogURL(&head))
	w.bool("listed", head.Listed)
	w.str("packageContent", r.packageURL(&head))
	w.time("published", publishedOf(&head), timeOffset)
	w.str("registration", r.indexURL(ref.Key.ID))
	w.close('}')
	return nil
}

// renderer writes what registration documents have in common.
type renderer struct {
	w    *writer
	base string // root + "/v3/"
	hive string
}

func rendererOf(ref *docs.Ref, w *writer) *renderer {
	return &renderer{w: w, base: ref.Key.Root + "/v3/", hive: Hive(ref.Key.Form).Path()}
}

func (r *renderer) indexURL(lid string) string { return r.base + r.hive + "/" + lid + "/index.json" }

func (r *renderer) pageURL(lid string, p *pageRef) string {
	return r.base + r.hive + "/" + lid + "/page/" + p.lowerKey + "/" + p.upperKey + ".json"
}

func (r *renderer) leafURL(h *gallery.Head) string {
	return r.base + r.hive + "/" + h.ID.Key() + "/" + h.Version.Key() + ".json"
}

// packageURL spells the version as its author did: PSResourceGet looks for that
// text in it (PROTO-3.3).
func (r *renderer) packageURL(h *gallery.Head) string {
	lid, v := h.ID.Key(), h.Version.String()
	return r.base + "flat/" + lid + "/" + v + "/" + lid + "." + v + ".nupkg"
}

func (r *renderer) partURL(h *gallery.Head, part string) string {
	return r.base + "flat/" + h.ID.Key() + "/" + h.Version.Key() + "/" + part
}

func (r *renderer) catalogURL(h *gallery.Head) string {
	return catalogLeafURL(r.base, h.Edited, h.ID.Key(), h.Version.Key())
}

// page writes the members of a page but its @id. Without releases the client
// fetches the page by its @id.
func (r *renderer) page(p *pageRef, index string, releases []*gallery.Release) {
	w := r.w
	w.str("@type", "catalog:CatalogPage")
	w.num("count", int64(len(p.versions)))
	w.str("lower", p.lower)
	w.str("upper", p.upper)
	if releases == nil {
		return
	}
	w.str("parent", index)
	w.name("items")
	w.open('[')
	for _, rel := range releases {
		w.open('{')
		w.str("@id", r.leafURL(&rel.Head))
		w.str("@type", "Package")
		w.name("catalogEntry")
		r.entry(rel)
		w.str("packageContent", r.packageURL(&rel.Head))
		w.str("registration", index)
		w.close('}')
	}
	w.close(']')
}

// entry writes a catalogEntry (PROTO-3.4).
func (r *renderer) entry(rel *gallery.Release) {
	w, m := r.w, &rel.Meta
	w.open('{')
	w.str("@id", r.catalogURL(&rel.Head))
	w.str("@type", "PackageDetails")
	w.str("authors", m.Authors)
	r.dependencies(m.Dependencies)
	w.str("description", m.Description)
	w.opt("iconUrl", r.iconURL(rel))
	w.str("id", string(rel.ID))
	w.opt("language", m.Language)
	w.opt("licenseExpression", m.LicenseExpression)
	w.opt("licenseUrl", r.licenseURL(rel))
	w.bool("listed", rel.Listed)
	w.opt("minClientVersion", m.MinClientVersion)
	w.str("packageContent", r.packageURL(&rel.Head))
	w.opt("projectUrl", m.ProjectURL)
	w.time("published", publishedOf(&rel.Head), timeOffset)
	if m.ReadmeFile != "" {
		w.str("readmeUrl", r.partURL(&rel.Head, "readme"))
	}
	w.bool("requireLicenseAcceptance", m.RequireLicenseAcceptance)
	w.opt("summary", m.Summary)
	w.strs("tags", m.Tags)
	w.opt("title", m.Title)
	w.str("version", rel.Version.Full())
	w.close('}')
}

// iconURL and licenseURL are what the feed serves itself, else what the nuspec
// gives.
func (r *renderer) iconURL(rel *gallery.Release) string {
	if rel.Meta.IconFile != "" {
		return r.partURL(&rel.Head, "icon")
	}
	return rel.Meta.IconURL
}

func (r *renderer) licenseURL(rel *gallery.Release) string {
	if rel.Meta.LicenseFile != "" {
		return r.partURL(&rel.Head, "license")
	}
	return rel.Meta.LicenseURL
}

// dependencies writes dependencyGroups. A group without dependencies is kept: it
// says that the package supports that framework.
func (r *renderer) dependencies(groups []gallery.DependencyGroup) {
	if len(groups) == 0 {
		return
	}
	w := r.w
	w.name("dependencyGroups")
	w.open('[')
	for _, g := range groups {
		w.open('{')
		w.str("@type", "PackageDependencyGroup")
		if len(g.Dependencies) > 0 {
			w.name("dependencies")
			w.open('[')
			for _, d := range g.Dependencies {
				w.open('{')
				w.str("@type", "PackageDependency")
				w.str("id", d.ID)
				w.str("range", d.Range)
				if r.hive != "" {
					w.str("registration", r.indexURL(segment(nuget.FoldID(d.ID))))
				}
				w.close('}')
			}
			w.close(']')
		}
		w.opt("targetFramework", g.Framework)
		w.close('}')
	}
	w.close(']')
}
