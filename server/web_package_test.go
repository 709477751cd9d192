package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"nougat/gallery"
	"nougat/internal/pack"
	"nougat/server"
)

type goquerySelection = goquery.Selection

const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xcf\xc0\xf0\x1f\x00\x05\x00\x01\xff\xb2\xa7\xdd\xd0\x00\x00\x00\x00IEND\xaeB`\x82"

// icon is a package with an icon.
func icon(id, version string) pack.Spec {
	return pack.Spec{ID: id, Version: version, Metadata: "<icon>logo.png</icon>", Files: []pack.File{{Name: "logo.png", Data: []byte(png)}}}
}

// library is a package with everything that its page shows.
func library(version, extra string) pack.Spec {
	return pack.Spec{ID: "Contoso.Text.Tables", Version: version, Bare: true, Authors: "Contoso Ltd.", Description: "Text tables for consoles and logs.",
		Metadata: `<title>Tables</title><summary>Tables of text.</summary><icon>logo.png</icon><readme>docs/README.md</readme>
<license type="expression">MIT OR Apache-2.0</license><projectUrl>https://contoso.example/tables</projectUrl>
<repository type="git" url="https://git.contoso.example/tables.git" branch="main" commit="9c1f2e7a7f"/>
<tags>console tables</tags><copyright>(c) Contoso</copyright><releaseNotes>Columns wrap now.</releaseNotes>
<dependencies><group targetFramework="net8.0"/><group targetFramework="netstandard2.0">
<dependency id="Contoso.Core" version="[1.0.0,2.0.0)"/><dependency id="Elsewhere.Json" version="13.0.1"/></group></dependencies>` + extra,
		Files: []pack.File{
			{Name: "logo.png", Data: []byte(png)},
			{Name: "lib/net8.0/Contoso.Text.Tables.dll", Data: []byte("MZ")},
			{Name: "lib/netstandard2.0/Contoso.Text.Tables.dll", Data: []byte("MZ")},
			{Name: "docs/README.md", Data: []byte("# Quick start\n\nAdd the package.\n\n![A table](images/a%20table.png) ![Gone](images/gone.png) ![Drawn](drawn.svg)\n\n<script>alert(1)</script>\n")},
			{Name: "docs/images/a table.png", Data: []byte(png)},
			{Name: "docs/drawn.svg", Data: []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`)},
			{Name: "docs/images/false.png", Data: []byte("<html><script>alert(1)</script>")},
		}}
}

func TestPackagePage(t *testing.T) { // UX-05
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	w.publish(ann, w.main, pack.Spec{ID: "Contoso.Core", Version: "1.2.0"},
		library("1.0.0", ""), library("3.2.0", ""), library("4.0.0-beta.2", ""))
	v := w.visitor()

	page := v.get("/packages/Contoso.Text.Tables").is(http.StatusOK)
	page.says("h1", "Contoso.Text.Tables", "3.2.0").says("main", "Tables of text.", "dotnet add package Contoso.Text.Tables --version 3.2.0",
		"Quick start", "Add the package.", "4.0.0-beta.2", "ann", "console", "(c) Contoso", "Contoso Ltd.")
	if page.header.Get("Cache-Control") != "private, no-cache" {
		t.Errorf("Cache-Control is %q", page.header.Get("Cache-Control"))
	}
	page.lacks("<script>alert").lacks("--source")
	for _, want := range []string{"/v3/flat/contoso.text.tables/3.2.0/contoso.text.tables.3.2.0.nupkg", "https://contoso.example/tables", "/packages/Contoso.Text.Tables/3.2.0/license"} {
		if page.Find(fmt.Sprintf("a[href=%q]", want)).Length() == 0 {
			t.Errorf("there is no link to %s", want)
		}
	}
	page.Find("img").Each(func(_ int, img *goquery.Selection) {
		src := img.AttrOr("src", "")
		if got := v.get(src); got.status != http.StatusOK || got.header.Get("Content-Type") != "image/png" {
			t.Errorf("the image %s answers %d %s", src, got.status, got.header.Get("Content-Type"))
		}
	})
	if n := page.Find("main img").Length(); n != 2 {
		t.Errorf("%d images, want the icon and the one in the readme that is there", n)
	}

	v.get("/packages/Contoso.Text.Tables?show=dependencies").says(".depends", "net8.0", "netstandard2.0", "≥ 1.0.0 and < 2.0.0", "≥ 13.0.1").
		says(`.depends a[href="/packages/Contoso.Core"]`, "Contoso.Core").lacks(`href="/packages/Elsewhere.Json"`)
	v.get("/packages/Contoso.Text.Tables?show=notes").says("main", "Columns wrap now.")
	v.get("/packages/Contoso.Text.Tables?show=frameworks").says("table", ".NET Standard", "netstandard2.1", "net472", "net9.0")
	v.get("/packages/Contoso.Text.Tables?tab=paket").says(".command", "paket add Contoso.Text.Tables --version 3.2.0")
	versions := v.get("/packages/Contoso.Text.Tables?show=versions")
	if got := strings.Join(versions.Find(".versions th[scope=row] a").Map(func(_ int, a *goquery.Selection) string { return a.Text() }), " "); got != "4.0.0-beta.2 3.2.0 1.0.0" {
		t.Errorf("the versions are %s", got)
	}
	versions.lacks("Unlist")

	v.get("/packages/Contoso.Text.Tables/1.0.0").is(http.StatusOK).says("h1", "1.0.0").says(".note", "3.2.0")
	v.get("/packages/Contoso.Text.Tables/4.0.0-beta.2").is(http.StatusOK).says("main", "prerelease", "3.2.0")
	gone := v.get("/packages/Contoso.Text.Tables/9.9.9").is(http.StatusNotFound)
	gone.says("h1", "3.2.0").says(".note", "9.9.9")
	v.get("/packages/Contoso.Text.Tables/not-a-version").is(http.StatusNotFound).says(".note", "not-a-version")
}

func TestPackageAddresses(t *testing.T) { // GAL-B20, PROTO-13.31
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	w.publish(ann, w.main, library("1.0.0", ""), library("2.0.0-Beta.1", ""))
	w.publish(ann, w.main, pack.Spec{ID: "Only.Previews", Version: "1.0.0-a"})
	v := w.visitor()
	for from, to := range map[string]string{
		"/packages/contoso.text.tables":                           "/packages/Contoso.Text.Tables",
		"/packages/CONTOSO.TEXT.TABLES/?show=versions":            "/packages/Contoso.Text.Tables?show=versions",
		"/packages/contoso.text.tables/1.0":                       "/packages/Contoso.Text.Tables/1.0.0",
		"/packages/Contoso.Text.Tables/1":                         "/packages/Contoso.Text.Tables/1.0.0",
		"/packages/Contoso.Text.Tables/1.0.0.0":                   "/packages/Contoso.Text.Tables/1.0.0",
		"/packages/Contoso.Text.Tables/01.0.0+abc":                "/packages/Contoso.Text.Tables/1.0.0",
		"/packages/Contoso.Text.Tables/2.0.0-BETA.1":              "/packages/Contoso.Text.Tables/2.0.0-Beta.1",
		"/packages/contoso.text.tables/latest":                    "/packages/Contoso.Text.Tables/1.0.0",
		"/packages/contoso.text.tables/latest?show=versions":      "/packages/Contoso.Text.Tables/1.0.0?show=versions",
		"/packages/contoso.text.tables/latest/prerelease":         "/packages/Contoso.Text.Tables/2.0.0-Beta.1",
		"/packages/only.previews/latest":                          "/packages/Only.Previews/1.0.0-a",
		"/packages/contoso.text.tables/1.0.0?return=//evil.test/": "/packages/Contoso.Text.Tables/1.0.0?return=//evil.test/",
	} {
		v.do(v.request("GET", from, nil)).leadsTo(to)
	}
	v.get("/Packages/Contoso.Text.Tables").is(http.StatusOK)
	for _, path := range []string{"/packages/nothing.of.this", "/packages/nothing.of.this/1.0.0", "/packages/nothing.of.this/latest", "/packages/nothing.of.this/1.0.0/license"} {
		v.get(path).is(http.StatusNotFound).says("h1", "nothing.of.this is not here")
	}
	v.get("/packages/Contoso.Text.Table").is(http.StatusNotFound).says("h1", "Contoso.Text.Table is not here").
		says(`.row a[href="/packages/Contoso.Text.Tables"]`, "Contoso.Text.Tables")
	v.get("/packages/%3Cscript%3Ealert(1)%3C%2Fscript%3E").is(http.StatusNotFound).lacks("<script>alert")
	v.get("/packages/" + strings.Repeat("x", 5000)).is(http.StatusNotFound)
}

func TestUnlistAndRelist(t *testing.T) { // UX-06, Q-26
	t.Parallel()
	w := openWebsite(t, nil)
	ann, bob := w.people()
	_ = ann
	w.publish(bob, w.main, library("1.0.0", ""), library("2.0.0", ""))
	const table = "/packages/Contoso.Text.Tables?show=versions"

	stranger := w.visitor()
	stranger.get(table).lacks("Unlist")
	stranger.post("/packages/Contoso.Text.Tables/2.0.0/unlist", "page", "1").leadsTo("/account/signin")

	if _, _, err := w.AddAccount(t.Context(), gallery.Operator(), gallery.NewAccount{Name: "cid", Password: "cid has a long password"}); err != nil {
		t.Fatal(err)
	}
	cid := w.signedIn("cid", "cid has a long password")
	cid.get(table).lacks("Unlist")
	cid.post("/packages/Contoso.Text.Tables/2.0.0/unlist", "page", "1").is(http.StatusForbidden).says("main", "cid does not own Contoso.Text.Tables")
	cid.post("/packages/Contoso.Text.Tables/7.0.0/unlist", "page", "1").is(http.StatusNotFound)

	owner := w.signedIn("bob", bobPassword)
	done := owner.submit(owner.get(table).says(".versions", "bob"), "/packages/Contoso.Text.Tables/2.0.0/unlist").is(http.StatusOK)
	done.says("[role=status]", "Contoso.Text.Tables 2.0.0 is unlisted").says(".versions .badge", "unlisted")
	owner.get(table).lacks("role=\"status\"")
	stranger.get("/packages/Contoso.Text.Tables").says("h1", "1.0.0")
	stranger.get(table).says(".versions", "1.0.0").lacks(">2.0.0<")
	stranger.get("/packages/Contoso.Text.Tables/2.0.0").is(http.StatusOK).says("main", "unlisted")

	owner.submit(done, "/packages/Contoso.Text.Tables/2.0.0/relist").says("[role=status]", "listed again")
	owner.post("/packages/Contoso.Text.Tables/2.0.0/unlist").leadsTo("/packages/Contoso.Text.Tables/2.0.0")
	own := owner.get("/packages/Contoso.Text.Tables/2.0.0").says(".note button", "Relist")
	owner.submit(own, "/packages/Contoso.Text.Tables/2.0.0/relist").says("h1", "2.0.0").says("[role=status]", "listed again")
	stranger.get("/packages/Contoso.Text.Tables").says("h1", "2.0.0")

	for _, version := range []string{"1.0.0", "2.0.0"} {
		owner.post("/packages/contoso.text.tables/" + version + "/unlist").leadsTo("/packages/contoso.text.tables/" + version)
	}
	stranger.get("/packages/Contoso.Text.Tables").is(http.StatusOK).says("h1", "2.0.0").says("main", "unlisted")
	stranger.get("/packages?q=tables").says("h1", "Nothing found")
}

func TestVersionsTable(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	for i := range 45 {
		w.publish(ann, w.main, pack.Spec{ID: "Many", Version: "1.0." + strconv.Itoa(i)})
	}
	v := w.visitor()
	rows := func(path string) []string {
		return v.get(path).is(http.StatusOK).Find(".versions th[scope=row] a").Map(func(_ int, a *goquery.Selection) string { return a.Text() })
	}
	if got := rows("/packages/Many?show=versions"); len(got) != 20 || got[0] != "1.0.44" {
		t.Errorf("the first page: %v", got)
	}
	if got := rows("/packages/Many?show=versions&page=3"); len(got) != 5 || got[4] != "1.0.0" {
		t.Errorf("the last page: %v", got)
	}
	for _, odd := range []string{"0", "-1", "x", "99999999999999999999"} {
		if got := rows("/packages/Many?show=versions&page=" + odd); len(got) != 20 {
			t.Errorf("page %s: %v", odd, got)
		}
	}
	if got := rows("/packages/Many?show=versions&page=4"); len(got) != 5 {
		t.Errorf("a page beyond the last: %v", got)
	}
	next := v.get("/packages/Many?show=versions").Find("a[rel=next]").AttrOr("href", "")
	if got := rows("/packages/Many" + next); len(got) != 20 || got[0] != "1.0.24" {
		t.Errorf("the next page %s: %v", next, got)
	}
}

func TestLicensePage(t *testing.T) { // UX-15
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	w.publish(ann, w.main,
		library("1.0.0", ""),
		pack.Spec{ID: "Plain.Text", Version: "1.0.0", Bare: true, Metadata: `<license type="file">LICENCE.txt</license>`,
			Files: []pack.File{{Name: "LICENCE.txt", Data: []byte("\ufeffDo as you like.\n<script>alert(1)</script>")}}},
		pack.Spec{ID: "Marked.Up", Version: "1.0.0", Bare: true, Metadata: `<license type="file">LICENCE.md</license>`,
			Files: []pack.File{{Name: "LICENCE.md", Data: []byte("# Licence\n\nDo *as* you like.")}}},
		pack.Spec{ID: "Silent", Version: "1.0.0", Bare: true})
	v := w.visitor()
	v.get("/packages/Contoso.Text.Tables/1.0.0/license").is(http.StatusOK).says(`main a[href="https://spdx.org/licenses/MIT.html"]`, "MIT").says("main", "MIT OR Apache-2.0")
	v.get("/packages/plain.text/1.0/license").is(http.StatusOK).says("pre", "Do as you like.", "<script>").lacks("<script>alert").lacks("\ufeff")
	v.get("/packages/Marked.Up/1.0.0/license").is(http.StatusOK).says("em", "as")
	v.get("/packages/Silent/1.0.0/license").is(http.StatusOK)
	v.get("/packages/Silent/2.0.0/license").is(http.StatusNotFound).says("h1", "Silent 2.0.0 is not here")
}

func TestImagesOfReadmes(t *testing.T) { // R-MD-04
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	w.publish(ann, w.main, library("1.0.0", ""))
	v := w.visitor()
	const folder = "/packages/Contoso.Text.Tables/1.0.0/image/"
	got := v.get(folder + "docs/images/a%20table.png").is(http.StatusOK)
	if got.body != png {
		t.Error("the image has other bytes than in the package")
	}
	for name, want := range map[string]string{
		"Content-Type":            "image/png",
		"X-Content-Type-Options":  "nosniff",
		"Cache-Control":           "public, max-age=31536000, immutable",
		"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), want)
		}
	}
	again := v.request("GET", folder+"docs/images/a%20table.png", nil)
	again.Header.Set("If-None-Match", got.header.Get("ETag"))
	v.do(again).is(http.StatusNotModified)
	for _, name := range []string{
		"docs/drawn.svg", "docs/images/false.png", "docs/README.md", "Contoso.Text.Tables.nuspec", "lib/net8.0/Contoso.Text.Tables.dll",
		"docs/gone.png", "../logo.png", "docs/%2e%2e/%2e%2e/etc/passwd", "", "%00",
	} {
		if got := v.get(folder + name); got.status != http.StatusNotFound || strings.Contains(got.body, "alert") {
			t.Errorf("%s answers %d", name, got.status)
		}
	}
}

func TestPagesOfOtherFeeds(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	w.publish(ann, w.test, library("1.0.0", ""))
	w.publish(ann, w.main, pack.Spec{ID: "In.Main", Version: "1.0.0"})
	v := w.signedIn("ann", annPassword)
	page := v.get("/test/packages/contoso.text.tables").is(http.StatusOK).says(".stripe", "Test feed")
	if to := page.Find(".search").AttrOr("action", ""); to != "/test/packages" {
		t.Errorf("the search box of the feed asks %s", to)
	}
	if src := page.Find("img.tile").AttrOr("src", ""); src != "/test/v3/flat/contoso.text.tables/1.0.0/icon" {
		t.Errorf("the icon is %s", src)
	}
	v.get("/test").is(http.StatusOK).says("main", "Contoso.Text.Tables")
	v.get("/test/connect").says("main", w.url+"/test/v3/index.json")
	v.get("/test/packages/In.Main").is(http.StatusNotFound)
	v.get("/packages/Contoso.Text.Tables").is(http.StatusNotFound)
	v.submit(v.get("/test/packages/Contoso.Text.Tables?show=versions"), "/test/packages/Contoso.Text.Tables/1.0.0/unlist").is(http.StatusOK).says("[role=status]", "unlisted")
	v.get("/test/account/apikeys").is(http.StatusNotFound)
	v.get("/").says(".foot", "test")
}

func TestSearchPage(t *testing.T) { // UX-04
	t.Parallel()
	w := openWebsite(t, nil)
	ann, _ := w.people()
	for i := range 25 {
		w.publish(ann, w.main, pack.Spec{ID: fmt.Sprintf("Lib%02d", i), Version: "1.0.0"})
	}
	w.publish(ann, w.main, library("1.0.0-beta", ""), pack.Spec{ID: "A.Tool", Version: "1.0.0", Metadata: `<packageTypes><packageType name="DotnetTool"/></packageTypes>`})
	v := w.visitor()
	all := v.get("/packages").is(http.StatusOK).says("h1", "27 packages").says(".filters", "Tool")
	if n := all.Find(".row").Length(); n != 20 {
		t.Errorf("%d rows", n)
	}
	next := v.get(all.Find("a[rel=next]").AttrOr("href", "")).is(http.StatusOK)
	if n := next.Find(".row").Length(); n != 7 {
		t.Errorf("%d rows on the second page", n)
	}
	found := v.get("/packages?q=tables").says("h1", "1 package for “tables”").says(".row", "Contoso.Text.Tables", "1.0.0-beta", "ann", "net8.0")
	asJSON := found.Find(".after a").AttrOr("href", "")
	if got := v.get(asJSON); got.header.Get("Content-Type") != "application/json" || !strings.Contains(got.body, `"totalHits":1`) {
		t.Errorf("%s answers %s %s", asJSON, got.header.Get("Content-Type"), got.body)
	}
	v.get("/packages?q=tables&prerel=false").says("h1", "Nothing found")
	v.get("/packages?Q=tables&PREREL=False").says("h1", "Nothing found")
	v.get("/packages?type=dotnettool").says("h1", "1 package").says(".row", "A.Tool")
	v.get("/packages?q=contosotexttable").is(http.StatusOK).says("h1", "Nothing found").says(".row", "Contoso.Text.Tables")
	v.get("/packages?sort=recent").is(http.StatusOK).says(".row:first-child", "A.Tool")
	v.get("/packages?page=99").is(http.StatusOK).says("main", "nothing on page 99")
	for _, odd := range []string{"?q=%00%ff", "?q=" + strings.Repeat("a%20", 3000), "?page=-4&sort=odd&type=%3Cb%3E", "?q=%22", "?q=id%3A"} {
		v.get("/packages" + odd).is(http.StatusOK).lacks("<b>")
	}
}

func TestHomePage(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	v := w.visitor()
	v.get("/").is(http.StatusOK).says("main", "not set up yet").lacks("Sign in")
	ann, _ := w.people()
	v.get("/").is(http.StatusOK).says("main", "Nothing is published here yet")
	w.publish(ann, w.main, library("1.0.0", ""), library("1.1.0", ""), icon("Contoso.Icon", "2.0.0"))
	page := v.get("/").is(http.StatusOK).says("main", "2 packages", "3 versions", w.url+"/v3/index.json").says("header", "Sign in")
	if first := page.Find(".row h2").First().Text(); !strings.Contains(first, "Contoso.Icon") {
		t.Errorf("the newest is %q", first)
	}
}

func TestErrorsAsPagesAndAsJSON(t *testing.T) { // UX-19, Q-15
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()
	got := v.get("/no/such/page").is(http.StatusNotFound).says("h1", "There is no such page")
	if got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("an error may be kept: %q", got.header.Get("Cache-Control"))
	}
	for path, want := range map[string]int{"/packages/unknown.one": 404, "/no/such/page": 404, "/packages/unknown.one/1.0.0/license": 404} {
		r := v.request("GET", path, nil)
		r.Header.Set("Accept", "application/json")
		got := v.do(r).is(want)
		if got.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(got.body, `"status":404`) {
			t.Errorf("%s: %s %s", path, got.header.Get("Content-Type"), got.body)
		}
	}
	v.get("/account/signout").is(http.StatusMethodNotAllowed).says("h1", "only takes forms")
	// A session of nobody is no error.
	u, _ := url.Parse(w.url)
	v.client.Jar.SetCookies(u, []*http.Cookie{{Name: "nougat_session", Value: strings.Repeat("x", 3000)}})
	v.get("/").is(http.StatusOK)
	v.get("/account/apikeys").says("h1", "Sign in")
}

func TestHeadersOfPages(t *testing.T) { // R-ACC-18
	t.Parallel()
	w := openWebsite(t, func(_ *gallery.Options, o *server.Options) {})
	ann, _ := w.people()
	w.publish(ann, w.main, library("1.0.0", ""))
	v := w.visitor()
	for _, path := range []string{"/", "/packages", "/packages/Contoso.Text.Tables", "/connect", "/account/signin", "/setup/x", "/nowhere", "/packages/unknown"} {
		h := v.get(path).header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Strict-Transport-Security": "", "Server": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
	}
	page := v.get("/")
	if n := page.Find("style, [style], script:not([src]), [onclick], [onload]").Length(); n != 0 {
		t.Errorf("the page has %d inline styles or scripts, which the policy forbids", n)
	}
	page.Find("link[href], script[src]").Each(func(_ int, e *goquery.Selection) {
		path := e.AttrOr("href", "") + e.AttrOr("src", "")
		plain := v.request("GET", path, nil)
		plain.Header.Set("Accept-Encoding", "identity")
		got := v.do(plain).is(http.StatusOK)
		if got.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || got.header.Get("ETag") == "" {
			t.Errorf("%s: %v", path, got.header)
		}
		zipped := v.request("GET", path, nil)
		zipped.Header.Set("Accept-Encoding", "gzip")
		if h := v.do(zipped).header; h.Get("Content-Encoding") != "gzip" || h.Get("ETag") == got.header.Get("ETag") {
			t.Errorf("%s with gzip: %v", path, h)
		}
	})
	v.get("/assets/0000000000000000/style.css").is(http.StatusNotFound)
	if got := v.get("/favicon.ico").is(http.StatusOK); got.header.Get("Content-Type") != "image/svg+xml" {
		t.Errorf("the favicon is %q", got.header.Get("Content-Type"))
	}
	head, err := v.client.Head(w.url + "/packages/Contoso.Text.Tables")
	if err != nil || head.StatusCode != 200 || head.ContentLength <= 0 {
		t.Errorf("HEAD: %v %v", head, err)
	}
}

func TestTheme(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	v := w.visitor()
	page := v.get("/packages?q=x")
	dark := v.submit(page, "/theme", "theme", "dark")
	if dark.Find("html").AttrOr("data-theme", "") != "dark" || dark.url.RequestURI() != "/packages?q=x" {
		t.Errorf("the theme is %q at %s", dark.Find("html").AttrOr("data-theme", ""), dark.url)
	}
	if system := v.submit(dark, "/theme", "theme", ""); system.Find("html[data-theme]").Length() != 0 {
		t.Error("the theme cannot be let go")
	}
}
