package server_test

import (
	"net/http"
	"strings"
	"testing"

	"nougat/gallery"
	"nougat/server"
)

func TestKeysPage(t *testing.T) { // UX-12
	t.Parallel()
	w := openWebsite(t, nil)
	_, bob := w.people()
	v := w.signedIn("bob", bobPassword)
	page := v.get("/account/apikeys").is(http.StatusOK).says("main", "You have no keys yet")

	v.submit(page, "/account/apikeys", "name", "", "scopes", "push").is(http.StatusUnprocessableEntity).says("#f-name-error", "name")
	v.post("/account/apikeys", "name", "build", "days", "365", "feed", "main").is(http.StatusUnprocessableEntity).says("#f-scopes-error", "Choose at least one")
	v.post("/account/apikeys", "name", "build", "days", "soon", "scopes", "push").is(http.StatusUnprocessableEntity).says("#f-days-error", "how long")
	v.post("/account/apikeys", "name", "build", "days", "366", "scopes", "push").is(http.StatusUnprocessableEntity).says("#f-days-error", "at most 365 days")
	v.post("/account/apikeys", "name", "build", "days", "0", "scopes", "push").is(http.StatusUnprocessableEntity)
	v.post("/account/apikeys", "name", "build", "days", "1", "scopes", "push", "feed", "nightly").is(http.StatusUnprocessableEntity).says("#f-feed-error", "no feed nightly")
	v.post("/account/apikeys", "name", strings.Repeat("n", 101), "days", "1", "packages", "a/b").is(http.StatusUnprocessableEntity).
		says("#f-name-error", "100 characters").says("#f-scopes-error", "Choose").says("#f-packages-error", "letters") // all at once
	wrong := v.submit(page, "/account/apikeys", "name", "build", "scopes", "push", "packages", "Contoso/*").is(http.StatusUnprocessableEntity).says("#f-packages-error", "letters")
	if id := wrong.Find("[autofocus]").First().AttrOr("id", ""); id != "f-packages" {
		t.Errorf("the focus goes to %q, not to the field that is wrong", id)
	}
	if wrong.Find("input[name=packages]").AttrOr("value", "") != "Contoso/*" || wrong.Find("input[name=name]").AttrOr("value", "") != "build" {
		t.Error("what was typed is not kept")
	}

	made := v.submit(page, "/account/apikeys", "name", "build server", "scopes", "pushversion", "scopes", "unlist", "packages", "Contoso.*, App.Core\nX", "days", "90", "feed", "test").is(http.StatusOK)
	key := keyForm.FindString(made.Find(".new").Text())
	if !strings.HasPrefix(key, "ngt_t") {
		t.Fatalf("the key of the test feed is %q:\n%s", key, made.body)
	}
	made.says(".command", "--api-key "+key).says(".rows", "build server", "Contoso.*", "App.Core", "X")
	v.get("/account/apikeys").lacks(key).says(".rows", "never used")

	k, err := w.PushActor(t.Context(), w.test, gallery.Credentials{APIKey: key, Addr: "10.1.2.3", Client: "NuGet xplat/7.9.0"})
	if err != nil || k.Name != "bob" || k.Key.Scopes != gallery.ScopePushVersion|gallery.ScopeUnlist || k.Key.Days != 90 || len(k.Key.Packages) != 3 {
		t.Errorf("the key that was made: %+v, %v", k, err)
	}

	v.get("/account/apikeys").says(".rows", "last used", "by NuGet xplat/7.9.0 from 10.1.2.3") // R-KEY-13

	// Others neither see nor end it.
	ann := w.signedIn("ann", annPassword)
	ann.get("/account/apikeys").lacks(k.Key.ID)
	if _, _, err := w.AddAccount(t.Context(), gallery.Operator(), gallery.NewAccount{Name: "cid", Password: "cid has a long password"}); err != nil {
		t.Fatal(err)
	}
	w.signedIn("cid", "cid has a long password").post("/account/apikeys/"+k.Key.ID+"/revoke", "", "").is(http.StatusForbidden)
	v.post("/account/apikeys/xxxxxxxx/revoke", "", "").is(http.StatusNotFound).says("main", "xxxxxxxx", "Nothing was changed")

	v.submit(v.get("/account/apikeys"), "/account/apikeys/"+k.Key.ID+"/revoke").is(http.StatusOK).says("[role=status]", "revoked").says(".rows", "Revoked")
	if _, err := w.PushActor(t.Context(), w.test, gallery.Credentials{APIKey: key}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a revoked key: %v", err)
	}
	_ = bob
}

func TestKeyLifetimes(t *testing.T) { // R-KEY-09
	t.Parallel()
	for most, want := range map[int]string{365: "1 90 180 270 365", 0: "1 90 180 270 365 0", 30: "1 30", 400: "1 90 180 270 365 400"} {
		w := openWebsite(t, func(g *gallery.Options, _ *server.Options) { g.KeyMaxDays = most })
		w.people()
		page := w.signedIn("bob", bobPassword).get("/account/apikeys")
		got := strings.Join(page.Find("select[name=days] option").Map(func(_ int, o *goquerySelection) string { return o.AttrOr("value", "") }), " ")
		if got != want {
			t.Errorf("keys.max_days %d offers %s, want %s", most, got, want)
		}
		if chosen := page.Find("select[name=days] option[selected]").AttrOr("value", ""); most >= 365 && chosen != "365" || most == 30 && chosen != "30" {
			t.Errorf("keys.max_days %d begins with %q", most, chosen)
		}
	}
}

// A key is shown to the session that made it and to no other, even of the same
// person.
func TestKeyIsShownToItsSessionAlone(t *testing.T) {
	t.Parallel()
	w := openWebsite(t, nil)
	w.people()
	one, two := w.signedIn("bob", bobPassword), w.signedIn("bob", bobPassword)
	one.post("/account/apikeys", "name", "build", "days", "1", "scopes", "push").leadsTo("/account/apikeys")
	if got := two.get("/account/apikeys"); keyForm.MatchString(got.body) {
		t.Error("another session sees the key")
	}
	head, err := one.client.Do(one.request("HEAD", "/account/apikeys", nil))
	if err != nil || head.StatusCode != 200 {
		t.Fatal(head, err)
	}
	if got := one.get("/account/apikeys"); !keyForm.MatchString(got.body) {
		t.Error("the session that made the key does not see it")
	}
}
