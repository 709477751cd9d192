package server

import (
	"crypto/subtle"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

// The settings that set-up saves, as the configuration names them.
const (
	settingBrand = "site.name"
	settingURL   = "url"
	settingRead  = "access.read"

	readAnyone   = "anyone"
	readSignedIn = "signed-in"
)

// setUpOpen reports whether the link works: it is this start's, and nobody has
// an account yet.
func (s *Server) setUpOpen(c *call) bool {
	token := s.o.SetupToken
	return token != "" && !s.g.AnyAccount() && subtle.ConstantTimeCompare([]byte(c.param("token")), []byte(token)) == 1
}

// setUpFrame has no links and does not repeat the address of the page, which is
// a secret until the set-up is done.
func (s *Server) setUpFrame(c *call) ui.Frame {
	f := s.frame(c)
	f.Bare, f.Path = true, ""
	return f
}

// setUpGone answers a link that does not work, or not any more.
func (s *Server) setUpGone(c *call) error {
	return s.show(c, http.StatusNotFound, ui.SetupLinkDead(s.setUpFrame(c)))
}

// handleSetUpPage shows the form of the first run (UX-01).
func (s *Server) handleSetUpPage(c *call) error {
	if !s.setUpOpen(c) {
		return s.setUpGone(c)
	}
	return s.show(c, http.StatusOK, s.setUpPage(c))
}

// setUpPage holds what is in force, as the answers to begin with.
func (s *Server) setUpPage(c *call) ui.SetupPage {
	p := ui.SetupPage{
		Frame:        s.setUpFrame(c),
		Token:        s.o.SetupToken,
		SiteName:     s.brand(),
		URL:          c.address.base,
		Read:         readSignedIn,
		PasswordRule: ui.PasswordRule,
		Fixed:        map[string]bool{},
	}
	if c.feed.OpenToRead {
		p.Read = readAnyone
	}
	for setting, field := range map[string]string{settingBrand: "brand", settingURL: "url", settingRead: "read"} {
		if _, fixed := s.o.Fixed[setting]; fixed {
			p.Fixed[field] = true
		}
	}
	return p
}

// handleSetUp makes the first account, saves the settings, signs in, makes a
// first key, and leads to the Connect page, which shows it once.
func (s *Server) handleSetUp(c *call) error {
	form, err := readForm(c.r)
	if err != nil {
		return err
	}
	if !s.setUpOpen(c) {
		return s.setUpGone(c)
	}
	p := s.setUpPage(c)
	p.Name = nuget.Cut(strings.TrimSpace(form.Get("name")), 100)
	first := gallery.NewAccount{Name: p.Name, Password: form.Get("password"), Admin: true}
	saved, wrong := s.readSettings(c, form, &p)
	p.Errors = fieldErrors(s.g.CheckSetUp(first, saved))
	maps.Copy(p.Errors, wrong)
	if len(p.Errors) > 0 {
		return s.show(c, http.StatusUnprocessableEntity, p)
	}
	account, err := s.g.SetUp(c.r.Context(), first, saved)
	if gallery.KindOf(err) == gallery.Forbidden {
		return s.setUpGone(c) // somebody was faster
	}
	if err != nil {
		return err
	}
	s.log.Info("the gallery was set up", "account", account.Name)
	if err := s.putInForce(saved); err != nil {
		s.log.Error("what set-up saved is not in force before the next start", "err", err)
	}
	return s.welcome(c, account)
}

// readSettings reads the answers about the gallery, but for those that file,
// environment or command line settle, and says what is wrong with them.
func (s *Server) readSettings(c *call, form url.Values, p *ui.SetupPage) (saved map[string]string, wrong ui.Errors) {
	saved, wrong = map[string]string{}, ui.Errors{}
	if !p.Fixed["brand"] {
		name, err := gallery.SiteName(form.Get("brand"))
		p.SiteName = name
		if err != nil {
			p.SiteName = nuget.Cut(form.Get("brand"), 1000)
			maps.Copy(wrong, fieldErrors(err))
		}
		saved[settingBrand] = name
	}
	if !p.Fixed["url"] {
		p.URL = strings.TrimRight(strings.TrimSpace(form.Get("url")), "/")
		// A loopback address that was left as it was guessed is not pinned: the port
		// may be another at the next start.
		if p.URL != "" && !(p.URL == c.address.base && loopback(p.URL)) {
			address, err := PublicURL(p.URL)
			if err != nil {
				wrong["url"] = ui.AddressWrong
			}
			saved[settingURL] = address
		}
	}
	if !p.Fixed["read"] {
		p.Read = readSignedIn
		if form.Get("read") == readAnyone {
			p.Read = readAnyone
		}
		saved[settingRead] = p.Read
	}
	return saved, wrong
}

// loopback reports whether an address reaches only this machine.
func loopback(address string) bool {
	u, err := url.Parse(address)
	return err == nil && gallery.IsLoopback(u.Hostname())
}

// putInForce applies what was saved while the server runs.
func (s *Server) putInForce(saved map[string]string) error {
	brand, address := s.o.Brand, s.o.URL
	if s.o.Saved != nil {
		brand, address = s.o.Saved(saved)
	} else {
		if v, ok := saved[settingBrand]; ok {
			brand = v
		}
		if v, ok := saved[settingURL]; ok {
			address = v
		}
		if v, ok := saved[settingRead]; ok {
			for _, f := range s.g.Feeds() {
				s.g.SetOpenToRead(f.Name, v == readAnyone)
			}
		}
	}
	return s.configure(brand, address)
}

// welcome signs the first person in and hands over a first key.
func (s *Server) welcome(c *call, account *gallery.Account) error {
	ctx, r := c.r.Context(), c.r
	actor, err := s.g.PersonActor(ctx, account.No, s.clientAddr(r), clientProduct(r.UserAgent()))
	if err != nil {
		return err
	}
	token, err := s.g.StartSession(ctx, actor)
	if err != nil {
		return err
	}
	setSession(c, token)
	secret, key, err := s.g.AddKey(ctx, actor, gallery.NewKey{Name: ui.FirstKeyName, Scopes: gallery.AllScopes})
	if err != nil {
		s.log.Error("the first key could not be made; make one on the page of API keys", "err", err)
		return s.redirect(c, ui.Frame{}.ConnectURL())
	}
	s.web.once.put(token, once{key: shownKey(secret, key, c.feed.Name), setUp: true})
	return s.redirect(c, ui.Frame{}.ConnectURL())
}
