package server

import (
	"net/http"
	"strconv"

	"nougat/gallery"
	"nougat/ui"
)

// renderErrorPage answers a person with what went wrong (UX-19), and a program
// that asked for a page's address, and for JSON, with problem JSON.
func (s *Server) renderErrorPage(c *call, e *gallery.Error, status int, requestID string) error {
	if wantsProblem(c.r) {
		s.sendError(c, e, status, requestID)
		return nil
	}
	f := s.frame(c)
	f.Notice = s.takeNotice(c)
	return s.show(c, status, errorPage(f, e, status, requestID))
}

// wantsProblem reports whether a page's address was asked for by a program.
func wantsProblem(r *http.Request) bool { return wantsJSON(r) && !wantsHTML(r) }

func errorPage(f ui.Frame, e *gallery.Error, status int, requestID string) ui.ErrorPage {
	switch status {
	case http.StatusNotFound:
		if f.Path == "" { // a form
			return ui.NothingToChange(f, e.Msg)
		}
		return ui.PageNotHere(f)
	case http.StatusMethodNotAllowed:
		return ui.WrongMethod(f)
	case http.StatusUnauthorized, http.StatusForbidden:
		p := ui.NotAllowed(f, e.Msg)
		p.Status = status
		return p
	case http.StatusTooManyRequests:
		return ui.TooManyRequests(f, retrySeconds(status))
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		return ui.Unavailable(f, status, e.Msg)
	case http.StatusInternalServerError:
		return ui.Failed(f, requestID)
	}
	p := ui.BadForm(f, e.Msg)
	p.Status = status
	return p
}

// retrySeconds is what Retry-After says with this status.
func retrySeconds(status int) int {
	if v := retryAfter[status]; len(v) > 0 {
		if n, err := strconv.Atoi(v[0]); err == nil {
			return n
		}
	}
	return 1
}
