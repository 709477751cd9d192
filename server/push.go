package server

import (
	"net/http"

	"nougat/gallery"
)

// handlePush takes a package (PROTO-6.1). What needs no body is asked
// before it is read; from there to the last byte a refusal is early
// (refuse.go). A refusal by Push is ordinary: the body is behind, and the
// connection stays.
func (s *Server) handlePush(c *call) error {
	r := c.r
	body := newUpload(c.w, r, s.patience)
	received, err := s.receive(c, body)
	if received != nil {
		defer received.Discard()
	}
	if err != nil {
		if received != nil {
			received.Discard() // its places are free while the rest is thrown away
		}
		s.refuse(c, body, err)
		return errAnswered
	}
	published, err := received.Publish(r.Context())
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

// receive does the part of a push that ends with the last byte of the body. The
// upload, which is nil before there is one, must be discarded in any case.
func (s *Server) receive(c *call, body *upload) (*gallery.Upload, error) {
	r := c.r
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

// handleUnlist is DELETE, which unlists and deletes nothing (R-DEL-01, Q-26).
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
