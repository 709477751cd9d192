package server

import (
	"net/http"
	"strings"

	"nougat/gallery"
	"nougat/ui"
)

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
func (s *Server) unrouted(status int) handler {
	return func(c *call) error {
		body := newUpload(c.w, c.r, s.patience)
		s.answerUnread(c, body, func(c *call) error {
			r := c.r
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
		f := s.frame(c)
		f.Notice = s.takeNotice(c)
		return s.show(c, http.StatusMethodNotAllowed, ui.WrongMethod(f))
	}
	r := c.r
	msg := "This address does not take " + r.Method + "; it takes " + c.header().Get("Allow") + "."
	setReason(r, msg)
	return s.text(c, http.StatusMethodNotAllowed, noStore, msg)
}

// misdirectedPush answers a PUT where nothing is pushed to. Only clients that
// push send one: with the address of the site or of another server's feed as
// their source, most likely.
func (s *Server) misdirectedPush(c *call, status int) error {
	msg := c.sourceAddress()
	setReason(c.r, msg)
	warn(c.header(), msg)
	return s.text(c, status, noStore, msg)
}

// sourceAddress says which address is the source.
func (c *call) sourceAddress() string {
	return "The address of this source is " + indexURL(c.root) + " (NuGet V3)."
}

// looksV2 reports whether a path is a question of the V2 protocol, which is not
// served: clients ask it when the site's address is used as a source
// (PROTO-14), or an address that other servers have.
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
// address is the source (PROTO-13.19).
func (s *Server) handleWrongAddress(c *call) error {
	msg := c.sourceAddress()
	setReason(c.r, msg)
	if wantsJSON(c.r) {
		c.header()["Content-Type"] = typeProblem
		return s.send(c, http.StatusNotFound, noStore, problem(&gallery.Error{Kind: gallery.NotFound, Msg: msg}, http.StatusNotFound, ""))
	}
	return s.text(c, http.StatusNotFound, noStore, msg)
}

// preflight answers OPTIONS. Scripts in browsers may read a feed that anyone may
// read, never with credentials.
func (s *Server) preflight(allow string, cors bool) handler {
	allowed := []string{allow}
	return func(c *call) error {
		h := c.header()
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
