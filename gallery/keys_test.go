package gallery_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/internal/pack"
)

// TestKeyLimits tries what a key may say, exactly and by one more (R-KEY-05,
// R-KEY-08, R-KEY-09).
func TestKeyLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	patterns := func(n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf("Contoso.%d.*", i))
		}
		return list
	}
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		key  gallery.NewKey
		want string // of the refusal; "": made
	}{
		"name of 100":               {gallery.NewKey{Name: strings.Repeat("\u00e9", 100)}, ""},
		"name of 101":               {gallery.NewKey{Name: strings.Repeat("x", 101)}, "Give the key a name"},
		"name of two lines":         {gallery.NewKey{Name: "a\nb"}, "Give the key a name"},
		"50 patterns":               {gallery.NewKey{Packages: patterns(50)}, ""},
		"51 patterns":               {gallery.NewKey{Packages: patterns(51)}, "A key has at most 50 package patterns."},
		"pattern of 100":            {gallery.NewKey{Packages: []string{strings.Repeat("x", 100)}}, ""},
		"pattern of 101":            {gallery.NewKey{Packages: []string{strings.Repeat("x", 101)}}, "A package pattern may hold"},
		"pattern with all it may":   {gallery.NewKey{Packages: []string{"*aZ09_.-*"}}, ""},
		"pattern beyond ASCII":      {gallery.NewKey{Packages: []string{"Caf\u00e9"}}, "A package pattern may hold"},
		"pattern with ?":            {gallery.NewKey{Packages: []string{"Contoso.?"}}, "A package pattern may hold"},
		"1 day":                     {gallery.NewKey{Days: 1, HasDays: true}, ""},
		"365 days":                  {gallery.NewKey{Days: 365, HasDays: true}, ""},
		"366 days":                  {gallery.NewKey{Days: 366, HasDays: true}, "A key lives for at most 365 days here (keys.max_days)."},
		"for ever":                  {gallery.NewKey{HasDays: true}, "A key lives for at most 365 days here (keys.max_days)."},
		"-1 days":                   {gallery.NewKey{Days: -1, HasDays: true}, "A key lives for a whole number of days, 1 or more."},
		"expires after 365 days":    {gallery.NewKey{Expires: w.now.Add(365 * day)}, ""},
		"expires a second later":    {gallery.NewKey{Expires: w.now.Add(365*day + time.Second)}, "A key lives for at most 365 days here (keys.max_days)."},
		"expired already":           {gallery.NewKey{Expires: w.now.Add(-day)}, ""},
		"no scope that is one":      {gallery.NewKey{Scopes: 1 << 7}, "Choose at least one thing that the key may do."},
		"several ways to say \"*\"": {gallery.NewKey{Packages: []string{"", " "}}, ""},
	} {
		if tt.key.Scopes == 0 {
			tt.key.Scopes = gallery.ScopePush
		}
		_, k, err := w.AddKey(w.ctx(), w.bob, tt.key)
		switch {
		case tt.want != "":
			wantKind(t, err, gallery.Invalid, tt.want)
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case len(k.Packages) == 0 || k.Name == "":
			t.Errorf("%s: %+v", name, k)
		}
	}
	forEver := newWorld(t, func(o *gallery.Options) { o.KeyMaxDays = 0 })
	for _, n := range []gallery.NewKey{{}, {HasDays: true}} {
		n.Scopes = gallery.ScopePush
		if _, k, err := forEver.AddKey(forEver.ctx(), forEver.bob, n); err != nil || !k.Expires.IsZero() {
			t.Errorf("keys.max_days = 0: %+v, %v", k, err)
		}
	}
}

// TestKeyWarning is M-40: from ten days before the end on (R-KEY-10).
func TestKeyWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const day = 24 * time.Hour
	for left, when := range map[time.Duration]string{
		10*day + time.Second: "", 10 * day: "in 10 days", 2 * day: "in 2 days", 2*day - time.Second: "in 1 day", day: "in 1 day", day - time.Second: "today",
	} {
		a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{
			APIKey: w.key(gallery.NewKey{Owner: "bob", Expires: w.now.Add(left)}), KeysURL: "https://nuget.example.org/account/apikeys",
		})
		want := ""
		if when != "" {
			want = "This key expires " + when + ". Replace it at https://nuget.example.org/account/apikeys."
		}
		if got := w.KeyWarning(a); err != nil || got != want {
			t.Errorf("%v left: %q, %v; want %q", left, got, err, want)
		}
	}
	if got := w.KeyWarning(w.bob); got != "" {
		t.Errorf("a session: %q", got)
	}
}

// TestKeyIsItsWholeText: the public ID finds a key, and nothing less than all of
// it is the key (R-KEY-04); a key of a test feed begins with ngt_t.
func TestKeyIsItsWholeText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, k, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes})
	if err != nil || !strings.HasPrefix(secret, "ngt_p"+k.ID) || len(secret) != 51 {
		t.Fatal(secret, k, err)
	}
	other, _, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.AllScopes, Feed: "test"})
	if err != nil || !strings.HasPrefix(other, "ngt_t") {
		t.Fatal(other, err)
	}
	forged := gallery.ForgeKey(k.ID)
	for name, wrong := range map[string]string{
		"the same ID, another secret": forged, "other letters": strings.ToLower(secret), "one more": secret + "0", "one less": secret[:50],
		"another checksum": secret[:50] + string("10"[min(1, strings.Count(secret[50:], "1"))]), "public ID": k.ID, "another environment": "ngt_t" + secret[5:],
	} {
		if _, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: wrong}); gallery.KindOf(err) != gallery.Forbidden {
			t.Errorf("%s works: %v", name, err)
		}
	}
}

// TestKeyOfTwo: a key acts for its owner, whoever made it (R-KEY-06), and only
// those who may manage it end it.
func TestKeyOfTwo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, k, err := w.AddKey(w.ctx(), w.ann, gallery.NewKey{Owner: "bob", Scopes: gallery.AllScopes})
	if err != nil {
		t.Fatal(err)
	}
	a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret})
	if err != nil || a.Name != "bob" || a.Admin {
		t.Fatalf("actor %+v, %v", a, err)
	}
	w.mustPublish(a, w.main, pack.Spec{ID: "Contoso.Bobs", Version: "1.0.0"})
	_, err = w.publish(w.ann, w.main, pack.Spec{ID: "Contoso.Bobs", Version: "2.0.0"})
	wantKind(t, err, gallery.Forbidden, "ann does not own Contoso.Bobs.")
	_, annsKey, err := w.AddKey(w.ctx(), w.ann, gallery.NewKey{Scopes: gallery.AllScopes})
	if err != nil {
		t.Fatal(err)
	}
	wantKind(t, w.RevokeKey(w.ctx(), w.bob, annsKey.ID), gallery.Forbidden, "This key belongs to another account.")
	wantKind(t, w.RevokeKey(w.ctx(), a, k.ID), gallery.Forbidden, "An API key cannot manage API keys.")
	wantKind(t, w.RevokeKey(w.ctx(), gallery.Actor{}, k.ID), gallery.Unauthenticated, "Sign in to manage API keys.")
	if err := w.RevokeKey(w.ctx(), w.bob, k.ID); err != nil {
		t.Fatal(err)
	}
}
