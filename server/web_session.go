package server

import (
	"errors"
	"net/http"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

// sessionCookie is the name of the cookie that holds a session's token. Where the
// browser came by TLS the name has a prefix: then no other host of the domain,
// and nothing that came in the clear, can have set it.
const (
	sessionCookie       = "nougat_session"
	sessionCookieSecure = "__Secure-nougat_session" // below a path
	sessionCookieHost   = "__Host-nougat_session"   // at the root of its host
)

// sessionDays is how long a browser keeps the cookie; the gallery ends sessions
// earlier when they are idle (R-ACC-11).
const sessionDays = 30

// sessionToken is the value of the session's cookie, "" without one. A name that
// nobody else can have set wins.
func sessionToken(r *http.Request) string {
	if len(r.Header["Cookie"]) == 0 {
		return ""
	}
	for _, name := range [...]string{sessionCookieHost, sessionCookieSecure, sessionCookie} {
		if k, err := r.Cookie(name); err == nil && k.Value != "" {
			return k.Value
		}
	}
	return ""
}

func setSession(c *call, token string) {
	name := sessionCookie
	switch {
	case c.byTLS() && c.address.prefix == "":
		name = sessionCookieHost
	case c.byTLS():
		name = sessionCookieSecure
	}
	setCookie(c, &http.Cookie{Name: name, Value: token, MaxAge: sessionDays * 24 * 60 * 60})
}

// dropSession takes back whatever cookie the request came with.
func dropSession(c *call) {
	for _, name := range [...]string{sessionCookieHost, sessionCookieSecure, sessionCookie} {
		if _, err := c.r.Cookie(name); err == nil {
			setCookie(c, &http.Cookie{Name: name, MaxAge: -1})
		}
	}
}

// handleSignInPage shows the form, or leads on who is signed in already.
func (s *Server) handleSignInPage(c *call) error {
	back := localPath(ask(c.query(), "return"))
	if c.actor.SignedIn() {
		return s.redirect(c, back)
	}
	if !s.g.AnyAccount() {
		return s.show(c, http.StatusNotFound, ui.NoAccountYet(s.frame(c)))
	}
	return s.show(c, http.StatusOK, s.signInPage(c, back))
}

func (s *Server) signInPage(c *call, back string) ui.SignInPage {
	p := ui.SignInPage{Frame: s.frame(c), Return: back}
	switch {
	case strings.HasPrefix(back, "/account"):
		p.Why = ui.WhyAccount
	case !c.feed.OpenToRead:
		p.Why = ui.WhyClosed
	}
	return p
}

// handleSignIn checks name and password and starts a session.
func (s *Server) handleSignIn(c *call) error {
	r := c.r
	form, err := readForm(r)
	if err != nil {
		return err
	}
	back := localPath(form.Get("return"))
	token, _, err := s.g.SignIn(r.Context(), strings.TrimSpace(form.Get("name")), form.Get("password"), s.clientAddr(r), clientProduct(r.UserAgent()))
	var refused *gallery.Error
	if errors.As(err, &refused) && refused.Kind != gallery.Internal && refused.Kind != gallery.Unavailable {
		p := s.signInPage(c, back)
		p.Name = nuget.Cut(form.Get("name"), 64)
		p.Why = ""
		p.Errors = ui.Errors{"": refused.Msg}
		status := http.StatusUnprocessableEntity
		if refused.Kind == gallery.TooMany {
			status = http.StatusTooManyRequests
		}
		return s.show(c, status, p)
	}
	if err != nil {
		return err
	}
	s.endSession(c)
	setSession(c, token)
	return s.redirect(c, back)
}

// signOut ends the session that the request came with, and takes its cookie back.
func (s *Server) signOut(c *call) {
	s.endSession(c)
	dropSession(c)
}

// endSession ends the session that the request came with, if it did.
func (s *Server) endSession(c *call) {
	token := sessionToken(c.r)
	if token == "" {
		return
	}
	s.web.once.drop(token)
	if err := s.g.SignOut(c.r.Context(), token); err != nil {
		s.log.Error("a session could not be ended; it ends by itself when it is idle", "err", err)
	}
}

// handleSignOut ends the session.
func (s *Server) handleSignOut(c *call) error {
	form, err := readForm(c.r)
	if err != nil {
		return err
	}
	s.signOut(c)
	back := localPath(form.Get("return"))
	if low := strings.ToLower(back); strings.Contains(low, "account") || strings.Contains(low, "admin") {
		back = "/" // it would ask to sign in again (R-ACC-14)
	}
	return s.redirect(c, back)
}

// handleLogOn leads the public gallery's address to ours.
func (s *Server) handleLogOn(c *call) error {
	f := ui.Frame{Path: strings.TrimPrefix(ask(c.query(), "returnUrl"), c.address.prefix)}
	return s.redirect(c, f.SignInURL())
}

// handleLogOff signs out by a link, as the public gallery does: but not by a
// link, an image or a redirect of another site.
func (s *Server) handleLogOff(c *call) error {
	asForm := *c.r
	asForm.Method = http.MethodPost
	if err := s.sameOrigin(c, &asForm); err != nil {
		return err
	}
	s.signOut(c)
	return s.redirect(c, "/")
}

// handleAccount leads to the one page that an account has.
func (s *Server) handleAccount(c *call) error {
	return s.redirect(c, ui.Frame{}.KeysURL())
}
