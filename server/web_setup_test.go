package server_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"nougat/gallery"
	"nougat/server"
)

var keyForm = regexp.MustCompile(`ngt_[pt][0-9A-Za-z]{46}`)

// closed makes the feeds readable for people with an account only.
func closed(g *gallery.Options, o *server.Options) {
	for i := range g.Feeds {
		g.Feeds[i].OpenToRead = false
	}
}

func TestSetUp(t *testing.T) { // Q-07, UX-01
	t.Parallel()
	w := openWebsite(t, func(g *gallery.Options, o *server.Options) { closed(g, o); o.Brand = "" })
	v := w.visitor()

	v.get("/setup/another-token").is(http.StatusNotFound).says("h1", "This set-up link is not valid any more").lacks("Sign in")
	v.get("/account/signin").is(http.StatusNotFound).says("h1", "Nobody has an account")
	v.post("/setup/another-token", "name", "eve", "password", "a long enough password").is(http.StatusNotFound)

	const link = "/setup/" + setupToken
	page := v.get(link).is(http.StatusOK).says("h1", "Set up")
	if got := page.Find("input[name=url]").AttrOr("value", ""); got != w.url {
		t.Errorf("the address is guessed as %q, want %q", got, w.url)
	}
	if page.Find("input[name=read][checked]").AttrOr("value", "") != "signed-in" {
		t.Error("who may read does not begin with what is in force")
	}
	if strings.Contains(page.Find(".foot").Text()+page.Find(".foot input").AttrOr("value", ""), setupToken) {
		t.Error("the theme form repeats the set-up link")
	}

	wrong := v.submit(page, link, "name", "ann", "password", "short", "brand", "Contoso packages", "read", "anyone")
	wrong.is(http.StatusUnprocessableEntity).says("#f-password-error", "10 to 128 characters").lacks("short\"")
	if wrong.Find("input[name=brand]").AttrOr("value", "") != "Contoso packages" || wrong.Find("input[name=read][checked]").AttrOr("value", "") != "anyone" {
		t.Error("what was typed is not kept")
	}
	v.submit(page, link, "name", "a b", "password", annPassword).is(http.StatusUnprocessableEntity).says("#f-name-error", "Names start and end")
	v.submit(page, link, "name", "ann", "password", annPassword, "brand", " ").is(http.StatusUnprocessableEntity).says("#f-brand-error", "name")
	v.submit(page, link, "name", "ann", "password", annPassword, "url", "packages").is(http.StatusUnprocessableEntity).says("#f-url-error", "https://")
	v.submit(page, link, "name", "ann", "password", "Fabrikam Feeds", "brand", "Fabrikam  feeds").is(http.StatusUnprocessableEntity).says("#f-password-error", "too easy")
	v.submit(page, link, "name", "", "password", "short", "brand", "", "url", "x").is(http.StatusUnprocessableEntity).
		says("#f-name-error", "Names").says("#f-password-error", "10").says("#f-brand-error", "name").says("#f-url-error", "https://")
	if w.AnyAccount() {
		t.Fatal("a refused form made an account")
	}

	done := v.submit(page, link, "name", "ann", "password", annPassword, "brand", "Contoso packages", "read", "anyone").is(http.StatusOK)
	done.says("h1", "Your gallery is ready").says(".brand", "Contoso packages").says("summary", "ann")
	key := keyForm.FindString(done.Text())
	if key == "" || !strings.Contains(done.Find(".command code").Text(), "--api-key "+key) {
		t.Fatalf("the first key is not in the push command:\n%s", done.body)
	}
	if strings.Contains(done.url.String(), "ngt_") {
		t.Error("the key stands in an address")
	}
	v.get("/connect").is(http.StatusOK).lacks(key).says("h1", "Connect")
	if log := w.log.String(); strings.Contains(log, key) || strings.Contains(log, setupToken) || strings.Contains(log, annPassword) {
		t.Errorf("the log holds a secret:\n%s", log)
	}
	v.get(link).is(http.StatusNotFound).says("h1", "not valid any more").says("main", "has been set up")
	if ann := w.person("ann"); !ann.Admin {
		t.Error("the first account is no administrator")
	}

	saved, err := w.SavedSettings(t.Context())
	if err != nil || saved["site.name"] != "Contoso packages" || saved["access.read"] != "anyone" || saved["url"] != "" {
		t.Errorf("saved: %v, %v; a guessed loopback address must not be pinned", saved, err)
	}
	// What was chosen is in force at once: anybody may read now.
	w.visitor().get("/").is(http.StatusOK).says(".brand", "Contoso packages")
	a, err := w.PushActor(t.Context(), w.main, gallery.Credentials{APIKey: key})
	if err != nil || a.Name != "ann" || a.Key.Scopes != gallery.AllScopes {
		t.Errorf("the first key: %v, %v", a, err)
	}
}

func TestSetUpKeepsWhatIsFixed(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, func(g *gallery.Options, o *server.Options) {
		o.Fixed = map[string]string{"site.name": "NOUGAT_SITE_NAME", "access.read": "config.toml"}
	})
	v := w.visitor()
	page := v.get("/setup/" + setupToken).is(http.StatusOK)
	if _, readonly := page.Find("input[name=brand]").Attr("readonly"); !readonly {
		t.Error("a fixed name can be typed over")
	}
	v.post("/setup/"+setupToken, "name", "ann", "password", annPassword, "brand", "Other", "read", "signed-in",
		"url", "https://packages.example.org/nuget/").leadsTo("/connect")
	saved, _ := w.SavedSettings(t.Context())
	if len(saved) != 1 || saved["url"] != "https://packages.example.org/nuget" {
		t.Errorf("saved: %v, want the address alone", saved)
	}
	w.visitor().get("/connect").is(http.StatusOK).says(".brand", "Contoso packages").says("main", "https://packages.example.org/nuget/v3/index.json")
}

func TestSetUpAsksTheConfigurationWhatIsInForce(t *testing.T) {
	t.Parallel()
	var got map[string]string
	w := openWebsite(t, func(g *gallery.Options, o *server.Options) {
		o.Saved = func(saved map[string]string) (string, string) {
			got = saved
			return "From the environment", ""
		}
	})
	w.visitor().post("/setup/"+setupToken, "name", "ann", "password", annPassword, "brand", "Typed", "read", "signed-in", "url", "").leadsTo("/connect")
	if got["site.name"] != "Typed" || got["access.read"] != "signed-in" {
		t.Errorf("saved: %v", got)
	}
	w.visitor().get("/").says(".brand", "From the environment")
}

func TestSetUpIsOverWithTheFirstAccount(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	v := w.visitor()
	v.get("/setup/"+setupToken).is(http.StatusNotFound).says("main", "Sign in")
	v.post("/setup/"+setupToken, "name", "eve", "password", "eve has a long password", "brand", "Evil", "read", "anyone").is(http.StatusNotFound)
	if _, err := w.AccountByName(t.Context(), "eve"); gallery.KindOf(err) != gallery.NotFound {
		t.Error("a dead link made an account")
	}
	w.visitor().get("/").says(".brand", "Contoso packages")
}
