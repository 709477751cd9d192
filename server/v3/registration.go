package v3

import (
	"context"
	"slices"

	"nougat/gallery"
	"nougat/nuget"
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
// (protocol.md 3.1). NotFound for an unknown ID, and from Get for one of which
// the hive shows nothing.
func (d *Docs) RegistrationIndex(ctx context.Context, f *gallery.Feed, p Place, h Hive, id string) (Ref, error) {
	ref := Ref{key: key{kind: registrationIndex, hive: h, feed: f.Generation, id: nuget.FoldID(id), root: p.Root}, feed: f, keep: p.Keep}
	state, err := d.g.PackageState(ctx, f, id)
	ref.key.rev = state.Rev
	return ref, err
}

// RegistrationPage is one page of an index of 128 versions or more. Bounds of a
// page as it was before a push are found as well, as long as both are versions;
// such a page is not kept.
func (d *Docs) RegistrationPage(ctx context.Context, f *gallery.Feed, p Place, h Hive, id, lower, upper string) (Ref, error) {
	index, err := d.RegistrationIndex(ctx, f, p, h, id)
	if err != nil {
		return Ref{}, err
	}
	doc, err := d.Get(ctx, &index)
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{key: index.key, feed: f, keep: p.Keep}
	ref.key.kind = registrationPage
	if ref.page = findPage(doc.pages, lower, upper); ref.page == nil {
		low, err := nuget.ParseVersion(lower)
		if err != nil {
			return Ref{}, errNoDocument
		}
		up, err := nuget.ParseVersion(upper)
		if err != nil {
			return Ref{}, errNoDocument
		}
		if ref.page = findPage(doc.pages, low.Key(), up.Key()); ref.page == nil {
			if ref.page, err = d.oldPage(ctx, &ref, low, up); err != nil {
				return Ref{}, err
			}
			ref.keep = false
		}
	}
	ref.key.sub, ref.key.rev, ref.key.count = ref.page.sub, ref.page.rev, int32(len(ref.page.versions))
	return ref, nil
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
func (d *Docs) oldPage(ctx context.Context, ref *Ref, low, up nuget.Version) (*pageRef, error) {
	_, heads, err := d.g.Heads(ctx, ref.feed, ref.key.id)
	if err != nil {
		return nil, err
	}
	heads = slices.DeleteFunc(heads, func(h gallery.Head) bool {
		return !ref.key.hive.shows(&h) || h.Version.Compare(low) < 0 || h.Version.Compare(up) > 0
	})
	if n := len(heads); n == 0 || n > mostInOne || !heads[0].Version.Equal(low) || !heads[n-1].Version.Equal(up) {
		return nil, errNoDocument
	}
	p := newPageRef(heads)
	return &p, nil
}

// RegistrationLeaf is one version (protocol.md 3.5); version in any form that
// parses.
func (d *Docs) RegistrationLeaf(ctx context.Context, f *gallery.Feed, p Place, h Hive, id, version string) (Ref, error) {
	head, err := d.g.Head(ctx, f, id, version)
	if err != nil {
		return Ref{}, err
	}
	if !h.shows(&head) {
		return Ref{}, errNoDocument
	}
	return Ref{
		key: key{
			kind: registrationLeaf, hive: h, feed: f.Generation, id: head.ID.Key(), sub: head.Version.Key(),
			rev: head.Rev, root: p.Root,
		},
		feed: f, keep: p.Keep,
	}, nil
}

func (d *Docs) renderRegistrationIndex(ctx context.Context, w *writer, ref *Ref, at *key) ([]pageRef, error) {
	h := ref.key.hive
	pkg, err := d.g.Package(ctx, ref.feed, ref.key.id)
	if err != nil {
		return nil, err
	}
	var heads []gallery.Head
	var releases []*gallery.Release
	if pkg.Versions <= mostInOne {
		if pkg, releases, err = d.g.Releases(ctx, ref.feed, ref.key.id); err != nil {
			return nil, err
		}
		releases = slices.DeleteFunc(releases, func(r *gallery.Release) bool { return !h.shows(&r.Head) })
		for _, r := range releases {
			heads = append(heads, r.Head)
		}
	} else {
		if pkg, heads, err = d.g.Heads(ctx, ref.feed, ref.key.id); err != nil {
			return nil, err
		}
		heads = slices.DeleteFunc(heads, func(r gallery.Head) bool { return !h.shows(&r) })
	}
	at.rev = pkg.Rev
	if len(heads) == 0 {
		return nil, errNoDocument
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
				return nil, err
			}
			releases = append(releases, page...)
		}
	}

	r := ref.renderer(w)
	index := r.indexURL(ref.key.id)
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
			w.str("@id", r.pageURL(ref.key.id, p))
			r.page(p, index, nil)
		}
		w.close('}')
	}
	w.close(']')
	w.close('}')
	if inline {
		return nil, nil
	}
	return pages, nil
}

func (d *Docs) renderRegistrationPage(ctx context.Context, w *writer, ref *Ref) error {
	releases, err := d.releases(ctx, ref, ref.page)
	if err != nil {
		return err
	}
	r := ref.renderer(w)
	w.open('{')
	w.str("@id", r.pageURL(ref.key.id, ref.page))
	r.page(ref.page, r.indexURL(ref.key.id), releases)
	w.close('}')
	return nil
}

// errMoved says that a release changed while its page was put together: a new
// key names the page now.
var errMoved = &gallery.Error{Kind: gallery.Unavailable, Op: "read", Msg: "The package changed while its page was put together. Ask again."}

// releases reads the versions of one page. None is ever removed but by a wipe,
// so that they need not be read in one View; one that changed since the page
// was laid out is noticed by its Rev.
func (d *Docs) releases(ctx context.Context, ref *Ref, p *pageRef) ([]*gallery.Release, error) {
	all := make([]*gallery.Release, 0, len(p.versions))
	for _, v := range p.versions {
		r, err := d.g.Release(ctx, ref.feed, ref.key.id, v)
		if err != nil {
			return nil, err
		}
		if r.Rev > p.rev {
			return nil, errMoved
		}
		all = append(all, r)
	}
	return all, nil
}

func (d *Docs) renderRegistrationLeaf(ctx context.Context, w *writer, ref *Ref, at *key) error {
	head, err := d.g.Head(ctx, ref.feed, ref.key.id, ref.key.sub)
	if err != nil {
		return err
	}
	at.rev = head.Rev
	r := ref.renderer(w)
	w.open('{')
	w.str("@id", r.leafURL(&head))
	w.strs("@type", []string{"Package", "http://schema.nuget.org/catalog#Permalink"})
	w.str("catalogEntry", r.catalogURL(&head))
	w.bool("listed", head.Listed)
	w.str("packageContent", r.packageURL(&head))
	w.time("published", publishedOf(&head), timeOffset)
	w.str("registration", r.indexURL(ref.key.id))
	w.close('}')
	return nil
}

// renderer writes what registration documents have in common.
type renderer struct {
	w    *writer
	base string // root + "/v3/"
	hive string
}

func (ref *Ref) renderer(w *writer) *renderer {
	return &renderer{w: w, base: ref.key.root + "/v3/", hive: ref.key.hive.Path()}
}

func (r *renderer) indexURL(lid string) string { return r.base + r.hive + "/" + lid + "/index.json" }

func (r *renderer) pageURL(lid string, p *pageRef) string {
	return r.base + r.hive + "/" + lid + "/page/" + p.lowerKey + "/" + p.upperKey + ".json"
}

func (r *renderer) leafURL(h *gallery.Head) string {
	return r.base + r.hive + "/" + h.ID.Key() + "/" + h.Version.Key() + ".json"
}

// packageURL spells the version as its author did: PSResourceGet looks for that
// text in it (protocol.md 3.3).
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

// entry writes a catalogEntry (protocol.md 3.4).
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
