// Package storetest holds what every backend of store must do, as tests: RunKV
// for an ordered map, Run for a whole store of records, RunBlobs for package
// files. It also gives the tests of other rooms a real store to work on.
//
// It must never be part of the program, and asks nothing of a backend that
// gallery.Store, gallery.Blobs and store.KV do not promise.
package storetest

import (
	"context"
	"path/filepath"
	"testing"

	"nougat/gallery"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/dir"
)

// Open returns an empty store and empty blobs in a temporary folder, by the same
// backends that a server uses, and closes them with the test.
func Open(t testing.TB) (gallery.Store, gallery.Blobs) {
	t.Helper()
	return OpenAt(t, filepath.Join(t.TempDir(), "data"))
}

// OpenAt is Open in a folder of the caller's, which may hold data already.
func OpenAt(t testing.TB, folder string) (gallery.Store, gallery.Blobs) {
	t.Helper()
	kv, err := bolt.Open(folder, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := newStore(t, kv)
	blobs, err := dir.Open(folder, dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, blobs
}

// newStore opens the store in kv and closes it with the test.
func newStore(t testing.TB, kv store.KV) *store.Store {
	t.Helper()
	s, err := store.New(context.Background(), kv)
	if err != nil {
		kv.Close()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return s
}
