package gallery_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

// A world is a gallery over the real store and blobs, with ann (the first
// account, an administrator) and bob, and a clock that the test moves.
type world struct {
	*gallery.Gallery
	t     testing.TB
	store gallery.Store
	blobs gallery.Blobs
	now   time.Time
	mu    sync.Mutex
	main  *gallery.Feed
	test  *gallery.Feed
	ann   gallery.Actor
	bob   gallery.Actor

	change []func(*gallery.Options) // what is unlike the usual
}

const (
	annPassword = "ann has a long password"
	bobPassword = "bob has a long password"
)

func newWorld(t testing.TB, change ...func(*gallery.Options)) *world {
	t.Helper()
	w := &world{t: t, change: change, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	w.store, w.blobs = storetest.Open(t)
	w.open()
	if _, first, err := w.AddAccount(w.ctx(), gallery.NewAccount{Name: "ann", Password: annPassword}); err != nil || !first {
		t.Fatal(first, err)
	}
	if _, first, err := w.AddAccount(w.ctx(), gallery.NewAccount{Name: "bob", Password: bobPassword, Email: "bob@contoso.com"}); err != nil || first {
		t.Fatal(first, err)
	}
	w.ann, w.bob = w.person("ann"), w.person("bob")
	return w
}

func (w *world) open() {
	w.t.Helper()
	o := gallery.Options{
		Store: w.store, Blobs: w.blobs, Now: w.clock, KeyMaxDays: 365, LicenseRefs: true, AdviseBytes: 1 << 20, SimilarIDs: "warn", Brand: func() string { return "nougat" },
		Feeds: []gallery.FeedOptions{
			{Name: "main", MaxBytes: 1 << 20},
			{Name: "test", Kind: gallery.TestFeed, MaxBytes: 1 << 20, Replace: true},
		},
	}
	for _, change := range w.change {
		change(&o)
	}
	g, err := gallery.Open(w.ctx(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Gallery = g
	w.t.Cleanup(func() { g.Close(context.Background()) })
	w.main, _ = g.Feed("main")
	w.test, _ = g.Feed("test")
}

func (w *world) ctx() context.Context { return context.Background() }

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) person(name string) gallery.Actor {
	w.t.Helper()
	a, err := w.AccountByName(w.ctx(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	actor, err := w.PersonActor(w.ctx(), a.No, "127.0.0.1", "test")
	if err != nil {
		w.t.Fatal(err)
	}
	return actor
}

func (w *world) publish(a gallery.Actor, f *gallery.Feed, s pack.Spec) (*gallery.Published, error) {
	w.t.Helper()
	return w.publishBytes(a, f, pack.Nupkg(s))
}

func (w *world) publishBytes(a gallery.Actor, f *gallery.Feed, data []byte) (*gallery.Published, error) {
	w.t.Helper()
	if err := w.BeginPush(w.ctx(), a, f, int64(len(data))); err != nil {
		return nil, err
	}
	u, err := w.Receive(w.ctx(), a, f, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer u.Discard()
	return w.Push(w.ctx(), a, f, u)
}

func (w *world) mustPublish(a gallery.Actor, f *gallery.Feed, s pack.Spec) *gallery.Published {
	w.t.Helper()
	p, err := w.publish(a, f, s)
	if err != nil {
		w.t.Fatalf("push of %s %s: %v", s.ID, s.Version, err)
	}
	return p
}

func (w *world) key(n gallery.NewKey) string {
	w.t.Helper()
	if n.Scopes == 0 {
		n.Scopes = gallery.AllScopes
	}
	secret, _, err := w.AddKey(w.ctx(), gallery.Operator(), n)
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func (w *world) verify() {
	w.t.Helper()
	_, err := gallery.Verify(w.ctx(), w.store, w.blobs, func(f gallery.Finding) { w.t.Errorf("verify: %v", f) })
	if err != nil {
		w.t.Error(err)
	}
}

func wantKind(t testing.TB, err error, kind gallery.Kind, text string) {
	t.Helper()
	var e *gallery.Error
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Msg, text) {
		t.Errorf("got %v, want kind %d with %q", err, kind, text)
	}
}

// TestPushIsTheTruth: when Push returns, everything that a client asks has it.
func TestPushIsTheTruth(t *testing.T) {
	w := newWorld(t)
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0-beta"})
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "contoso.tables", Version: "1.2.0.0+build.5"})
	pkg, heads, err := w.Heads(w.ctx(), w.main, "CONTOSO.tables")
	if err != nil || len(heads) != 2 || pkg.Versions != 2 || pkg.Rev != 2 {
		t.Fatalf("heads %v, package %+v, %v", heads, pkg, err)
	}
	if pkg.ID != "contoso.tables" { // R-DEL-04: as the latest version spells it
		t.Errorf("the ID is spelled %s", pkg.ID)
	}
	if h := heads[1]; h.Version.String() != "1.2.0" || !h.SemVer2 || !h.Listed || !h.Published.Equal(w.now.Add(100)) {
		t.Errorf("second version: %+v", h)
	}
	b, err := w.OpenBlob(p.Head)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got, _ := io.ReadAll(io.NewSectionReader(b, 0, b.Size()))
	if !bytes.Equal(got, pack.Nupkg(pack.Spec{ID: "Contoso.Tables", Version: "1.0.0-beta"})) {
		t.Error("the bytes served are not those pushed")
	}
	res, err := w.Search(w.ctx(), w.main, gallery.Query{Text: "tables", Take: 20, View: gallery.View{Prerelease: true, SemVer2: true}})
	if err != nil || res.Total != 1 || len(res.Hits[0].Versions) != 2 {
		t.Errorf("search: %+v, %v", res, err)
	}
	if res, _ := w.Search(w.ctx(), w.main, gallery.Query{Text: "tables", Take: 20}); res.Total != 0 {
		t.Errorf("a client without SemVer 2 and prereleases sees %d packages", res.Total)
	}
	w.verify()
}

// TestPushRefusals is the order of R-PUSH and Q-30, each with its kind.
func TestPushRefusals(t *testing.T) {
	w := newWorld(t)
	ok := pack.Spec{ID: "Contoso.Tables", Version: "1.0.0+a"}
	w.mustPublish(w.ann, w.main, ok)
	again := ok
	_, err := w.publish(w.ann, w.main, again)
	wantKind(t, err, gallery.Exists, "Contoso.Tables 1.0.0 is already here")
	again.Version = "1.0.0+b"
	_, err = w.publish(w.ann, w.main, again)
	wantKind(t, err, gallery.Exists, "differs from the existing 1.0.0+a only in build metadata")
	_, err = w.publish(w.bob, w.main, ok) // a stranger's push of an existing version is 403, never 409
	wantKind(t, err, gallery.Forbidden, "bob does not own Contoso.Tables")
	_, err = w.publish(w.bob, w.main, pack.Spec{ID: "Contoso.Tables", Version: "2.0.0"})
	wantKind(t, err, gallery.Forbidden, "bob does not own Contoso.Tables")

	for _, tt := range []struct {
		name string
		data []byte
		kind gallery.Kind
		text string
	}{
		{"not a zip", []byte("PK this is no archive"), gallery.Invalid, "This is not a readable .nupkg file"},
		{"too large", bytes.Repeat([]byte{1}, 1<<20+1), gallery.TooLarge, "The package is larger than 1 MB."},
		{"ID of 101 characters", pack.Nupkg(pack.Spec{ID: strings.Repeat("a", 101), Version: "1.0.0"}), gallery.Invalid, "is not allowed: letters, digits and _"},
		{"two manifests", pack.Zip(pack.File{Name: "a.nuspec", Data: []byte(pack.Nuspec(ok))}, pack.File{Name: "b.NUSPEC", Data: []byte(pack.Nuspec(ok))}), gallery.Invalid, "The archive holds 2 manifests"},
		{"entity tricks", pack.Nupkg(pack.Spec{ID: "x", Nuspec: `<!DOCTYPE p [<!ENTITY a "aaaa">]><package><metadata><id>x</id><version>1</version><authors>&a;</authors><description>d</description></metadata></package>`}), gallery.Invalid, ""},
		{"licence file missing", bare("<license type=\"file\">LICENSE.txt</license>"), gallery.Invalid, "The licence file LICENSE.txt is not in the package"},
		{"licence file of another kind", bare("<license type=\"file\">a.exe</license>"), gallery.Invalid, "The licence file a.exe has a wrong extension"},
		{"licence file binary", bare("<license type=\"file\">a.txt</license>", pack.File{Name: "a.txt", Data: []byte{0, 1, 2}}), gallery.Invalid, "is not UTF-8 text"},
		{"licence not approved", bare("<license type=\"expression\">JSON</license>"), gallery.Invalid, "uses an identifier not allowed here: JSON"},
		{"icon missing", bare("<icon>a.png</icon>"), gallery.Invalid, "The icon file a.png is not in the package"},
		{"icon that is none", bare("<icon>a.png</icon>", pack.File{Name: "a.png", Data: []byte("GIF89a")}), gallery.Invalid, "neither a PNG nor a JPEG"},
		{"icon too large", bare("<icon>a.png</icon>", pack.File{Name: "a.png", Data: append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 1<<20)...)}), gallery.Invalid, "larger than 1 MB"},
		{"readme empty", bare("<readme>r.md</readme>", pack.File{Name: "r.md", Data: []byte(" \n")}), gallery.Invalid, "The readme file r.md is empty"},
		{"readme of another kind", bare("<readme>r.txt</readme>", pack.File{Name: "r.txt", Data: []byte("hi")}), gallery.Invalid, "wrong extension"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.publishBytes(w.ann, w.main, tt.data)
			wantKind(t, err, tt.kind, tt.text)
		})
	}
	if left := storetest.TempFiles(t, w.blobs); len(left) != 0 {
		t.Errorf("refused uploads leave %q", left)
	}
	w.verify()
}

func bare(metadata string, files ...pack.File) []byte {
	return pack.Nupkg(pack.Spec{ID: "Contoso.Odd", Version: "1.0.0", Metadata: metadata, Bare: true, Files: files})
}

func TestPushWarnings(t *testing.T) {
	w := newWorld(t)
	wants := func(p *gallery.Published, texts ...string) {
		t.Helper()
		all := strings.Join(p.Warnings, "\n")
		for _, text := range texts {
			if !strings.Contains(all, text) {
				t.Errorf("no warning with %q in:\n%s", text, all)
			}
		}
		if len(texts) == 0 && all != "" {
			t.Errorf("warnings: %s", all)
		}
	}
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"}))
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "C0ntoso-Tab1es", Version: "1.0.0"}), "resembles Contoso.Tables") // D-14
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Bare", Version: "1.0.0", Bare: true}), "no licence and no readme")
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Old", Version: "1.0.0", Bare: true, Metadata: "<licenseUrl>https://contoso.com/l</licenseUrl><iconUrl>https://contoso.com/i.png</iconUrl>"}), "outdated licenseUrl", "outdated iconUrl")
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Ref", Version: "1.0.0", Bare: true, Metadata: `<license type="expression">LicenseRef-Contoso</license>`}), "LicenseRef-Contoso is not a standard one")
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Below", Version: "1.0.0", Metadata: `<dependencies><group targetFramework="net10.0"><dependency id="A" version="(1.0,2.0)"/></group>` +
		`<group targetFramework="net9.0"><dependency id="A" version="(1.0,2.0)"/><dependency id="B" version="(,3.0]"/><dependency id="C"/><dependency id="D" version="[1.0,2.0)"/></group></dependencies>`}),
		"The dependency A (1.0.0, 2.0.0) (and 2 more) has no inclusive lower bound: restores without a lock file will warn about it (NU1602).")
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Any", Version: "1.0.0", Metadata: `<dependencies><dependency id="A"/><dependency id="B" version="1.0"/></dependencies>`}), "The dependency A has no inclusive lower bound")
	wants(w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Http", Version: "1.0.0", Metadata: `<repository type="git" url="http://contoso.com/tables.git"/>`}),
		"The repository's address is not shown: it must begin with https:// or git://, not http://contoso.com/tables.git.") // R-PKG-09
	secret := w.key(gallery.NewKey{Owner: "ann", Days: 5, HasDays: true})
	a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret})
	if err != nil {
		t.Fatal(err)
	}
	wants(w.mustPublish(a, w.main, pack.Spec{ID: "Contoso.Late", Version: "1.0.0"}), "This key expires in 5 days") // R-KEY-10
}

// TestAddresses: what the check lets pass as an address is kept as one that
// clients can read, not dropped from the documents.
func TestAddresses(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0", Bare: true,
		Metadata: "<projectUrl>\n https://contoso.com/ </projectUrl><iconUrl>https://contoso.com/100%.png</iconUrl>"})
	rel, err := w.Release(w.ctx(), w.main, "Contoso.Tables", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	m := rel.Meta
	if m.ProjectURL != "https://contoso.com/" || m.IconURL != "https://contoso.com/100%25.png" || m.LicenseURL != "" {
		t.Errorf("%q %q %q", m.ProjectURL, m.IconURL, m.LicenseURL)
	}
}

func TestLargestParts(t *testing.T) { // M-43
	w := newWorld(t, func(o *gallery.Options) { o.AdviseBytes = 1500 })
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Big", Version: "1.0.0", Files: []pack.File{
		{Name: "lib/a.bin", Data: noise(500)}, {Name: "lib/b.bin", Data: noise(900)}, {Name: "lib/c.bin", Data: noise(700)}, {Name: "d.bin", Data: noise(100)},
	}})
	last := p.Warnings[len(p.Warnings)-1]
	if at := []int{strings.Index(last, "lib/b.bin"), strings.Index(last, "lib/c.bin"), strings.Index(last, "lib/a.bin")}; at[0] < 0 || !slices.IsSorted(at) || strings.Contains(last, "d.bin") {
		t.Errorf("warning: %s", last)
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func TestLocks(t *testing.T) { // R-PUSH-10, R-LCK-01, R-ACC-15
	w := newWorld(t)
	key := w.key(gallery.NewKey{Owner: "bob"})
	ok := pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"}
	w.mustPublish(w.ann, w.main, ok)
	err := w.store.Update(w.ctx(), func(tx gallery.Writer) error {
		pkg, err := tx.Package(w.main.Generation, "contoso.tables")
		if err != nil {
			return err
		}
		pkg.Locked = true
		bob, err := tx.AccountByName("bob")
		if err != nil {
			return err
		}
		bob.Locked = true
		return errors.Join(tx.PutPackage(w.main.Generation, pkg), tx.PutAccount(bob))
	})
	if err != nil {
		t.Fatal(err)
	}
	const lockedPackage = "Contoso.Tables is locked. No new versions, listing or deprecation changes until an administrator unlocks it."
	_, err = w.publish(w.ann, w.main, ok) // locked before existing
	wantKind(t, err, gallery.Forbidden, lockedPackage)
	ok.Version = "2.0.0"
	_, err = w.publish(w.ann, w.main, ok)
	wantKind(t, err, gallery.Forbidden, lockedPackage)
	_, err = w.publish(w.bob, w.main, ok) // rights before the lock
	wantKind(t, err, gallery.Forbidden, "bob does not own Contoso.Tables.")
	wantKind(t, w.SetListed(w.ctx(), w.ann, w.main, "Contoso.Tables", "1.0.0", false), gallery.Forbidden, lockedPackage)

	const lockedAccount = "The account bob is locked. Contact an administrator."
	for name, c := range map[string]gallery.Credentials{
		"key": {APIKey: key}, "key as password": {HasBasic: true, Password: key}, "password": {HasBasic: true, User: "bob", Password: bobPassword},
	} {
		_, err := w.PushActor(w.ctx(), w.main, c)
		wantKind(t, err, gallery.Forbidden, lockedAccount)
		if c.APIKey == "" {
			_, err = w.ReadActor(w.ctx(), w.main, c)
			wantKind(t, err, gallery.Forbidden, lockedAccount)
		}
		if t.Failed() {
			t.Fatal(name)
		}
	}
	_, _, err = w.AddKey(w.ctx(), gallery.Operator(), gallery.NewKey{Owner: "bob", Scopes: gallery.AllScopes})
	wantKind(t, err, gallery.Forbidden, lockedAccount)
}

func TestTestFeedReplaces(t *testing.T) { // D-05
	w := newWorld(t)
	first := w.mustPublish(w.ann, w.test, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	second := w.mustPublish(w.ann, w.test, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0", Description: "Another."})
	h, err := w.Head(w.ctx(), w.test, "Contoso.Tables", "1.0.0")
	if err != nil || h.Blob != second.Head.Blob || h.Blob == first.Head.Blob {
		t.Errorf("head %+v, %v", h, err)
	}
	if pkg, _ := w.Package(w.ctx(), w.test, "Contoso.Tables"); pkg.Versions != 1 {
		t.Errorf("%d versions", pkg.Versions)
	}
	if _, err := w.publish(w.bob, w.test, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a stranger replaces: %v", err)
	}
	if _, err := w.Head(w.ctx(), w.main, "Contoso.Tables", "1.0.0"); gallery.KindOf(err) != gallery.NotFound {
		t.Errorf("the main feed has it too: %v", err) // D-04
	}
	w.verify()
}

// TestListing is: order of refusals, repeats, times.
func TestListing(t *testing.T) {
	w := newWorld(t)
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "2.0.0"})
	wantKind(t, w.SetListed(w.ctx(), w.bob, w.main, "Contoso.Tables", "9.9", false), gallery.NotFound, "There is no package Contoso.Tables 9.9 here.")
	wantKind(t, w.SetListed(w.ctx(), w.bob, w.main, "Contoso.Tables", "not a version", false), gallery.NotFound, "There is no package")
	bob := w.bob
	bob.Admin = false
	wantKind(t, w.SetListed(w.ctx(), bob, w.main, "contoso.tables", "1.0", false), gallery.Forbidden, "bob does not own")
	for range 2 { // 204, again 204
		if err := w.SetListed(w.ctx(), w.ann, w.main, "contoso.TABLES", "2", false); err != nil {
			t.Fatal(err)
		}
	}
	w.pass(time.Hour)
	pkg, heads, _ := w.Heads(w.ctx(), w.main, "Contoso.Tables")
	if pkg.Rev != 3 || heads[1].Listed || pkg.Latest[0].String() != "1.0.0" {
		t.Errorf("after unlisting: %+v %+v", pkg, heads)
	}
	if res, _ := w.Search(w.ctx(), w.main, gallery.Query{Take: 20}); len(res.Hits) != 1 || res.Hits[0].Face.Version.String() != "1.0.0" {
		t.Errorf("search shows %+v", res)
	}
	if err := w.SetListed(w.ctx(), w.ann, w.main, "Contoso.Tables", "2.0.0", true); err != nil {
		t.Fatal(err)
	}
	h, _ := w.Head(w.ctx(), w.main, "Contoso.Tables", "1.0.0")
	if !h.Published.Equal(p.Head.Published) {
		t.Errorf("published moved from %v to %v", p.Head.Published, h.Published)
	}
	events, err := w.Events(w.ctx(), w.main, 0, 100)
	if err != nil || len(events) != 4 || events[2].Kind != gallery.Unlisted || events[3].Kind != gallery.Relisted || !events[3].Time.After(events[2].Time) {
		t.Errorf("events %+v, %v", events, err)
	}
	w.verify()
}

// TestOneVersionManyPushers: one gets it, the others a true conflict.
func TestOneVersionManyPushers(t *testing.T) {
	w := newWorld(t)
	for _, version := range []string{"1.0.0", "1.0.1", "1.0.2", "1.0.3", "1.0.4"} {
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for n := range errs {
			wg.Go(func() {
				_, errs[n] = w.publish(w.ann, w.main, pack.Spec{ID: "Contoso.Race", Version: version, Description: strings.Repeat("x", n+1)})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				wantKind(t, err, gallery.Exists, "is already here")
			}
		}
		if won != 1 {
			t.Errorf("%s: %d pushers won", version, won)
		}
	}
	w.verify()
}

// TestCredentials is as a table.
func TestCredentials(t *testing.T) {
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
				err = w.MayRead(w.main, a)
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
	w := newWorld(t)
	c := gallery.Credentials{HasBasic: true, User: "bob", Password: bobPassword, Addr: "10.0.0.1"}
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Fatal(err)
	}
	if err := w.SetPassword(w.ctx(), "bob", "another long password"); err != nil {
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
	w := newWorld(t)
	c := gallery.Credentials{HasBasic: true, User: "eve", Password: "eve has a long password", Addr: "10.0.0.1"}
	if _, err := w.ReadActor(w.ctx(), w.main, c); gallery.KindOf(err) != gallery.Unauthenticated {
		t.Fatal(err)
	}
	if _, _, err := w.AddAccount(w.ctx(), gallery.NewAccount{Name: "eve", Password: c.Password}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ReadActor(w.ctx(), w.main, c); err != nil {
		t.Errorf("the new account: %v", err)
	}
}

func TestSessions(t *testing.T) { // R-ACC-11
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
	if err := w.SetPassword(w.ctx(), "ann", "yet another password"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SessionActor(w.ctx(), changed); !errors.Is(err, gallery.ErrNotFound) {
		t.Error("a session outlives a change of password")
	}
}

// However often somebody signs in, the account has a bounded number of sessions,
// and a change of password ends all of them.
func TestManySessions(t *testing.T) {
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
	if err := w.SetPassword(w.ctx(), "bob", "another long password"); err != nil {
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
	w := newWorld(t)
	_, _, err := w.AddAccount(w.ctx(), gallery.NewAccount{Name: "BOB", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "The username BOB is not available.") // R-ACC-02
	_, _, err = w.AddAccount(w.ctx(), gallery.NewAccount{Name: "carol", Email: "Bob@Contoso.com", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "This address cannot be used.") // R-ACC-04
	_, _, err = w.AddAccount(w.ctx(), gallery.NewAccount{Name: "carol", Email: "not an address", Password: annPassword})
	wantKind(t, err, gallery.Invalid, "email address")
	all, err := w.Accounts(w.ctx())
	if err != nil || len(all) != 2 || all[0].Name != "ann" || !all[0].Admin || all[1].Admin {
		t.Errorf("accounts %v, %v", all, err)
	}
	if !strings.HasPrefix(all[0].Password, "$argon2id$v=19$m=19456,t=2,p=1$") { // R-ACC-08
		t.Errorf("hash %s", all[0].Password)
	}
}

func TestKeys(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Owner: "ann", Scopes: gallery.ScopePush})
	wantKind(t, err, gallery.Forbidden, "belongs to another account")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{})
	wantKind(t, err, gallery.Invalid, "Choose at least one")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Days: 366, HasDays: true})
	wantKind(t, err, gallery.Invalid, "at most 365 days") // R-KEY-09
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, HasDays: true})
	wantKind(t, err, gallery.Invalid, "at most 365 days")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Packages: []string{"a b"}})
	wantKind(t, err, gallery.Invalid, "pattern")
	_, _, err = w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush, Feed: "none"})
	wantKind(t, err, gallery.NotFound, "The feeds are: main, test.")
	_, _, err = w.AddKey(w.ctx(), gallery.Operator(), gallery.NewKey{Owner: "nobody", Scopes: gallery.ScopePush})
	wantKind(t, err, gallery.NotFound, "There is no account nobody.")

	secret, k, err := w.AddKey(w.ctx(), w.bob, gallery.NewKey{Scopes: gallery.ScopePush | gallery.ScopeUnlist, Packages: []string{"Contoso.*", " ", "Contoso.*"}})
	if err != nil || k.Name != "made on 24 November 2026" || k.Days != 365 || len(k.Packages) != 1 {
		t.Fatalf("key %+v, %v", k, err)
	}
	a, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret, Addr: "10.0.0.9", Client: "NuGet/7.9"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.AddKey(w.ctx(), a, gallery.NewKey{Scopes: gallery.ScopePush}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a key makes keys: %v", err)
	}
	_, err = w.publish(a, w.main, pack.Spec{ID: "Fabrikam", Version: "1.0.0"})
	wantKind(t, err, gallery.Forbidden, "This key may not push the new ID Fabrikam. It allows: push, unlist on Contoso.*.") // M-04
	for range 2 {
		list, err := w.KeysOf(w.ctx(), w.bob)
		if err != nil || len(list) != 1 || list[0].OwnerName != "bob" || list[0].FeedName != "main" || list[0].State != "live" || list[0].Use.Addr != "10.0.0.9" {
			t.Fatalf("list %+v, %v", list, err)
		}
		if err := w.Flush(w.ctx()); err != nil { // last use stays after it was written
			t.Fatal(err)
		}
	}
	if err := w.RevokeKey(w.ctx(), w.ann, k.ID); err != nil { // an administrator may
		t.Fatal(err)
	}
	wantKind(t, w.RevokeKey(w.ctx(), w.ann, "nope"), gallery.NotFound, "There is no key nope.")
	if _, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: secret}); gallery.KindOf(err) != gallery.Forbidden {
		t.Errorf("a revoked key works: %v", err)
	}
}

func TestDownloads(t *testing.T) { // B19
	w := newWorld(t)
	p := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Tables", Version: "1.0.0"})
	for range 3 {
		w.CountDownload(w.main, &p.Head)
	}
	check := func(when string) {
		t.Helper()
		total, by, err := w.DownloadsOf(w.ctx(), w.main, "contoso.tables")
		if err != nil || total != 3 || by["1.0.0"] != 3 {
			t.Errorf("%s: %d %v, %v", when, total, by, err)
		}
	}
	check("before the flush")
	if err := w.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	check("after the flush")
	if err := w.Close(w.ctx()); err != nil {
		t.Fatal(err)
	}
	w.open()
	check("after a restart")
	res, err := w.Search(w.ctx(), w.main, gallery.Query{Take: 1})
	if err != nil || len(res.Hits) != 1 || res.Hits[0].Downloads != 3 {
		t.Errorf("search: %+v, %v", res, err)
	}
}

// TestSweep: an orphan goes after a day, not before, and not when it is taken
// up again (engineering.md 3).
// An account has a bounded number of uploads in hand, received ones included;
// that of others does not matter.
func TestUploadsInHand(t *testing.T) {
	w := newWorld(t)
	nupkg := pack.Nupkg(pack.Spec{ID: "Some.Package", Version: "1.0.0"})
	receive := func(a gallery.Actor) (*gallery.Upload, error) {
		ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
		defer cancel()
		return w.Receive(ctx, a, w.main, bytes.NewReader(nupkg))
	}
	var held []*gallery.Upload
	for {
		u, err := receive(w.bob)
		if err != nil {
			break
		}
		defer u.Discard()
		if held = append(held, u); len(held) > 100 {
			t.Fatal("there is no bound")
		}
	}
	if len(held) < 16 {
		t.Errorf("%d at once are too few", len(held))
	}
	u, err := receive(w.ann)
	if err != nil {
		t.Fatalf("another account: %v", err)
	}
	u.Discard()
	held[0].Discard()
	held[0].Discard()
	if u, err = receive(w.bob); err != nil {
		t.Fatalf("after one has ended: %v", err)
	}
	defer u.Discard()
	if _, err = receive(w.bob); err == nil {
		t.Error("discarding twice lets two in")
	}
}

// A file out of a package is one in memory for all who use it, however they
// spell it.
func TestFileIsShared(t *testing.T) {
	w := newWorld(t)
	head := w.mustPublish(w.bob, w.main, pack.Spec{ID: "Some.Package", Version: "1.0.0"}).Head
	a, err := w.File(w.ctx(), head, "README.md", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, name := range []string{"README.md", "readme.MD", `.\%52EADME.md`} {
		b, err := w.File(w.ctx(), head, name, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if &a.Data[0] != &b.Data[0] {
			t.Errorf("%s is read again", name)
		}
		b.Close()
	}
	for name, limit := range map[string]int64{"nothing.md": 1 << 20, "README.md": 1} {
		if _, err := w.File(w.ctx(), head, name, limit); gallery.KindOf(err) != gallery.NotFound {
			t.Errorf("%s of at most %d bytes: %v", name, limit, err)
		}
	}
}

// Packages are read inside by a bounded number at once, whoever asks.
func TestPackagesOpenAtOnce(t *testing.T) {
	w := newWorld(t)
	head := w.mustPublish(w.bob, w.main, pack.Spec{ID: "Some.Package", Version: "1.0.0"}).Head
	var open []*gallery.PackageFile
	for {
		ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
		file, err := w.OpenArchive(ctx, head)
		cancel()
		if err != nil {
			break
		}
		if open = append(open, file); len(open) > 100 {
			t.Fatal("there is no bound")
		}
	}
	ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.Nuspec(ctx, head); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with %d open, one more: %v", len(open), err)
	}
	for _, file := range open {
		file.Close()
	}
	if _, err := w.Nuspec(w.ctx(), head); err != nil {
		t.Error(err)
	}
}

func TestSweep(t *testing.T) {
	w := newWorld(t)
	w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Kept", Version: "1.0.0"})
	spec := pack.Spec{ID: "Contoso.Test", Version: "1.0.0"}
	old := w.mustPublish(w.ann, w.test, spec)
	w.mustPublish(w.ann, w.test, pack.Spec{ID: "Contoso.Test", Version: "1.0.0", Description: "Replaced."})
	sweep := func(doomed, deleted int) {
		t.Helper()
		s, err := w.Sweep(w.ctx())
		if err != nil || s.Doomed != doomed || s.Deleted != deleted {
			t.Errorf("sweep: %+v, %v; want %d doomed, %d deleted", s, err, doomed, deleted)
		}
	}
	sweep(1, 0)
	w.pass(23 * time.Hour)
	sweep(0, 0)
	w.mustPublish(w.ann, w.test, spec) // the same bytes again: the blob is used once more, the other is not
	w.pass(2 * time.Hour)
	sweep(1, 0)
	w.pass(25 * time.Hour)
	sweep(0, 1)
	if _, err := w.blobs.Open(old.Head.Blob); err != nil {
		t.Errorf("a blob in use was deleted: %v", err)
	}
	w.verify()
}

// TestSweepMarks: marks that mean nothing any more go, of blobs that are used
// and of blobs that are gone; a blob that is marked by mistake while it is
// recorded is not deleted at once when it is unused later.
func TestSweepMarks(t *testing.T) {
	w := newWorld(t)
	used := w.mustPublish(w.ann, w.main, pack.Spec{ID: "Contoso.Kept", Version: "1.0.0"}).Head.Blob
	gone := gallery.Hash{1, 2, 3}
	err := w.store.Update(w.ctx(), func(tx gallery.Writer) error {
		return errors.Join(tx.PutDoomed(gallery.Doomed{Hash: used, Since: w.Now()}), tx.PutDoomed(gallery.Doomed{Hash: gone, Since: w.Now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(48 * time.Hour)
	if s, err := w.Sweep(w.ctx()); err != nil || s != (gallery.Swept{}) {
		t.Errorf("sweep: %+v, %v", s, err)
	}
	err = w.store.View(w.ctx(), func(r gallery.Reader) error {
		left, err := r.Doomed(gallery.Hash{}, 10)
		if len(left) > 0 {
			t.Errorf("%d marks are left", len(left))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	w.verify()
}

// stuckBlobs cannot delete one of their blobs, as Windows cannot while it is read.
type stuckBlobs struct {
	gallery.Blobs
	stuck gallery.Hash
}

func (b *stuckBlobs) Delete(h gallery.Hash) error {
	if h == b.stuck {
		return errors.New("it is in use")
	}
	return b.Blobs.Delete(h)
}

// TestSweepGoesOn: a file that cannot be removed keeps no other from going, and
// goes later.
func TestSweepGoesOn(t *testing.T) {
	w := newWorld(t)
	w.Close(w.ctx())
	stuck := &stuckBlobs{Blobs: w.blobs}
	g, err := gallery.Open(w.ctx(), gallery.Options{Store: w.store, Blobs: stuck, Now: w.Now, Feeds: []gallery.FeedOptions{{Name: "main"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close(w.ctx())
	var first gallery.Hash
	for i := range 4 {
		h := storetest.PutBlob(t, w.blobs, []byte{byte(i)})
		if first.IsZero() || bytes.Compare(h[:], first[:]) < 0 {
			first = h
		}
	}
	stuck.stuck = first
	sweep := func(want gallery.Swept, fails bool) {
		t.Helper()
		if s, err := g.Sweep(w.ctx()); s != want || (err != nil) != fails {
			t.Errorf("sweep: %+v, %v", s, err)
		}
	}
	sweep(gallery.Swept{Doomed: 4}, false)
	w.pass(25 * time.Hour)
	sweep(gallery.Swept{Deleted: 3, Bytes: 3}, true)
	stuck.stuck = gallery.Hash{}
	sweep(gallery.Swept{Deleted: 1, Bytes: 1}, false)
}

func TestFeedRules(t *testing.T) { // T-13, D-05
	w := newWorld(t)
	w.Close(w.ctx())
	for _, tt := range []struct {
		feeds []gallery.FeedOptions
		text  string
	}{
		{nil, "no feed"},
		{[]gallery.FeedOptions{{Name: "Main"}}, "is not a feed name"},
		{[]gallery.FeedOptions{{Name: "main"}, {Name: "main"}}, "twice"},
		{[]gallery.FeedOptions{{Name: "main", Kind: gallery.TestFeed}}, "stays one"},
		{[]gallery.FeedOptions{{Name: "main", Replace: true}}, "only a test feed"},
	} {
		g, err := gallery.Open(w.ctx(), gallery.Options{Store: w.store, Blobs: w.blobs, Feeds: tt.feeds})
		if err == nil {
			g.Close(w.ctx())
		}
		if err == nil || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("feeds %+v: %v, want %q", tt.feeds, err, tt.text)
		}
	}
}
