package server

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"nougat/gallery"
)

// handlePush takes a package (protocol.md 6.1). What needs no body is asked
// before it is read; from there to the last byte a refusal is early
// (refuse.go). A refusal by Push is ordinary: the body is behind, and the
// connection stays.
func (s *Server) handlePush(ec echo.Context) error {
	c := ec.(*call)
	r := c.Request()
	body := newUpload(c.Response().Writer, r, s.patience)
	received, err := s.receive(c, body)
	if received != nil {
		defer received.Discard()
	}
	if err != nil {
		s.refuse(c, body, err)
		return errAnswered
	}
	published, err := received.Publish(r.Context())
	if err != nil {
		return err
	}
	h := c.Response().Header()
	warn(h, published.Warnings...)
	id, version := string(published.Head.ID), published.Head.Version
	h["Location"] = []string{c.root + "/packages/" + id + "/" + version.String()}
	s.log.Info("published", "feed", c.feed.Name, "id", id, "version", version.Full(), "by", c.actor.Name, "bytes", published.Head.Size)
	return s.text(c, http.StatusCreated, noStore, id+" "+version.Full()+" is published.")
}

// receive does the part of a push that ends with the last byte of the body. The
// upload, which is nil before there is one, must be discarded in any case.
func (s *Server) receive(c *call, body *upload) (*gallery.Upload, error) {
	r := c.Request()
	var err error
	if c.actor, err = s.g.PushActor(r.Context(), c.feed, s.credentials(c)); err != nil {
		return nil, err
	}
	s.vouch(c)
	u, err := s.g.BeginUpload(c.actor, c.feed, gallery.Incoming{Length: r.ContentLength, Encoding: r.Header.Get("Content-Encoding")})
	if err != nil {
		return nil, err
	}
	body.of(u)
	defer body.of(nil)
	pkg, release, err := packageIn(r, body)
	if err != nil {
		return u, err
	}
	defer release()
	return u, u.Receive(r.Context(), pkg)
}

// warn adds a line that clients print for each text (R-PUSH-16).
func warn(h http.Header, texts ...string) {
	for _, text := range texts {
		if text != "" {
			h["X-Nuget-Warning"] = append(h["X-Nuget-Warning"], oneLine(text))
		}
	}
}

// handleUnlist is DELETE: nothing is ever deleted by it (R-DEL-01, Q-26).
func (s *Server) handleUnlist(c echo.Context) error {
	if err := s.list(c.(*call), false); err != nil {
		return err
	}
	return s.noContent(c)
}

// handleRelist is POST to the same address.
func (s *Server) handleRelist(c echo.Context) error {
	if err := s.list(c.(*call), true); err != nil {
		return err
	}
	return s.text(c, http.StatusOK, noStore, param(c, "id")+" "+param(c, "version")+" is listed.")
}

func (s *Server) list(c *call, listed bool) error {
	r := c.Request()
	var err error
	if c.actor, err = s.g.PushActor(r.Context(), c.feed, s.credentials(c)); err != nil {
		return err
	}
	s.vouch(c)
	id, version := param(c, "id"), versionParam(c, "version")
	if err = s.g.SetListed(r.Context(), c.actor, c.feed, id, version, listed); err != nil {
		return err
	}
	warn(c.Response().Header(), s.g.KeyWarning(c.actor))
	s.log.Info("listing set", "feed", c.feed.Name, "id", id, "version", version, "listed", listed, "by", c.actor.Name)
	return nil
}
