package gallery_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

const (
	keyUnknown = "This API key is not known here, was revoked, or has expired." // M-02
	bobLocked  = "The account bob is locked. Contact an administrator."         // M-09
)

// hooked runs a function in the middle of a body.
type hooked struct {
	io.Reader
	middle func()
	read   bool
}

func (h *hooked) Read(b []byte) (int, error) {
	if !h.read {
		h.read = true
		n, err := h.Reader.Read(b[:min(len(b), 10)])
		h.middle()
		return n, err
	}
	return h.Reader.Read(b)
}

// arrive begins an upload of spec with what c brings and calls middle while it
// arrives; it returns where the upload ended.
func (w *world) arrive(f *gallery.Feed, c gallery.Credentials, s pack.Spec, middle func()) (received, published error) {
	w.t.Helper()
	a, err := w.PushActor(w.ctx(), f, c)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := w.BeginUpload(a, f, gallery.Incoming{Length: -1})
	if err != nil {
		w.t.Fatal(err)
	}
	defer u.Discard()
	if err := u.Receive(w.ctx(), &hooked{Reader: bytes.NewReader(pack.Nupkg(s)), middle: middle}); err != nil {
		return err, nil
	}
	_, err = u.Publish(w.ctx())
	return nil, err
}

// nothingStays holds that a refused push left no record and no file.
func (w *world) nothingStays(f *gallery.Feed, id string) {
	w.t.Helper()
	if _, err := w.Package(w.ctx(), f, id); gallery.KindOf(err) != gallery.NotFound {
		w.t.Errorf("the package %s is there (%v)", id, err)
	}
	err := w.blobs.List(w.ctx(), func(h gallery.Hash, _ int64) error {
		w.t.Errorf("the file %.8v is there", h)
		return nil
	})
	if err != nil {
		w.t.Error(err)
	}
	w.verify()
}

// What happens to a key or its account while an upload arrives counts: the push
// is refused at once, and nothing stays.
func TestChangedWhileArriving(t *testing.T) {
	spec := pack.Spec{ID: "Contoso.Late", Version: "1.0.0"}
	for _, tt := range []struct {
		name   string
		change func(w *world, key *gallery.Key) error
		kind   gallery.Kind
		want   string
	}{
		{"the key is revoked", func(w *world, k *gallery.Key) error { return w.RevokeKey(w.ctx(), w.bob, k.ID) }, gallery.Forbidden, keyUnknown},
		{"the key expires", func(w *world, _ *gallery.Key) error { w.pass(2 * 24 * time.Hour); return nil }, gallery.Forbidden, keyUnknown},
		{"the owner is locked", func(w *world, _ *gallery.Key) error {
			_, err := w.SetLocked(w.ctx(), w.ann, "bob", true)
			return err
		}, gallery.Forbidden, bobLocked},
		{"the owner is removed", func(w *world, _ *gallery.Key) error {
			_, err := w.RemoveAccount(w.ctx(), w.ann, "bob")
			return err
		}, gallery.Forbidden, keyUnknown},
		{"another key is revoked", func(w *world, _ *gallery.Key) error {
			_, other, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes})
			return errors.Join(err, w.RevokeKey(w.ctx(), w.bob, other.ID))
		}, 0, ""},
		{"the password changes", func(w *world, _ *gallery.Key) error {
			_, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", false)
			return err
		}, 0, ""},
		{"the password changes and keys are revoked", func(w *world, _ *gallery.Key) error {
			_, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", true)
			return err
		}, gallery.Forbidden, keyUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			secret, key, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes, Days: 1, HasDays: true})
			if err != nil {
				t.Fatal(err)
			}
			received, published := w.arrive(w.main, gallery.Credentials{APIKey: secret}, spec, func() {
				if err := tt.change(w, key); err != nil {
					t.Error(err)
				}
			})
			if tt.want == "" {
				if received != nil || published != nil {
					t.Errorf("refused: %v, %v", received, published)
				}
				return
			}
			wantKind(t, received, tt.kind, tt.want)
			w.nothingStays(w.main, spec.ID)
		})
	}
}

// A push by password ends with the password.
func TestPasswordChangedWhileArriving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	spec := pack.Spec{ID: "Contoso.Late", Version: "1.0.0"}
	received, _ := w.arrive(w.main, gallery.Credentials{HasBasic: true, User: "bob", Password: bobPassword}, spec, func() {
		if _, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", false); err != nil {
			t.Error(err)
		}
	})
	wantKind(t, received, gallery.Unauthenticated, "Name or password is wrong.")
	w.nothingStays(w.main, spec.ID)
}

// A key that is revoked when all has been received and checked: the transaction
// that records asks again.
func TestRevokedBeforeRecording(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, step := range []string{"received", "stored"} {
		secret, key, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes})
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret})
		if err != nil {
			t.Fatal(err)
		}
		u, err := w.BeginUpload(a, w.main, gallery.Incoming{Length: -1})
		if err != nil {
			t.Fatal(err)
		}
		defer u.Discard()
		if err := u.Receive(w.ctx(), bytes.NewReader(pack.Nupkg(pack.Spec{ID: "Contoso." + step, Version: "1.0.0"}))); err != nil {
			t.Fatal(err)
		}
		if err := w.RevokeKey(w.ctx(), w.bob, key.ID); err != nil {
			t.Fatal(err)
		}
		_, err = u.Publish(w.ctx())
		wantKind(t, err, gallery.Forbidden, keyUnknown)
		if _, err := w.Package(w.ctx(), w.main, "Contoso."+step); gallery.KindOf(err) != gallery.NotFound {
			t.Errorf("%s: the package is there (%v)", step, err)
		}
	}
}

// A feed that is wiped while a push runs: the push lands in the new generation,
// and is found there by whoever asks the gallery.
func TestWipedWhileArriving(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mustPublish(w.bob, w.test, pack.Spec{ID: "Contoso.Old", Version: "1.0.0"})
	old := w.test.Generation
	spec := pack.Spec{ID: "Contoso.Late", Version: "1.0.0"}
	key := w.key(gallery.NewKey{Owner: "bob", Feed: "test"})
	received, published := w.arrive(w.test, gallery.Credentials{APIKey: key}, spec, func() {
		err := w.store.Update(w.ctx(), func(tx gallery.Writer) error {
			f, err := tx.Feed("test")
			if err != nil {
				return err
			}
			if err := tx.NewGeneration(f); err != nil {
				return err
			}
			return errors.Join(tx.AppendEvent(f.Number, &gallery.Event{Time: w.Now(), Kind: gallery.Wiped}), tx.PutFeedState(f.Number, gallery.FeedState{}))
		})
		if err != nil {
			t.Error(err)
		}
	})
	if received != nil || published != nil {
		t.Fatal(received, published)
	}
	now, _ := w.Feed("test")
	if now.Generation == old {
		t.Error("the gallery still has the old generation")
	}
	if _, err := w.Package(w.ctx(), now, spec.ID); err != nil {
		t.Errorf("the new generation does not have it: %v", err)
	}
	err := w.store.View(w.ctx(), func(r gallery.Reader) error {
		ids, err := r.PackageIDs(old, "", 10)
		if len(ids) != 1 || ids[0] != "contoso.old" {
			t.Errorf("the old generation holds %q", ids)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	res, err := w.Search(w.ctx(), now, gallery.Query{Take: 10})
	if err != nil || res.Total != 1 || string(res.Hits[0].Card.ID) != spec.ID {
		t.Errorf("search finds %d (%v)", res.Total, err)
	}
	w.verify()
}

// A sign-in that checked the old password while it was being changed begins no
// session that lives.
func TestSignInDuringPasswordChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old, err := w.AccountByName(w.ctx(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	verified, err := w.PersonActor(w.ctx(), old.No, "127.0.0.1", "browser") // the old password was right just now
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", false); err != nil {
		t.Fatal(err)
	}
	_, err = w.StartSession(w.ctx(), verified)
	wantKind(t, err, gallery.Unauthenticated, "Name or password is wrong.")
}

// The same with real sign-ins, many at once: none that began with the old
// password holds a session after the change.
func TestSignInsDuringPasswordChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	tokens := make(chan string, 40)
	for i := range 8 {
		all.Go(func() {
			for range 2 {
				if token, _, err := w.SignIn(w.ctx(), "bob", bobPassword, "10.0.0."+string(rune('1'+i)), ""); err == nil {
					tokens <- token
				}
				runtime.Gosched()
			}
		})
	}
	if _, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", false); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	close(tokens)
	for token := range tokens {
		if _, err := w.SessionActor(w.ctx(), token); !errors.Is(err, gallery.ErrNotFound) {
			t.Errorf("a session of the old password lives (%v)", err)
		}
	}
}

func TestUserLock(t *testing.T) { // R-ACC-15
	t.Parallel()
	w := newWorld(t)
	key := gallery.Credentials{APIKey: w.key(gallery.NewKey{Owner: "bob"})}
	token, session, err := w.SignIn(w.ctx(), "bob", bobPassword, "", "")
	if err != nil {
		t.Fatal(err)
	}
	name, err := w.SetLocked(w.ctx(), w.ann, "BOB", true)
	if err != nil || name != "bob" {
		t.Fatal(name, err)
	}
	if _, err := w.SetLocked(w.ctx(), w.ann, "bob", true); err != nil {
		t.Errorf("locking twice: %v", err)
	}
	_, err = w.PushActor(w.ctx(), w.main, key)
	wantKind(t, err, gallery.Forbidden, bobLocked)
	_, _, err = w.SignIn(w.ctx(), "bob", bobPassword, "", "")
	wantKind(t, err, gallery.Forbidden, bobLocked)
	if _, err := w.SessionActor(w.ctx(), token); err == nil {
		t.Error("a session outlives the lock")
	}
	_, _, err = w.AddKey(w.ctx(), session, gallery.NewKey{Scopes: gallery.AllScopes}) // known before the lock
	wantKind(t, err, gallery.Forbidden, bobLocked)
	if _, err := w.SetLocked(w.ctx(), w.ann, "bob", false); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PushActor(w.ctx(), w.main, key); err != nil {
		t.Errorf("unlocked, the key does not work: %v", err)
	}
	if _, err := w.SessionActor(w.ctx(), token); err == nil {
		t.Error("unlocked, a session is back")
	}
	if _, _, err := w.SignIn(w.ctx(), "bob", bobPassword, "", ""); err != nil {
		t.Errorf("unlocked, the password does not work: %v", err)
	}
}

func TestLastAdministrator(t *testing.T) { // M-63
	t.Parallel()
	w := newWorld(t)
	const last = "ann is the last administrator, who cannot leave or step down."
	refused := func() {
		t.Helper()
		_, err := w.SetAdmin(w.ctx(), w.ann, "ann", false)
		wantKind(t, err, gallery.Forbidden, last)
		_, err = w.SetLocked(w.ctx(), gallery.Operator(), "ann", true)
		wantKind(t, err, gallery.Forbidden, last)
		_, err = w.RemoveAccount(w.ctx(), gallery.Operator(), "ann")
		wantKind(t, err, gallery.Forbidden, last)
	}
	refused()
	done := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	done(w.SetAdmin(w.ctx(), w.ann, "ann", true)) // is one already
	done(w.SetAdmin(w.ctx(), w.ann, "bob", true))
	done(w.SetLocked(w.ctx(), w.ann, "bob", true))
	refused() // the other one is locked
	done(w.SetLocked(w.ctx(), w.ann, "bob", false))
	done(w.SetAdmin(w.ctx(), w.person("bob"), "ann", false))
	_, err := w.SetAdmin(w.ctx(), w.ann, "bob", false) // an administrator when she was let in
	wantKind(t, err, gallery.Forbidden, "Only an administrator may do this.")
	_, err = w.SetAdmin(w.ctx(), w.person("bob"), "bob", false)
	wantKind(t, err, gallery.Forbidden, "bob is the last administrator")
}

func TestRemoveAccount(t *testing.T) { // S-96, S-100, S-101
	t.Parallel()
	w := newWorld(t)
	key := gallery.Credentials{APIKey: w.key(gallery.NewKey{Owner: "bob"})}
	token, bob, err := w.SignIn(w.ctx(), "bob", bobPassword, "", "")
	if err != nil {
		t.Fatal(err)
	}
	w.mustPublish(w.bob, w.test, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	_, err = w.RemoveAccount(w.ctx(), w.ann, "bob")
	wantKind(t, err, gallery.Forbidden, "bob owns packages, Contoso.Tables among them, and is not removed")
	err = w.store.Update(w.ctx(), func(tx gallery.Writer) error {
		pkg, err := tx.Package(w.test.Generation, "contoso.tables")
		if err != nil {
			return err
		}
		ann, err := tx.AccountByName("ann")
		if err != nil {
			return err
		}
		card, err := tx.Card(w.test.Generation, "contoso.tables")
		if err != nil {
			return err
		}
		pkg.Owners = []gallery.AccountNo{ann.No}
		card.Owners = pkg.Owners
		return errors.Join(tx.PutPackage(w.test.Generation, pkg), tx.PutCard(w.test.Generation, card))
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.RemoveAccount(w.ctx(), w.bob, "bob")
	wantKind(t, err, gallery.Forbidden, "Only an administrator may do this.")
	if name, err := w.RemoveAccount(w.ctx(), w.ann, "Bob"); err != nil || name != "bob" {
		t.Fatal(name, err)
	}
	_, err = w.PushActor(w.ctx(), w.main, key)
	wantKind(t, err, gallery.Forbidden, keyUnknown)
	_, _, err = w.SignIn(w.ctx(), "bob", bobPassword, "", "")
	wantKind(t, err, gallery.Unauthenticated, "Name or password is wrong.")
	_, _, err = w.SignIn(w.ctx(), "bob@contoso.com", bobPassword, "", "")
	wantKind(t, err, gallery.Unauthenticated, "Name or password is wrong.")
	if _, err := w.SessionActor(w.ctx(), token); err == nil {
		t.Error("a session outlives its account")
	}
	_, _, err = w.AddKey(w.ctx(), bob, gallery.NewKey{Scopes: gallery.AllScopes})
	wantKind(t, err, gallery.Unauthenticated, "Your session has ended. Sign in again.")
	for _, act := range []func() error{
		func() error { _, err := w.RemoveAccount(w.ctx(), w.ann, "bob"); return err },
		func() error { _, err := w.SetLocked(w.ctx(), w.ann, "bob", false); return err },
		func() error {
			_, err := w.SetPassword(w.ctx(), w.ann, "bob", "another long password", false)
			return err
		},
	} {
		wantKind(t, act(), gallery.NotFound, "There is no account bob.")
	}
	_, _, err = w.AddAccount(w.ctx(), w.ann, gallery.NewAccount{Name: "BOB", Password: bobPassword})
	wantKind(t, err, gallery.Invalid, "The username BOB is not available.")
	if _, _, err = w.AddAccount(w.ctx(), w.ann, gallery.NewAccount{Name: "robert", Email: "bob@contoso.com", Password: bobPassword}); err != nil {
		t.Errorf("the address is not free: %v", err)
	}
	all, err := w.Accounts(w.ctx(), w.ann)
	if err != nil || len(all) != 2 || all[1].Name != "robert" {
		t.Errorf("accounts %v, %v", all, err)
	}
	w.verify()
}

func TestPasswordAndKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := gallery.Credentials{APIKey: w.key(gallery.NewKey{Owner: "bob"})}
	w.key(gallery.NewKey{Owner: "bob"})
	w.key(gallery.NewKey{Owner: "bob", Expires: w.Now().Add(-time.Hour)})
	w.key(gallery.NewKey{Owner: "ann"})
	done, err := w.SetPassword(w.ctx(), w.ann, "Bob", "another long password", false)
	if err != nil || done != (gallery.PasswordChange{Account: "bob", LiveKeys: 2}) {
		t.Errorf("%+v, %v", done, err)
	}
	if _, err := w.PushActor(w.ctx(), w.main, key); err != nil {
		t.Errorf("a key ends with the password: %v", err)
	}
	done, err = w.SetPassword(w.ctx(), w.ann, "bob", "yet another password", true)
	if err != nil || done != (gallery.PasswordChange{Account: "bob", RevokedKeys: 2}) {
		t.Errorf("%+v, %v", done, err)
	}
	_, err = w.PushActor(w.ctx(), w.main, key)
	wantKind(t, err, gallery.Forbidden, keyUnknown)
	if _, err := w.SetPassword(w.ctx(), w.ann, "bob", "short", true); gallery.KindOf(err) != gallery.Invalid {
		t.Errorf("a short password: %v", err)
	}
}

// What administers asks who is asking, before any work: nobody, a person and a
// key may not.
func TestWhoAdministers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: w.key(gallery.NewKey{Owner: "ann"})})
	if err != nil {
		t.Fatal(err)
	}
	acts := map[string]func(a gallery.Actor) error{
		"add": func(a gallery.Actor) error {
			_, _, err := w.AddAccount(w.ctx(), a, gallery.NewAccount{Name: "carol", Password: bobPassword})
			return err
		},
		"list": func(a gallery.Actor) error { _, err := w.Accounts(w.ctx(), a); return err },
		"keys": func(a gallery.Actor) error { _, err := w.Keys(w.ctx(), a); return err },
		"password": func(a gallery.Actor) error {
			_, err := w.SetPassword(w.ctx(), a, "bob", "another long password", false)
			return err
		},
		"lock":   func(a gallery.Actor) error { _, err := w.SetLocked(w.ctx(), a, "bob", true); return err },
		"admin":  func(a gallery.Actor) error { _, err := w.SetAdmin(w.ctx(), a, "bob", true); return err },
		"remove": func(a gallery.Actor) error { _, err := w.RemoveAccount(w.ctx(), a, "bob"); return err },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			wantKind(t, act(gallery.Actor{}), gallery.Unauthenticated, "Sign in as an administrator.")
			wantKind(t, act(w.bob), gallery.Forbidden, "Only an administrator may do this.")
			wantKind(t, act(key), gallery.Forbidden, "An API key cannot manage accounts.")
		})
	}
}

// An upload that is over interrupts who reads its body, once, and also who comes
// late.
func TestUploadOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	u, err := w.BeginUpload(w.bob, w.main, gallery.Incoming{Length: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Discard()
	woken := 0
	u.OnOver(func() { woken++ })
	if u.Over() != nil || woken != 0 {
		t.Fatal("it is over before it began")
	}
	for range 2 {
		if _, err := w.SetLocked(w.ctx(), w.ann, "bob", true); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, u.Over(), gallery.Forbidden, bobLocked)
	if woken != 1 {
		t.Errorf("woken %d times", woken)
	}
	if u.OnOver(func() { woken++ }); woken != 2 {
		t.Error("who comes late is not woken")
	}
	u.OnOver(nil)
	wantKind(t, u.Receive(w.ctx(), strings.NewReader("x")), gallery.Forbidden, bobLocked)
}

// Of people who are added to an empty gallery at the same time one is the first,
// and only that one is told so.
func TestFirstOfMany(t *testing.T) {
	w := &world{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w.store, w.blobs = storetest.Open(t)
	w.open()
	var all sync.WaitGroup
	var mu sync.Mutex
	told := make(map[string]bool)
	for _, name := range []string{"ann", "bob", "cleo", "dan"} {
		all.Go(func() {
			_, first, err := w.AddAccount(w.ctx(), gallery.Operator(), gallery.NewAccount{Name: name, Password: annPassword})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			told[name] = first
		})
	}
	all.Wait()
	accounts, err := w.Accounts(w.ctx(), gallery.Operator())
	if err != nil {
		t.Fatal(err)
	}
	first := 0
	for _, a := range accounts {
		if told[a.Name] {
			first++
		}
		if a.Admin != told[a.Name] {
			t.Errorf("%s is an administrator: %v, and was told to be the first: %v", a.Name, a.Admin, told[a.Name])
		}
	}
	if first != 1 {
		t.Errorf("%d were told to be the first", first)
	}
}
