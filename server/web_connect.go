package server

import (
	"net/http"

	"nougat/gallery"
	"nougat/ui"
)

// handleConnect says how each client is connected (UX-03). After the set-up it
// shows the first key, once, inside the push command.
func (s *Server) handleConnect(c *call) error {
	p := ui.ConnectPage{
		Client:  ask(c.query(), "client"),
		Index:   indexURL(c.root),
		Push:    c.root + "/v3/package",
		Private: !c.feed.OpenToRead,
	}
	// An index that is still being built, or is empty, leaves the example out.
	if found, err := s.search(c, gallery.Query{Take: 1, Filter: everything, Sort: gallery.ByRecent}, noWait); err == nil && len(found.Hits) > 0 {
		p.Example = string(found.Hits[0].Card.ID)
	}
	if c.actor.SignedIn() && c.r.Method == http.MethodGet {
		p.Key, p.JustSetUp = s.web.once.key(sessionToken(c.r))
	}
	p.Frame = s.frame(c)
	p.Notice = s.takeNotice(c)
	return s.show(c, http.StatusOK, p)
}
