package server

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"nougat/gallery"
	"nougat/ui"
)

// web is what the pages keep in memory.
type web struct {
	// Both lock themselves.
	once    onces
	buffers sync.Pool // *bytes.Buffer: pages that are drawn and sent

	// texts are slots for texts of packages, each of which takes a hundred times its
	// size until its page is drawn. Nothing is written to a client in one.
	texts slots
}

const textSlots = 8

func newWeb() *web {
	return &web{
		buffers: sync.Pool{New: func() any { return new(bytes.Buffer) }},
		texts:   newSlots(textSlots),
	}
}

// frame fills what every page shows around its own content, but for the notice.
func (s *Server) frame(c *call) ui.Frame {
	r := c.r
	f := ui.Frame{
		Brand:     s.brand(),
		Base:      c.address.prefix,
		Feed:      c.feed.Name,
		FeedRoot:  strings.TrimPrefix(c.root, c.address.base),
		TestFeed:  c.feed.Kind == gallery.TestFeed,
		CanSignIn: s.g.AnyAccount(),
		Bare:      gallery.MayRead(c.actor, c.feed) != nil,
		Theme:     themeOf(r),
		Version:   s.o.Version,
		Now:       s.g.Now(),
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		f.Path = r.URL.RequestURI()
	}
	if c.actor.SignedIn() {
		f.User = &ui.UserLink{Name: c.actor.Name, Admin: c.actor.Admin}
	}
	for i, feed := range s.g.Feeds() {
		if gallery.MayRead(c.actor, feed) == nil {
			f.Feeds = append(f.Feeds, ui.FeedLink{Name: feed.Name, Root: feedRoot(i, feed.Name)})
		}
	}
	return f
}

// takeNotice takes the sentence that waits for the next page of this session, ""
// without one. It is called when nothing but drawing can keep the page from its
// reader.
func (s *Server) takeNotice(c *call) string {
	if c.r.Method != http.MethodGet || !c.actor.SignedIn() {
		return ""
	}
	return s.web.once.notice(sessionToken(c.r))
}

// The headers of every page, which let it load, run and frame nothing from
// elsewhere (R-ACC-18). The policy for referrers keeps addresses
// of this gallery from other sites, but leaves forms their Origin, which
// sameOrigin compares.
var (
	pagePolicy   = []string{ui.ContentSecurityPolicy}
	filePolicy   = []string{"default-src 'none'; sandbox; frame-ancestors 'none'"}
	denyFrames   = []string{"DENY"}
	sameReferrer = []string{"same-origin"}
	onlyTLS      = []string{"max-age=31536000"}
)

// guard sets the headers that keep what a browser shows from being misused.
func guard(c *call, policy []string) {
	h := c.header()
	h["Content-Security-Policy"] = policy
	h["X-Frame-Options"] = denyFrames
	h["Referrer-Policy"] = sameReferrer
	if c.secure() {
		h["Strict-Transport-Security"] = onlyTLS
	}
}

// show draws a page and sends it.
func (s *Server) show(c *call, status int, page ui.Page) error {
	b := s.buffer()
	defer s.web.buffers.Put(b)
	if err := s.o.Pages.Render(b, page); err != nil {
		return err
	}
	return s.sendPage(c, status, b)
}

// buffer is an empty one to draw a page into, which goes back to web.buffers once
// that is sent.
func (s *Server) buffer() *bytes.Buffer {
	b := s.web.buffers.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

// sendPage sends a page that was drawn. Pages that name a person, and errors, are
// not kept anywhere; others only by the browser, which asks again.
func (s *Server) sendPage(c *call, status int, page *bytes.Buffer) error {
	guard(c, pagePolicy)
	life := privateRevalidate
	if c.actor.SignedIn() || status != http.StatusOK {
		life = noStore
	}
	return s.html(c, status, life, page.Bytes())
}

// redirect leads to a path below the base, as an answer to a form or from
// another form of the same address.
func (s *Server) redirect(c *call, to string) error {
	c.header()["Location"] = []string{c.address.prefix + to}
	guard(c, pagePolicy)
	return s.send(c, http.StatusSeeOther, noStore, nil)
}

// underBase takes the base off an address that a method of ui.Frame made.
func underBase(f ui.Frame, address string) string { return strings.TrimPrefix(address, f.Base) }

// ask returns a parameter of the query, whose name ignores case.
func ask(values url.Values, name string) string {
	if v, ok := values[name]; ok {
		return v[0]
	}
	for key, v := range values {
		if strings.EqualFold(key, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// themeCookie holds the theme that was pinned.
const (
	themeCookie = "nougat_theme"
	themeDays   = 365
)

func themeOf(r *http.Request) string {
	k, err := r.Cookie(themeCookie)
	if err == nil && (k.Value == "light" || k.Value == "dark") {
		return k.Value
	}
	return ""
}

// handleTheme pins the theme, or with an empty one follows the system again.
func (s *Server) handleTheme(c *call) error {
	form, err := readForm(c.r)
	if err != nil {
		return err
	}
	theme := form.Get("theme")
	k := &http.Cookie{Name: themeCookie, Value: theme, MaxAge: themeDays * 24 * 60 * 60}
	switch theme {
	case "light", "dark":
	case "":
		k.MaxAge = -1
	default:
		return &gallery.Error{Kind: gallery.Invalid, Op: "theme", Msg: "A theme is light, dark, or empty for the one of the system."}
	}
	setCookie(c, k)
	return s.redirect(c, localPath(form.Get("return")))
}

// setCookie sends a cookie that only this gallery's requests carry.
func setCookie(c *call, k *http.Cookie) {
	k.Path = c.address.prefix + "/"
	k.HttpOnly = true
	k.SameSite = http.SameSiteLaxMode
	k.Secure = c.byTLS() || strings.HasPrefix(k.Name, "__")
	http.SetCookie(c.w, k)
}
