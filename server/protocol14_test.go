package server

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
)

// The rows of PROTO-14, measured with real clients, by their first words.

// dotnetPush is a push as dotnet 10 sends it: chunked, the part's Content-Type
// before its Content-Disposition, whose values have no quotes.
func (s *testSite) dotnetPush(path string, data []byte, headers string) string {
	const b = "4d6fe3a2-2c2b-4d1a-9a0e-4a5cf0a0b1c2"
	body := "--" + b + "\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; filename=package.nupkg; filename*=utf-8''package.nupkg\r\n\r\n" +
		string(data) + "\r\n--" + b + "--\r\n"
	var chunks strings.Builder
	for rest := body; rest != ""; {
		n := min(len(rest), 700)
		fmt.Fprintf(&chunks, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	return "PUT " + path + " HTTP/1.1\r\nHost: " + s.addr + "\r\nUser-Agent: NuGet xplat/7.9.0 (LINUX)\r\nX-NuGet-Client-Version: 7.9.0\r\nX-NuGet-Session-Id: 5b0c1b0e-7e46-4bd0-8b1e-6f1c7ad4a9a1\r\n" +
		headers + "Content-Type: multipart/form-data; boundary=\"" + b + "\"\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks.String() + "0\r\n\r\n"
}

func TestProtocol14(t *testing.T) {
	t.Parallel()
	s := start(t)
	nuget := []string{"User-Agent", "NuGet .NET Core MSBuild Task/7.9.0 (LINUX)", "Accept-Encoding", "gzip, deflate", "X-NuGet-Session-Id", "x"}

	row(t, s, "Push, form", func(t *testing.T, s *testSite) {
		data := pack{id: "Chunked", version: "1.0.0"}.nupkg(t)
		s.raw(s.dotnetPush("/v3/package/", data, "X-NuGet-ApiKey: "+s.key+"\r\n"), 1)[0].is(201)
		if got := s.get("/v3/flat/chunked/1.0.0/chunked.1.0.0.nupkg").is(200).body; !bytes.Equal(got, data) {
			t.Error("other bytes came back")
		}
	})
	row(t, s, "Requests of a first restore", func(t *testing.T, s *testSite) {
		s.push(pack{id: "Leaf", version: "1.2.3"})
		s.get("/v3/index.json", nuget...).is(200)
		versions := s.get("/v3/flat/leaf/index.json", nuget...).is(200).json()["versions"].([]any)
		v := versions[0].(string)
		s.get("/v3/flat/leaf/"+v+"/leaf."+v+".nupkg", nuget...).is(200)
		s.get("/v3/flat/not.here/index.json", nuget...).is(404)
	})
	row(t, s, "package add X without a version", func(t *testing.T, s *testSite) {
		s.get("/v3/reg-gz-semver2/leaf/index.json", nuget...).is(200).has("Content-Encoding", "gzip")
	})
	row(t, s, "package search", func(t *testing.T, s *testSite) {
		at := s.resource("SearchQueryService/3.0.0-beta")
		m := s.do("GET", at+"?q=leaf&skip=0&take=20&prerelease=false&semVerLevel=2.0.0", nil, nuget...).is(200).json()
		hit := m["data"].([]any)[0].(map[string]any)
		if hit["id"] != "Leaf" || fmt.Sprint(hit["owners"]) != "[ann]" || hit["verified"] != false || hit["totalDownloads"] == nil {
			t.Errorf("hit %v", hit)
		}
	})
	row(t, s, "nuget delete", func(t *testing.T, s *testSite) {
		s.push(pack{id: "To.Delete", version: "1.0.0-Beta"})
		s.do("DELETE", "/v3/package/to.DELETE/1.0-BETA", nil, "X-NuGet-ApiKey", s.key).is(204)
	})
	row(t, s, "201 with X-NuGet-Warning", func(t *testing.T, s *testSite) {
		if a := s.push(pack{id: "Bare", version: "1.0.0"}); len(a.header["X-Nuget-Warning"]) == 0 {
			t.Error("no advice about a package without licence and readme")
		}
	})
	row(t, s, "400, 403, 404, 409, 413 with own reason phrase, header and body", func(t *testing.T, s *testSite) {
		eve := "eve-" + fmt.Sprint(time.Now().UnixNano())
		s.account(eve, "quite another phrase")
		stranger := s.newKey(gallery.NewKey{Owner: eve})
		good := pack{id: "Leaf", version: "1.2.3"}.nupkg(t)
		for _, c := range []struct {
			status int
			answer *answer
			reason string
		}{
			{400, s.raw(s.dotnetPush("/v3/package/", []byte("no zip"), "X-NuGet-ApiKey: "+s.key+"\r\n"), 1)[0], "This is not a readable .nupkg file"},
			{403, s.raw(s.dotnetPush("/v3/package/", good, "X-NuGet-ApiKey: "+stranger+"\r\n"), 1)[0], eve + " does not own Leaf."},
			{403, s.raw(s.dotnetPush("/v3/package/", good, "X-NuGet-ApiKey: nonsense\r\n"), 1)[0], "This API key is not known here"},
			{404, s.do("DELETE", "/v3/package/Leaf/9.9.9", nil, "X-NuGet-ApiKey", s.key), "There is no package"},
			{409, s.raw(s.dotnetPush("/v3/package/", good, "X-NuGet-ApiKey: "+s.key+"\r\n"), 1)[0], "Leaf 1.2.3 is already here"},
			{413, s.do("PUT", "/v3/package", &endless{n: 251 << 20}, "X-NuGet-ApiKey", s.key), "The package is larger than 250 MB."},
		} {
			a := c.answer.is(c.status)
			if !strings.HasPrefix(a.reason, c.reason) || a.header.Get("X-NuGet-Warning") != a.reason || !strings.HasPrefix(string(a.body), c.reason) {
				t.Errorf("%d: reason %q, warning %q, body %q", c.status, a.reason, a.header.Get("X-NuGet-Warning"), a.body)
			}
		}
	})
	row(t, s, "X-NuGet-Warning on reads: never on flat or nupkg", func(t *testing.T, s *testSite) {
		for _, path := range []string{"/v3/flat/leaf/index.json", "/v3/flat/none/index.json", "/v3/flat/leaf/1.2.3/leaf.1.2.3.nupkg", "/v3/reg/none/index.json", "/v3/query?q=x"} {
			s.get(path).lacks("X-NuGet-Warning")
		}
	})
	row(t, s, "Unlisted versions", func(t *testing.T, s *testSite) {
		s.push(pack{id: "Hidden", version: "1.0.0"})
		s.do("DELETE", "/v3/package/Hidden/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(204)
		s.do("DELETE", "/v3/package/Hidden/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(204)
		s.get("/v3/flat/hidden/index.json").is(200)
		s.get("/v3/reg/hidden/index.json").is(200)
		if m := s.get("/v3/query?q=hidden").json(); m["totalHits"] != float64(0) {
			t.Errorf("search finds %v", m)
		}
		if m := s.get("/v3/autocomplete?q=hidden").json(); m["totalHits"] != float64(0) {
			t.Errorf("autocomplete finds %v", m)
		}
		if m := s.get("/v3/autocomplete?id=hidden").json(); len(m["data"].([]any)) != 0 {
			t.Errorf("autocomplete shows %v", m)
		}
		s.do("POST", "/v3/package/Hidden/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(200)
		s.do("POST", "/v3/package/Hidden/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(200)
		if m := s.get("/v3/query?q=hidden").json(); m["totalHits"] != float64(1) {
			t.Errorf("after relisting search finds %v", m)
		}
	})
	row(t, s, "nuget 2.8.7 (V2)", func(t *testing.T, s *testSite) {
		data := pack{id: "Old.Client", version: "1.0.0"}.nupkg(t)
		const b = "---------------------------8dd0c4dd1a3c7f0"
		body := "--" + b + "\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\n" + string(data) + "\n--" + b + "--"
		a := s.raw(fmt.Sprintf("PUT /api/v2/package/ HTTP/1.1\r\nUser-Agent: NuGet Command Line/2.8.7 (Unix)\r\nX-NuGet-ApiKey: %s\r\nContent-Type: multipart/form-data; boundary=%s\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
			s.key, b, s.addr, len(body), body), 1)[0].is(201)
		if a.reason != "Created" {
			t.Errorf("reason %q", a.reason)
		}
		if got := s.get("/v3/flat/old.client/1.0.0/old.client.1.0.0.nupkg").is(200).body; !bytes.Equal(got, data) {
			t.Error("other bytes came back")
		}
	})
	row(t, s, "Paket 12.0.0 push", func(t *testing.T, s *testSite) {
		data := pack{id: "Paket.Made", version: "1.0.0"}.nupkg(t)
		const b = "--------------------------8dd0c4dd1a3c7f0"
		body := "\r\n--" + b + "\r\nContent-Disposition: form-data; name=\"package\"; filename=\"package\"\r\nContent-Type: application/octet-stream\r\n\r\n" + string(data) + "\n--" + b + "--\n"
		s.raw(fmt.Sprintf("PUT /api/v2/package HTTP/1.1\r\nUser-Agent: Paket (12.0.0+abc)\r\nX-NuGet-ApiKey: %s\r\nX-NuGet-Client-Version: 4.1.0\r\nContent-Type: multipart/form-data; boundary=\"%s\"\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
			s.key, b, s.addr, len(body), body), 1)[0].is(201)
		if got := s.get("/v3/flat/paket.made/1.0.0/paket.made.1.0.0.nupkg").is(200).body; !bytes.Equal(got, data) {
			t.Error("other bytes came back")
		}
	})
	row(t, s, "raw body, as curl sends it", func(t *testing.T, s *testSite) {
		for i, kind := range []string{"application/octet-stream", "application/zip", "application/x-www-form-urlencoded"} {
			s.do("PUT", "/v3/package", bytes.NewReader(pack{id: "Raw", version: fmt.Sprintf("1.0.%d", i)}.nupkg(t)), "Content-Type", kind, "X-NuGet-ApiKey", s.key).is(201)
		}
	})
	row(t, s, "package-ids and package-versions", func(t *testing.T, s *testSite) {
		s.push(pack{id: "Comp.One", version: "1.0.0"})
		s.push(pack{id: "Comp.One", version: "1.1.0-beta"})
		s.push(pack{id: "Comp.Two", version: "2.0.0-beta"})
		for path, want := range map[string]string{
			"/api/v2/package-ids?partialId=comp":                                "[Comp.One]",
			"/api/v2/Package-IDs?PARTIALID=comp&includePrerelease=true":         "[Comp.One Comp.Two]",
			"/api/v2/package-versions/comp.one":                                 "[1.0.0]",
			"/api/v2/package-versions/Comp.One?includePrerelease=True":          "[1.0.0 1.1.0-beta]",
			"/api/v2/package-versions/None":                                     "[]",
			"/api/v2/package-ids?partialId=zzz&semVerLevel=2.0.0&unknown=%zz&x": "[]",
		} {
			if got := fmt.Sprint(s.get(path).is(200).value()); got != want {
				t.Errorf("%s: %s, want %s", path, got, want)
			}
		}
		s.get("/api/v2/package/Comp.One").is(200).has("Content-Disposition", "attachment; filename=comp.one.1.0.0.nupkg").has("Cache-Control", "public, no-cache")
		s.get("/api/v2/package/Comp.Two").is(404)
		s.get("/api/v2/package/Comp.Two/2.0.0-BETA").is(200)
		s.get("/api/v2/package/None").is(404)
	})
}

// endless gives n bytes.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.n)
	if e.n -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// "401 to a push with a key and no stored credentials" and P-02: a good key
// in the header is enough on a closed feed; "Reason phrase on reads".
func TestProtocol14ClosedFeed(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", MaxBytes: 1 << 20}, gallery.FeedOptions{Name: "team", MaxBytes: 1 << 20}))
	s.raw(s.dotnetPush("/v3/package/", pack{id: "Foo", version: "1.0.0"}.nupkg(t), "X-NuGet-ApiKey: "+s.key+"\r\n"), 1)[0].is(201)
	writer := s.newKey(gallery.NewKey{Scopes: gallery.ScopePush})
	a := s.get("/v3/flat/foo/index.json", "Authorization", basic("any", writer)).is(403).lacks("X-NuGet-Warning")
	if !strings.HasPrefix(a.reason, "This key may not read packages.") {
		t.Errorf("reason %q", a.reason)
	}
	// On the service index it is a warning as well, but never with a 401, which every
	// client begins with.
	s.get("/v3/index.json", "Authorization", basic("ann", "wrong")).is(401).lacks("X-NuGet-Warning")
	s.get("/v3/flat/foo/index.json", "Authorization", basic("ann", "wrong")).is(401).lacks("X-NuGet-Warning")
	other := s.newKey(gallery.NewKey{Feed: "team"})
	if a := s.get("/v3/index.json", "Authorization", basic("any", other)).is(403); a.reason != "This key belongs to the feed team; it does not work here." || a.header.Get("X-NuGet-Warning") != a.reason {
		t.Errorf("reason %q, warning %q", a.reason, a.header.Get("X-NuGet-Warning"))
	}
	s.get("/v3/flat/foo/index.json", "Authorization", basic("any", other)).is(403).lacks("X-NuGet-Warning")
	if a := s.get("/v3/flat/none/index.json", "Authorization", basic("any", s.key)).is(404); a.reason != "Not Found" {
		t.Errorf("what a client asks of every source has the reason %q", a.reason)
	}
	// Every URL is asked twice; both answers come on one connection.
	two := s.raw("GET /v3/flat/foo/index.json HTTP/1.1\r\nHost: "+s.addr+"\r\n\r\nGET /v3/flat/foo/index.json HTTP/1.1\r\nHost: "+s.addr+"\r\nAuthorization: "+basic("any", s.key)+"\r\n\r\n", 2)
	two[0].is(401)
	two[1].is(200).has("Cache-Control", "private, no-cache")
	s.get("/v3/flat/foo/1.0.0/foo.1.0.0.nupkg", "Authorization", basic("any", s.key)).is(200).has("Cache-Control", "private, max-age=31536000, immutable")
}

// Answers to what is not allowed name what is.
func TestMethodsAndPreflight(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true, MaxBytes: 1 << 20}, gallery.FeedOptions{Name: "team", MaxBytes: 1 << 20}))
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH"} {
		a := s.do(method, "/v3/package", nil).is(405)
		if allow := strings.Split(a.header.Get("Allow"), ", "); !slices.Contains(allow, "PUT") || slices.Contains(allow, "GET") {
			t.Errorf("%s: Allow %v", method, allow)
		}
	}
	s.do("GET", "/api/v2/package", nil).is(405)
	s.do("POST", "/v3/index.json", nil).is(405).has("Cache-Control", "no-store")
	s.do("DELETE", "/V3/Query", nil).is(405)
	s.do("OPTIONS", "/v3/query", nil, "Origin", "https://example.org", "Access-Control-Request-Method", "GET").is(204).
		has("Access-Control-Allow-Origin", "*").has("Access-Control-Allow-Methods", "GET, HEAD").lacks("Access-Control-Allow-Credentials")
	s.get("/v3/query", "Origin", "https://example.org").is(200).has("Access-Control-Allow-Origin", "*").lacks("Access-Control-Allow-Credentials")
	s.do("OPTIONS", "/v3/package", nil, "Origin", "https://example.org").is(204).lacks("Access-Control-Allow-Origin").has("Allow", "PUT, OPTIONS")
	s.do("OPTIONS", "/team/v3/query", nil).is(204).lacks("Access-Control-Allow-Origin")
	s.get("/team/v3/query", "Authorization", basic("x", s.newKey(gallery.NewKey{Feed: "team"}))).is(200).lacks("Access-Control-Allow-Origin")
	s.do("PUT", "/v3/package", strings.NewReader("x"), "Content-Encoding", "gzip", "X-NuGet-ApiKey", s.key).is(415)
	s.get("/api/health-probe").is(200).has("Cache-Control", "no-store").lacks("Server")
	for _, path := range []string{"/v3/index.json", "/api/health-probe", "/nothing", "/v3/flat/x/index.json"} {
		s.get(path).has("X-Content-Type-Options", "nosniff").lacks("Server", "X-Powered-By")
	}
}
