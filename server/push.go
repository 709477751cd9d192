package server

import (
	"net/http"

	"nougat/gallery"
)

// handlePush takes a package (protocol.md 6.1). What needs no body is asked
// before it is read; from there to the last byte a refusal is early
// (refuse.go). A refusal by Push is ordinary: the body is behind, and the
// connection stays.
func (s *Server) handlePush(c *call) error {
	r := c.r
	body := newUpload(c.w, r, s.patience)
	received, err := s.receive(c, body)
	if err != nil {
		s.refuse(c, body, err)
		return errAnswered
	}
	defer received.Discard()
	published, err := s.g.Push(r.Context(), c.actor, c.feed, received)
	if err != nil {
		return err
	}
	h := c.header()
	warn(h, published.Warnings...)
	id, version := string(published.Head.ID), published.Head.Version
	h["Location"] = []string{c.root + "/packages/" + id + "/" + version.String()}
	s.log.Info("published", "feed", c.feed.Name, "id", id, "version", version.Full(), "by", c.actor.Name, "bytes", published.Head.Size)
	return s.text(c, http.StatusCreated, noStore, id+" "+version.Full()+" is published.")
}

// receive does the part of a push that ends with the last byte of the body.
func (s *Server) receive(c *call, body *upload) (*gallery.Upload, error) {
	r := c.r
	var err error
	if c.actor, err = s.g.PushActor(r.Context(), c.feed, s.credentials(c)); err != nil {
		return nil, err
	}
	s.vouch(c)
	if err = s.g.BeginPush(r.Context(), c.actor, c.feed, r.ContentLength); err != nil {
		return nil, err
	}
	if err = plainBody(r); err != nil {
		return nil, err
	}
	pkg, release, err := packageIn(r, body)
	if err != nil {
		return nil, err
	}
	defer release()
	return s.g.Receive(r.Context(), c.actor, c.feed, pkg)
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
func (s *Server) handleUnlist(c *call) error {
	if err := s.list(c, false); err != nil {
		return err
	}
	return s.noContent(c)
}

// handleRelist is POST to the same address.
func (s *Server) handleRelist(c *call) error {
	if err := s.list(c, true); err != nil {
		return err
	}
	return s.text(c, http.StatusOK, noStore, c.param("id")+" "+c.param("version")+" is listed.")
}

func (s *Server) list(c *call, listed bool) error {
	r := c.r
	var err error
	if c.actor, err = s.g.PushActor(r.Context(), c.feed, s.credentials(c)); err != nil {
		return err
	}
	s.vouch(c)
	id, version := c.param("id"), c.versionParam("version")
	if err = s.setListed(c, id, version, listed); err != nil {
		return err
	}
	warn(c.header(), s.g.KeyWarning(c.actor))
	return nil
}

// setListed unlists or relists a version, and logs that it did.
func (s *Server) setListed(c *call, id, version string, listed bool) error {
	if err := s.g.SetListed(c.r.Context(), c.actor, c.feed, id, version, listed); err != nil {
		return err
	}
	s.log.Info("listing set", "feed", c.feed.Name, "id", id, "version", version, "listed", listed, "by", c.actor.Name)
	return nil
}
