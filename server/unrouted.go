package server

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"nougat/gallery"
	"nougat/ui"
)

// handleUnrouted is called for requests that no route took: echo's error
// handler, since serve keeps every other error to itself.
func (s *Server) handleUnrouted(err error, ec echo.Context) {
	r := ec.Request()
	if to, ok := s.ownSpelling(r); ok {
		ec.SetRequest(to)
		s.echo.Router().Find(to.Method, echo.GetPath(to), ec)
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
	_ = s.serve(&route{Method: r.Method, Path: r.URL.Path, Rule: rule, Handle: s.unrouted(status)}, feed)(ec)
}

// ownSpelling finds the route that a path means when letter case, doubled
// slashes and a prefix that a proxy left on do not count, and returns
// the request with the path spelled as the route spells it.
func (s *Server) ownSpelling(r *http.Request) (*http.Request, bool) {
	path := echo.GetPath(r)
	tries := []string{path}
	if s.fromProxy(r) {
		if p := strings.TrimRight(forwarded(r, "X-Forwarded-Prefix"), "/"); validPrefix(p) {
			if rest, ok := strings.CutPrefix(path, p); ok && strings.HasPrefix(rest, "/") {
				tries = append(tries, rest)
			}
		}
	}
	for i, try := range tries {
		to, ok := spelled(try, s.patterns)
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

// feedOf is the number of the feed in whose part of the site a path lies.
func (s *Server) feedOf(path string) int {
	first, _, _ := strings.Cut(strings.TrimLeft(path, "/"), "/")
	for i, name := range s.feedNames {
		if i > 0 && strings.EqualFold(first, name) {
			return i
		}
	}
	return 0
}

// apiPath reports whether programs read below this path.
func apiPath(path string) bool {
	for segment := range strings.SplitSeq(strings.ToLower(path), "/") {
		switch segment {
		case "v3", "api":
			return true
		}
	}
	return false
}

// unrouted says why nothing answers here. The request may be a large push to a
// wrong address, whose sender must get to read that.
func (s *Server) unrouted(status int) echo.HandlerFunc {
	return func(ec echo.Context) error {
		c := ec.(*call)
		body := newUpload(c.Response().Writer, c.Request(), s.patience)
		s.answerUnread(c, body, func(c *call) error {
			r := c.Request()
			switch {
			case r.Method == http.MethodPut && !c.route.Rule.isPage():
				return s.misdirectedPush(c, status)
			case status == http.StatusMethodNotAllowed:
				return s.methodNotAllowed(c)
			case r.Method == http.MethodDelete && !c.route.Rule.isPage(), looksV2(r.URL.Path): // an unlist gone astray
				return s.handleWrongAddress(c)
			}
			return errNothingHere()
		})
		return errAnswered
	}
}

// methodNotAllowed answers 405; echo has set Allow.
func (s *Server) methodNotAllowed(c *call) error {
	if c.route.Rule.isPage() {
		return s.show(c, http.StatusMethodNotAllowed, ui.WrongMethod(s.frame(c)))
	}
	r := c.Request()
	msg := "This address does not take " + r.Method + "; it takes " + c.Response().Header().Get("Allow") + "."
	setReason(r, msg)
	return s.text(c, http.StatusMethodNotAllowed, noStore, msg)
}

// misdirectedPush answers a PUT where nothing is pushed to. Only clients that
// push send one: with the address of the site or of another server's feed as
// their source, most likely.
func (s *Server) misdirectedPush(c *call, status int) error {
	msg := c.sourceAddress()
	setReason(c.Request(), msg)
	warn(c.Response().Header(), msg)
	return s.text(c, status, noStore, msg)
}

// sourceAddress says which address is the source.
func (c *call) sourceAddress() string {
	return "The address of this source is " + c.root + "/v3/index.json (NuGet V3)."
}

// looksV2 reports whether a path is a question of the V2 protocol, which is not
// served: clients ask it when the site's address is used as a source
// (protocol.md 14), or an address that other servers have.
func looksV2(path string) bool {
	path = strings.ToLower(path)
	if strings.Contains(path, "/nuget/") || strings.Contains(path, "/api/v2/") {
		return true
	}
	for segment := range strings.SplitSeq(path, "/") {
		for _, name := range []string{"findpackagesbyid", "packages(", "search()", "getupdates()", "$metadata", "$batch"} {
			if strings.HasPrefix(segment, name) {
				return true
			}
		}
	}
	return false
}

// handleWrongAddress tells a client, and by the reason phrase its user, which
// address is the source (protocol.md 13 row 19).
func (s *Server) handleWrongAddress(ec echo.Context) error {
	c := ec.(*call)
	msg := c.sourceAddress()
	setReason(c.Request(), msg)
	if wantsJSON(c.Request()) {
		c.Response().Header()["Content-Type"] = typeProblem
		return s.send(c, http.StatusNotFound, noStore, problem(&gallery.Error{Kind: gallery.NotFound, Msg: msg}, http.StatusNotFound, ""))
	}
	return s.text(c, http.StatusNotFound, noStore, msg)
}

// preflight answers OPTIONS. Scripts in browsers may read a feed that anyone may
// read, never with credentials.
func (s *Server) preflight(allow string, cors bool) echo.HandlerFunc {
	allowed := []string{allow}
	return func(ec echo.Context) error {
		c := ec.(*call)
		h := c.Response().Header()
		h["Allow"] = allowed
		if cors && c.feed.OpenToRead {
			h["Access-Control-Allow-Origin"] = anyOrigin
			h["Access-Control-Allow-Methods"] = corsMethods
			h["Access-Control-Allow-Headers"] = corsHeaders
			h["Access-Control-Max-Age"] = corsAge
		}
		return s.noContent(c)
	}
}
