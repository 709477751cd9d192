package server

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"nougat/gallery"
)

// The quirks of PROTO-13, by number. Those about V2, which is not served, and
// about pages, speed and documentation have no test here.

// documents are the addresses of every kind of document about Some.Package.
func (s *testSite) documents() []string {
	docs := []string{
		"/v3/index.json", "/v3/flat/some.package/index.json", "/v3/query?q=&prerelease=true&semVerLevel=2.0.0", "/v3/autocomplete?q=so", "/v3/autocomplete?id=some.package",
		"/v3/catalog/index.json", "/v3/catalog/page0.json",
	}
	for _, hive := range []string{"reg", "reg-gz", "reg-gz-semver2"} {
		docs = append(docs, "/v3/"+hive+"/some.package/index.json", "/v3/"+hive+"/some.package/1.0.0.json")
	}
	index := s.get("/v3/reg/some.package/index.json").is(200).json()
	walk(index, func(_ string, v any) {
		if m, ok := v.(map[string]any); ok && m["@type"] == "PackageDetails" {
			docs = append(docs, strings.TrimPrefix(m["@id"].(string), s.url))
		}
	})
	return docs
}

// row runs one row's test on a site that reports to it.
func row(t *testing.T, s *testSite, name string, f func(*testing.T, *testSite)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		here := *s
		here.TB = t
		f(t, &here)
	})
}

// walk calls f for every member and element below v.
func walk(v any, f func(name string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for k, m := range v {
			f(k, m)
			walk(m, f)
		}
	case []any:
		for _, m := range v {
			f("", m)
			walk(m, f)
		}
	}
}

// somePackage has everything that a document can show.
func somePackage(version string) pack {
	return pack{
		id: "Some.Package", version: version,
		meta: `<title>Some "quoted" title</title><summary>Short &amp; plain</summary><tags>one two</tags><language>en</language>
    <projectUrl>https://example.org/some</projectUrl><license type="file">LICENSE.txt</license><licenseUrl>https://aka.ms/deprecateLicenseUrl</licenseUrl>
    <icon>icon.png</icon><readme>docs\readme.md</readme><releaseNotes>All is new.</releaseNotes><copyright>(c) Ann</copyright>
    <requireLicenseAcceptance>true</requireLicenseAcceptance><repository type="git" url="https://example.org/some.git" commit="abc" />
    <dependencies><group targetFramework="net8.0"><dependency id="Other.Package" version="1.0.0" /><dependency id="Any" /></group><group targetFramework="netstandard2.0" /></dependencies>`,
		files: map[string][]byte{
			"LICENSE.txt": []byte("Do what you like.\n"), "icon.png": append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 100)...),
			"docs/readme.md": []byte("# Some\n"), "lib/net8.0/Some.dll": []byte("MZ"),
		},
	}
}

func TestProtocol13(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(somePackage("1.0.0"))
	s.push(somePackage("1.1.0-Beta"))
	s.push(somePackage("2.0.0"))
	s.do("DELETE", "/v3/package/Some.Package/2.0.0", nil, "X-NuGet-ApiKey", s.key).is(204)

	row(t, s, "PROTO-13.1: every address is absolute", func(t *testing.T, s *testSite) {
		for _, path := range s.documents() {
			walk(s.get(path).is(200).json(), func(name string, v any) {
				text, ok := v.(string)
				switch name {
				case "@id", "packageContent", "registration", "parent", "catalogEntry", "iconUrl", "licenseUrl", "readmeUrl":
					if ok && !strings.HasPrefix(text, s.url+"/") {
						t.Errorf("%s: %s is %q", path, name, text)
					}
				}
			})
		}
	})
	row(t, s, "PROTO-13.2: one object a type in the service index", func(t *testing.T, s *testSite) {
		seen := map[string]bool{}
		for _, r := range s.get("/v3/index.json").json()["resources"].([]any) {
			kind, ok := r.(map[string]any)["@type"].(string)
			if !ok || seen[kind] {
				t.Errorf("@type is %v", r)
			}
			seen[kind] = true
		}
		for _, want := range []string{"PackageBaseAddress/3.0.0", "RegistrationsBaseUrl", "RegistrationsBaseUrl/3.0.0-beta", "RegistrationsBaseUrl/3.0.0-rc",
			"RegistrationsBaseUrl/3.4.0", "RegistrationsBaseUrl/3.6.0", "SearchQueryService", "SearchQueryService/3.0.0-beta", "SearchQueryService/3.0.0-rc",
			"SearchQueryService/3.5.0", "SearchAutocompleteService", "SearchAutocompleteService/3.0.0-beta", "SearchAutocompleteService/3.0.0-rc",
			"SearchAutocompleteService/3.5.0", "PackagePublish/2.0.0", "Catalog/3.0.0", "PackageDetailsUriTemplate/5.1.0", "ReadmeUriTemplate/6.13.0"} {
			if !seen[want] {
				t.Errorf("%s is not advertised", want)
			}
		}
		for _, never := range []string{"RepositorySignatures", "VulnerabilityInfo", "SymbolPackagePublish", "ReportAbuse", "OwnerDetails", "LegacyGallery"} {
			for kind := range seen {
				if strings.HasPrefix(kind, never) { // PROTO-13.22, PROTO-13.23, and what comes later
					t.Errorf("%s is advertised", kind)
				}
			}
		}
	})
	row(t, s, "PROTO-13.3: @type of registration index and leaf are arrays", func(t *testing.T, s *testSite) {
		for _, path := range []string{"/v3/reg/some.package/index.json", "/v3/reg-gz-semver2/some.package/1.0.0.json"} {
			if _, ok := s.get(path).json()["@type"].([]any); !ok {
				t.Errorf("%s: @type is no array", path)
			}
		}
		kinds := s.get("/v3/reg/some.package/index.json").json()["@type"].([]any)
		if !slices.Contains(kinds, any("PackageRegistration")) {
			t.Errorf("@type is %v", kinds)
		}
	})
	row(t, s, "PROTO-13.4: no null anywhere", func(t *testing.T, s *testSite) {
		for _, path := range s.documents() {
			walk(s.get(path).json(), func(name string, v any) {
				if v == nil {
					t.Errorf("%s: %q is null", path, name)
				}
			})
		}
	})
	row(t, s, "PROTO-13.5 and PROTO-13.6: listed is always written, deprecation never", func(t *testing.T, s *testSite) {
		entries := 0
		walk(s.get("/v3/reg-gz-semver2/some.package/index.json").json(), func(name string, v any) {
			if name == "deprecation" {
				t.Error("a deprecation without reasons")
			}
			if m, ok := v.(map[string]any); ok && name == "catalogEntry" {
				entries++
				if listed, ok := m["listed"].(bool); !ok || listed != (m["version"] != "2.0.0") {
					t.Errorf("listed of %v is %v", m["version"], m["listed"])
				}
			}
		})
		if entries != 3 {
			t.Errorf("%d entries", entries)
		}
	})
	row(t, s, "PROTO-13.7: versions of the flat container are folded, unlisted ones included", func(t *testing.T, s *testSite) {
		got := fmt.Sprint(s.get("/v3/flat/Some.Package/index.json").json()["versions"])
		if got != "[1.0.0 1.1.0-beta 2.0.0]" {
			t.Errorf("versions %s", got)
		}
	})
	row(t, s, "PROTO-13.8: letter case of paths and query names", func(t *testing.T, s *testSite) {
		for path, total := range map[string]float64{
			"/v3/query/?q=some": 1,
			"/V3/Query?Q=some&PRERELEASE=True&semverlevel=2.0.0":        1,
			"/v3/query?q=nothing-of-the-kind":                           0,
			"/V3/AutoComplete/?q=som&take=100000":                       1,
			"/v3/query":                                                 1,
			"/v3/query?q=some&packagetype=DEPENDENCY":                   1,
			"/v3/query?q=some&packageTypeFilter=DotnetTool":             0,
			"/v3/query?q=some&take=-1&skip=x&unknown=1&semVerLevel=foo": 1,
		} {
			if got := s.get(path).is(200).json()["totalHits"]; got != total {
				t.Errorf("%s: %v hits, want %v", path, got, total)
			}
		}
		for _, path := range []string{"/V3/INDEX.JSON", "/v3/Flat/SOME.package/INDEX.json", "/V3/flat/Some.Package/1.1.0-BETA/Some.Package.1.1.0-Beta.NUPKG",
			"/v3/REG-gz-SemVer2/SOME.PACKAGE/1.1.0-BETA.JSON", "/v3/catalog/Page0.json", "//v3//index.json"} {
			s.get(path).is(200)
		}
		withPre := s.get("/v3/query?q=some&PreRelease=True").json()["data"].([]any)[0].(map[string]any)["version"]
		without := s.get("/v3/query?q=some").json()["data"].([]any)[0].(map[string]any)["version"]
		if withPre != "1.1.0-Beta" || without != "1.0.0" {
			t.Errorf("shown %v with prereleases, %v without", withPre, without)
		}
	})
	row(t, s, "PROTO-13.9: no redirect with a slash or without", func(t *testing.T, s *testSite) {
		for i, path := range []string{"/v3/package", "/v3/package/", "/api/v2/package", "/api/v2/package/"} {
			body, kind := form(pack{id: "Slash", version: fmt.Sprintf("1.0.%d", i)}.nupkg(t))
			s.do("PUT", path, body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(201)
		}
		s.do("DELETE", "/v3/package/Slash/1.0.0/", nil, "X-NuGet-ApiKey", s.key).is(204)
		s.do("POST", "/v3/package/Slash/1.0.0/", nil, "X-NuGet-ApiKey", s.key).is(200)
	})
	row(t, s, "PROTO-13.10: 409 for a duplicate alone", func(t *testing.T, s *testSite) {
		s.account("eve", "quite another phrase")
		eve := s.newKey(gallery.NewKey{Owner: "eve"})
		body, kind := form(somePackage("1.0.0").nupkg(t))
		s.do("PUT", "/v3/package", bytes.NewReader(body.Bytes()), "Content-Type", kind, "X-NuGet-ApiKey", eve).is(403)
		s.do("PUT", "/v3/package", bytes.NewReader(body.Bytes()), "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(409)
		for kind, status := range statuses {
			if (status == 409) != (gallery.Kind(kind) == gallery.Exists) {
				t.Errorf("kind %d answers %d", kind, status)
			}
		}
	})
	row(t, s, "PROTO-13.11: the text of an error in reason phrase, header and body", func(t *testing.T, s *testSite) {
		const text = "This API key is not known here, was revoked, or has expired."
		a := s.do("DELETE", "/v3/package/Some.Package/1.0.0", nil, "X-NuGet-ApiKey", "az").is(403).has("X-NuGet-Warning", text).has("Cache-Control", "no-store")
		if a.reason != text || string(a.body) != text+"\n" {
			t.Errorf("reason %q, body %q", a.reason, a.body)
		}
		a = s.do("DELETE", "/v3/package/Some.Package/1.0.0", nil, "X-NuGet-ApiKey", "az", "Accept", "application/json").is(403).has("Content-Type", "application/problem+json")
		if m := a.json(); m["detail"] != text || m["status"] != float64(403) || m["title"] != "Forbidden" {
			t.Errorf("problem %v", m)
		}
		// Many errors: the first in the phrase, all in the body.
		body, kind := form(pack{id: "Bad Id", version: "x.y"}.nupkg(t))
		a = s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(400)
		if !strings.Contains(a.reason, "more in the body") || strings.Count(string(a.body), "\n- ") < 2 {
			t.Errorf("reason %q, body %q", a.reason, a.body)
		}
	})
	row(t, s, "PROTO-13.19: addresses that people take for the source", func(t *testing.T, s *testSite) {
		for _, path := range []string{"/index.json", "/v3", "/v3/", "/nuget", "/nuget/", "/api/v2", "/api/v2/", "/nuget/Packages()", "/api/v2/FindPackagesById()?id='x'",
			"/FindPackagesById()?id='x'", "//FindPackagesById()?id='x'&semVerLevel=2.0.0", "/$metadata", "/Packages(Id='x',Version='1.0.0')", "/Search()?searchTerm=x", "/Search()/$count?searchTerm=x", "/Packages()/$count", "/api/v2/Packages/$count"} {
			a := s.get(path).is(404)
			if want := "The address of this source is " + s.url + "/v3/index.json (NuGet V3)."; a.reason != want || string(a.body) != want+"\n" {
				t.Errorf("%s: reason %q, body %q", path, a.reason, a.body)
			}
		}
		s.get("/", "Accept", "application/atom+xml, application/xml").is(404)
	})
	row(t, s, "PROTO-13.20: compressed for those who ask, and then by gzip alone", func(t *testing.T, s *testSite) {
		const path = "/v3/reg-gz/some.package/index.json"
		plain := s.get(path).is(200).lacks("Content-Encoding").has("Vary", "Accept-Encoding")
		for accept, want := range map[string]string{
			"gzip": "gzip", "gzip, deflate": "gzip", "GZIP": "gzip", "br": "", "br, gzip;q=0.5": "gzip", "gzip;q=0": "", "gzip; q=0.0, *": "", "*": "gzip",
			"identity": "", "deflate": "", "br, zstd": "", "*;q=0": "", "x-gzip": "gzip",
		} {
			a := s.get(path, "Accept-Encoding", accept).is(200).has("Content-Encoding", want)
			body := a.body
			if want == "gzip" {
				z, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(body, plain.body) {
				t.Errorf("Accept-Encoding %q: another document", accept)
			}
			if (a.header.Get("ETag") == plain.header.Get("ETag")) != (want == "") {
				t.Errorf("Accept-Encoding %q: ETag %s, plain %s", accept, a.header.Get("ETag"), plain.header.Get("ETag"))
			}
		}
		s.get("/v3/flat/some.package/1.0.0/some.package.1.0.0.nupkg", "Accept-Encoding", "gzip").is(200).lacks("Content-Encoding")
	})
	row(t, s, "PROTO-13.24: no two versions that differ in metadata alone", func(t *testing.T, s *testSite) {
		s.push(pack{id: "Meta", version: "1.0.0+one"})
		body, kind := form(pack{id: "Meta", version: "1.0.0+two"}.nupkg(t))
		a := s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(409)
		if !strings.Contains(a.reason, "only in build metadata") {
			t.Errorf("reason %q", a.reason)
		}
	})
	row(t, s, "PROTO-13.26: the catalogEntry of a leaf answers", func(t *testing.T, s *testSite) {
		for _, version := range []string{"1.0.0", "2.0.0"} {
			leaf := s.get("/v3/reg/some.package/" + version + ".json").is(200).json()
			entry := s.do("GET", leaf["catalogEntry"].(string), nil).is(200).json()
			if entry["id"] != "Some.Package" || entry["version"] != version || entry["listed"] != leaf["listed"] {
				t.Errorf("leaf %v, entry %v", leaf, entry)
			}
		}
	})
	row(t, s, "PROTO-13.27: counts are plain integers", func(t *testing.T, s *testSite) {
		d := json.NewDecoder(bytes.NewReader(s.get("/v3/query?q=some").body))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		counts := 0
		walk(v, func(name string, v any) {
			switch name {
			case "totalHits", "totalDownloads", "downloads":
				counts++
				if n, ok := v.(json.Number); !ok || strings.ContainsAny(n.String(), ".eE") {
					t.Errorf("%s is %v", name, v)
				}
			}
		})
		if counts < 3 {
			t.Errorf("%d counts found", counts)
		}
	})
	row(t, s, "PROTO-13.28: never more results than take", func(t *testing.T, s *testSite) {
		for _, id := range []string{"Take.One", "Take.Two", "Take.Three"} {
			s.push(pack{id: id, version: "1.0.0"})
		}
		for take, want := range map[string]int{"0": 0, "1": 1, "2": 2, "1000": 3, "5000": 3} {
			m := s.get("/v3/query?q=take&take=" + take).json()
			if got := len(m["data"].([]any)); got != want || m["totalHits"] != float64(3) {
				t.Errorf("take=%s: %d results of %v", take, got, m["totalHits"])
			}
		}
		if got := len(s.get("/v3/query?q=take&skip=2").json()["data"].([]any)); got != 1 {
			t.Errorf("skip=2: %d results", got)
		}
	})
	row(t, s, "PROTO-13.29: bytes never change", func(t *testing.T, s *testSite) {
		const path = "/v3/flat/some.package/1.0.0/some.package.1.0.0.nupkg"
		before := s.get(path).is(200).has("Cache-Control", "public, max-age=31536000, immutable")
		changed := somePackage("1.0.0")
		changed.description = "Another one."
		body, kind := form(changed.nupkg(t))
		s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(409)
		if after := s.get(path); !bytes.Equal(before.body, after.body) || before.header.Get("ETag") != after.header.Get("ETag") {
			t.Error("the package has changed")
		}
	})
	row(t, s, "PROTO-13.30: delete unlists, and what is pinned stays", func(t *testing.T, s *testSite) {
		s.get("/v3/flat/some.package/2.0.0/some.package.2.0.0.nupkg").is(200)
		for _, hit := range s.get("/v3/query?q=some").json()["data"].([]any)[0].(map[string]any)["versions"].([]any) {
			if hit.(map[string]any)["version"] == "2.0.0" {
				t.Error("search shows the unlisted version")
			}
		}
	})
	row(t, s, "PROTO-13.31: any form of a version in addresses", func(t *testing.T, s *testSite) {
		s.push(pack{id: "Forms", version: "1"})
		for _, v := range []string{"1", "1.0", "1.0.0", "1.0.0.0", "01.0", "1.0.0+meta"} {
			s.do("DELETE", "/v3/package/FORMS/"+v, nil, "X-NuGet-ApiKey", s.key).is(204)
			s.do("POST", "/v3/package/forms/"+v, nil, "X-NuGet-ApiKey", s.key).is(200)
			s.get("/v3/flat/forms/" + v + "/forms." + v + ".nupkg").is(200)
			s.get("/v3/flat/forms/" + v + "/forms.1.0.0.nupkg").is(200)
			s.get("/v3/flat/forms/" + v + "/forms.nuspec").is(200)
			s.get("/v3/reg/forms/" + v + ".json").is(200)
			s.get("/api/v2/package/Forms/" + v).is(200)
		}
		s.get("/v3/flat/forms/1.0.0/forms.2.0.0.nupkg").is(404)
		s.get("/v3/flat/forms/1.0.0/other.1.0.0.nupkg").is(404)
		s.get("/v3/flat/forms/1.0.0/other.nuspec").is(404)
		s.get("/v3/flat/forms/x/forms.x.nupkg").is(404)
	})
	row(t, s, "PROTO-13.32: a plus in an address, escaped, plain or made a blank", func(t *testing.T, s *testSite) {
		for _, v := range []string{"1.0.0+one", "1.0.0%2Bone", "1.0.0%20one", "1.0.0"} {
			s.get("/v3/flat/meta/" + v + "/meta.1.0.0.nupkg").is(200)
			s.get("/v3/flat/meta/" + v + "/meta." + v + ".nupkg").is(200)
			s.get("/v3/reg-gz-semver2/meta/" + v + ".json").is(200)
			s.do("DELETE", "/v3/package/Meta/"+v, nil, "X-NuGet-ApiKey", s.key).is(204)
		}
	})
	row(t, s, "PROTO-13.33: IDs are ASCII", func(t *testing.T, s *testSite) {
		body, kind := form(pack{id: "Fo\u0131", version: "1.0.0"}.nupkg(t))
		s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(400)
		s.push(pack{id: "FOI", version: "1.0.0"})
		s.get("/v3/flat/foi/index.json").is(200)
		s.get("/v3/flat/fo%C4%B1/index.json").is(404)
		s.get("/v3/flat/fo%C4%B0/index.json").is(404)
	})
	row(t, s, "PROTO-13.34: HEAD wherever there is GET", func(t *testing.T, s *testSite) {
		for _, path := range append(s.documents(), "/v3/flat/some.package/1.0.0/some.package.1.0.0.nupkg", "/v3/flat/some.package/1.0.0/some.package.nuspec",
			"/v3/flat/some.package/1.0.0/icon", "/v3/flat/some.package/1.0.0/readme", "/v3/flat/some.package/1.0.0/license", "/api/health-probe", "/api/v2/package/Some.Package/1.0.0") {
			get, head := s.get(path).is(200), s.do("HEAD", path, nil).is(200)
			if len(head.body) != 0 {
				t.Errorf("%s: HEAD has a body", path)
			}
			get.header.Del("Date")
			head.header.Del("Date")
			if fmt.Sprint(get.header) != fmt.Sprint(head.header) {
				t.Errorf("%s:\n GET  %v\n HEAD %v", path, get.header, head.header)
			}
		}
	})
	row(t, s, "PROTO-13.37: too many requests are 429 with Retry-After", func(t *testing.T, s *testSite) {
		if statuses[gallery.TooMany] != 429 || retryAfter[429] == nil || statuses[gallery.Unavailable] != 503 || retryAfter[503] == nil {
			t.Error("429 or 503 without Retry-After")
		}
	})
	row(t, s, "PROTO-13.38: X-NuGet-Warning is one line of ASCII", func(t *testing.T, s *testSite) {
		// The name of a file that is missing, out of the package, ends up in the text.
		body, kind := form(pack{id: "Warn", version: "1.0.0", meta: "<icon>b\u00e4d\ticon.png</icon>"}.nupkg(t))
		a := s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(400)
		text := a.header.Get("X-NuGet-Warning")
		if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("X-NuGet-Warning %q", text)
		}
	})
	row(t, s, "PROTO-13.39: published is the push of a listed version, 1900 of an unlisted one", func(t *testing.T, s *testSite) {
		walk(s.get("/v3/reg/some.package/index.json").json(), func(name string, v any) {
			if m, ok := v.(map[string]any); ok && name == "catalogEntry" {
				if old := strings.HasPrefix(m["published"].(string), "1900-01-01T00:00:00"); old == m["listed"].(bool) {
					t.Errorf("%v: listed %v, published %v", m["version"], m["listed"], m["published"])
				}
			}
		})
	})
	row(t, s, "PROTO-13.40: plain search address, slash after registrations", func(t *testing.T, s *testSite) {
		if u, err := url.Parse(s.resource("SearchQueryService")); err != nil || u.RawQuery != "" {
			t.Errorf("search at %v", u)
		}
		if u := s.resource("RegistrationsBaseUrl"); !strings.HasSuffix(u, "/") {
			t.Errorf("registrations at %s", u)
		}
	})
	row(t, s, "PROTO-13.41: one ID in two spellings", func(t *testing.T, s *testSite) {
		s.push(pack{id: "casing.package", version: "1.0.0"})
		s.push(pack{id: "Casing.Package", version: "2.0.0"})
		if id := s.get("/v3/query?q=packageid:casing.package").json()["data"].([]any)[0].(map[string]any)["id"]; id != "Casing.Package" {
			t.Errorf("search shows %v", id)
		}
		if got := fmt.Sprint(s.get("/v3/flat/CASING.package/index.json").json()["versions"]); got != "[1.0.0 2.0.0]" {
			t.Errorf("versions %s", got)
		}
		var ids []string
		walk(s.get("/v3/reg/casing.package/index.json").json(), func(name string, v any) {
			if m, ok := v.(map[string]any); ok && name == "catalogEntry" {
				ids = append(ids, m["id"].(string))
			}
		})
		if fmt.Sprint(ids) != "[casing.package Casing.Package]" {
			t.Errorf("registration shows %v", ids)
		}
	})
	row(t, s, "PROTO-13.42: ascending, and packageContent spells the version as its author", func(t *testing.T, s *testSite) {
		var versions []string
		items := s.get("/v3/reg-gz-semver2/some.package/index.json").json()["items"].([]any)[0].(map[string]any)["items"].([]any)
		for _, item := range items {
			e := item.(map[string]any)["catalogEntry"].(map[string]any)
			versions = append(versions, e["version"].(string))
			if !strings.Contains(item.(map[string]any)["packageContent"].(string), e["version"].(string)) || e["packageContent"] != item.(map[string]any)["packageContent"] {
				t.Errorf("packageContent of %v", item)
			}
			s.do("GET", e["packageContent"].(string), nil).is(200)
		}
		if fmt.Sprint(versions) != "[1.0.0 1.1.0-Beta 2.0.0]" {
			t.Errorf("versions %v", versions)
		}
	})
	row(t, s, "PROTO-13.43: type and name of a download", func(t *testing.T, s *testSite) {
		s.get("/v3/flat/some.package/1.0.0/some.package.1.0.0.nupkg").has("Content-Type", "application/octet-stream").
			has("Content-Disposition", "attachment; filename=some.package.1.0.0.nupkg").has("X-Content-Type-Options", "nosniff")
	})
	row(t, s, "PROTO-13.46: the last boundary after a bare LF", func(t *testing.T, s *testSite) {
		data := pack{id: "Bare.Lf", version: "1.0.0"}.nupkg(t)
		body := "--b\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\n" + string(data) + "\n--b--\n"
		s.raw(fmt.Sprintf("PUT /v3/package HTTP/1.1\r\nHost: %s\r\nX-NuGet-ApiKey: %s\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s",
			s.addr, s.key, len(body), body), 1)[0].is(201)
		if got := s.get("/v3/flat/bare.lf/1.0.0/bare.lf.1.0.0.nupkg").is(200).body; !bytes.Equal(got, data) {
			t.Errorf("%d bytes are stored of %d", len(got), len(data))
		}
	})
}

// PROTO-13.13 and PROTO-13.18: a closed feed challenges with Basic, and its addresses for
// programs never answer with a page or a redirect.
func TestProtocol13ClosedFeed(t *testing.T) {
	t.Parallel()
	s := start(t, closed())
	for _, path := range []string{"/v3/index.json", "/v3/flat/x/index.json", "/v3/reg/x/index.json", "/v3/query", "/v3/autocomplete", "/v3/catalog/index.json",
		"/v3/flat/x/1.0.0/x.1.0.0.nupkg", "/api/v2/package/x", "/V3/Flat/x/index.json"} {
		a := s.get(path, "Accept", "text/html").is(401).has("WWW-Authenticate", `Basic realm="nougat"`).has("Content-Type", "text/plain; charset=utf-8").has("Cache-Control", "no-store").lacks("X-NuGet-Warning", "Location")
		if want := "No API key or password was sent. Create a key at " + s.url + "/account/apikeys."; a.reason != want || string(a.body) != want+"\n" {
			t.Errorf("%s: reason %q, body %q", path, a.reason, a.body)
		}
	}
	s.do("DELETE", "/v3/package/x/1.0.0", nil, "Accept", "text/html").is(401).has("WWW-Authenticate", `Basic realm="nougat"`)
	s.get("/v3/nothing/here", "Accept", "text/html").is(404).has("Content-Type", "text/plain; charset=utf-8")
	s.get("/api/nothing", "Accept", "text/html").is(404).has("Content-Type", "text/plain; charset=utf-8")
}

// PROTO-13.21: behind a proxy with TLS every address has its scheme and host.
func TestProtocol13BehindTLS(t *testing.T) {
	t.Parallel()
	s := start(t, options(func(o *Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} }))
	s.push(somePackage("1.0.0"))
	for _, path := range s.documents() {
		a := s.get(path, "X-Forwarded-Proto", "https", "X-Forwarded-Host", "nuget.example.org").is(200)
		walk(a.value(), func(name string, v any) {
			if text, ok := v.(string); ok && strings.Contains(text, s.addr) {
				t.Errorf("%s: %s is %s", path, name, text)
			}
			if text, ok := v.(string); ok && name == "@id" && !strings.HasPrefix(text, "https://nuget.example.org/") {
				t.Errorf("%s: %s is %s", path, name, text)
			}
		})
	}
}

// PROTO-13.25: the bounds of pages are those of their content, with pages of their
// own from 128 versions on.
func TestProtocol13Pages(t *testing.T) {
	t.Parallel()
	s := start(t)
	want := []string{}
	for i := range 130 {
		v := fmt.Sprintf("1.%d.0", i)
		if i == 100 {
			v = "1.100.0-rc.1" // SemVer 2: not in the old hives
		}
		s.push(pack{id: "Many", version: v})
		want = append(want, v)
		if i == 126 {
			index := s.get("/v3/reg-gz-semver2/many/index.json").json()
			if index["count"] != float64(2) || index["items"].([]any)[0].(map[string]any)["items"] == nil {
				t.Error("127 versions are not in one document")
			}
		}
		if i == 127 { // 127 of them in the old hives, which is what counts there
			for hive, inlined := range map[string]bool{"reg": true, "reg-gz": true, "reg-gz-semver2": false} {
				for _, page := range s.get("/v3/" + hive + "/many/index.json").json()["items"].([]any) {
					if (page.(map[string]any)["items"] != nil) != inlined {
						t.Errorf("%s: pages inlined: %v", hive, !inlined)
					}
				}
			}
		}
	}
	check := func(hive string, count int, want []string) {
		index := s.get("/v3/" + hive + "/many/index.json").is(200).json()
		if index["count"] != float64(count) {
			t.Fatalf("%s: %v pages", hive, index["count"])
		}
		var got []string
		for _, p := range index["items"].([]any) {
			page := p.(map[string]any)
			if page["items"] != nil {
				t.Fatalf("%s: a page is inlined", hive)
			}
			doc := s.do("GET", page["@id"].(string), nil).is(200).json()
			items := doc["items"].([]any)
			var versions []string
			for _, item := range items {
				versions = append(versions, item.(map[string]any)["catalogEntry"].(map[string]any)["version"].(string))
			}
			if doc["@id"] != page["@id"] || doc["lower"] != versions[0] || doc["upper"] != versions[len(versions)-1] || doc["lower"] != page["lower"] || doc["upper"] != page["upper"] ||
				doc["count"] != float64(len(items)) || page["count"] != doc["count"] || len(items) > 64 || doc["parent"] != index["@id"] {
				t.Errorf("%s: page %v %v-%v of %d", hive, doc["@id"], doc["lower"], doc["upper"], len(items))
			}
			got = append(got, versions...)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: versions %v", hive, got)
		}
	}
	check("reg-gz-semver2", 3, want)
	check("reg-gz", 3, append(slices.Clone(want[:100]), want[101:]...))

	// Bounds that a client knows from before still answer, others do not.
	s.get("/v3/reg-gz-semver2/many/page/1.64.0/1.126.0.json").is(200)
	s.get("/v3/reg-gz-semver2/many/page/01.64/1.126.0.0.json").is(200)
	s.get("/v3/reg-gz-semver2/many/page/1.64.0/1.126.5.json").is(404)
	s.get("/v3/reg-gz-semver2/many/page/1.0.0/1.129.0.json").is(404)
	s.get("/v3/reg-gz-semver2/many/page/x/y.json").is(404)
	s.get("/v3/reg-gz-semver2/many/page/1.64.0/1.126.0").is(404)

	// Pages that a push did not touch keep their ETag, the last does not.
	first, last := "/v3/reg/many/page/1.0.0/1.63.0.json", "/v3/reg/many/page/1.129.0/1.129.0.json"
	tag := s.get(first).is(200).header.Get("ETag")
	s.get(last).is(200)
	s.push(pack{id: "Many", version: "1.130.0"})
	s.get(first, "If-None-Match", tag).is(304)
	s.get("/v3/reg/many/page/1.129.0/1.130.0.json").is(200)

	s.do("DELETE", "/v3/package/many/1.5.0", nil, "X-NuGet-ApiKey", s.key).is(204)
	if a := s.get(first, "If-None-Match", tag).is(200); !bytes.Contains(a.body, []byte(`"listed":false`)) {
		t.Error("the page of an unlisted version is old")
	}
	// A SemVer 2 version has no leaf in the old hives.
	s.get("/v3/reg/many/1.100.0-rc.1.json").is(404)
	s.get("/v3/reg-gz-semver2/many/1.100.0-rc.1.json").is(200)
}
