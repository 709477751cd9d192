package server

import (
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"nougat/gallery"
)

// admit asks the rule of c's route. It fills c.actor where the rule looks at who
// asks, and returns errAnswered when it has written the answer itself.
func (s *Server) admit(c *call) error {
	switch rule := c.route.Rule; rule {
	case anyone, publish:
		return nil
	case readFeed, readIndex:
		return s.admitReader(c, rule)
	default:
		return s.admitVisitor(c, rule)
	}
}

// admitReader lets anyone read an open feed, whatever they sent, and nobody a
// closed one who does not show credentials that may read. A session's
// cookie counts as well, since the icons and downloads on the pages of a closed
// feed are read with it.
func (s *Server) admitReader(c *call, rule rule) error {
	h := c.header()
	if c.feed.OpenToRead {
		h["Access-Control-Allow-Origin"] = anyOrigin
		return nil
	}
	r := c.r
	token := sessionToken(r)
	if len(r.Header["Authorization"]) == 0 && token == "" {
		return s.challenge(c)
	}
	creds := s.credentials(c)
	var err error
	switch {
	case creds.HasBasic || creds.Bearer != "":
		c.actor, err = s.g.ReadActor(r.Context(), c.feed, creds)
	case token != "":
		c.actor, err = s.g.SessionActor(r.Context(), token)
		if errors.Is(err, gallery.ErrNotFound) {
			return s.challenge(c)
		}
	default:
		return s.challenge(c)
	}
	if err != nil {
		return err
	}
	s.vouch(c)
	if rule == readIndex {
		return nil
	}
	return gallery.MayRead(c.actor, c.feed)
}

// challenge writes the 401 that every read of a closed feed begins with, because
// clients send no credentials before it (PROTO-1.2): fixed headers and
// bytes, no look-up, no log line.
func (s *Server) challenge(c *call) error {
	answer := &c.address.noKey
	h := c.header()
	h["Www-Authenticate"] = s.live.Load().challenge
	h["Content-Type"] = typeText
	h["Content-Length"] = answer.length
	setReason(c.r, answer.reason)
	_ = s.send(c, http.StatusUnauthorized, noStore, answer.body)
	return errAnswered
}

// admitVisitor finds the session of someone who looks at pages, and keeps
// requests that change something to the gallery's own pages.
func (s *Server) admitVisitor(c *call, rule rule) error {
	r := c.r
	if strings.Contains(r.Header.Get("Accept"), "application/atom") { // a V2 client with the site's address as source
		_ = s.handleWrongAddress(c)
		return errAnswered
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if err := s.sameOrigin(c, r); err != nil {
			return err
		}
	}
	if token := sessionToken(r); token != "" {
		a, err := s.g.SessionActor(r.Context(), token)
		switch {
		case err == nil:
			c.actor = a
			s.vouch(c)
		case !errors.Is(err, gallery.ErrNotFound) && gallery.KindOf(err) != gallery.Forbidden:
			return err
		}
		// A session that is over, or whose account is locked, is nobody's: the
		// sign-in page says why.
	}
	if rule == anyPage || c.actor.SignedIn() || rule == readPage && gallery.MayRead(c.actor, c.feed) == nil {
		return nil
	}
	return s.toSignIn(c)
}

// toSignIn redirects to the sign-in page, which comes back here. What was posted
// is lost: then it comes back to the home page.
func (s *Server) toSignIn(c *call) error {
	h := c.header()
	to := c.address.prefix + "/account/signin"
	if r := c.r; r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?return=" + url.QueryEscape(r.URL.RequestURI())
	}
	h["Location"] = []string{to}
	_ = s.send(c, http.StatusSeeOther, noStore, nil)
	return errAnswered
}

// sameOrigin refuses a request that another site's page sent. Browsers send no
// Sec-Fetch-Site over plain HTTP, so the Origin is compared with the address
// that this request has for the outside (ENG-4).
func (s *Server) sameOrigin(c *call, r *http.Request) error {
	outside := *r
	_, outside.Host, _ = strings.Cut(strings.TrimSuffix(c.address.base, c.address.prefix), "://")
	if err := s.crossSite.Load().Check(&outside); err != nil {
		return &gallery.Error{Kind: gallery.Forbidden, Op: "form", Msg: "This form was sent from another address. Open the page below " + c.address.base + "/ and send it again.", Err: err}
	}
	return nil
}

// vouch notes that somebody known uses this address: documents for it are kept.
func (s *Server) vouch(c *call) {
	if !c.address.vouched && c.address.key != (addressKey{}) {
		c.address = s.addresses.admit(c.address, true)
	}
}

// credentials reads what came with a request: the key's header, and Basic or
// Bearer.
func (s *Server) credentials(c *call) gallery.Credentials {
	r := c.r
	creds := gallery.Credentials{
		APIKey:  strings.TrimSpace(r.Header.Get("X-NuGet-ApiKey")),
		Addr:    s.clientAddr(r),
		Client:  clientProduct(r.UserAgent()),
		KeysURL: c.address.keysURL(),
	}
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	value = strings.TrimSpace(value)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		creds.Bearer = value
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(value)
		if err == nil {
			creds.User, creds.Password, _ = strings.Cut(string(plain), ":")
		}
		// An SDK that has no credentials answers a challenge with an empty name and
		// password: that is nothing sent, and M-01 says what to do.
		creds.HasBasic = err != nil || creds.User != "" || creds.Password != ""
	}
	return creds
}

// clientProduct shortens a User-Agent to what keys and audits keep of it: the
// product and its version, "NuGet .NET Core MSBuild Task/7.9.0".
func clientProduct(agent string) string {
	if i := strings.IndexByte(agent, '('); i >= 0 {
		agent = agent[:i]
	}
	agent = strings.TrimSpace(agent)
	if len(agent) > 100 {
		agent = agent[:100]
	}
	return strings.ToValidUTF8(agent, "?")
}
