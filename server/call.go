package server

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"nougat/gallery"
	"nougat/server/docs"
)

// A call is one request on its way through a route: the request, and what run
// found out before the handler runs. One goroutine has it, until the handler
// returns: then it is used again.
type call struct {
	r       *http.Request
	w       http.ResponseWriter                 // net/http's
	path    interface{ Param(n string) string } // the parameters of the path, as they came
	route   *route
	feed    *gallery.Feed
	root    string        // absolute address of the feed's root, without a slash at the end
	address *address      // that the request came to
	actor   gallery.Actor // filled by the route's rule, or by a handler that publishes

	sent    bool  // the head of the answer is written
	written int64 // bytes of its body
}

// header is that of the answer.
func (c *call) header() http.Header { return c.w.Header() }

// query are the parameters of the address.
func (c *call) query() url.Values { return c.r.URL.Query() }

// param is a parameter of the route's path. Paths are matched as they came, so
// what was escaped is unescaped here, once.
func (c *call) param(name string) string {
	v := c.path.Param(name)
	if c.r.URL.RawPath != "" {
		if u, err := url.PathUnescape(v); err == nil {
			return u
		}
	}
	return v
}

// versionParam is a version in a path.
func (c *call) versionParam(name string) string { return withPlus(c.param(name)) }

// place is the public address that the documents of this answer name.
func (c *call) place() docs.Place { return docs.Place{Root: c.root, Keep: c.address.keep} }

// documentLifetime is how long what may change may be kept, packageLifetime how
// long what may not while the feed promises that; both are private where reading
// needs credentials.
func (c *call) documentLifetime() lifetime {
	if c.feed.OpenToRead {
		return revalidate
	}
	return privateRevalidate
}

func (c *call) packageLifetime() lifetime {
	switch {
	case !c.feed.Immutable():
		return c.documentLifetime()
	case c.feed.OpenToRead:
		return forever
	}
	return privateForever
}

// secure reports whether the outside reaches this gallery by TLS: its own, a
// trusted proxy's, or that of the configured address.
func (c *call) secure() bool { return strings.HasPrefix(c.address.base, "https://") }

// byTLS reports whether the browser came by TLS. A form says it by its Origin:
// with an https address configured, the gallery may still be reached in the clear
// from beside it, where a cookie for TLS would be lost.
func (c *call) byTLS() bool {
	if origin := c.r.Header.Get("Origin"); origin != "" && origin != "null" {
		return strings.HasPrefix(origin, "https://")
	}
	return c.secure()
}

// run finds out the public address, asks the rule, runs the handler, and renders
// what it refuses.
func (s *Server) run(c *call, feed int) {
	defer func() {
		if p := recover(); p != nil {
			s.panicked(c, p)
		}
	}()
	r := c.r
	if r.Body != http.NoBody {
		_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(smallBodyLimit))
	}
	a, err := s.addressOf(r)
	if err != nil {
		c.address = s.addresses.fallback
		c.root = c.address.roots[feed]
		s.fail(c, err)
		return
	}
	c.address, c.root = a, a.roots[feed]
	if err = s.admit(c); err == nil {
		err = c.route.Handle(c)
	}
	if err != nil && err != errAnswered {
		s.fail(c, err)
	}
}
