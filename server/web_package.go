package server

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

const versionRows = 20 // of the table of versions on a page (UX-06)

// handlePackage shows one version of a package, or the latest (UX-05, UX-06).
// An address that is written otherwise than the package writes it leads to the
// one that is.
func (s *Server) handlePackage(c *call) error {
	b := s.buffer()
	defer s.web.buffers.Put(b)
	id := c.param("id")
	drawn, err := s.drawPackage(c, b, id)
	switch {
	case err != nil:
		return err
	case drawn.unknown != nil:
		return s.packageNotHere(c, id, drawn.unknown)
	case drawn.elsewhere != "":
		return s.redirect(c, drawn.elsewhere)
	}
	return s.sendPage(c, drawn.status, b)
}

// packageDrawn is what became of a package's page: one field is set.
type packageDrawn struct {
	status    int    // of the page that was drawn
	elsewhere string // where the page is, below the base
	unknown   error  // why there is none: the feed has no such ID
}

// drawPackage draws the page into b. It holds a slot meanwhile, since the page
// takes all versions and a text of the package, and has given it back when the
// page is sent.
func (s *Server) drawPackage(c *call, b *bytes.Buffer, id string) (packageDrawn, error) {
	ctx := c.r.Context()
	if err := s.web.texts.take(ctx); err != nil {
		return packageDrawn{}, err
	}
	defer s.web.texts.give()
	pkg, heads, err := s.g.Heads(ctx, c.feed, id)
	if gallery.KindOf(err) == gallery.NotFound {
		return packageDrawn{unknown: err}, nil
	}
	if err != nil {
		return packageDrawn{}, err
	}
	asked := c.versionParam("version")
	head, found := chooseHead(pkg, heads, asked)
	canonical := string(pkg.ID)
	if found && (id != canonical || asked != "" && asked != head.Version.String()) {
		version := ""
		if asked != "" {
			version = head.Version.String()
		}
		return packageDrawn{elsewhere: s.packagePath(c, canonical, version, true)}, nil
	}
	p, err := s.packagePage(c, pkg, heads, head)
	if err != nil {
		return packageDrawn{}, err
	}
	status := http.StatusOK
	if !found {
		p.Missing = nuget.Cut(asked, 64)
		status = http.StatusNotFound
	}
	p.Notice = s.takeNotice(c)
	return packageDrawn{status: status}, s.o.Pages.Render(b, p)
}

// chooseHead finds the version that was asked for; without one the highest
// listed stable, else the highest listed, else the highest. found is false when
// a version was asked for that is not here: another is shown in its place.
func chooseHead(pkg *gallery.Package, heads []gallery.Head, asked string) (head gallery.Head, found bool) {
	at := func(v nuget.Version) int {
		return slices.IndexFunc(heads, func(h gallery.Head) bool { return h.Version.Equal(v) })
	}
	if asked != "" {
		if v, err := nuget.ParseVersion(asked); err == nil {
			if i := at(v); i >= 0 {
				return heads[i], true
			}
		}
	}
	for _, view := range []gallery.Filter{{SemVer2: true}, everything} {
		if v := pkg.Latest[view.Index()]; !v.IsZero() {
			if i := at(v); i >= 0 {
				return heads[i], asked == ""
			}
		}
	}
	return heads[len(heads)-1], asked == ""
}

// packagePath is the path of a package's page below the base, with the question
// of this request when it is kept.
func (s *Server) packagePath(c *call, id, version string, question bool) string {
	f := ui.Frame{FeedRoot: strings.TrimPrefix(c.root, c.address.base)}
	to := f.PackageURL(id, version)
	if q := c.r.URL.RawQuery; question && q != "" {
		to += "?" + q
	}
	return to
}

// packageNotHere answers for an ID that is not in the feed: to programs with err.
func (s *Server) packageNotHere(c *call, id string, err error) error {
	if wantsProblem(c.r) {
		return err
	}
	f := s.frame(c)
	f.Notice = s.takeNotice(c)
	id = nuget.Cut(id, 100)
	return s.show(c, http.StatusNotFound, ui.PackageNotHere(f, id, s.near(c, f, id)))
}

// packagePage fills the page of the version head.
func (s *Server) packagePage(c *call, pkg *gallery.Package, heads []gallery.Head, head gallery.Head) (ui.PackagePage, error) {
	ctx := c.r.Context()
	rel, err := s.g.Release(ctx, c.feed, string(pkg.ID), head.Version.String())
	if err != nil {
		return ui.PackagePage{}, err
	}
	total, byVersion, err := s.g.DownloadsOf(ctx, c.feed, string(pkg.ID))
	if err != nil {
		return ui.PackagePage{}, err
	}
	f, m := s.frame(c), &rel.Meta
	asked := c.query()
	p := ui.PackagePage{
		Frame:                 f,
		ID:                    string(pkg.ID),
		Version:               rel.Version.String(),
		Summary:               m.Summary,
		Description:           m.Description,
		Chips:                 chips(m.Frameworks),
		Unlisted:              !rel.Listed,
		Prerelease:            rel.Version.IsPrerelease(),
		SemVer2:               rel.SemVer2,
		MinClient:             m.MinClientVersion,
		Types:                 typeNames(m.Types),
		DevelopmentDependency: m.DevelopmentDependency,
		Tab:                   ask(asked, "tab"),
		Show:                  ask(asked, "show"),
		CanManage:             gallery.CanList(c.actor, pkg),
		Downloads:             int64(total),
		VersionDownloads:      int64(byVersion[rel.Version.Key()]),
		PerDay:                perDay(total, heads, f.Now),
		Published:             rel.Published,
		Licence:               licenceOf(m),
		Size:                  rel.Size,
		SHA512:                base64.StdEncoding.EncodeToString(rel.Blob[:]),
		ProjectURL:            m.ProjectURL,
		DownloadURL:           flatURL(f, rel.ID, rel.Version) + "/" + rel.ID.Key() + "." + rel.Version.Key() + ".nupkg",
		Owners:                s.g.OwnerNames(ctx, pkg.Owners),
		Authors:               m.Authors,
		Tags:                  m.Tags,
		Copyright:             m.Copyright,
	}
	if m.IconFile != "" {
		p.IconURL = flatURL(f, rel.ID, rel.Version) + "/icon"
	}
	if r := m.Repository; r != nil {
		p.Repository = ui.Repository{URL: r.ShownURL(), Type: r.Type, Branch: r.Branch, Commit: r.Commit}
	}
	latest(&p, pkg, rel.Version)
	s.versionRows(c, &p, heads, byVersion, pageNumber(asked))
	p.Dependencies = s.dependencies(c, m.Dependencies, p.Show == ui.ShowDependencies)
	p.Frameworks = frameworkGroups(m.Frameworks, p.Show == ui.ShowFrameworks)
	return p, s.readInside(c, &p, rel)
}

// latest says what is newer than the version shown.
func latest(p *ui.PackagePage, pkg *gallery.Package, shown nuget.Version) {
	stable, any := pkg.Latest[gallery.Filter{SemVer2: true}.Index()], pkg.Latest[everything.Index()]
	if !stable.IsZero() {
		p.LatestStable = stable.String()
		p.Newer = stable.Compare(shown) > 0
	}
	if !any.IsZero() && any.IsPrerelease() {
		p.LatestPrerelease = any.String()
		p.NewerPrerelease = any.Compare(shown) > 0
	}
}

// versionRows fills one page of the table of versions, highest first. Who may
// not list them does not see the unlisted ones, nor who pushed.
func (s *Server) versionRows(c *call, p *ui.PackagePage, heads []gallery.Head, downloads map[string]uint64, page int) {
	shown := make([]gallery.Head, 0, len(heads))
	for _, h := range slices.Backward(heads) {
		if h.Listed || p.CanManage {
			shown = append(shown, h)
		}
	}
	p.VersionCount = len(shown)
	p.VersionsPages = pages(len(shown), versionRows)
	p.VersionsPage = min(page, p.VersionsPages)
	if p.Show != ui.ShowVersions {
		return
	}
	from := (p.VersionsPage - 1) * versionRows
	for _, h := range shown[from:min(from+versionRows, len(shown))] {
		row := ui.VersionRow{
			Version:   h.Version.String(),
			Downloads: int64(downloads[h.Version.Key()]),
			Published: h.Published,
			Size:      h.Size,
			Unlisted:  !h.Listed,
		}
		if p.CanManage {
			row.PushedBy = strings.Join(s.g.OwnerNames(c.r.Context(), []gallery.AccountNo{h.Pusher}), "")
		}
		p.Versions = append(p.Versions, row)
	}
}

// readInside fills what only the package itself holds: readme and release notes.
func (s *Server) readInside(c *call, p *ui.PackagePage, rel *gallery.Release) error {
	file, err := s.g.OpenArchive(c.r.Context(), rel.Head)
	if err != nil {
		return err
	}
	defer file.Close()
	if m, err := file.Manifest(); err == nil {
		p.ReleaseNotes = m.ReleaseNotes
	}
	if rel.Meta.ReadmeFile == "" {
		return nil
	}
	text, err := file.ReadFile(rel.Meta.ReadmeFile, maxReadme)
	if err != nil { // the description stands in its place
		s.log.Warn("a readme could not be read", "id", rel.ID, "version", rel.Version.String(), "err", err)
		return nil
	}
	p.Readme, err = ui.Markdown(text, s.packageImages(p.Frame, rel, file.Entries(), rel.Meta.ReadmeFile))
	return err
}

// dependencies are the groups of a version, in the order of their frameworks on
// the other tabs. With look, each ID is looked up in this feed, so that those
// found become links.
func (s *Server) dependencies(c *call, groups []gallery.DependencyGroup, look bool) []ui.DependencyGroup {
	known := map[string]bool{}
	here := func(id string) bool {
		key := nuget.FoldID(id)
		is, asked := known[key]
		if !asked && look {
			_, err := s.g.PackageState(c.r.Context(), c.feed, id)
			is = err == nil
			known[key] = is
		}
		return is
	}
	groups = slices.Clone(groups)
	slices.SortStableFunc(groups, func(a, b gallery.DependencyGroup) int { return compareFrameworks(a.Framework, b.Framework) })
	shown := make([]ui.DependencyGroup, len(groups))
	for i, g := range groups {
		shown[i].Framework = g.Framework
		for _, d := range g.Dependencies {
			shown[i].Packages = append(shown[i].Packages, ui.Dependency{ID: d.ID, Range: rangeWords(d.Range), Here: here(d.ID)})
		}
	}
	return shown
}

// rangeWords prints a normalized range for people: "≥ 1.2.0".
func rangeWords(text string) string {
	r, err := nuget.ParseRange(text)
	if err != nil {
		return text
	}
	sign := func(inclusive bool, strict, or string) string {
		if inclusive {
			return or
		}
		return strict
	}
	switch {
	case r.HasMin && r.HasMax && r.MinInclusive && r.MaxInclusive && r.Min.Equal(r.Max):
		return "exactly " + r.Min.String()
	case r.HasMin && r.HasMax:
		return sign(r.MinInclusive, "> ", "≥ ") + r.Min.String() + " and " + sign(r.MaxInclusive, "< ", "≤ ") + r.Max.String()
	case r.HasMin:
		return sign(r.MinInclusive, "> ", "≥ ") + r.Min.String()
	case r.HasMax:
		return sign(r.MaxInclusive, "< ", "≤ ") + r.Max.String()
	}
	return "any version"
}

// perDay is the average of all downloads since the first version, over one day
// at least (R-STA-02); -1 where there were none.
func perDay(total uint64, heads []gallery.Head, now time.Time) int64 {
	if total == 0 {
		return -1
	}
	first := heads[0].Published
	for _, h := range heads {
		if h.Published.Before(first) {
			first = h.Published
		}
	}
	days := max(1, int64(now.Sub(first)/(24*time.Hour)))
	return int64(total) / days
}

func licenceOf(m *gallery.Metadata) ui.Licence {
	return ui.Licence{Expression: m.LicenseExpression, File: m.LicenseFile != "", URL: m.LicenseURL}
}

func typeNames(types []nuget.PackageType) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name
	}
	return names
}

// handleLatest leads to the version that is the latest now, for links that are
// to stay right; without a stable one to the highest prerelease.
func (s *Server) handleLatest(c *call) error {
	return s.toLatest(c, gallery.Filter{SemVer2: true})
}

func (s *Server) handleLatestPrerelease(c *call) error {
	return s.toLatest(c, everything)
}

func (s *Server) toLatest(c *call, view gallery.Filter) error {
	id := c.param("id")
	pkg, err := s.g.Package(c.r.Context(), c.feed, id)
	if gallery.KindOf(err) == gallery.NotFound {
		return s.packageNotHere(c, id, err)
	}
	if err != nil {
		return err
	}
	v := pkg.Latest[view.Index()]
	if v.IsZero() {
		v = pkg.Latest[everything.Index()]
	}
	version := "" // everything is unlisted: the package's page says so
	if !v.IsZero() {
		version = v.String()
	}
	return s.redirect(c, s.packagePath(c, string(pkg.ID), version, true))
}

// handleListing unlists or relists a version for one of its owners.
func (s *Server) handleListing(listed bool) handler {
	return func(c *call) error {
		id, version := c.param("id"), c.versionParam("version")
		form, err := readForm(c.r)
		if err != nil {
			return err
		}
		if err := s.setListed(c, id, version, listed); err != nil {
			return err
		}
		s.web.once.put(sessionToken(c.r), once{text: ui.ListingDone(id, version, listed)})
		to := s.packagePath(c, id, "", false)
		if page := form.Get("page"); page != "" {
			to += "?show=" + ui.ShowVersions
			if n := pageNumber(form); n > 1 {
				to += "&page=" + page
			}
		} else {
			to = s.packagePath(c, id, version, false)
		}
		return s.redirect(c, to)
	}
}

// notFoundVersion answers for a version's own pages.
func (s *Server) notFoundVersion(c *call, id, version string, err error) error {
	if gallery.KindOf(err) != gallery.NotFound || wantsProblem(c.r) {
		return err
	}
	if _, unknown := s.g.PackageState(c.r.Context(), c.feed, id); unknown != nil {
		return s.packageNotHere(c, id, unknown)
	}
	f := s.frame(c)
	f.Notice = s.takeNotice(c)
	return s.show(c, http.StatusNotFound, ui.VersionNotHere(f, nuget.Cut(id, 100), nuget.Cut(version, 64)))
}
