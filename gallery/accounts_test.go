package gallery_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/store/storetest"
)

// TestCredentials is as a table.
func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	live := w.key(gallery.NewKey{Owner: "ann"})
	expired := w.key(gallery.NewKey{Owner: "ann", Expires: w.now.Add(-time.Hour)})
	pushOnly := w.key(gallery.NewKey{Owner: "ann", Scopes: gallery.ScopePush})
	other := w.key(gallery.NewKey{Owner: "ann", Feed: "test"})
	unknown := "ngt_p" + strings.Repeat("0", 46)
	_, revoked, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.RevokeKey(w.ctx(), w.bob, revoked.ID); err != nil {
		t.Fatal(err)
	}
	type cred = gallery.Credentials
	basic := func(user, password string) cred { return cred{HasBasic: true, User: user, Password: password} }
	both := func(key string, c cred) cred { c.APIKey = key; return c }
	for _, tt := range []struct {
		name       string
		c          cred
		read, push string // "": allowed; else the start of the refusal after its kind
	}{
		{"nothing", cred{}, "401 No API key", "401 No API key"},
		{"key in the header", cred{APIKey: live}, "401 No API key", ""},
		{"key as password", basic("any", live), "", ""},
		{"key as user name", basic(live, ""), "", ""},
		{"key as Bearer", cred{Bearer: live}, "", ""},
		{"name and password", basic("Ann", annPassword), "", ""},
		{"address and password", basic("BOB@contoso.com", bobPassword), "", ""},
		{"wrong password", basic("ann", "wrong"), "401 Name or password", "401 Name or password"},
		{"unknown name", basic("nobody", "wrong"), "401 Name or password", "401 Name or password"},
		{"unknown key as password", basic("x", unknown), "401 Name or password", "401 Name or password"},
		{"expired key as password", basic("x", expired), "401 Name or password", "401 Name or password"},
		{"unknown key in the header", cred{APIKey: unknown}, "401 No API key", "403 This API key is not known"},
		{"expired key in the header", cred{APIKey: expired}, "401 No API key", "403 This API key is not known"},
		{"az in the header", cred{APIKey: "az"}, "401 No API key", "403 This API key is not known"},
		{"az and good Basic", both("az", basic("ann", annPassword)), "", ""},
		{"az and a key as password", both("az", basic("x", live)), "", ""},
		{"az and wrong Basic", both("az", basic("ann", "wrong")), "401 Name or password", "403 This API key is not known"},
		{"live key and wrong Basic", both(live, basic("ann", "wrong")), "401 Name or password", ""},
		{"key of another feed", cred{APIKey: other}, "401 No API key", "403 This key belongs to the feed test"},
		{"key of another feed and good Basic", both(other, basic("ann", annPassword)), "", "403 This key belongs to the feed test"},
		{"key of another feed as password", basic("x", other), "403 This key belongs to the feed test", "403 This key belongs to the feed test"},
		{"key without read", basic("x", pushOnly), "403 This key may not read", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := w.ReadActor(w.ctx(), w.main, tt.c)
			if err == nil {
				err = gallery.MayRead(a, w.main)
			}
			wantAnswer(t, "read", err, tt.read)
			_, err = w.PushActor(w.ctx(), w.main, tt.c)
			wantAnswer(t, "push", err, tt.push)
		})
	}
}

func wantAnswer(t *testing.T, act string, err error, want string) {
	t.Helper()
	got := ""
	var e *gallery.Error
	if errors.As(err, &e) {
		got = map[gallery.Kind]string{gallery.Unauthenticated: "401 ", gallery.Forbidden: "403 "}[e.Kind] + e.Msg
	} else if err != nil {
		got = err.Error()
	}
	if want == "" && got != "" || !strings.HasPrefix(got, want) {
		t.Errorf("%s: %q, want %q", act, got, want)
	}
}

// TestPasswordsAreForgotten: a verdict is remembered, but not past a change
// and tries of many passwords close the account to their address only.
func TestPasswordsAreForgotten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := gallery.Credentials{HasBasic: true, User: "bob", Password: bobPassword, Addr: "10.0.0.1"}
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetPassword(w.ctx(), gallery.Operator(), "bob", "another long password", false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReadActor(w.ctx(), w.main, c); gallery.KindOf(err) != gallery.Unauthenticated {
		t.Errorf("the old password works: %v", err)
	}
	for range 50 { // one wrong secret, retried, is one failure
		w.ReadActor(w.ctx(), w.main, c)
	}
	c.Password = "another long password"
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Errorf("the new password: %v", err)
	}
	w.pass(11 * time.Minute) // verdicts are over
	for i := range 10 {
		c.Password = strings.Repeat("x", i+1)
		w.ReadActor(w.ctx(), w.main, c)
	}
	c.Password = "another long password"
	_, err := w.ReadActor(w.ctx(), w.main, c)
	wantKind(t, err, gallery.TooMany, "Try again in 1 minute.")
	c.Addr = "10.0.0.2"
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Errorf("from another address: %v", err)
	}
}

// Guesses that are sent at once are counted like others.
func TestGuessesAtOnce(t *testing.T) { // SM-16
	t.Parallel()
	w := newWorld(t)
	var wrong, wait atomic.Int32
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, _, err := w.SignIn(w.ctx(), "bob", fmt.Sprintf("guess number %d", i), "10.0.0.1", "")
			switch gallery.KindOf(err) {
			case gallery.Unauthenticated:
				wrong.Add(1)
			case gallery.TooMany:
				wait.Add(1)
			}
		})
	}
	all.Wait()
	if wrong.Load() != 10 || wait.Load() != 40 {
		t.Errorf("of 50 guesses %d were looked at and %d told to wait; want 10 and 40", wrong.Load(), wait.Load())
	}
}

func TestAccountTriedBeforeItIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := gallery.Credentials{HasBasic: true, User: "eve", Password: "eve has a long password", Addr: "10.0.0.1"}
	if _, err := w.ReadActor(w.ctx(), w.main, c); gallery.KindOf(err) != gallery.Unauthenticated {
		t.Fatal(err)
	}
	if _, _, err := w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "eve", Password: c.Password}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Errorf("the new account: %v", err)
	}
}

func TestSessions(t *testing.T) { // R-ACC-11
	t.Parallel()
	w := newWorld(t)
	if _, _, err := w.SignIn(w.ctx(), "ann", "wrong", "", ""); gallery.KindOf(err) != gallery.Unauthenticated {
		t.Fatal(err)
	}
	token, a, err := w.SignIn(w.ctx(), "ANN", annPassword, "127.0.0.1", "browser")
	if err != nil || a.Name != "ann" || !a.Admin {
		t.Fatal(a, err)
	}
	for range 70 { // used every eleven hours it lives until it is 30 days old
		if _, err := w.SessionActor(w.ctx(), token); err != nil {
			if w.now.Sub(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)) <= 30*24*time.Hour {
				t.Fatalf("after %v: %v", w.now, err)
			}
			break
		}
		w.pass(11 * time.Hour)
	}
	if _, err := w.SessionActor(w.ctx(), token); !errors.Is(err, gallery.ErrNotFound) {
		t.Error("a session outlives 30 days")
	}
	idle, _, _ := w.SignIn(w.ctx(), "ann", annPassword, "", "")
	w.pass(13 * time.Hour)
	if _, err := w.SessionActor(w.ctx(), idle); !errors.Is(err, gallery.ErrNotFound) {
		t.Error("a session outlives 12 idle hours")
	}
	out, _, _ := w.SignIn(w.ctx(), "ann", annPassword, "", "")
	changed, _, _ := w.SignIn(w.ctx(), "ann", annPassword, "", "")
	if err := w.SignOut(w.ctx(), out); err != nil {
		t.Fatal(err)
	}
	if err := w.SignOut(w.ctx(), out); err != nil {
		t.Error("signing out twice:", err)
	}
	if _, err := w.SessionActor(w.ctx(), out); !errors.Is(err, gallery.ErrNotFound) {
		t.Error("a session outlives signing out")
	}
	if _, err := w.SetPassword(w.ctx(), gallery.Operator(), "ann", "yet another password", false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SessionActor(w.ctx(), changed); !errors.Is(err, gallery.ErrNotFound) {
		t.Error("a session outlives a change of password")
	}
}

// However often somebody signs in, the account has a bounded number of sessions,
// and a change of password ends all of them.
func TestManySessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.person("bob")
	var tokens []string
	for range 150 {
		token, err := w.StartSession(w.ctx(), bob)
		if err != nil {
			t.Fatal(err)
		}
		tokens = append(tokens, token)
		w.pass(time.Second)
	}
	live := func() (n int) {
		for _, token := range tokens {
			if _, err := w.SessionActor(w.ctx(), token); err == nil {
				n++
			}
		}
		return n
	}
	if _, err := w.SessionActor(w.ctx(), tokens[50]); live() != 100 || err != nil {
		t.Errorf("%d sessions are live, the hundredth newest: %v", live(), err)
	}
	if _, err := w.SetPassword(w.ctx(), gallery.Operator(), "bob", "another long password", false); err != nil {
		t.Fatal(err)
	}
	if n := live(); n != 0 {
		t.Errorf("%d sessions outlive a change of password", n)
	}
}

func TestSetUpOnce(t *testing.T) { // Q-07, UX-01
	w := &world{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w.store, w.blobs = storetest.Open(t)
	w.open()
	if w.AnyAccount() {
		t.Fatal("an account exists")
	}
	a, err := w.SetUp(w.ctx(), gallery.NewAccount{Name: "admin", Password: annPassword}, map[string]string{"site.name": "Contoso"})
	if err != nil || !a.Admin || !w.AnyAccount() {
		t.Fatal(a, err)
	}
	_, err = w.SetUp(w.ctx(), gallery.NewAccount{Name: "mallory", Password: annPassword}, map[string]string{"site.name": "Mine"})
	wantKind(t, err, gallery.Forbidden, "only before the first one")
	if saved, _ := w.SavedSettings(w.ctx()); saved["site.name"] != "Contoso" {
		t.Errorf("settings %v", saved)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, _, err := w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "BOB", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "The username BOB is not available.") // R-ACC-02
	_, _, err = w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "carol", Email: "Bob@Contoso.com", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "This address cannot be used.") // R-ACC-04
	_, _, err = w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: "carol", Email: "not an address", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "email address")
	all, err := w.Accounts(w.ctx(), gallery.Operator())
	if err != nil || len(all) != 2 || all[0].Name != "ann" || !all[0].Admin || all[1].Admin {
		t.Errorf("accounts %v, %v", all, err)
	}
	if !strings.HasPrefix(all[0].Password, "$argon2id$v=19$m=19456,t=2,p=1$") { // R-ACC-08
		t.Errorf("hash %s", all[0].Password)
	}
}
