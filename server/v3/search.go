package v3

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/docs"
)

// Limits of search and autocomplete (PROTO-4, Q-54).
const (
	defaultTake   = 20
	maxTake       = 1000
	maxKeptQuery  = 512 // bytes of a query whose answer is kept
	packageAsIDs  = 30  // package-ids answers with a short list
	semVer2Clause = "2.0.0"
)

// Search answers a query (PROTO-4). rawQuery is the address's, as it came:
// the same text has the same answer as long as the index stays the same.
func (d *Docs) Search(ctx context.Context, f *gallery.Feed, p docs.Place, rawQuery string) docs.Ref {
	return d.answer(ctx, &d.kinds.searchAnswer, f, p, rawQuery)
}

// Autocomplete answers with IDs, or with the versions of one (PROTO-5).
// The answer names no address, so it is the same at every place.
func (d *Docs) Autocomplete(ctx context.Context, f *gallery.Feed, rawQuery string) docs.Ref {
	return d.answer(ctx, &d.kinds.autocompleteAnswer, f, docs.Place{Keep: true}, rawQuery)
}

func (d *Docs) answer(ctx context.Context, kind *docs.Kind, f *gallery.Feed, p docs.Place, rawQuery string) docs.Ref {
	state := d.g.SearchState(ctx, f)
	return docs.Ref{
		Key:  docs.Key{Kind: kind, Feed: f.Generation, State: state, Sub: rawQuery, Root: p.Root},
		Feed: f, Keep: p.Keep, Loose: state.Rev == 0 || len(rawQuery) > maxKeptQuery,
	}
}

// Param finds a parameter of a query whose names ignore case; of several
// the first. Pieces that cannot be read are passed over.
func Param(rawQuery string, names ...string) string {
	for piece := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(piece, "=")
		if strings.IndexByte(name, '%') >= 0 {
			if n, err := url.QueryUnescape(name); err == nil {
				name = n
			}
		}
		for _, want := range names {
			if strings.EqualFold(name, want) {
				if v, err := url.QueryUnescape(value); err == nil {
					return v
				}
			}
		}
	}
	return ""
}

// ViewOf reads prerelease and semVerLevel (PROTO-4).
func ViewOf(rawQuery string, prerelease string) gallery.Filter {
	v := gallery.Filter{Prerelease: strings.EqualFold(Param(rawQuery, prerelease), "true")}
	if level, err := nuget.ParseVersion(Param(rawQuery, "semVerLevel")); err == nil {
		two, _ := nuget.ParseVersion(semVer2Clause)
		v.SemVer2 = level.Compare(two) >= 0
	}
	return v
}

func queryOf(rawQuery string) gallery.Query {
	q := gallery.Query{
		Text:        Param(rawQuery, "q"),
		Take:        defaultTake,
		Filter:      ViewOf(rawQuery, "prerelease"),
		PackageType: Param(rawQuery, "packageType", "packageTypeFilter", "packageTypes"),
	}
	if n, err := strconv.Atoi(Param(rawQuery, "skip")); err == nil && n > 0 {
		q.Skip = n
	}
	if n, err := strconv.Atoi(Param(rawQuery, "take")); err == nil && n >= 0 {
		q.Take = min(n, maxTake)
	}
	return q
}

func (d *Docs) renderSearch(ctx context.Context, w *writer, ref *docs.Ref, draft *docs.Draft) error {
	q := queryOf(ref.Key.Sub)
	found, err := d.g.Search(ctx, ref.Feed, q)
	if err != nil {
		return err
	}
	draft.State.Rev = found.Snapshot
	hive := Plain
	if q.Filter.SemVer2 {
		hive = SemVer2
	}
	r := &renderer{w: w, base: ref.Key.Root + "/v3/", hive: hive.Path()}
	w.b = make([]byte, 0, 200+1500*len(found.Hits))
	w.open('{')
	w.num("totalHits", int64(found.Total))
	w.name("data")
	w.open('[')
	for i := range found.Hits {
		d.hit(ctx, r, &found.Hits[i])
	}
	w.close(']')
	w.close('}')
	return nil
}

// hit writes one result (PROTO-4.1).
func (d *Docs) hit(ctx context.Context, r *renderer, h *gallery.Hit) {
	w, f := r.w, h.Face
	lid := h.Card.ID.Key()
	index := r.indexURL(lid)
	part := func(name string) string { return r.base + "flat/" + lid + "/" + f.Version.Key() + "/" + name }
	w.open('{')
	w.str("@id", index)
	w.str("@type", "Package")
	w.str("registration", index)
	w.str("id", string(h.Card.ID))
	w.str("version", f.Version.Full())
	w.str("description", f.Description)
	w.str("summary", f.Summary)
	w.opt("title", f.Title)
	if f.HasIcon {
		w.str("iconUrl", part("icon"))
	} else {
		w.opt("iconUrl", f.IconURL)
	}
	if f.HasLicenseFile {
		w.str("licenseUrl", part("license"))
	} else {
		w.opt("licenseUrl", f.LicenseURL)
	}
	w.opt("projectUrl", f.ProjectURL)
	w.strs("tags", f.Tags)
	w.name("authors")
	w.open('[')
	for author := range strings.SplitSeq(f.Authors, ",") {
		if author = strings.TrimSpace(author); author != "" {
			w.text(author)
		}
	}
	w.close(']')
	w.strs("owners", d.g.OwnerNames(ctx, h.Card.Owners))
	w.num("totalDownloads", int64(h.Downloads))
	w.bool("verified", false) // no prefix is reserved yet
	w.name("packageTypes")
	w.open('[')
	for _, t := range f.Types {
		w.open('{')
		w.str("name", t)
		w.close('}')
	}
	w.close(']')
	w.name("versions")
	w.open('[')
	for _, v := range h.Versions {
		w.open('{')
		w.str("version", v.Version.Full())
		w.num("downloads", int64(h.VersionDownloads(v.Version)))
		w.str("@id", r.base, r.hive, "/", lid, "/", v.Version.Key(), ".json")
		w.close('}')
	}
	w.close(']')
	w.strs("vulnerabilities", nil)
	w.close('}')
}

func (d *Docs) renderAutocomplete(ctx context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	raw := ref.Key.Sub
	q := queryOf(raw)
	id := Param(raw, "id")
	w.open('{')
	if id != "" {
		versions, err := d.g.VersionsOf(ctx, ref.Feed, id, q.Filter)
		if err != nil {
			return err
		}
		w.strs("data", versions)
	} else {
		total, ids, err := d.g.Autocomplete(ctx, ref.Feed, q)
		if err != nil {
			return err
		}
		w.num("totalHits", int64(total))
		w.strs("data", ids)
	}
	w.close('}')
	return nil
}

// PackageIDs answers package-ids: a short list of IDs that begin with what was
// typed (PROTO-6.2).
func (d *Docs) PackageIDs(ctx context.Context, f *gallery.Feed, rawQuery string) ([]byte, error) {
	_, ids, err := d.g.Autocomplete(ctx, f, gallery.Query{
		Text: Param(rawQuery, "partialId"), Take: packageAsIDs, Filter: ViewOf(rawQuery, "includePrerelease"),
	})
	return array(ids), err
}

// PackageVersions answers package-versions: the listed versions of an ID.
func (d *Docs) PackageVersions(ctx context.Context, f *gallery.Feed, id, rawQuery string) ([]byte, error) {
	versions, err := d.g.VersionsOf(ctx, f, id, ViewOf(rawQuery, "includePrerelease"))
	return array(versions), err
}

func array(values []string) []byte {
	var w writer
	w.open('[')
	for _, v := range values {
		w.text(v)
	}
	w.close(']')
	return w.b
}
