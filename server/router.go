package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"
)

// router finds the route of a request. It is the only file that knows echo:
// handlers get a call.
type router struct {
	s        *Server
	echo     *echo.Echo // filled by add, then fixed
	patterns []string   // of every route that was added, with the feed's prefix; as echo
}

func newRouter(s *Server) *router {
	t := &router{s: s, echo: echo.New()}
	t.echo.HTTPErrorHandler = t.unrouted
	t.echo.HideBanner, t.echo.HidePort = true, true
	return t
}

func (t *router) ServeHTTP(w http.ResponseWriter, r *http.Request) { t.echo.ServeHTTP(w, r) }

// add gives every route of a table to echo: for each feed at its root, HEAD with
// GET, OPTIONS for all, with and without a slash at the end. It fails on a route
// without a rule, and is called before the first request.
func (t *router) add(table []route) error {
	type place struct {
		feed  int
		cors  bool
		allow []string
	}
	places := make(map[string]*place)
	one := func(rt *route, feed int, path string) {
		p := places[path]
		if p == nil {
			p = &place{feed: feed}
			places[path] = p
			t.patterns = append(t.patterns, path)
		}
		h := t.serve(rt, feed)
		t.echo.Add(rt.Method, path, h)
		p.allow = append(p.allow, rt.Method)
		if rt.Method == http.MethodGet {
			t.echo.Add(http.MethodHead, path, h)
			p.allow = append(p.allow, http.MethodHead)
			p.cors = rt.Rule == readFeed || rt.Rule == readIndex
		}
	}
	for i := range table {
		rt := &table[i]
		if rt.Rule == noRule {
			return fmt.Errorf("the route %s %s has no rule that says who may ask for it", rt.Method, rt.Path)
		}
		for feed, name := range t.s.feedNames {
			if feed > 0 && rt.Site {
				break
			}
			bare := strings.TrimSuffix(feedRoot(feed, name)+rt.Path, "/")
			if bare != "" {
				one(rt, feed, bare)
			}
			if !strings.HasSuffix(bare, "*") {
				one(rt, feed, bare+"/")
			}
		}
	}
	for path, p := range places {
		allow := strings.Join(append(p.allow, http.MethodOptions), ", ")
		options := &route{Method: http.MethodOptions, Path: path, Rule: anyone, Handle: t.s.preflight(allow, p.cors)}
		t.echo.Add(http.MethodOptions, path, t.serve(options, p.feed))
	}
	return nil
}

// serve is what echo calls for a route. Its error is always nil: run renders
// errors itself.
func (t *router) serve(rt *route, feed int) echo.HandlerFunc {
	s, name := t.s, t.s.feedNames[feed]
	return func(ec echo.Context) error {
		f, _ := s.g.Feed(name)
		c := s.calls.Get().(*call)
		*c = call{r: ec.Request(), w: ec.Response().Writer, path: ec, route: rt, feed: f}
		s.run(c, feed)
		*c = call{}
		s.calls.Put(c)
		return nil
	}
}

// unrouted is called for requests that no route took: echo's error handler, since
// serve returns no error.
func (t *router) unrouted(err error, ec echo.Context) {
	s, r := t.s, ec.Request()
	if to, ok := t.ownSpelling(r); ok {
		ec.SetRequest(to)
		t.echo.Router().Find(to.Method, echo.GetPath(to), ec)
		if err = ec.Handler()(ec); err == nil {
			return
		}
	}
	status := http.StatusNotFound
	var he *echo.HTTPError
	if errors.As(err, &he) {
		status = he.Code
	}
	feed := s.feedOf(r.URL.Path)
	rule := anyone
	if (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) && !apiPath(r.URL.Path) && wantsHTML(r) {
		rule = anyPage
	}
	_ = t.serve(&route{Method: r.Method, Path: r.URL.Path, Rule: rule, Handle: s.unrouted(status)}, feed)(ec)
}

// ownSpelling finds the route that a path means when letter case, doubled
// slashes and a prefix that a proxy left on do not count, and returns
// the request with the path spelled as the route spells it.
func (t *router) ownSpelling(r *http.Request) (*http.Request, bool) {
	path := echo.GetPath(r)
	tries := []string{path}
	if t.s.fromProxy(r) {
		if p := strings.TrimRight(forwarded(r, "X-Forwarded-Prefix"), "/"); validPrefix(p) {
			if rest, ok := strings.CutPrefix(path, p); ok && strings.HasPrefix(rest, "/") {
				tries = append(tries, rest)
			}
		}
	}
	for i, try := range tries {
		to, ok := spelled(try, t.patterns)
		if !ok && i > 0 {
			to, ok = try, true
		}
		if !ok || to == path {
			continue
		}
		if r.URL.RawPath == "" { // then it is unescaped already
			return withPath(r, to, ""), true
		}
		plain, err := url.PathUnescape(to)
		if err != nil {
			continue
		}
		return withPath(r, plain, to), true
	}
	return nil, false
}

// spelled finds the pattern that path fits when letter case and empty segments
// do not count. Patterns without parameters win.
func spelled(path string, patterns []string) (string, bool) {
	segments := strings.FieldsFunc(path, func(c rune) bool { return c == '/' })
	best, fewest := "", len(path)+1
	for _, pattern := range patterns {
		want := strings.FieldsFunc(pattern, func(c rune) bool { return c == '/' })
		if to, params, ok := fit(segments, want); ok && params < fewest {
			best, fewest = to, params
		}
	}
	return best, fewest <= len(path)
}

// fit matches segments against a pattern's and spells the fixed ones as the
// pattern does.
func fit(segments, want []string) (path string, params int, ok bool) {
	rest := len(want) > 0 && want[len(want)-1] == "*"
	if len(segments) != len(want) && !(rest && len(segments) >= len(want)) {
		return "", 0, false
	}
	var b strings.Builder
	for i, w := range want {
		switch {
		case w == "*":
			return b.String() + "/" + strings.Join(segments[i:], "/"), params + 1, true
		case w[0] == ':':
			params++
			b.WriteString("/" + segments[i])
		case strings.EqualFold(w, segments[i]):
			b.WriteString("/" + w)
		default:
			return "", 0, false
		}
	}
	if b.Len() == 0 {
		return "/", 0, true
	}
	return b.String(), params, true
}
