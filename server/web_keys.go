package server

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nougat/gallery"
	"nougat/nuget"
	"nougat/ui"
)

// keyDays are the lifetimes to choose from, in days (R-KEY-09).
var keyDays = []int{1, 90, 180, 270, 365}

// shownKey is a key at the one moment its value is known.
func shownKey(secret string, k *gallery.Key, feed string) *ui.NewKey {
	return &ui.NewKey{
		Value: secret, Name: k.Name, Feed: feed, Expires: k.Expires,
		MayPush: k.Scopes&(gallery.ScopePush|gallery.ScopePushVersion) != 0,
	}
}

// handleKeys lists the keys of the account and shows one that was just made,
// once (UX-12).
func (s *Server) handleKeys(c *call) error {
	days := s.keyDays()
	scopes := gallery.ScopePush
	if !c.feed.OpenToRead {
		scopes |= gallery.ScopeRead // the source is added with the same key
	}
	form := ui.KeyForm{Days: days[len(days)-1], Feed: c.feed.Name, Scopes: scopes.Names()}
	if i := slices.Index(days, 365); i >= 0 {
		form.Days = 365
	}
	p, err := s.keysPage(c, form)
	if err != nil {
		return err
	}
	if c.r.Method == http.MethodGet {
		if p.New, _ = s.web.once.key(sessionToken(c.r)); p.New != nil {
			p.Source = ui.SourceName(s.brand(), p.New.Feed)
			p.Index = s.indexOf(c, p.New.Feed)
			if f, ok := s.g.Feed(p.New.Feed); ok {
				p.Private = !f.OpenToRead
			}
		}
	}
	p.Notice = s.takeNotice(c)
	return s.show(c, http.StatusOK, p)
}

func (s *Server) keysPage(c *call, form ui.KeyForm) (ui.KeysPage, error) {
	keys, err := s.g.KeysOf(c.r.Context(), c.actor)
	if err != nil {
		return ui.KeysPage{}, err
	}
	p := ui.KeysPage{Frame: s.frame(c), Form: form, Days: s.keyDays(), Feeds: s.feedNames}
	p.Path = underBase(p.Frame, p.KeysURL()) // also when the form is shown again
	for _, k := range keys {
		p.Keys = append(p.Keys, ui.KeyRow{
			ID: k.ID, Name: k.Name, Feed: k.FeedName, Scopes: k.Scopes.Names(), Packages: k.Packages,
			Created: k.Created, Expires: k.Expires, LastUsed: k.Use.Time, LastClient: k.Use.Client, LastAddr: k.Use.Addr, Revoked: !k.Revoked.IsZero(),
		})
	}
	return p, nil
}

// keyDays are the choices that keys.max_days leaves; 0 is "never", where it is
// allowed.
func (s *Server) keyDays() []int {
	most := s.g.KeyMaxDays()
	if most == 0 {
		return append(slices.Clone(keyDays), 0)
	}
	days := slices.DeleteFunc(slices.Clone(keyDays), func(d int) bool { return d > most })
	if !slices.Contains(days, most) {
		days = append(days, most)
	}
	return days
}

// indexOf is the source address of a feed.
func (s *Server) indexOf(c *call, feed string) string {
	root := c.root
	if i := slices.Index(s.feedNames, feed); i >= 0 {
		root = c.address.roots[i]
	}
	return indexURL(root)
}

// handleNewKey makes a key. The page that follows shows it.
func (s *Server) handleNewKey(c *call) error {
	posted, err := readForm(c.r)
	if err != nil {
		return err
	}
	form, wanted, wrong := readKeyForm(posted)
	p, err := s.keysPage(c, form)
	if err != nil {
		return err
	}
	p.Errors = fieldErrors(s.g.CheckKey(wanted))
	maps.Copy(p.Errors, wrong)
	if len(p.Errors) > 0 {
		return s.show(c, http.StatusUnprocessableEntity, p)
	}
	secret, key, err := s.g.AddKey(c.r.Context(), c.actor, wanted)
	if err != nil {
		return err
	}
	s.log.Info("key made", "key", key.ID, "by", c.actor.Name)
	s.web.once.put(sessionToken(c.r), once{key: shownKey(secret, key, cmp.Or(wanted.Feed, s.feedNames[0]))})
	return s.redirect(c, ui.Frame{}.KeysURL())
}

// readKeyForm reads the form that makes a key.
func readKeyForm(posted url.Values) (ui.KeyForm, gallery.NewKey, ui.Errors) {
	form := ui.KeyForm{
		Name:     nuget.Cut(strings.TrimSpace(posted.Get("name")), 1000),
		Feed:     posted.Get("feed"),
		Scopes:   posted["scopes"],
		Packages: nuget.Cut(posted.Get("packages"), 10_000),
	}
	scopes, err := gallery.ParseScopes(form.Scopes)
	wrong := fieldErrors(err)
	if form.Days, err = strconv.Atoi(posted.Get("days")); err != nil || form.Days < 0 {
		wrong["days"] = ui.DaysMissing
	}
	if form.Name == "" {
		wrong["name"] = ui.KeyNameMissing
	}
	between := func(r rune) bool { return r == ',' || r == ';' || r <= ' ' }
	return form, gallery.NewKey{
		Name: form.Name, Feed: form.Feed, Scopes: scopes, Packages: strings.FieldsFunc(form.Packages, between), Days: form.Days, HasDays: true,
	}, wrong
}

// handleRevokeKey ends a key now.
func (s *Server) handleRevokeKey(c *call) error {
	id := c.param("key")
	if err := s.g.RevokeKey(c.r.Context(), c.actor, id); err != nil {
		return err
	}
	s.log.Info("key revoked", "key", id, "by", c.actor.Name)
	s.web.once.put(sessionToken(c.r), once{text: ui.KeyRevoked})
	return s.redirect(c, ui.Frame{}.KeysURL())
}
