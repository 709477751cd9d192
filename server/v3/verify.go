package v3

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
)

// verifyRoot is the address that documents name while they are verified.
const verifyRoot = "https://verify.invalid"

// Verify renders every document of a feed, reads it as a client would, and
// compares it with the records: version lists, registrations of all hives with
// their pages and leaves, and the catalog. It may run beside a serving gallery:
// a finding is looked at a second time before it is reported. Of a package that
// known names by its folded ID, records or files were found wrong before, and its
// documents are left alone; known("") says so of the feed's own records. Verify
// returns how many documents it read.
func Verify(ctx context.Context, g *gallery.Gallery, f *gallery.Feed, known func(id string) bool, report func(gallery.Finding)) (documents int, err error) {
	if known("") {
		return 0, nil
	}
	kept := docs.New(g, 4<<20)
	v := &verifier{g: g, kept: kept, docs: New(g, kept), feed: f}
	ids, err := v.packages(ctx)
	if err != nil {
		return v.read, err
	}
	for _, id := range ids {
		if known(id) {
			continue
		}
		for try := 0; try < 2; try++ {
			v.id, v.found = id, nil
			if err := v.pkg(ctx); err != nil {
				if ctx.Err() != nil {
					return v.read, ctx.Err()
				}
				v.say("", "its documents cannot be read: %v", err)
			}
			if len(v.found) == 0 {
				break
			}
		}
		for _, finding := range v.found {
			report(finding)
		}
	}
	v.id, v.found = "", nil
	if err := v.catalog(ctx); err != nil {
		v.say("", "its catalog cannot be read: %v", err)
	}
	for _, finding := range v.found {
		report(finding)
	}
	return v.read, ctx.Err()
}

type verifier struct {
	g     *gallery.Gallery
	kept  *docs.Docs
	docs  *Docs
	feed  *gallery.Feed
	id    string
	found []gallery.Finding
	read  int
}

func (v *verifier) say(version, format string, args ...any) {
	v.found = append(v.found, gallery.Finding{Feed: v.feed.Name, ID: v.id, Version: version, What: fmt.Sprintf(format, args...)})
}

// same reports a difference between what a document says and what the records
// say.
func same[T comparable](v *verifier, version, what string, says, want T) {
	if says != want {
		v.say(version, "%s is %v where the records say %v", what, says, want)
	}
}

// packages lists the folded IDs that the event log names since the feed was
// last emptied.
func (v *verifier) packages(ctx context.Context) ([]string, error) {
	seen := make(map[string]bool)
	for after := uint64(0); ; {
		evs, err := v.g.Events(ctx, v.feed, after, 256)
		if err != nil {
			return nil, err
		}
		for i := range evs {
			if !evs[i].Kind.InCatalog() {
				clear(seen)
				continue
			}
			seen[evs[i].ID.Key()] = true
		}
		if len(evs) < 256 {
			break
		}
		after = evs[len(evs)-1].Seq
	}
	ids := make([]string, 0, len(seen))
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// decode renders a document and reads it.
func (v *verifier) decode(ctx context.Context, ref docs.Ref, into any) error {
	doc, err := v.kept.Get(ctx, &ref)
	if err != nil {
		return err
	}
	plain, err := doc.Inflate(nil)
	if err != nil {
		return err
	}
	v.read++
	var tree any
	if err := json.Unmarshal(plain, &tree); err != nil {
		return err
	}
	if hasNull(tree) {
		v.say("", "a document holds a null")
	}
	return json.Unmarshal(plain, into)
}

func hasNull(tree any) bool {
	switch t := tree.(type) {
	case nil:
		return true
	case []any:
		return slices.ContainsFunc(t, hasNull)
	case map[string]any:
		for _, value := range t {
			if hasNull(value) {
				return true
			}
		}
	}
	return false
}

// pkg compares the documents of one package.
func (v *verifier) pkg(ctx context.Context) error {
	_, releases, err := v.g.Releases(ctx, v.feed, v.id)
	if err != nil {
		return err
	}
	var flat struct {
		Versions []string `json:"versions"`
	}
	ref, err := v.docs.FlatIndex(ctx, v.feed, v.id)
	if err != nil {
		return err
	}
	if err := v.decode(ctx, ref, &flat); err != nil {
		return err
	}
	want := make([]string, len(releases))
	for i, r := range releases {
		want[i] = r.Version.Key()
	}
	same(v, "", "the version list", strings.Join(flat.Versions, " "), strings.Join(want, " "))
	for _, h := range []Hive{Plain, Gzip, SemVer2} {
		shown := slices.DeleteFunc(slices.Clone(releases), func(r *gallery.Release) bool { return !h.shows(&r.Head) })
		if err := v.hive(ctx, h, shown); err != nil {
			return err
		}
	}
	return nil
}

// What a client reads of registrations.
type (
	readIndex struct {
		Count int        `json:"count"`
		Items []readPage `json:"items"`
	}
	readPage struct {
		Count int        `json:"count"`
		Lower string     `json:"lower"`
		Upper string     `json:"upper"`
		Items []readLeaf `json:"items"`
	}
	readLeaf struct {
		Entry          readEntry `json:"catalogEntry"`
		PackageContent string    `json:"packageContent"`
	}
	readEntry struct {
		ID        string    `json:"id"`
		Version   string    `json:"version"`
		Listed    *bool     `json:"listed"`
		Published time.Time `json:"published"`
		Authors   string    `json:"authors"`
		Groups    []struct {
			Framework    string `json:"targetFramework"`
			Dependencies []struct {
				ID    string `json:"id"`
				Range string `json:"range"`
			} `json:"dependencies"`
		} `json:"dependencyGroups"`
	}
	readLeafDocument struct {
		Listed         *bool     `json:"listed"`
		Published      time.Time `json:"published"`
		CatalogEntry   string    `json:"catalogEntry"`
		PackageContent string    `json:"packageContent"`
	}
)

func (v *verifier) hive(ctx context.Context, h Hive, releases []*gallery.Release) error {
	place := docs.Place{Root: verifyRoot}
	ref, err := v.docs.RegistrationIndex(ctx, v.feed, place, h, v.id)
	if err != nil {
		return err
	}
	var index readIndex
	err = v.decode(ctx, ref, &index)
	if len(releases) == 0 {
		if !errors.Is(err, docs.ErrNoDocument) {
			v.say("", "%s shows it, though it has no version there (%v)", h.Path(), err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	same(v, "", h.Path()+": the number of pages", index.Count, len(index.Items))
	left := releases
	for _, page := range index.Items {
		if page.Items == nil {
			ref, err := v.docs.RegistrationPage(ctx, v.feed, place, h, v.id, strings.ToLower(page.Lower), strings.ToLower(page.Upper))
			if err != nil {
				return err
			}
			lower, upper := page.Lower, page.Upper
			if err := v.decode(ctx, ref, &page); err != nil {
				return err
			}
			same(v, "", h.Path()+": the bounds of a page", page.Lower+" "+page.Upper, lower+" "+upper)
		}
		same(v, "", h.Path()+": the count of a page", page.Count, len(page.Items))
		if len(page.Items) == 0 || len(page.Items) > len(left) {
			v.say("", "%s: a page holds %d versions where %d are left", h.Path(), len(page.Items), len(left))
			return nil
		}
		here := left[:len(page.Items)]
		left = left[len(page.Items):]
		same(v, "", h.Path()+": the bounds of a page", page.Lower+" "+page.Upper, here[0].Version.String()+" "+here[len(here)-1].Version.String())
		for i := range page.Items {
			if err := v.leaf(ctx, h, &page.Items[i], here[i]); err != nil {
				return err
			}
		}
	}
	same(v, "", h.Path()+": versions left out", len(left), 0)
	return nil
}

func (v *verifier) leaf(ctx context.Context, h Hive, leaf *readLeaf, r *gallery.Release) error {
	version, e := r.Version.Full(), &leaf.Entry
	lid := r.ID.Key()
	content := verifyRoot + "/v3/flat/" + lid + "/" + r.Version.String() + "/" + lid + "." + r.Version.String() + ".nupkg"
	published := r.Published.Truncate(100)
	if !r.Listed {
		published = unlistedTime
	}
	where := h.Path() + ": "
	same(v, version, where+"id", e.ID, string(r.ID))
	same(v, version, where+"version", e.Version, version)
	same(v, version, where+"authors", e.Authors, strings.ToValidUTF8(r.Meta.Authors, "\ufffd"))
	same(v, version, where+"listed", e.Listed != nil && *e.Listed, r.Listed)
	same(v, version, where+"published", e.Published.UTC(), published)
	same(v, version, where+"packageContent", leaf.PackageContent, content)
	var says, want []string
	for _, g := range e.Groups {
		says = append(says, "group "+g.Framework)
		for _, d := range g.Dependencies {
			says = append(says, d.ID+" "+d.Range)
		}
	}
	for _, g := range r.Meta.Dependencies {
		want = append(want, "group "+g.Framework)
		for _, d := range g.Dependencies {
			want = append(want, d.ID+" "+d.Range)
		}
	}
	same(v, version, where+"dependencies", strings.Join(says, ", "), strings.Join(want, ", "))

	ref, err := v.docs.RegistrationLeaf(ctx, v.feed, docs.Place{Root: verifyRoot}, h, v.id, version)
	if err != nil {
		return err
	}
	var doc readLeafDocument
	if err := v.decode(ctx, ref, &doc); err != nil {
		return err
	}
	same(v, version, where+"listed of its leaf", doc.Listed != nil && *doc.Listed, r.Listed)
	same(v, version, where+"published of its leaf", doc.Published.UTC(), published)
	same(v, version, where+"packageContent of its leaf", doc.PackageContent, content)
	if h != SemVer2 {
		return nil
	}
	return v.catalogLeaf(ctx, doc.CatalogEntry, r)
}

// catalogLeaf follows the address of a catalogEntry, as OneGet does.
func (v *verifier) catalogLeaf(ctx context.Context, address string, r *gallery.Release) error {
	rest, ok := strings.CutPrefix(address, verifyRoot+"/v3/catalog/data/")
	folder, name, two := strings.Cut(rest, "/")
	if !ok || !two {
		v.say(r.Version.Full(), "catalogEntry names %s, which is not in the catalog", address)
		return nil
	}
	ref, err := v.docs.CatalogLeaf(ctx, v.feed, docs.Place{Root: verifyRoot}, folder, name)
	if err != nil {
		return fmt.Errorf("the catalog leaf %s: %w", address, err)
	}
	var leaf struct {
		ID       string `json:"id"`
		Version  string `json:"version"`
		Listed   *bool  `json:"listed"`
		Hash     string `json:"packageHash"`
		Size     int64  `json:"packageSize"`
		Verbatim string `json:"verbatimVersion"`
	}
	if err := v.decode(ctx, ref, &leaf); err != nil {
		return fmt.Errorf("the catalog leaf %s: %w", address, err)
	}
	version := r.Version.Full()
	same(v, version, "id in the catalog", leaf.ID, string(r.ID))
	same(v, version, "version in the catalog", leaf.Version, version)
	same(v, version, "verbatimVersion in the catalog", leaf.Verbatim, r.Version.Original())
	same(v, version, "listed in the catalog", leaf.Listed != nil && *leaf.Listed, r.Listed)
	same(v, version, "packageHash in the catalog", leaf.Hash, base64.StdEncoding.EncodeToString(r.Blob[:]))
	same(v, version, "packageSize in the catalog", leaf.Size, r.Size)
	return nil
}

// What a client reads of the catalog's index and pages alike.
type readCatalog struct {
	Commit time.Time `json:"commitTimeStamp"`
	Count  int       `json:"count"`
	Items  []struct {
		Commit time.Time `json:"commitTimeStamp"`
		Count  int       `json:"count"`
		ID     string    `json:"nuget:id"`
	} `json:"items"`
}

// catalog holds the pages against the event log.
func (v *verifier) catalog(ctx context.Context) error {
	place := docs.Place{Root: verifyRoot}
	ref, err := v.docs.CatalogIndex(ctx, v.feed, place)
	if err != nil {
		return err
	}
	var index readCatalog
	if err := v.decode(ctx, ref, &index); err != nil {
		return err
	}
	same(v, "", "the number of pages of the catalog", index.Count, len(index.Items))
	after := time.Time{}
	for n, named := range index.Items {
		ref, err := v.docs.CatalogPage(ctx, v.feed, place, uint64(n))
		if err != nil {
			return err
		}
		// The last page may have grown since the index was read.
		var page readCatalog
		if err := v.decode(ctx, ref, &page); err != nil {
			return err
		}
		evs, err := v.g.Events(ctx, v.feed, uint64(n)*catalogPageSize, page.Count)
		if err != nil {
			return err
		}
		evs = slices.DeleteFunc(evs, func(e gallery.Event) bool { return !e.Kind.InCatalog() })
		if len(page.Items) != len(evs) {
			v.say("", "page %d of the catalog holds %d items where the log holds %d events", n, len(page.Items), len(evs))
			continue
		}
		if page.Count < named.Count || page.Commit.Before(named.Commit) {
			v.say("", "page %d of the catalog is older than its index says", n)
		}
		for i, item := range page.Items {
			if !item.Commit.After(after) {
				v.say("", "page %d of the catalog: the times of its items do not grow", n)
			}
			after = item.Commit
			same(v, "", fmt.Sprintf("page %d, item %d of the catalog", n, i),
				item.ID+" "+item.Commit.Format(timeUTC), string(evs[i].ID)+" "+evs[i].Time.UTC().Format(timeUTC))
		}
	}
	return nil
}
