package server

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
)

// reading, by who asks.
func TestReading(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(
		gallery.FeedOptions{Name: "main", MaxBytes: 1 << 20},
		gallery.FeedOptions{Name: "open", OpenToRead: true, MaxBytes: 1 << 20}))
	s.push(pack{id: "Foo", version: "1.0.0"})
	s.pushToFeed("open", pack{id: "Foo", version: "1.0.0"})
	const wrong = "Name or password is wrong."
	noRead := s.newKey(gallery.NewKey{Scopes: gallery.ScopePush | gallery.ScopeUnlist})
	expired := s.newKey(gallery.NewKey{Expires: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	elsewhere := s.newKey(gallery.NewKey{Feed: "open"})
	revoked := s.newKey(gallery.NewKey{})
	if err := s.gallery.RevokeKey(context.Background(), gallery.Operator(), s.publicID(revoked)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		header  []string
		index   int // status of the service index
		read    int // of everything else
		unknown int // of an unknown ID
		reason  string
	}{
		"nothing":                   {nil, 401, 401, 401, "No API key or password was sent."},
		"key as password":           {[]string{"Authorization", basic("anything", s.key)}, 200, 200, 404, ""},
		"key as user name":          {[]string{"Authorization", basic(s.key, "")}, 200, 200, 404, ""},
		"key as user name and x":    {[]string{"Authorization", basic(s.key, "x")}, 200, 200, 404, ""},
		"key as Bearer":             {[]string{"Authorization", "Bearer " + s.key}, 200, 200, 404, ""},
		"key as bearer, lower case": {[]string{"Authorization", "bearer " + s.key}, 200, 200, 404, ""},
		"name and password":         {[]string{"Authorization", basic(testUser, testPassword)}, 200, 200, 404, ""},
		"name in another case":      {[]string{"Authorization", basic("ANN", testPassword)}, 200, 200, 404, ""},
		"wrong password":            {[]string{"Authorization", basic(testUser, "wrong")}, 401, 401, 401, wrong},
		"unknown name":              {[]string{"Authorization", basic("nobody", testPassword)}, 401, 401, 401, wrong},
		"unknown key":               {[]string{"Authorization", basic("x", s.key[:len(s.key)-3]+"abc")}, 401, 401, 401, wrong},
		"expired key":               {[]string{"Authorization", basic("x", expired)}, 401, 401, 401, wrong},
		"revoked key":               {[]string{"Authorization", basic("x", revoked)}, 401, 401, 401, wrong},
		"no key as Bearer":          {[]string{"Authorization", "Bearer x"}, 401, 401, 401, wrong},
		"key without read":          {[]string{"Authorization", basic("x", noRead)}, 200, 403, 403, "This key may not read packages."},
		"key of another feed":       {[]string{"Authorization", basic("x", elsewhere)}, 403, 403, 403, "This key belongs to the feed open; it does not work here."},
		"not base64":                {[]string{"Authorization", "Basic !!!"}, 401, 401, 401, wrong},
		"empty Basic":               {[]string{"Authorization", "Basic"}, 401, 401, 401, "No API key or password was sent."},
		"what dotnet has not":       {[]string{"Authorization", basic("", "")}, 401, 401, 401, "No API key or password was sent."},
		"another scheme":            {[]string{"Authorization", "Negotiate abc"}, 401, 401, 401, "No API key or password was sent."},
		"key header alone":          {[]string{"X-NuGet-ApiKey", s.key}, 401, 401, 401, "No API key or password was sent."},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.with(t)
			index := s.get("/v3/index.json", c.header...).is(c.index)
			for _, path := range []string{"/v3/flat/foo/index.json", "/v3/flat/foo/1.0.0/foo.1.0.0.nupkg", "/v3/reg/foo/index.json", "/v3/query", "/v3/autocomplete",
				"/v3/catalog/index.json", "/v3/flat/foo/1.0.0/foo.nuspec", "/api/v2/package/foo"} {
				a := s.get(path, c.header...).is(c.read)
				if c.reason != "" && !strings.HasPrefix(a.reason, c.reason) {
					t.Errorf("%s: reason %q", path, a.reason)
				}
				if (a.status == 401) != (a.header.Get("WWW-Authenticate") != "") {
					t.Errorf("%s: WWW-Authenticate %q", path, a.header.Get("WWW-Authenticate"))
				}
			}
			s.get("/v3/flat/unknown/index.json", c.header...).is(c.unknown)
			if c.index == 200 {
				index.has("Cache-Control", "private, no-cache")
			}
			// Of a feed that anyone may read credentials are not looked at.
			s.get("/open/v3/flat/foo/index.json", c.header...).is(200)
			s.get("/open/v3/flat/unknown/index.json", c.header...).is(404)
		})
	}
}

func (s *testSite) with(t testing.TB) *testSite {
	here := *s
	here.TB = t
	return &here
}

// pushToFeed pushes with a key of that feed.
func (s *testSite) pushToFeed(feed string, p pack) *answer {
	s.Helper()
	body, kind := form(p.nupkg(s))
	return s.do("PUT", "/"+feed+"/v3/package/", body, "Content-Type", kind, "X-NuGet-ApiKey", s.newKey(gallery.NewKey{Feed: feed})).is(201)
}

// publicID finds the ID of a key by its secret, which holds it.
func (s *testSite) publicID(secret string) string {
	s.Helper()
	keys, err := s.gallery.Keys(context.Background(), gallery.Operator())
	if err != nil {
		s.Fatal(err)
	}
	for _, k := range keys {
		if strings.Contains(secret, k.ID) {
			return k.ID
		}
	}
	s.Fatal("no such key")
	return ""
}

// two credentials on a push, here on an unlist, which asks alike.
func TestTwoCredentials(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", MaxBytes: 1 << 20}, gallery.FeedOptions{Name: "open", OpenToRead: true, MaxBytes: 1 << 20}))
	s.push(pack{id: "Foo", version: "1.0.0"})
	s.account("eve", "quite another phrase")
	eve := s.newKey(gallery.NewKey{Owner: "eve"})
	noUnlist := s.newKey(gallery.NewKey{Scopes: gallery.ScopePush | gallery.ScopeRead})
	pattern := s.newKey(gallery.NewKey{Packages: []string{"Bar.*"}})
	expired := s.newKey(gallery.NewKey{Expires: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)})
	elsewhere := s.newKey(gallery.NewKey{Feed: "open"})
	const unknown = "This API key is not known here, was revoked, or has expired."
	good := basic(testUser, testPassword)
	for name, c := range map[string]struct {
		key    string // "-" sends no header
		basic  string
		status int
		reason string
	}{
		"nothing":                              {"-", "", 401, "No API key or password was sent."},
		"empty header":                         {"", "", 401, "No API key or password was sent."},
		"live key":                             {s.key, "", 204, ""},
		"live key and good Basic":              {s.key, good, 204, ""},
		"live key and wrong Basic":             {s.key, basic(testUser, "wrong"), 204, ""},
		"live key of another and good Basic":   {eve, good, 403, "eve does not own Foo."},
		"live key without scope, good Basic":   {noUnlist, good, 403, "This key may not"},
		"live key of other IDs, good Basic":    {pattern, good, 403, "This key may not"},
		"live key of another feed, good Basic": {elsewhere, good, 403, "This key belongs to the feed open; it does not work here."},
		"az and good Basic":                    {"az", good, 204, ""},
		"expired key and good Basic":           {expired, good, 204, ""},
		"az and a key as password":             {"az", basic("x", s.key), 204, ""},
		"az and wrong Basic":                   {"az", basic(testUser, "wrong"), 403, unknown},
		"az":                                   {"az", "", 403, unknown},
		"expired key":                          {expired, "", 403, unknown},
		"empty header and good Basic":          {"", good, 204, ""},
		"good Basic":                           {"-", good, 204, ""},
		"key as password":                      {"-", basic("x", s.key), 204, ""},
		"key as user name":                     {"-", basic(s.key, ""), 204, ""},
		"key as Bearer":                        {"-", "Bearer " + s.key, 204, ""},
		"wrong Basic":                          {"-", basic(testUser, "wrong"), 401, "Name or password is wrong."},
		"expired key as password":              {"-", basic("x", expired), 401, "Name or password is wrong."},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.with(t)
			var header []string
			if c.key != "-" {
				header = append(header, "X-NuGet-ApiKey", c.key)
			}
			if c.basic != "" {
				header = append(header, "Authorization", c.basic)
			}
			a := s.do("DELETE", "/v3/package/Foo/1.0.0", nil, header...).is(c.status)
			if c.reason != "" && !strings.HasPrefix(a.reason, c.reason) {
				t.Errorf("reason %q", a.reason)
			}
			if c.status == 204 {
				s.do("POST", "/v3/package/Foo/1.0.0", nil, header...).is(200)
			}
		})
	}
}

// scope and pattern, then existence, then ownership.
func TestOrderOfUnlisting(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Foo", version: "1.0.0"})
	s.account("eve", "quite another phrase")
	for name, c := range map[string]struct {
		key, path string
		status    int
	}{
		"no scope, unknown":         {s.newKey(gallery.NewKey{Scopes: gallery.ScopePush}), "Nothing/1.0.0", 403},
		"no pattern, unknown":       {s.newKey(gallery.NewKey{Packages: []string{"Foo*"}}), "Nothing/1.0.0", 403},
		"stranger, unknown":         {s.newKey(gallery.NewKey{Owner: "eve"}), "Foo/2.0.0", 404},
		"stranger, unknown ID":      {s.newKey(gallery.NewKey{Owner: "eve"}), "Nothing/1.0.0", 404},
		"stranger":                  {s.newKey(gallery.NewKey{Owner: "eve"}), "Foo/1.0.0", 403},
		"owner, unparsable version": {s.key, "Foo/one", 404},
		"owner":                     {s.key, "Foo/1.0.0", 204},
	} {
		if a := s.do("DELETE", "/v3/package/"+c.path, nil, "X-NuGet-ApiKey", c.key); a.status != c.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.reason, c.status)
		}
	}
}

// R-KEY-10: a key that ends soon says so, on the service index and on publishing.
func TestWarningOfAKeyThatEnds(t *testing.T) {
	t.Parallel()
	s := start(t, closed())
	key := s.newKey(gallery.NewKey{Expires: s.clock.now().Add(5 * 24 * time.Hour)})
	warning := func(a *answer) string { return strings.Join(a.header["X-Nuget-Warning"], "|") }
	body, kind := form(pack{id: "Foo", version: "1.0.0"}.nupkg(t))
	if w := warning(s.do("PUT", "/v3/package", body, "Content-Type", kind, "X-NuGet-ApiKey", key).is(201)); !strings.Contains(w, "This key expires in ") {
		t.Errorf("push: %q", w)
	}
	if w := warning(s.get("/v3/index.json", "Authorization", basic("x", key)).is(200)); !strings.HasPrefix(w, "This key expires in ") {
		t.Errorf("service index: %q", w)
	}
	if w := warning(s.do("DELETE", "/v3/package/Foo/1.0.0", nil, "X-NuGet-ApiKey", key).is(204)); !strings.HasPrefix(w, "This key expires in ") {
		t.Errorf("unlist: %q", w)
	}
	s.get("/v3/flat/foo/index.json", "Authorization", basic("x", key)).is(200).lacks("X-NuGet-Warning")
	s.get("/v3/index.json", "Authorization", basic("x", s.key)).is(200).lacks("X-NuGet-Warning")
}

// The first 401 of a closed feed costs no look at the store or the log.
func TestChallengeIsFixed(t *testing.T) {
	t.Parallel()
	s := start(t, closed())
	before := s.log.String()
	a := s.get("/v3/flat/foo/index.json").is(401).has("Content-Type", "text/plain; charset=utf-8").has("Cache-Control", "no-store")
	b := s.get("/v3/flat/bar/index.json", "Accept", "application/json").is(401)
	if string(a.body) != string(b.body) || len(a.body) > 200 {
		t.Errorf("bodies %q and %q", a.body, b.body)
	}
	if after := s.log.String(); after != before {
		t.Errorf("it was logged: %s", after[len(before):])
	}
}

// Icons and downloads on the pages of a closed feed are read with the session.
func TestReadingWithASession(t *testing.T) {
	t.Parallel()
	s := start(t, closed())
	s.push(somePackage("1.0.0"))
	token, _, err := s.gallery.SignIn(context.Background(), testUser, testPassword, "", "")
	if err != nil {
		t.Fatal(err)
	}
	cookie := (&http.Cookie{Name: sessionCookie, Value: token}).String()
	s.get("/v3/flat/some.package/1.0.0/icon", "Cookie", cookie).is(200).has("Content-Type", "image/png")
	s.get("/v3/flat/some.package/1.0.0/icon", "Cookie", sessionCookie+"=wrong").is(401)
	s.get("/v3/flat/some.package/1.0.0/icon", "Cookie", "other=1").is(401)
	// A session does not push: programs send credentials, browsers use forms.
	s.do("DELETE", "/v3/package/Some.Package/1.0.0", nil, "Cookie", cookie).is(401)
}
