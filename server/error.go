package server

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"nougat/gallery"
)

// statuses maps the kinds of refusal to HTTP: the one table.
var statuses = [...]int{
	gallery.Internal:        http.StatusInternalServerError,
	gallery.Invalid:         http.StatusBadRequest,
	gallery.Unauthenticated: http.StatusUnauthorized,
	gallery.Forbidden:       http.StatusForbidden,
	gallery.NotFound:        http.StatusNotFound,
	gallery.Timeout:         http.StatusRequestTimeout,
	gallery.Exists:          http.StatusConflict,
	gallery.TooLarge:        http.StatusRequestEntityTooLarge,
	gallery.Unsupported:     http.StatusUnsupportedMediaType,
	gallery.TooMany:         http.StatusTooManyRequests,
	gallery.Unavailable:     http.StatusServiceUnavailable,
	gallery.Full:            http.StatusInsufficientStorage,
}

// retryAfter is what 429 and 503 tell clients, in seconds: NuGet obeys it.
var retryAfter = map[int][]string{
	http.StatusTooManyRequests:    {"10"},
	http.StatusServiceUnavailable: {"2"},
}

// fail renders err. A person with a NuGet client sees its text in the reason
// phrase and, on publishing and the service index, in X-NuGet-Warning; curl in
// the body; a browser on a page.
func (s *Server) fail(c *call, err error) {
	if c.sent {
		s.log.Error("an answer broke off", "path", c.r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
	e, requestID := s.explain(c, err)
	status := statuses[e.Kind]
	if !c.route.Rule.isPage() {
		s.sendError(c, e, status, requestID)
		return
	}
	if e.Op == "sign in" {
		// The session ended, or its account was locked, after the visitor was let
		// in: it is nobody's now.
		c.actor = gallery.Actor{}
		if e.Kind == gallery.Unauthenticated {
			_ = s.toSignIn(c)
			return
		}
	}
	h := c.header()
	if retry := retryAfter[status]; retry != nil {
		h["Retry-After"] = retry
	}
	if err := s.renderErrorPage(c, e, status, requestID); err != nil {
		s.log.Error("the page of an error could not be drawn", "request", requestID, "err", err)
		if !c.sent {
			s.sendError(c, e, status, requestID)
		}
	}
}

// explain finds the *gallery.Error in err. What is none is ours to mend: it is
// logged under a request ID, which is all that the client gets. A full or broken
// disk is the administrator's to mend, who reads the log.
func (s *Server) explain(c *call, err error) (*gallery.Error, string) {
	var e *gallery.Error
	if errors.As(err, &e) && e.Kind != gallery.Internal {
		if e.Kind == gallery.Full || e.Kind == gallery.Unavailable && e.Err != nil {
			s.log.Error("the gallery could not do what was asked", "method", c.r.Method, "path", c.r.URL.Path, "err", err)
		}
		return e, ""
	}
	// Of a refusal the kind counts: a record without its file is no 404.
	if e == nil && errors.Is(err, gallery.ErrNotFound) {
		return errNothingHere(), ""
	}
	r := c.r
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return &gallery.Error{Kind: gallery.Unavailable, Msg: "The request was given up."}, ""
	}
	requestID := rand.Text()[:12]
	s.log.Error("a request failed", "request", requestID, "method", r.Method, "path", r.URL.Path, "err", err)
	return &gallery.Error{
		Kind: gallery.Internal, Err: err,
		Msg: fmt.Sprintf("The server failed to do this. Its log says why under the request ID %s.", requestID),
	}, requestID
}

// sendError writes an error for programs.
func (s *Server) sendError(c *call, e *gallery.Error, status int, requestID string) {
	r := c.r
	h := c.header()
	// A 404 of a read is the commonest answer of all and is expected by those who
	// ask: it goes without a phrase of its own.
	if c.route.Rule == publish || status != http.StatusNotFound {
		setReason(r, e.Msg)
	}
	switch {
	case status == http.StatusUnauthorized:
		h["Www-Authenticate"] = s.live.Load().challenge
	case retryAfter[status] != nil:
		h["Retry-After"] = retryAfter[status]
	}
	// On other reads every request of a restore would show it again
	// (PROTO-14); on a 401 it would show for every closed feed.
	if c.route.Rule == publish || c.route.Rule == readIndex && status != http.StatusUnauthorized {
		h["X-Nuget-Warning"] = []string{oneLine(e.Msg)}
	}
	var body []byte
	if wantsJSON(r) {
		h["Content-Type"] = typeProblem
		body = problem(e, status, requestID)
	} else {
		h["Content-Type"] = typeText
		body = errorText(e)
	}
	_ = s.send(c, status, noStore, body)
}

// errorText is the body for curl: the message, and under it every sentence when
// there are several.
func errorText(e *gallery.Error) []byte {
	b := append([]byte(e.Msg), '\n')
	if len(e.Details) > 1 {
		for _, d := range e.Details {
			b = append(b, "- "...)
			b = append(b, d...)
			b = append(b, '\n')
		}
	}
	return b
}

// problem is the body by RFC 9457.
func problem(e *gallery.Error, status int, requestID string) []byte {
	b, err := json.Marshal(struct {
		Title   string   `json:"title"`
		Status  int      `json:"status"`
		Detail  string   `json:"detail"`
		Errors  []string `json:"errors,omitempty"`
		Request string   `json:"requestId,omitempty"`
	}{http.StatusText(status), status, e.Msg, e.Details, requestID})
	if err != nil {
		return nil
	}
	return b
}

func wantsJSON(r *http.Request) bool { return accepts(r, "json") }

func wantsHTML(r *http.Request) bool { return accepts(r, "text/html") }

// accepts reports whether a request names a media type that it would take, or a
// part of one.
func accepts(r *http.Request, kind string) bool {
	return slices.ContainsFunc(r.Header["Accept"], func(v string) bool { return strings.Contains(v, kind) })
}

// panicked ends a request whose handler panicked: with a 500 while nothing was
// written, else by cutting the connection, so that no half answer looks whole.
func (s *Server) panicked(c *call, p any) {
	if p == http.ErrAbortHandler {
		panic(p)
	}
	err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
	if c.sent {
		s.log.Error("a handler panicked", "path", c.r.URL.Path, "err", err)
		panic(http.ErrAbortHandler)
	}
	e, requestID := s.explain(c, err)
	s.sendError(c, e, http.StatusInternalServerError, requestID)
}

// maxReason bounds a reason phrase and a warning header.
const maxReason = 200

// oneLine makes text fit for a header: ASCII without control characters, at
// most 200 characters (GAL-B10).
func oneLine(text string) string {
	var b strings.Builder
	b.Grow(min(len(text), maxReason))
	for _, r := range text {
		if b.Len() == maxReason {
			break
		}
		switch {
		case r < ' ' || r == 0x7f:
			r = ' '
		case r > 0x7f:
			r = '?'
		}
		b.WriteByte(byte(r))
	}
	return strings.TrimSpace(b.String())
}

// quotable makes text fit for a quoted string in a header.
func quotable(text string) string {
	return strings.NewReplacer(`"`, "'", `\`, "/").Replace(oneLine(text))
}
