package v3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/url"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/docs"
)

// catalogPageSize is how many events a page of the catalog covers: pages are
// functions of a range of event numbers.
const catalogPageSize = 550

// CatalogIndex names the pages of the feed's catalog (PROTO-7).
func (d *Docs) CatalogIndex(ctx context.Context, f *gallery.Feed, p docs.Place) (docs.Ref, error) {
	state, err := d.g.State(ctx, f)
	if err != nil {
		return docs.Ref{}, err
	}
	return docs.Ref{
		Key:  docs.Key{Kind: &d.kinds.catalogIndex, Feed: f.Number, State: rev(state.LastSeq), Root: p.Root},
		Feed: f, Keep: p.Keep,
	}, nil
}

// CatalogPage is page n, from 0; NotFound beyond the last.
func (d *Docs) CatalogPage(ctx context.Context, f *gallery.Feed, p docs.Place, n uint64) (docs.Ref, error) {
	state, err := d.g.State(ctx, f)
	if err != nil {
		return docs.Ref{}, err
	}
	if n >= catalogPages(state.LastSeq) {
		return docs.Ref{}, docs.ErrNoDocument
	}
	return docs.Ref{
		Key: docs.Key{
			Kind: &d.kinds.catalogPage, Feed: f.Number, Sub: strconv.FormatUint(n, 10),
			State: rev(min(state.LastSeq, (n+1)*catalogPageSize)), Root: p.Root,
		},
		Feed: f, Keep: p.Keep,
	}, nil
}

// CatalogLeaf is what one event left behind; NotFound once a test feed has
// replaced or wiped the release. Its address holds the event's time
// and the package's folded ID and version.
func (d *Docs) CatalogLeaf(ctx context.Context, f *gallery.Feed, p docs.Place, folder, name string) (docs.Ref, error) {
	at, err := time.Parse(timeFolder, folder)
	if err != nil {
		return docs.Ref{}, docs.ErrNoDocument
	}
	ev, err := d.eventAt(ctx, f, at)
	if err != nil {
		return docs.Ref{}, err
	}
	if ev == nil || !ev.Kind.InCatalog() || !strings.EqualFold(name, ev.ID.Key()+"."+ev.Version.Key()+".json") {
		return docs.Ref{}, docs.ErrNoDocument
	}
	head, err := d.g.Head(ctx, f, string(ev.ID), ev.Version.String())
	if err != nil {
		return docs.Ref{}, err // wiped since
	}
	if head.Blob != ev.Blob {
		return docs.Ref{}, docs.ErrNoDocument // replaced since: what it was is gone, also where it is still kept
	}
	return docs.Ref{
		Key:  docs.Key{Kind: &d.kinds.catalogLeaf, Feed: f.Number, State: rev(ev.Seq), Root: p.Root},
		Feed: f, Keep: p.Keep, Of: ev,
	}, nil
}

// eventAt finds the event of a time, cut to 100 ns, by halving: event times
// grow with their numbers. Nil when there is none.
func (d *Docs) eventAt(ctx context.Context, f *gallery.Feed, at time.Time) (found *gallery.Event, err error) {
	state, err := d.g.State(ctx, f)
	if err != nil {
		return nil, err
	}
	at = at.Truncate(100 * time.Nanosecond)
	sort.Search(int(state.LastSeq), func(before int) bool {
		if err != nil {
			return true
		}
		var one []gallery.Event
		if one, err = d.g.Events(ctx, f, uint64(before), 1); err != nil || len(one) == 0 {
			return true
		}
		then := one[0].Time.Truncate(100 * time.Nanosecond)
		if then.Equal(at) {
			found = &one[0]
		}
		return !then.Before(at)
	})
	return found, err
}

func catalogPages(lastSeq uint64) uint64 {
	return (lastSeq + catalogPageSize - 1) / catalogPageSize
}

func catalogLeafURL(base string, at time.Time, lid, lver string) string {
	return base + "catalog/data/" + at.UTC().Format(timeFolder) + "/" + lid + "." + lver + ".json"
}

// commitID is a GUID made of what identifies the event: each event is a commit
// of its own.
func commitID(f *gallery.Feed, seq uint64, at time.Time) string {
	b := binary.BigEndian.AppendUint32([]byte("nougat catalog commit"), f.Number)
	b = binary.BigEndian.AppendUint64(b, seq)
	b = binary.BigEndian.AppendUint64(b, uint64(at.UnixNano()))
	sum := sha256.Sum256(b)
	sum[6] = sum[6]&0x0f | 0x80 // version 8: made by a rule of our own
	sum[8] = sum[8]&0x3f | 0x80
	x := hex.EncodeToString(sum[:16])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}

func (d *Docs) renderCatalogIndex(ctx context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	base, last := ref.Key.Root+"/v3/", ref.Key.State.Rev
	id, at := commitID(ref.Feed, 0, ref.Feed.Created), ref.Feed.Created
	pages := make([]gallery.Event, catalogPages(last)) // the last event of each
	for i := range pages {
		end := min(last, uint64(i+1)*catalogPageSize)
		evs, err := d.g.Events(ctx, ref.Feed, end-1, 1)
		if err != nil {
			return err
		}
		if len(evs) != 1 || evs[0].Seq != end {
			return docs.ErrNoDocument
		}
		pages[i] = evs[0]
		id, at = commitID(ref.Feed, end, evs[0].Time), evs[0].Time
	}
	w.open('{')
	w.str("@id", base, "catalog/index.json")
	w.strs("@type", []string{"CatalogRoot", "AppendOnlyCatalog", "Permalink"})
	w.str("commitId", id)
	w.time("commitTimeStamp", at, timeUTC)
	w.num("count", int64(len(pages)))
	w.name("items")
	w.open('[')
	for i, ev := range pages {
		w.open('{')
		w.str("@id", base, "catalog/page", strconv.Itoa(i), ".json")
		w.str("@type", "CatalogPage")
		w.str("commitId", commitID(ref.Feed, ev.Seq, ev.Time))
		w.time("commitTimeStamp", ev.Time, timeUTC)
		w.num("count", int64(ev.Seq)-int64(i*catalogPageSize))
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return nil
}

func (d *Docs) renderCatalogPage(ctx context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	base := ref.Key.Root + "/v3/"
	last := ref.Key.State.Rev
	first := (last - 1) / catalogPageSize * catalogPageSize
	evs, err := d.g.Events(ctx, ref.Feed, first, int(last-first))
	if err != nil {
		return err
	}
	if len(evs) == 0 {
		return docs.ErrNoDocument
	}
	newest := evs[len(evs)-1]
	w.open('{')
	w.str("@id", base, "catalog/page", ref.Key.Sub, ".json")
	w.str("@type", "CatalogPage")
	w.str("commitId", commitID(ref.Feed, newest.Seq, newest.Time))
	w.time("commitTimeStamp", newest.Time, timeUTC)
	w.num("count", int64(len(evs)))
	w.str("parent", base, "catalog/index.json")
	w.name("items")
	w.open('[')
	for i := range evs {
		ev := &evs[i]
		if !ev.Kind.InCatalog() {
			continue
		}
		w.open('{')
		w.str("@id", catalogLeafURL(base, ev.Time, ev.ID.Key(), ev.Version.Key()))
		w.str("@type", "nuget:PackageDetails")
		w.str("commitId", commitID(ref.Feed, ev.Seq, ev.Time))
		w.time("commitTimeStamp", ev.Time, timeUTC)
		w.str("nuget:id", string(ev.ID))
		w.str("nuget:version", ev.Version.Full())
		w.close('}')
	}
	w.close(']')
	w.close('}')
	return nil
}

// renderCatalogLeaf shows a release as its event left it (PROTO-7.1).
func (d *Docs) renderCatalogLeaf(ctx context.Context, w *writer, ref *docs.Ref, _ *docs.Draft) error {
	ev := ref.Of.(*gallery.Event)
	rel, err := d.g.Release(ctx, ref.Feed, string(ev.ID), ev.Version.String())
	if err != nil {
		return err // wiped since
	}
	if rel.Blob != ev.Blob {
		return docs.ErrNoDocument // replaced since: what it was is gone
	}
	then := *rel
	then.Listed = ev.Listed
	pkg, err := d.g.OpenArchive(ctx, then.Head)
	if err != nil {
		return err
	}
	defer pkg.Close()
	manifest, err := pkg.Manifest()
	if err != nil {
		return err
	}
	m := &then.Meta
	r := &renderer{w: w, base: ref.Key.Root + "/v3/"} // of no hive
	id := catalogLeafURL(r.base, ev.Time, ev.ID.Key(), ev.Version.Key())
	w.open('{')
	w.str("@id", id)
	w.strs("@type", []string{"PackageDetails", "catalog:Permalink"})
	w.str("authors", m.Authors)
	w.str("catalog:commitId", commitID(ref.Feed, ev.Seq, ev.Time))
	w.time("catalog:commitTimeStamp", ev.Time, timeUTC)
	w.opt("copyright", m.Copyright)
	w.time("created", then.Published, timeUTC)
	r.dependencies(m.Dependencies)
	w.str("description", m.Description)
	r.assemblies(m.FrameworkAssemblies)
	w.opt("iconFile", m.IconFile)
	w.opt("iconUrl", r.iconURL(&then))
	w.str("id", string(then.ID))
	w.bool("isPrerelease", then.Version.IsPrerelease())
	w.opt("language", m.Language)
	w.time("lastEdited", ev.Time, timeUTC)
	w.opt("licenseExpression", m.LicenseExpression)
	w.opt("licenseFile", m.LicenseFile)
	w.opt("licenseUrl", r.licenseURL(&then))
	w.bool("listed", then.Listed)
	w.opt("minClientVersion", m.MinClientVersion)
	r.entries(id, pkg.Entries())
	w.str("packageHash", base64.StdEncoding.EncodeToString(then.Blob[:]))
	w.str("packageHashAlgorithm", "SHA512")
	w.num("packageSize", then.Size)
	r.types(m.Types)
	w.opt("projectUrl", m.ProjectURL)
	w.time("published", publishedOf(&then.Head), timeUTC)
	w.opt("readmeFile", m.ReadmeFile)
	w.opt("releaseNotes", manifest.ReleaseNotes)
	if m.Repository != nil {
		w.opt("repository", m.Repository.ShownURL())
	}
	w.bool("requireLicenseAcceptance", m.RequireLicenseAcceptance)
	w.opt("summary", m.Summary)
	if len(m.Tags) > 0 {
		w.strs("tags", m.Tags)
	}
	w.opt("title", m.Title)
	w.str("verbatimVersion", then.Version.Original())
	w.str("version", then.Version.Full())
	w.close('}')
	return nil
}

func (r *renderer) assemblies(groups []gallery.NameGroup) {
	if len(groups) == 0 {
		return
	}
	w := r.w
	w.name("frameworkAssemblyGroup")
	w.open('[')
	for _, g := range groups {
		w.open('{')
		w.strs("assembly", g.Names)
		w.opt("targetFramework", g.Framework)
		w.close('}')
	}
	w.close(']')
}

// entries lists the package's own files, without those that the container adds.
func (r *renderer) entries(leaf string, entries []nuget.Entry) {
	w := r.w
	w.name("packageEntries")
	w.open('[')
	for _, e := range entries {
		if e.OPC || strings.HasSuffix(e.Name, "/") || !fs.ValidPath(e.Name) {
			continue
		}
		w.open('{')
		w.str("@id", leaf, (&url.URL{Fragment: e.Name}).String())
		w.str("@type", "PackageEntry")
		w.num("compressedLength", e.Compressed)
		w.str("fullName", e.Name)
		w.num("length", e.Size)
		w.str("name", path.Base(e.Name))
		w.close('}')
	}
	w.close(']')
}

func (r *renderer) types(types []nuget.PackageType) {
	w := r.w
	w.name("packageTypes")
	w.open('[')
	for _, t := range types {
		w.open('{')
		w.str("name", t.Name)
		w.opt("version", t.Version)
		w.close('}')
	}
	w.close(']')
}
