package gallery_test

import (
	"path/filepath"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/internal/pack"
	"nougat/store/storetest"
)

// TestEarlierData opens the data folder of schema 1: its passwords, keys and
// sessions work, its packages are there and take new versions, its files are in
// use, and it is whole before and after.
func TestEarlierData(t *testing.T) {
	const (
		annKey   = "ngt_pGzLz5MLUnXBcpi3k0eJ62yHKEuAVnkeZcekh2wPY3q7McD"
		nightKey = "ngt_te5FAYmcqDc6hwhuajrwOekHHs2mljzpAhLUGAq090Mujgr"
		revoked  = "ngt_pXIXlkxeW6Bd7Og1aLAtvHzGqKVy11ksyhfRN9VSM3SuptS"
		session  = "hTcjIPa3uHIEmrFrhUyMmSfIhWzOVL2UWFVZNP6PhfF"
	)
	folder := filepath.Join(t.TempDir(), "data")
	storetest.EarlierData(t, 1, folder)
	w := &world{t: t, now: time.Date(2026, 12, 1, 4, 0, 0, 0, time.UTC), change: []func(*gallery.Options){func(o *gallery.Options) {
		o.Feeds = []gallery.FeedOptions{{Name: "main"}, {Name: "nightly", Kind: gallery.TestFeed, Replace: true}}
	}}}
	w.store, w.blobs = storetest.OpenAt(t, folder)
	w.open()
	nightly, _ := w.Feed("nightly")
	w.verify()
	ann, err := w.SessionActor(w.ctx(), session)
	if err != nil || ann.Name != "ann" || !ann.Admin {
		t.Fatalf("the session: %+v, %v", ann, err)
	}
	if _, _, err := w.SignIn(w.ctx(), "ann@contoso.com", annPassword, "", ""); err != nil {
		t.Errorf("the password: %v", err)
	}
	byKey, err := w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: annKey})
	if err != nil {
		t.Fatalf("the key: %v", err)
	}
	_, err = w.PushActor(w.ctx(), w.main, gallery.Credentials{APIKey: revoked})
	wantKind(t, err, gallery.Forbidden, keyUnknown)
	_, releases, err := w.Releases(w.ctx(), w.main, "Contoso.Json")
	if err != nil || len(releases) != 3 || releases[0].Listed || !releases[1].Listed {
		t.Fatalf("%d versions, %v", len(releases), err)
	}
	if file, err := w.Readme(w.ctx(), releases[1]); err != nil || string(file.Data) != "# Contoso.Json\n\nReads JSON.\n" {
		t.Errorf("the readme: %v", err)
	}
	if total, _, err := w.DownloadsOf(w.ctx(), w.main, "contoso.json"); err != nil || total != 3 {
		t.Errorf("%d downloads, %v", total, err)
	}
	// One unused file: of the version that was replaced on the test feed.
	if s, err := w.Sweep(w.ctx()); err != nil || s.Doomed != 1 {
		t.Errorf("sweep: %+v, %v", s, err)
	}
	w.pass(25 * time.Hour)
	if s, err := w.Sweep(w.ctx()); err != nil || s.Deleted != 1 {
		t.Errorf("sweep: %+v, %v", s, err)
	}
	night, err := w.PushActor(w.ctx(), nightly, gallery.Credentials{APIKey: nightKey})
	if err != nil {
		t.Fatal(err)
	}
	w.mustPublish(night, nightly, pack.Spec{ID: "Contoso.Json", Version: "1.0.0-ci", Description: "Again."})
	w.mustPublish(byKey, w.main, pack.Spec{ID: "Contoso.Json", Version: "1.2.0"})
	w.verify()
}
