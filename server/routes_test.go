package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"nougat/gallery"
)

// Every route has a rule, and one without ends the start.
func TestEveryRouteHasARule(t *testing.T) {
	seen := map[string]bool{}
	for _, rt := range new(Server).routes() {
		if rt.Rule == noRule || rt.Handle == nil || !strings.HasPrefix(rt.Path, "/") || rt.Path != "/" && strings.HasSuffix(rt.Path, "/") {
			t.Errorf("%s %s: rule %d", rt.Method, rt.Path, rt.Rule)
		}
		if strings.ToLower(rt.Path) != rt.Path {
			t.Errorf("%s is not lower case", rt.Path)
		}
		if key := rt.Method + rt.Path; seen[key] {
			t.Errorf("%s %s is there twice", rt.Method, rt.Path)
		} else {
			seen[key] = true
		}
		// What changes something is published with credentials or comes from a page.
		if rt.Method != http.MethodGet && rt.Rule != publish && !rt.Rule.isPage() {
			t.Errorf("%s %s may be asked by anyone", rt.Method, rt.Path)
		}
		if strings.HasPrefix(rt.Path, "/v3/") && rt.Rule.isPage() {
			t.Errorf("%s is for people", rt.Path)
		}
	}
	err := newRouter(&Server{feedNames: []string{"main"}}).add([]route{{Method: "GET", Path: "/x", Handle: func(*call) error { return nil }}})
	if err == nil || !strings.Contains(err.Error(), "has no rule") {
		t.Errorf("a route without a rule: %v", err)
	}
}

func TestReservedFeedNames(t *testing.T) {
	for name, want := range map[string]bool{
		"v3": true, "api": true, "packages": true, "account": true, "setup": true, "nuget": true, "assets": true, "connect": true, "admin": true, "V3": true,
		"team": false, "main": false, "test": false, "prod-2": false,
	} {
		if got := ReservedFeedName(name); got != want {
			t.Errorf("ReservedFeedName(%q) = %v", name, got)
		}
	}
	for _, rt := range new(Server).routes() {
		first, _, _ := strings.Cut(strings.TrimPrefix(rt.Path, "/"), "/")
		if gallery.ValidFeedName(first) == nil && !ReservedFeedName(first) {
			t.Errorf("a feed may hide %s", rt.Path)
		}
	}
}

func TestFeedsNamedLikeRoutesAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main"}, gallery.FeedOptions{Name: "team"}))
	o := s.server.o
	o.Gallery = openGallery(t, gallery.FeedOptions{Name: "main"}, gallery.FeedOptions{Name: "packages"})
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "packages") {
		t.Errorf("got %v", err)
	}
}

// Feeds are apart: packages, documents, keys.
func TestFeedsAreApart(t *testing.T) {
	t.Parallel()
	s := start(t, feeds(gallery.FeedOptions{Name: "main", OpenToRead: true}, gallery.FeedOptions{Name: "team", OpenToRead: true}))
	s.push(pack{id: "Foo", version: "1.0.0"})
	s.pushToFeed("team", pack{id: "Bar", version: "1.0.0"})
	s.get("/v3/flat/foo/index.json").is(200)
	s.get("/v3/flat/bar/index.json").is(404)
	s.get("/team/v3/flat/bar/index.json").is(200)
	s.get("/team/v3/flat/foo/index.json").is(404)
	index := s.get("/team/v3/reg/bar/index.json").is(200)
	walk(index.json(), func(name string, v any) {
		if text, ok := v.(string); ok && strings.HasPrefix(text, s.url) && !strings.HasPrefix(text, s.url+"/team/v3/") {
			t.Errorf("%s is %s", name, text)
		}
	})
	if a := s.get("/team/v3/index.json").is(200); strings.Count(string(a.body), s.url+"/team/") != strings.Count(string(a.body), s.url) {
		t.Errorf("the index of team names addresses outside of it: %s", a.body)
	}
	s.get("/main/v3/index.json").is(404)
	s.get("/other/v3/index.json").is(404)
	s.get("/team/api/health-probe").is(404)
	s.do("DELETE", "/team/v3/package/Bar/1.0.0", nil, "X-NuGet-ApiKey", s.key).is(403)
	if a := s.get("/team/v3").is(404); a.reason != "The address of this source is "+s.url+"/team/v3/index.json (NuGet V3)." {
		t.Errorf("reason %q", a.reason)
	}
	if a := s.get("/team//FindPackagesById()").is(404); !strings.Contains(a.reason, "/team/v3/index.json") {
		t.Errorf("reason %q", a.reason)
	}
}

// What fails inside is a 500 with a request ID, which the log has with the cause.
func TestInternalErrors(t *testing.T) {
	t.Parallel()
	s := start(t, siteOptions{before: func(s *Server) {
		err := s.router.add([]route{
			{Method: "GET", Path: "/test/fails", Rule: readFeed, Site: true, Handle: func(*call) error { return errors.New("a secret cause") }},
			{Method: "GET", Path: "/test/panics", Rule: readFeed, Site: true, Handle: func(*call) error { panic("a secret cause") }},
			{Method: "GET", Path: "/test/late", Rule: readFeed, Site: true, Handle: func(c *call) error {
				c.header()["Content-Length"] = []string{"1000"}
				s.text(c, 200, noStore, strings.Repeat("x", 500))
				panic("a secret cause")
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}})
	for _, path := range []string{"/test/fails", "/test/panics"} {
		a := s.get(path, "Accept", "application/json").is(500).has("Cache-Control", "no-store")
		id, _ := a.json()["requestId"].(string)
		if len(id) < 8 || bytes.Contains(a.body, []byte("secret")) || strings.Contains(a.reason, "secret") || !strings.Contains(a.reason, id) {
			t.Errorf("%s: reason %q, body %s", path, a.reason, a.body)
		}
		if log := s.log.String(); !strings.Contains(log, id) || !strings.Contains(log, "a secret cause") {
			t.Errorf("the log of %s: %s", path, log)
		}
	}
	got := exchange(t, s.addr, "GET /test/late HTTP/1.1\r\nHost: a\r\n\r\n")
	if strings.HasSuffix(got, "x\n") && strings.Contains(got, "Content-Length: 1000") && len(got) > 1000 {
		t.Errorf("a broken answer looks whole: %q", got)
	}
}

func TestErrorsOfEachKind(t *testing.T) {
	t.Parallel()
	s := start(t).server
	for kind, status := range statuses {
		rec := httptest.NewRecorder()
		c := &call{r: httptest.NewRequest("GET", "/", nil), w: rec, route: &route{Rule: publish}}
		s.fail(c, fmt.Errorf("wrapped: %w", &gallery.Error{Kind: gallery.Kind(kind), Msg: "What is wrong. What to do.", Details: []string{"one", "two"}}))
		if rec.Code != status {
			t.Errorf("kind %d: status %d, want %d", kind, rec.Code, status)
		}
		if kind != int(gallery.Internal) && rec.Body.String() != "What is wrong. What to do.\n- one\n- two\n" {
			t.Errorf("kind %d: body %q", kind, rec.Body)
		}
		if (rec.Header().Get("Retry-After") != "") != (status == 429 || status == 503) {
			t.Errorf("kind %d: Retry-After %q", kind, rec.Header().Get("Retry-After"))
		}
		if (rec.Header().Get("WWW-Authenticate") != "") != (status == 401) {
			t.Errorf("kind %d: WWW-Authenticate %q", kind, rec.Header().Get("WWW-Authenticate"))
		}
	}
}

// A second Shutdown does not wait.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.push(pack{id: "Foo", version: "1.0.0"})
	if err := s.server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := s.server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
