package ui

import (
	"bytes"
	"errors"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

func parsed(t testing.TB, text string) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// text is the text of what a selector finds, with single blanks.
func text(doc *goquery.Document, selector string) string {
	return strings.Join(strings.Fields(doc.Find(selector).Text()), " ")
}

// TestEveryPage holds what is true of all pages, over all fixtures.
func TestEveryPage(t *testing.T) {
	r := newRenderer(t)
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			source := render(t, r, f.page)
			doc := parsed(t, source)
			checkWeight(t, r, source)
			checkInline(t, doc)
			checkAddresses(t, doc)
			checkLandmarks(t, doc)
			checkForms(t, doc)
			if strings.Contains(source, "ZgotmplZ") && !strings.Contains(f.name, "hostile") {
				t.Error("html/template refused an address")
			}
		})
	}
}

// checkWeight: a page with its style and script is under 60 KB, uncompressed.
func checkWeight(t *testing.T, r *Renderer, source string) {
	n := len(source)
	for _, name := range []string{"style.css", "script.js"} {
		a, ok := r.Asset(r.AssetURL(name))
		if !ok {
			t.Fatalf("no asset %s", name)
		}
		n += len(a.Body)
	}
	if n > 60_000 {
		t.Errorf("the page weighs %d bytes", n)
	}
}

// checkInline: the policy allows no inline script, style or handler.
func checkInline(t *testing.T, doc *goquery.Document) {
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		n := s.Nodes[0]
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has an attribute %s", n.Data, a.Key)
			}
		}
		switch n.Data {
		case "style", "iframe", "object", "embed", "base":
			t.Errorf("the page has a <%s>", n.Data)
		case "script":
			if src := s.AttrOr("src", ""); !strings.Contains(src, "/assets/") || s.Text() != "" {
				t.Errorf("a script that is not the asset: %q %q", src, s.Text())
			}
		}
	})
}

// checkAddresses: what the page loads is the gallery's own; its links begin with
// the base, or are relative, or lead elsewhere with rel set; none is a script.
func checkAddresses(t *testing.T, doc *goquery.Document) {
	own := func(raw string) bool {
		u, err := url.Parse(raw)
		return err == nil && u.Scheme == "" && u.Host == "" && !strings.HasPrefix(raw, "//")
	}
	doc.Find("[src], link[href], [action], [formaction], [poster], [srcset], [background]").Each(func(_ int, s *goquery.Selection) {
		for _, key := range []string{"src", "action", "formaction", "srcset"} {
			if v, ok := s.Attr(key); ok && !own(v) {
				t.Errorf("%s=%q is not the gallery's own", key, v)
			}
		}
	})
	doc.Find("a[href]").Each(func(_ int, s *goquery.Selection) {
		href := s.AttrOr("href", "")
		u, err := url.Parse(href)
		switch {
		case err != nil:
			t.Errorf("href=%q: %v", href, err)
		case u.Scheme == "" && u.Host == "":
		case u.Scheme != "http" && u.Scheme != "https":
			t.Errorf("href=%q", href)
		case s.AttrOr("rel", "") != "noopener noreferrer nofollow":
			t.Errorf("href=%q has rel=%q", href, s.AttrOr("rel", ""))
		}
	})
}

func checkLandmarks(t *testing.T, doc *goquery.Document) {
	for selector, want := range map[string]int{"html[lang=en]": 1, "title": 1, "header.bar": 1, "main": 1, "footer": 1, "h1": 1, "a.skip[href='#main']": 1} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%d of %s, want %d", got, selector, want)
		}
	}
	if text(doc, "h1") == "" || strings.HasPrefix(text(doc, "title"), "·") {
		t.Errorf("h1 %q, title %q", text(doc, "h1"), text(doc, "title"))
	}
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if seen[id] {
			t.Errorf("two elements have the id %q", id)
		}
		seen[id] = true
	})
	doc.Find("nav, aside, section[aria-label]").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("aria-label", "") == "" {
			t.Errorf("a <%s> without a name", s.Nodes[0].Data)
		}
	})
	level := 0
	doc.Find("main h1, main h2, main h3, main h4").Not(".markdown *").Each(func(_ int, s *goquery.Selection) {
		now := int(s.Nodes[0].Data[1] - '0')
		if level > 0 && now > level+1 {
			t.Errorf("the heading %q skips a level", s.Text())
		}
		level = now
	})
	doc.Find("table").Each(func(_ int, s *goquery.Selection) {
		if s.Find("th").Length() == 0 {
			t.Error("a table without headers")
		}
	})
	doc.Find("img").Each(func(_ int, s *goquery.Selection) {
		if _, ok := s.Attr("alt"); !ok {
			t.Error("an image without alternative text")
		}
	})
}

func checkForms(t *testing.T, doc *goquery.Document) {
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if s.Closest("label").Length() == 0 && (id == "" || doc.Find(`label[for="`+id+`"]`).Length() == 0) {
			t.Errorf("the field %q has no label", s.AttrOr("name", ""))
		}
		if s.AttrOr("aria-invalid", "") == "true" && doc.Find("#"+id+"-error").Text() == "" {
			t.Errorf("the field %q is wrong and does not say why", id)
		}
	})
	doc.Find("button").Each(func(_ int, s *goquery.Selection) {
		if strings.TrimSpace(s.Text()) == "" && s.AttrOr("aria-label", "") == "" {
			t.Error("a button without a name")
		}
	})
	doc.Find("form").Each(func(_ int, s *goquery.Selection) {
		if s.AttrOr("method", "get") == "get" && s.AttrOr("role", "") != "search" {
			t.Errorf("a form sends %s by GET", s.AttrOr("action", ""))
		}
	})
}

// TestBase: below a path, every address begins with it.
func TestBase(t *testing.T) {
	r := newRenderer(t)
	p := packagePage("/packages/Contoso.Text.Tables?show=versions")
	p.Base, p.Feed, p.FeedRoot, p.Show, p.DownloadURL = "/gallery", "test", "/test", ShowVersions, "/gallery/test/v3/x.nupkg"
	doc := parsed(t, render(t, r, p))
	doc.Find("[href], [src], [action]").Each(func(_ int, s *goquery.Selection) {
		for _, key := range []string{"href", "src", "action"} {
			v, ok := s.Attr(key)
			if ok && !strings.HasPrefix(v, "/gallery/") && !strings.HasPrefix(v, "?") && !strings.HasPrefix(v, "#") && !strings.HasPrefix(v, "https://") {
				t.Errorf("%s=%q", key, v)
			}
		}
	})
	want := "/gallery/test/packages/Contoso.Text.Tables/3.1.1/relist"
	if got := doc.Find("form[action$=relist]").AttrOr("action", ""); got != want {
		t.Errorf("relisting posts to %q, want %q", got, want)
	}
}

func TestFrame(t *testing.T) {
	r := newRenderer(t)
	page := func(change func(*Frame)) *goquery.Document {
		f := frame("/packages?q=a&page=2")
		change(&f)
		return parsed(t, render(t, r, PageNotHere(f)))
	}
	tests := []struct {
		name     string
		change   func(*Frame)
		selector string
		want     int
	}{
		{"signed in", func(*Frame) {}, ".menu a[href='/account/apikeys']", 1},
		{"signed in has no sign-in", func(*Frame) {}, "a[href^='/account/signin']", 0},
		{"signed out", func(f *Frame) { f.User = nil }, ".links a[href='/account/signin?return=%2Fpackages%3Fq%3Da%26page%3D2']", 1},
		{"signed out has no keys", func(f *Frame) { f.User = nil }, "header a[href='/account/apikeys']", 0},
		{"nobody to sign in", func(f *Frame) { f.User, f.CanSignIn = nil, false }, "a[href^='/account/signin']", 0},
		{"bare", func(f *Frame) { f.Bare = true }, "header nav, header form, header details", 0},
		{"no stripe", func(*Frame) {}, ".stripe", 0},
		{"stripe", func(f *Frame) { f.TestFeed = true }, ".stripe", 1},
		{"test favicon", func(f *Frame) { f.TestFeed = true }, "link[rel=icon][href*='favicon-test.svg']", 1},
		{"theme of the system", func(*Frame) {}, "html[data-theme]", 0},
		{"pinned theme", func(f *Frame) { f.Theme = "dark" }, "html[data-theme=dark]", 1},
		{"pinned theme is marked", func(f *Frame) { f.Theme = "dark" }, "button[value=dark][aria-pressed=true]", 1},
		{"theme comes back", func(*Frame) {}, "form[action='/theme'] input[name=return][value='/packages?q=a&page=2']", 1},
		{"current link", func(*Frame) {}, ".links [aria-current=page]", 1},
		{"notice", func(f *Frame) { f.Notice = "Done." }, "main .note.ok[role=status]", 1},
		{"one feed", func(f *Frame) { f.Feeds = []FeedLink{{"main", ""}} }, "footer a", 0},
		{"two feeds", func(f *Frame) { f.Feeds = []FeedLink{{"main", ""}, {"test", "/test"}} }, "footer a[href='/test/']", 1},
	}
	for _, tt := range tests {
		if got := page(tt.change).Find(tt.selector).Length(); got != tt.want {
			t.Errorf("%s: %d of %s, want %d", tt.name, got, tt.selector, tt.want)
		}
	}
	if got := text(page(func(f *Frame) { f.Brand = "" }), ".brand"); got != "nougat" {
		t.Errorf("without a brand the name is %q", got)
	}
}

func TestFrameAddresses(t *testing.T) {
	f := Frame{Base: "/g", FeedRoot: "/test"}
	for got, want := range map[string]string{
		f.HomeURL():                    "/g/test/",
		f.PackageURL("A.B", ""):        "/g/test/packages/A.B",
		f.PackageURL("a/b?", "1.0+x"):  "/g/test/packages/a%2Fb%3F/1.0+x",
		f.SearchURL("owner:a b"):       "/g/test/packages?q=owner%3Aa+b",
		f.LicenseURL("A", "1.0.0"):     "/g/test/packages/A/1.0.0/license",
		f.ConnectURL():                 "/g/test/connect",
		f.KeysURL():                    "/g/account/apikeys",
		f.RevokeURL("x/y"):             "/g/account/apikeys/x%2Fy/revoke",
		f.SignInURL():                  "/g/account/signin",
		f.ThemeURL():                   "/g/theme",
		f.ListingURL("A", "1", "list"): "/g/test/packages/A/1/list",
		Frame{}.Root() + "/v3":         "/v3",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	f.Path = "/test/packages/A?show=versions"
	if !f.At("/packages") || f.At("/pack") || f.At("/connect") {
		t.Error("At does not know where the page lies")
	}
}

func TestSetup(t *testing.T) {
	r := newRenderer(t)
	p := SetupPage{Frame: Frame{Bare: true}, Token: "k7f3", Name: "ann", SiteName: "Contoso", URL: "https://x.example", Read: "signed-in",
		PasswordRule: "10 or more.", Fixed: map[string]bool{"url": true}, Errors: Errors{"password": "Too short."}}
	doc := parsed(t, render(t, r, p))
	for selector, want := range map[string]int{
		"form[method=post][action='/setup/k7f3']": 1, "input[name=name][value=ann]": 1, "input[name=brand][value=Contoso]": 1,
		"input[name=url][readonly][value='https://x.example']": 1, "input[name=read][value='signed-in'][checked]": 1,
		"input[name=read][value=anyone]": 1, "input[type=password][name=password][aria-invalid=true][autocomplete='new-password']": 1,
		"input[type=password][value!='']": 0,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%d of %s, want %d", got, selector, want)
		}
	}
	if got := text(doc, "#f-password-error"); got != "Too short." {
		t.Errorf("the password's error is %q", got)
	}
}

func TestSearchPage(t *testing.T) {
	r := newRenderer(t)
	p := SearchPage{Frame: frame("/packages?q=tables"), Rows: rows(), Total: 1204, Type: "DotnetTool", Sort: SortDownloads, Page: 2, Pages: 61,
		Types: []TypeChoice{{"Dependency", 4}, {"DotnetTool", 1}}}
	p.Query = "tables"
	doc := parsed(t, render(t, r, p))
	if got := text(doc, "h1"); got != "1,204 packages for “tables”" {
		t.Errorf("the heading is %q", got)
	}
	var hrefs []string
	doc.Find(".filters a, .sort a, .pager a").Each(func(_ int, s *goquery.Selection) { hrefs = append(hrefs, s.AttrOr("href", "")) })
	want := []string{
		"/packages?prerel=false&q=tables&type=DotnetTool", "/packages?prerel=false&q=tables&sort=downloads&type=DotnetTool", "/packages?prerel=false&q=tables&sort=recent&type=DotnetTool",
		"/packages?prerel=false&q=tables&sort=downloads", "/packages?prerel=false&q=tables&sort=downloads&type=Dependency", "/packages?prerel=false&q=tables&sort=downloads&type=DotnetTool",
		"/packages?q=tables&sort=downloads&type=DotnetTool", "/packages?prerel=false&q=tables&sort=downloads&type=DotnetTool",
		"/packages?prerel=false&q=tables&sort=downloads&type=DotnetTool", "/packages?page=3&prerel=false&q=tables&sort=downloads&type=DotnetTool"}
	if !slices.Equal(hrefs, want) {
		t.Errorf("links\n%s\nwant\n%s", strings.Join(hrefs, "\n"), strings.Join(want, "\n"))
	}
	first := doc.Find(".row").First()
	if got, _ := first.Find("h2 a").Html(); got != "Contoso.<wbr/>Text.<wbr/><mark>Tables</mark>" {
		t.Errorf("the ID is %s", got)
	}
	if got := first.Find(".facts time").AttrOr("title", ""); got != "2026-11-12 14:03:22 UTC" {
		t.Errorf("the exact time is %q", got)
	}
	if got := strings.Join(strings.Fields(first.Find(".facts").Text()), " "); got != "3.2.0 12 Nov 2026 48,210 downloads" {
		t.Errorf("the facts are %q", got)
	}
	if got := doc.Find(".search input").AttrOr("value", ""); got != "tables" {
		t.Errorf("the search box holds %q", got)
	}
}

func TestPackagePage(t *testing.T) {
	r := newRenderer(t)
	p := packagePage("/packages/Contoso.Text.Tables?tab=paket&show=versions")
	p.Tab, p.Show = "paket", ShowVersions
	doc := parsed(t, render(t, r, p))
	for selector, want := range map[string]string{
		"h1":                      "Contoso.Text.Tables 3.2.0",
		".install [aria-current]": "Paket",
		".install pre":            "paket add Contoso.Text.Tables --version 3.2.0",
		"main > .split > div > .tabs a:first-child": "Readme",
		"tr[aria-current] th":                       "3.2.0",
		".badge.warn":                               "unlisted",
		".hash code":                                p.SHA512,
		".big":                                      "48,210",
		".note":                                     "4.0.0-beta.2 is out as a prerelease. See it",
	} {
		if got := text(doc, selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	if got := doc.Find(".act form").Length(); got != 4 {
		t.Errorf("%d versions can be unlisted or relisted, want 4", got)
	}
	if got := doc.Find("a[href='?show=dependencies&tab=paket']").Length(); got != 1 {
		t.Error("the tabs do not keep each other")
	}
	p.CanManage = false
	if got := parsed(t, render(t, r, p)).Find("main form").Length(); got != 0 {
		t.Errorf("a stranger sees %d forms", got)
	}
	p.Readme, p.Show = "", ""
	if got := text(parsed(t, render(t, r, p)), ".as-is"); !strings.Contains(got, "Columns size themselves") {
		t.Errorf("without a readme the page says %q", got)
	}
	p.Show = "nonsense"
	if got := text(parsed(t, render(t, r, p)), "main .tabs + section h2, .as-is h2"); got != "Description" {
		t.Errorf("an unknown tab shows %q", got)
	}
}

// What stands under the heading is not said again under the install box.
func TestPackageIsDescribedOnce(t *testing.T) {
	r := newRenderer(t)
	for _, tt := range []struct{ summary, description, lede, tab, body string }{
		{"", "Built every day.", "Built every day.", "Readme", "This version has no readme."},
		{"", "", "", "Readme", "This version has no readme."},
		{"", "Tools.\n\nCommands:\none\ntwo", "Tools.", "Description", "Commands: one two"},
		{"", "Tools\nof two lines.", "Tools of two lines.", "Description", "of two lines."},
		{"Short.", "The whole story.", "Short.", "Description", "The whole story."},
		{" ", strings.Repeat("word ", 100), strings.TrimSpace(strings.Repeat("word ", 56)) + "…", "Description", "word word"},
	} {
		doc := parsed(t, render(t, r, PackagePage{Frame: frame("/packages/A"), ID: "A", Version: "1.0.0", Summary: tt.summary, Description: tt.description}))
		tab := text(doc, "nav[aria-label='About A'] [aria-current]")
		if lede, main := text(doc, ".id .lede"), text(doc, "main"); lede != tt.lede || tab != tt.tab || !strings.Contains(main, tt.body) {
			t.Errorf("%q, %q: lede %q, tab %q, want %q, %q, with %q", tt.summary, tt.description, lede, tab, tt.lede, tt.tab, tt.body)
		}
	}
}

// A feed without packages says what to do next, which before the set-up is not
// to publish.
func TestEmptyGallery(t *testing.T) {
	r := newRenderer(t)
	ready, fresh := frame("/"), Frame{Path: "/"}
	for _, page := range []func(Frame) Page{
		func(f Frame) Page { return HomePage{Frame: f} },
		func(f Frame) Page { return SearchPage{Frame: f, Prerelease: true, Page: 1, Pages: 1} },
	} {
		if got := text(parsed(t, render(t, r, page(ready))), "main"); !strings.Contains(got, "Publish the first package") {
			t.Errorf("%T says %q", page(ready), got)
		}
		doc := parsed(t, render(t, r, page(fresh)))
		if got := text(doc, "main"); !strings.Contains(got, "The set-up link stands on the terminal") || doc.Find("main a, .filters").Length() > 0 {
			t.Errorf("%T before the set-up says %q", page(fresh), got)
		}
	}
}

// A key is in one page and in no other: that page has the commands of all
// clients, and no link that would show another client without it.
func TestConnectWithKeyHasAllClients(t *testing.T) {
	r := newRenderer(t)
	p := connectPage(ClientDotnet)
	p.Private, p.Key = true, &NewKey{Value: "ngt_pKEY", Name: FirstKeyName, MayPush: true}
	source := render(t, r, p)
	checkWeight(t, r, source)
	doc := parsed(t, source)
	if n := doc.Find("main a[href*='client=']").Length(); n > 0 {
		t.Errorf("%d links lead away from the key", n)
	}
	folded := doc.Find("details.fold")
	if folded.Length() != len(connectTabs)-1 {
		t.Fatalf("%d other clients, want %d", folded.Length(), len(connectTabs)-1)
	}
	folded.Each(func(_ int, s *goquery.Selection) {
		if !strings.Contains(s.Text(), "ngt_pKEY") {
			t.Errorf("%s does not show the key", s.Find("summary").Text())
		}
	})
	p.Key = nil
	if doc := parsed(t, render(t, r, p)); doc.Find("details.fold").Length() > 0 || doc.Find("main a[href*='client=']").Length() != len(connectTabs) {
		t.Error("without a key the clients are tabs")
	}
}

// TestPackageNotes is the table of alerts (UX-05).
func TestPackageNotes(t *testing.T) {
	r := newRenderer(t)
	base := PackagePage{Frame: frame("/packages/A"), ID: "A", Version: "2.0.0", LatestStable: "2.0.0"}
	tests := []struct {
		name   string
		change func(*PackagePage)
		want   []string
	}{
		{"nothing to say", func(*PackagePage) {}, nil},
		{"missing", func(p *PackagePage) { p.Missing = "9.9.9" }, []string{"9.9.9 is not here. This is 2.0.0."}},
		{"unlisted, stranger", func(p *PackagePage) { p.Unlisted = true }, []string{"2.0.0 is unlisted by its owners: it is in no search, and projects that use it still restore."}},
		{"unlisted, owner", func(p *PackagePage) { p.Unlisted, p.CanManage, p.VersionCount = true, true, 1 }, []string{"2.0.0 is unlisted: it is in no search, and projects that use it still restore.Relist"}},
		{"unlisted of two, owner", func(p *PackagePage) { p.Unlisted, p.CanManage, p.VersionCount = true, true, 2 }, []string{"2.0.0 is unlisted: it is in no search, and projects that use it still restore. Other versions are under Versions.Relist"}},
		{"newer", func(p *PackagePage) { p.Newer, p.LatestStable = true, "3.0.0" }, []string{"3.0.0 is newer. See it"}},
		{"prerelease", func(p *PackagePage) { p.Prerelease, p.LatestStable = true, "1.0.0" }, []string{"This is a prerelease. The latest stable version is 1.0.0."}},
		{"prerelease, newer stable", func(p *PackagePage) { p.Prerelease, p.Newer, p.LatestStable = true, true, "3.0.0" }, []string{"3.0.0 is newer, and stable. See it"}},
		{"only prereleases", func(p *PackagePage) { p.Prerelease, p.LatestStable = true, "" }, []string{"This is a prerelease. There is no stable version yet."}},
		{"two more", func(p *PackagePage) { p.SemVer2, p.MinClient = true, "5.0" },
			[]string{"It uses versions of SemVer 2: clients before NuGet 4.3 do not see it.", "It asks for NuGet 5.0 or newer."}},
	}
	for _, tt := range tests {
		p := base
		tt.change(&p)
		var got []string
		parsed(t, render(t, r, p)).Find(".note").Each(func(_ int, s *goquery.Selection) {
			got = append(got, strings.Join(strings.Fields(s.Text()), " "))
		})
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestKeysPage(t *testing.T) {
	r := newRenderer(t)
	p := keysPage()
	doc := parsed(t, render(t, r, p))
	var badges []string
	doc.Find(".key").Each(func(_ int, s *goquery.Selection) {
		b := s.Find(".badge")
		badges = append(badges, b.AttrOr("class", "")+": "+b.Text())
	})
	want := []string{"badge : Expires 1 Feb 2027", "badge warn: Expires in 6 days", "badge : Never expires", "badge bad: Expired 9 Jan 2025"}
	if !slices.Equal(badges, want) {
		t.Errorf("%q, want %q", badges, want)
	}
	if strings.Contains(render(t, r, p), "ngt_") {
		t.Error("a key is shown though none was made")
	}
	if got := doc.Find("form[action='/account/apikeys/4k2vQx9B/revoke'][method=post]").Length(); got != 1 {
		t.Error("the first key cannot be revoked")
	}
	if got := doc.Find("input[name=scopes][checked]").Length(); got != 2 {
		t.Errorf("%d scopes are ticked, want 2", got)
	}
	p.New = &NewKey{Value: sampleKey, Name: "x", MayPush: true}
	const add, push = "dotnet nuget add source https://nuget.contoso.example/v3/index.json --name contoso", "dotnet nuget push bin/Release/*.nupkg --source contoso --api-key " + sampleKey
	if got := text(parsed(t, render(t, r, p)), ".new pre"); got != add+push {
		t.Errorf("the commands to push are %q", got)
	}
	p.New.MayPush = false
	if got := text(parsed(t, render(t, r, p)), ".new pre"); got != add+" --username ann --password "+sampleKey+" --store-password-in-clear-text" {
		t.Errorf("the command to restore is %q", got)
	}
}

func TestLicensePage(t *testing.T) {
	r := newRenderer(t)
	p := LicensePage{Frame: frame("/x"), ID: "A", Version: "1.0.0", Licence: Licence{Expression: "(MIT OR Apache-2.0+) AND LicenseRef-Own WITH Classpath-exception-2.0"}}
	doc := parsed(t, render(t, r, p))
	if got := text(doc, "h1"); got != p.Licence.Expression {
		t.Errorf("the heading is %q", got)
	}
	var hrefs []string
	doc.Find("main ul a").Each(func(_ int, s *goquery.Selection) { hrefs = append(hrefs, path.Base(s.AttrOr("href", ""))) })
	if want := []string{"MIT.html", "Apache-2.0.html", "Classpath-exception-2.0.html"}; !slices.Equal(hrefs, want) {
		t.Errorf("links %q, want %q", hrefs, want)
	}
}

func TestErrorPages(t *testing.T) {
	r := newRenderer(t)
	for _, tt := range []struct {
		page    ErrorPage
		status  int
		heading string
		says    string
	}{
		{PackageNotHere(frame(""), "Contoso.Text.Table", rows()[:1]), 404, "Contoso.Text.Table is not here", "Did you mean one of these?"},
		{PackageNotHere(frame(""), "A", nil), 404, "A is not here", "Look at all packages"},
		{VersionNotHere(frame(""), "A", "1.0.0"), 404, "A 1.0.0 is not here", "Look at its versions"},
		{PageNotHere(frame("")), 404, "There is no such page", "search box"},
		{NotAllowed(signedOut("/x"), "bob does not own A."), 403, "You may not do this", "bob does not own A. Sign in"},
		{BadForm(frame(""), "It was cut off."), 400, "That could not be read", "It was cut off. Nothing was changed."},
		{TooManyRequests(frame(""), 1), 429, "Too many requests", "Try again in 1 second."},
		{SetupLinkDead(Frame{}), 404, "This set-up link is not valid any more", "The current link stands on the terminal"},
		{SetupLinkDead(Frame{CanSignIn: true}), 404, "This set-up link is not valid any more", "has been set up"},
		{Unavailable(frame(""), 503, "The gallery is stopping. Try again in a moment."), 503, "This cannot be done now", "stopping"},
		{Unavailable(frame(""), 507, "The disk of the server is full."), 507, "This cannot be done now", "disk"},
		{NothingToChange(frame(""), "There is no key x."), 404, "That is not here", "There is no key x. Nothing was changed."},
		{Failed(frame(""), "4f0c"), 500, "Something went wrong here", "Request ID 4f0c"},
	} {
		doc := parsed(t, render(t, r, tt.page))
		if tt.page.Status != tt.status || text(doc, "h1") != tt.heading || !strings.Contains(text(doc, "main"), tt.says) {
			t.Errorf("%d %q: %q does not say %q", tt.page.Status, text(doc, "h1"), text(doc, "main"), tt.says)
		}
	}
}

// TestHostile: text from outside is text on the page, in every field.
func TestHostile(t *testing.T) {
	r := newRenderer(t)
	for _, f := range fixtures() {
		doc := parsed(t, render(t, r, f.page))
		doc.Find("script, img").Each(func(_ int, s *goquery.Selection) {
			if src := s.AttrOr("src", ""); src == "" || src == "x" {
				t.Errorf("%s: <%s src=%q>", f.name, s.Nodes[0].Data, src)
			}
		})
		if strings.Contains(f.name, "hostile") && !strings.Contains(doc.Find("main").Text(), "<script>alert(1)</script>") {
			t.Errorf("%s does not show the text as it is", f.name)
		}
	}
}

type brokenPage struct{ PackagePage }

func (brokenPage) Template() string { return "nothing" }

type failingWriter struct{ n int }

func (w *failingWriter) Write(p []byte) (int, error) {
	w.n += len(p)
	return 0, errors.New("gone")
}

func TestRender(t *testing.T) {
	r := newRenderer(t)
	var b bytes.Buffer
	if err := r.Render(&b, brokenPage{}); err == nil || b.Len() > 0 {
		t.Errorf("a page without a template: %v, %d bytes written", err, b.Len())
	}
	// A template that fails half-way writes nothing.
	if err := r.Render(&b, wrongPage{}); err == nil || b.Len() > 0 {
		t.Errorf("a page that cannot be drawn: %v, %d bytes written", err, b.Len())
	}
	if err := r.Render(&failingWriter{}, PageNotHere(Frame{})); err == nil {
		t.Error("the writer's error is lost")
	}
}

// wrongPage has a template that asks for fields it lacks.
type wrongPage struct{ Frame }

func (wrongPage) Template() string { return "package" }

// TestTemplates: every template file has a page, and every page a fixture.
func TestTemplates(t *testing.T) {
	covered := map[string]bool{}
	for _, f := range fixtures() {
		covered[f.page.Template()] = true
	}
	for _, page := range every() {
		if !covered[page.Template()] {
			t.Errorf("no fixture shows the page %q", page.Template())
		}
	}
	if err := checkFiles(every()[1:]); err == nil || !strings.Contains(err.Error(), "setup.html") {
		t.Errorf("a template file without a page is not found: %v", err)
	}
}

func TestAssets(t *testing.T) {
	r := newRenderer(t)
	for _, name := range []string{"style.css", "script.js", "favicon.svg", "favicon-test.svg"} {
		p := r.AssetURL(name)
		a, ok := r.Asset(p)
		if !ok || len(a.Body) == 0 || len(a.Gzip) == 0 || a.ContentType == "" || a.ETag == a.GzipETag {
			t.Errorf("the asset %s at %q: %v", name, p, ok)
		}
		if !regexp.MustCompile(`^/assets/[0-9a-f]{16}/`).MatchString(p) {
			t.Errorf("the address %q has no hash", p)
		}
	}
	if _, ok := r.Asset("/assets/0000000000000000/style.css"); ok {
		t.Error("an asset is found under a wrong hash")
	}
	if _, err := r.assets.url("missing.css"); err == nil {
		t.Error("a template may name an asset that does not exist")
	}
	script, _ := r.Asset(r.AssetURL("script.js"))
	if n := bytes.Count(script.Body, []byte("\n")); n >= 200 {
		t.Errorf("the script has %d lines", n)
	}
	for name, a := range r.assets.byPath {
		if m := regexp.MustCompile(`(?i)(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}|@import|url\(`).Find(bytes.ReplaceAll(a.Body, []byte("http://www.w3.org/2000/svg"), nil)); m != nil {
			t.Errorf("%s asks for something from elsewhere: %s", name, m)
		}
	}
}

// TestCommandsAreWhole: what Copy takes, the text of the code element, is the
// command to the letter, without prompts.
func TestCommandsAreWhole(t *testing.T) {
	r := newRenderer(t)
	for _, tab := range connectTabs {
		p := connectPage(tab.Key)
		doc := parsed(t, render(t, r, p))
		var want []string
		for _, s := range connect(p).steps() {
			for _, c := range s.Commands {
				want = append(want, c.Text)
			}
		}
		var got []string
		doc.Find(".steps .command code").Each(func(_ int, s *goquery.Selection) { got = append(got, s.Text()) })
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", tab.Key, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func BenchmarkPackagePage(b *testing.B) {
	r := newRenderer(b)
	p := packagePage("/packages/Contoso.Text.Tables")
	b.ReportAllocs()
	for b.Loop() {
		var w bytes.Buffer
		if err := r.Render(&w, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
