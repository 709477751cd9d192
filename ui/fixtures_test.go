package ui

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeTo makes TestFixtures write every fixture as a file, to be looked at in a
// browser: go test ./ui -run TestFixtures -args -write DIR
var writeTo = flag.String("write", "", "write every fixture as HTML into this directory")

// fixture is a page filled with data, under the name of its file.
type fixture struct {
	name string
	page Page
}

var now = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)

func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 14, 3, 22, 0, time.UTC)
}

func frame(path string) Frame {
	return Frame{Brand: "Contoso packages", Feed: "main", User: &UserLink{Name: "ann", Admin: true}, CanSignIn: true,
		Version: "1.0", Path: path, Now: now}
}

func signedOut(path string) Frame {
	f := frame(path)
	f.User = nil
	return f
}

const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

var long = strings.Repeat("Averylongword", 30)

func rows() []PackageRow {
	return []PackageRow{
		{ID: "Contoso.Text.Tables", Version: "3.2.0", Description: "Fast, allocation-free text tables for consoles and logs. Columns size themselves, wrap and align.",
			Owners: []string{"contoso"}, Frameworks: []string{"net8.0", "netstandard2.0"}, Downloads: 48210, Updated: day(2026, 11, 12), Tags: []string{"console", "tables"}},
		{ID: "Contoso.Storage.Tables", Version: "1.14.2", Description: "Typed access to table storage, with batching and retries that follow the service’s own advice.",
			Owners: []string{"contoso", "storage-team"}, Frameworks: []string{"net8.0"}, Downloads: 12077, Updated: day(2026, 11, 3)},
		{ID: "TableBuilder", Version: "0.9.1", Description: "Builds HTML and Markdown tables from any sequence.", Owners: []string{"bob"},
			Frameworks: []string{"netstandard2.0"}, Downloads: 911, Updated: day(2026, 8, 28)},
		{ID: "dotnet-tables", Version: "2.0.0-rc.1", Description: "A command that prints CSV, JSON and log files as tables.", Owners: []string{"ann"},
			Frameworks: []string{"net6.0", "net8.0", "net9.0", "net10.0", "netcoreapp3.1"}, Downloads: 1, Updated: day(2026, 6, 1), Type: "DotnetTool"},
		{ID: "Legacy.Tables", Version: "2.0.7", Description: "The table printer of the old reporting suite. Kept for services that have not moved yet.",
			Owners: []string{"reports"}, Frameworks: []string{"net472"}, Downloads: 3402, Updated: day(2025, 1, 14)},
	}
}

func hostileRows() []PackageRow {
	return []PackageRow{
		{ID: hostile, Version: hostile, Description: hostile, Owners: []string{hostile}, Frameworks: []string{hostile}, Tags: []string{hostile}, Type: hostile, IconURL: "javascript:alert(1)"},
		{ID: strings.Repeat("Long.Identifier.", 6) + "Ab", Version: "10.20.30-" + strings.Repeat("beta.", 9) + "1", Description: long + " " + long,
			Owners: []string{long, "bob"}, Frameworks: []string{long, "net8.0"}, Downloads: 9_000_000_000, Updated: day(2026, 1, 2)},
	}
}

const readme = "## Quick start\n\nAdd the package, build a table, print it. Widths are measured once, so a table of a million rows costs what its columns cost.\n\n" +
	"```csharp\nvar table = new Table(\"Name\", \"Size\");\ntable.Add(\"readme.md\", 4_096);\ntable.Add(\"logo.png\", 18_240);\nConsole.Write(table.Render(width: 40));\n```\n\n" +
	"## When to use something else\n\nFor interactive screens use a terminal toolkit. This package writes lines and nothing more; it has no dependency but `System.Memory` on older targets. " +
	"See [the guide](https://docs.example.com/tables) or [quick start](#quick-start).\n\n" +
	"| Option | Meaning | Default |\n|---|:---|---:|\n| `width` | columns of the terminal | 80 |\n| `wrap` | break long cells at words | true |\n\n" +
	"- [x] right to left text\n- [ ] colour\n\n> Tables with more than 40 columns are hard to read in any case.\n\n![Build](https://ci.example.com/badge.svg) [![Coverage](https://ci.example.com/c.svg)](https://ci.example.com)\n"

func packagePage(path string) PackagePage {
	html, err := Markdown([]byte(readme), MarkdownOptions{})
	if err != nil {
		panic(err)
	}
	return PackagePage{
		Frame: frame(path), ID: "Contoso.Text.Tables", Version: "3.2.0",
		Summary:     "Fast, allocation-free text tables for consoles and logs. Columns size themselves, wrap and align.",
		Description: "Fast, allocation-free text tables.\n\nColumns size themselves, wrap and align.", Chips: []string{"net8.0", "net10.0", "netstandard2.0"},
		LatestStable: "3.2.0", LatestPrerelease: "4.0.0-beta.2", NewerPrerelease: true, Readme: html,
		ReleaseNotes: "3.2.0\n- Columns can be hidden.\n- Faster measuring of CJK text.\n\nThanks to everybody who sent a table.",
		Dependencies: []DependencyGroup{
			{Framework: "net8.0", Packages: []Dependency{{ID: "Contoso.Text", Range: "≥ 2.1.0", Here: true}}},
			{Framework: "net10.0"},
			{Framework: "netstandard2.0", Packages: []Dependency{{ID: "Contoso.Text", Range: "≥ 2.1.0 and < 3.0.0", Here: true}, {ID: "System.Memory", Range: "≥ 4.5.5"}}}},
		Frameworks: []FrameworkGroup{
			{Product: ".NET", Frameworks: []FrameworkChip{{Name: "net8.0"}, {Name: "net9.0", Computed: true}, {Name: "net10.0"}, {Name: "net10.0-windows", Computed: true}}},
			{Product: ".NET Standard", Frameworks: []FrameworkChip{{Name: "netstandard2.0"}, {Name: "netstandard2.1", Computed: true}}},
			{Product: ".NET Framework", Frameworks: []FrameworkChip{{Name: "net462", Computed: true}, {Name: "net472", Computed: true}, {Name: "net48", Computed: true}}}},
		Versions: []VersionRow{
			{Version: "4.0.0-beta.2", Downloads: 41, Published: day(2026, 11, 20), Size: 190_112, PushedBy: "ann"},
			{Version: "3.2.0", Downloads: 1904, Published: day(2026, 11, 12), Size: 188_416, PushedBy: "ann"},
			{Version: "3.1.1", Downloads: 12_482, Published: day(2026, 7, 30), Size: 188_010, Unlisted: true, PushedBy: "build-server"},
			{Version: "3.1.0", Downloads: 33_783, Published: day(2026, 3, 2), Size: 187_220, PushedBy: "build-server"}},
		VersionCount: 27, VersionsPage: 1, VersionsPages: 2, CanManage: true, Downloads: 48210, VersionDownloads: 1904, PerDay: 212,
		Published: day(2026, 11, 12), Licence: Licence{Expression: "MIT"}, Size: 188_416,
		SHA512:     "lE1wbdn3aQ6C3Vyi7oJzn8yQwLrKXK4kVuqs1u8XyQb7Xv3rZ3vXb1C1YdFh0cN9cQJr8x5p4Z3l2m1n0o9p8Q==",
		ProjectURL: "https://tables.contoso.example", Repository: Repository{URL: "https://git.contoso.example/text/tables", Type: "git", Commit: "9c1f2e7d5a6b8c3d4e5f60718293a4b5c6d7e8f9"},
		DownloadURL: "/v3/flat/contoso.text.tables/3.2.0/contoso.text.tables.3.2.0.nupkg",
		Owners:      []string{"contoso", "ann"}, Authors: "Contoso Ltd., Ann", Tags: []string{"console", "tables", "formatting"}, Copyright: "© 2026 Contoso Ltd.",
	}
}

func hostilePackage() PackagePage {
	return PackagePage{Frame: frame("/packages/x"), ID: hostile, Version: hostile, Summary: hostile, Description: hostile, Chips: []string{hostile},
		Missing: hostile, Unlisted: true, Prerelease: true, SemVer2: true, LatestStable: hostile, LatestPrerelease: hostile, Newer: true, NewerPrerelease: true,
		MinClient: hostile, Types: []string{hostile}, Tab: hostile, Show: hostile, ReleaseNotes: hostile, Licence: Licence{Expression: hostile},
		SHA512: hostile, ProjectURL: "javascript:alert(1)", Repository: Repository{URL: "data:text/html,x", Commit: hostile}, DownloadURL: "javascript:alert(1)",
		Owners: []string{hostile}, Authors: hostile, Tags: []string{hostile}, Copyright: hostile}
}

func longPackage() PackagePage {
	p := packagePage("/packages/x")
	p.ID = strings.Repeat("Contoso.Enterprise.", 5) + "Abc"
	p.Version = "10.200.3000-" + strings.Repeat("beta.", 10) + "1"
	p.Summary, p.Authors, p.Copyright, p.Description = long, long, long, long+"\n\n"+long
	p.Readme = HTML("<h2>" + long + "</h2><p>" + long + "</p><pre><code>" + long + "</code></pre>")
	p.Chips = []string{"net6.0", "net8.0", "net9.0", "net10.0", "net10.0-windows10.0.19041", "netstandard2.0", "net48", "net472"}
	p.Owners, p.Tags = []string{long, "bob"}, append(strings.Split("a b c d e f g h i j k l m n o p q r s", " "), long)
	p.Versions = []VersionRow{{Version: p.Version, Downloads: 9_000_000_000, Published: day(2026, 1, 2), Size: 9_000_000_000, PushedBy: long, Unlisted: true}}
	p.Dependencies = []DependencyGroup{{Framework: long, Packages: []Dependency{{ID: long, Range: long, Here: true}}}}
	p.Licence.Expression = strings.Repeat("MIT OR Apache-2.0 AND ", 20) + "BSD-3-Clause"
	p.Missing, p.Newer, p.LatestStable = p.Version, true, p.Version
	return p
}

func connectPage(client string) ConnectPage {
	f := frame("/connect?client=" + client)
	return ConnectPage{Frame: f, Client: client, Source: "contoso", Index: "https://nuget.contoso.example/v3/index.json",
		Push: "https://nuget.contoso.example/v3/package", Private: true, Example: "Contoso.Text.Tables", Patterns: []string{"Contoso.*"}}
}

func keyRows() []KeyRow {
	return []KeyRow{
		{ID: "4k2vQx9B", Name: "build server", Feed: "main", Scopes: []string{"pushversion"}, Packages: []string{"Contoso.*"}, Created: day(2026, 2, 1), Expires: day(2027, 2, 1), LastUsed: day(2026, 11, 23), LastClient: "NuGet xplat/7.9.0", LastAddr: "10.4.0.17"},
		{ID: "Zt77aB0c", Name: "laptop", Feed: "main", Scopes: []string{"push", "unlist", "read"}, Packages: []string{"*"}, Created: day(2025, 11, 30), Expires: day(2026, 11, 30), LastUsed: day(2026, 10, 2)},
		{ID: "p0Qm31Lk", Name: "restore in containers", Feed: "main", Scopes: []string{"read"}, Packages: []string{"*"}, Created: day(2026, 1, 9)},
		{ID: "aa00bb11", Name: "old", Feed: "main", Scopes: []string{"push"}, Packages: []string{"*"}, Created: day(2024, 1, 9), Expires: day(2025, 1, 9)},
	}
}

func keysPage() KeysPage {
	return KeysPage{Frame: frame("/account/apikeys"), Keys: keyRows(), Form: KeyForm{Days: 365, Feed: "main", Scopes: []string{"push", "read"}, Packages: "*"},
		Feeds: []string{"main"}, Days: []int{1, 90, 180, 270, 365}, Source: "contoso", Index: "https://nuget.contoso.example/v3/index.json"}
}

const sampleKey = "ngt_p4k2vQx9Bm5HcJd7TqLw2ZyRf8NsVe3XgUa6KbPo1iC0dE9h"

// fixtures are all pages: realistic, empty, hostile and long.
func fixtures() []fixture {
	search := SearchPage{Frame: frame("/packages?q=tables"), Rows: rows(), Total: 5, Prerelease: true, Page: 1, Pages: 1,
		Types: []TypeChoice{{"Dependency", 4}, {"DotnetTool", 1}, {"Template", 0}}}
	search.Query = "tables"
	paged := search
	paged.Total, paged.Page, paged.Pages, paged.Sort, paged.Type, paged.Prerelease = 1204, 2, 61, SortDownloads, "Dependency", false
	full := search
	full.Rows = nil
	for i := range 20 {
		row := rows()[i%5]
		row.ID, row.Version = fmt.Sprintf("Contoso.Enterprise.Text.Tables.Part%d", i), "10.20.30-beta.1"
		row.Description = strings.Repeat("A description as long as it is shown. ", 7)
		row.Owners, row.Frameworks = []string{"contoso", "storage-team"}, []string{"net6.0", "net8.0", "net9.0", "netstandard2.0", "net472"}
		full.Rows = append(full.Rows, row)
	}
	full.Total, full.Pages = 1204, 61
	nothing := SearchPage{Frame: signedOut("/packages?q=tabels"), Prerelease: true, Page: 1, Near: rows()[:2]}
	nothing.Query = "Contoso.Text.Tabels"
	empty := SearchPage{Frame: frame("/packages"), Prerelease: true, Page: 1}
	nasty := SearchPage{Frame: frame("/packages"), Rows: hostileRows(), Total: 2, Prerelease: true, Page: 1, Pages: 1, Type: hostile, Sort: hostile}
	nasty.Query, nasty.Brand, nasty.Notice, nasty.User = hostile, hostile, hostile, &UserLink{Name: hostile}

	dark := packagePage("/packages/Contoso.Text.Tables")
	dark.Theme = "dark"
	show := func(tab string) PackagePage {
		p := packagePage("/packages/Contoso.Text.Tables?show=" + tab)
		p.Show = tab
		return p
	}
	tool := packagePage("/packages/dotnet-tables")
	tool.ID, tool.Types, tool.Tab, tool.Readme, tool.NewerPrerelease = "dotnet-tables", []string{"DotnetTool"}, "local", "", false
	central := packagePage("/packages/Contoso.Text.Tables?tab=central")
	central.Tab, central.User, central.CanManage, central.Unlisted, central.MinClient = "central", nil, false, true, "5.0"
	central.DevelopmentDependency, central.Newer, central.LatestStable, central.SemVer2 = true, true, "3.3.0", true
	central.Show, central.Notice = ShowVersions, "3.2.0 is unlisted."

	frameworks := show(ShowFrameworks)
	frameworks.Frameworks = []FrameworkGroup{{".NET Framework", []FrameworkChip{{"net8.0-windows10.0.19041.0", false}, {"netcoreapp2.0", true}, {"netcoreapp2.1", true}, {"netcoreapp2.2", true}}},
		{long, []FrameworkChip{{long, true}, {"portable-net45+win8+wp8+wpa81", false}}}}

	setUp := connectPage("")
	setUp.JustSetUp, setUp.Index, setUp.Push, setUp.Private = true, "http://127.0.0.1:5050/v3/index.json", "http://127.0.0.1:5050/v3/package", false
	setUp.Key = &NewKey{Value: sampleKey, Name: "first key", Feed: "main", Expires: day(2027, 11, 23), MayPush: true}
	setUp.Example = ""
	setUp.Patterns = nil
	plain := connectPage(ClientVisualStudio)
	plain.Index, plain.Private, plain.User = "http://nuget.contoso.example/v3/index.json", false, nil
	odd := connectPage(ClientConfig)
	odd.Source = "Contoso feed 2"

	made := keysPage()
	made.New = &NewKey{Value: sampleKey, Name: "build server", Feed: "main", Expires: day(2027, 11, 23), MayPush: true}
	wrong := keysPage()
	wrong.Keys, wrong.Feeds, wrong.Days = nil, []string{"main", "test"}, []int{1, 365, 0}
	wrong.Errors = Errors{"": "The key was not made.", "name": "A key needs a name.", "packages": "A pattern holds letters, digits, . - _ and *.", "scopes": "Choose at least one."}
	badKeys := keysPage()
	badKeys.Keys = []KeyRow{{ID: hostile, Name: hostile, Feed: hostile, Scopes: []string{hostile}, LastUsed: now, LastClient: hostile, LastAddr: hostile, Packages: []string{hostile}},
		{ID: "x", Name: long, Scopes: []string{"push", "read"}, Packages: []string{long, long}}}

	setup := SetupPage{Frame: Frame{Bare: true, Path: "/setup/x", Now: now}, Token: "k7f3", SiteName: "nougat", URL: "http://127.0.0.1:5050", Read: "anyone",
		PasswordRule: "10 to 128 characters. A few words do well."}
	setupWrong := setup
	setupWrong.Name, setupWrong.Fixed, setupWrong.Read = "a", map[string]bool{"url": true, "read": true}, "signed-in"
	setupWrong.Errors = Errors{"name": "Names start and end with a letter or digit and may hold letters, digits, _ . - between (3 to 64).", "password": "This password is one of the commonest. Choose another."}
	signIn := SignInPage{Frame: signedOut("/account/signin"), Name: "ann", Return: "/packages/A", Errors: Errors{"": "Name or password is wrong."}}
	signIn.Bare = true
	test := frame("/test/packages/A")
	test.Feed, test.FeedRoot, test.TestFeed = "test", "/test", true
	test.Feeds = []FeedLink{{"main", ""}, {"test", "/test"}}
	home := HomePage{Frame: signedOut("/"), Packages: 1204, Versions: 9310, Downloads: 1_204_001, Recent: rows(), Types: []string{"DotnetTool", "Template"}, Index: "https://nuget.contoso.example/v3/index.json"}
	below := frame("/packages?q=tables")
	below.Base = "/gallery"

	all := []fixture{
		{"setup", setup}, {"setup-errors", setupWrong},
		{"signin", SignInPage{Frame: signedOut("/account/signin"), Why: "Reading packages here needs an account."}}, {"signin-errors", signIn},
		{"home", home}, {"home-empty", HomePage{Frame: frame("/")}},
		{"search", search}, {"search-paged", paged}, {"search-full", full}, {"search-nothing", nothing}, {"search-empty", empty}, {"search-hostile", nasty},
		{"search-below", SearchPage{Frame: below, Rows: rows(), Total: 5, Prerelease: true, Page: 1, Pages: 1}},
		{"package", packagePage("/packages/Contoso.Text.Tables")}, {"package-dark", dark}, {"package-tool", tool}, {"package-central", central},
		{"package-dependencies", show(ShowDependencies)}, {"package-versions", show(ShowVersions)}, {"package-notes", show(ShowNotes)},
		{"package-frameworks", show(ShowFrameworks)}, {"package-frameworks-long", frameworks}, {"package-hostile", hostilePackage()}, {"package-long", longPackage()},
		{"package-empty", PackagePage{Frame: frame(""), ID: "A", Version: "1.0.0"}},
		{"license-expression", LicensePage{Frame: frame("/x"), ID: "A", Version: "1.0.0", Licence: Licence{Expression: "(MIT OR Apache-2.0+) AND LicenseRef-Own WITH Classpath-exception-2.0"}}},
		{"license-file", LicensePage{Frame: frame("/x"), ID: "A", Version: "1.0.0", Licence: Licence{File: true}, File: "LICENSE.txt", Text: "Copyright Contoso.\n\nAll rights reserved. " + hostile}},
		{"license-url", LicensePage{Frame: frame("/x"), ID: "A", Version: "1.0.0", Licence: Licence{URL: "https://contoso.example/licence"}}},
		{"license-none", LicensePage{Frame: frame("/x"), ID: hostile, Version: "1.0.0", Licence: Licence{URL: "javascript:alert(1)"}}},
		{"keys", keysPage()}, {"keys-made", made}, {"keys-errors", wrong}, {"keys-hostile", badKeys},
		{"connect-ready", setUp}, {"connect-plain", plain}, {"connect-odd-name", odd},
		{"error-package", PackageNotHere(frame("/packages/x"), "Contoso.Text.Table", rows()[:2])},
		{"error-package-alone", PackageNotHere(signedOut("/packages/x"), hostile, nil)},
		{"error-version", VersionNotHere(test, "A", "1.2.3")}, {"error-page", PageNotHere(frame("/x"))},
		{"error-right", NotAllowed(signedOut("/x"), "bob does not own Contoso.Text. Ask one of its owners to add you.")},
		{"error-form", BadForm(frame("/x"), "The form was cut off.")}, {"error-many", TooManyRequests(frame("/x"), 1)},
		{"error-setup", SetupLinkDead(Frame{Bare: true})}, {"error-busy", Unavailable(frame("/x"), 503, "The search index is being built. Try again in a few seconds.")}, {"error-no-key", NothingToChange(frame(""), "There is no key x.")}, {"error-nobody", NoAccountYet(frame("/x"))}, {"error-method", WrongMethod(frame("/x"))}, {"error-failed", Failed(frame("/x"), "4f0c-77aa")},
	}
	for _, t := range connectTabs {
		all = append(all, fixture{"connect-" + t.Key, connectPage(t.Key)})
	}
	return all
}

func newRenderer(t testing.TB) *Renderer {
	t.Helper()
	r, err := New()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func render(t testing.TB, r *Renderer, p Page) string {
	t.Helper()
	var b bytes.Buffer
	if err := r.Render(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFixtures draws every fixture, and writes them where -write says.
func TestFixtures(t *testing.T) {
	r := newRenderer(t)
	for _, f := range fixtures() {
		html := render(t, r, f.page)
		if *writeTo == "" {
			continue
		}
		for p, a := range r.assets.byPath {
			write(t, filepath.Join(*writeTo, filepath.FromSlash(p)), a.Body)
		}
		// Files are read without a server: paths from the root become relative.
		html = strings.NewReplacer(`"/assets/`, `"assets/`, `"/gallery/assets/`, `"assets/`).Replace(html)
		write(t, filepath.Join(*writeTo, f.name+".html"), []byte(html))
	}
}

func write(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}
