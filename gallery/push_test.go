package gallery_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nougat/gallery"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

// TestPushIsTheTruth: when Push returns, everything that a client asks has it.
func TestPushIsTheTruth(t *testing.T) {
	t.Parallel()
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
	res, err := w.Search(w.ctx(), w.main, gallery.Query{Text: "tables", Take: 20, Filter: gallery.Filter{Prerelease: true, SemVer2: true}})
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
		return tx.PutPackage(w.main.Generation, pkg)
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
	if _, err := w.SetLocked(w.ctx(), w.ann, "bob", true); err != nil {
		t.Fatal(err)
	}
	_, err = w.publish(w.bob, w.main, pack.Spec{ID: "Bob.Tables", Version: "1.0.0"}) // known when the request came in, and locked since
	wantKind(t, err, gallery.Forbidden, lockedAccount)
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
	t.Parallel()
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

// TestOneVersionManyPushers: one gets it, the others a true conflict.
func TestOneVersionManyPushers(t *testing.T) {
	t.Parallel()
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

// An account has a bounded number of uploads in hand, received ones included;
// that of others does not matter.
func TestUploadsInHand(t *testing.T) { synctest.Test(t, testUploadsInHand) }

// In a bubble only those who wait for a place run out of time, and not those
// whose disk is slow.
func testUploadsInHand(t *testing.T) {
	w := newWorld(t)
	nupkg := pack.Nupkg(pack.Spec{ID: "Some.Package", Version: "1.0.0"})
	receive := func(a gallery.Actor) (*gallery.Upload, error) {
		ctx, cancel := context.WithTimeout(w.ctx(), 20*time.Millisecond)
		defer cancel()
		u, err := w.BeginUpload(a, w.main, gallery.Incoming{Length: -1})
		if err == nil {
			if err = u.Receive(ctx, bytes.NewReader(nupkg)); err != nil {
				u.Discard()
			}
		}
		return u, err
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
