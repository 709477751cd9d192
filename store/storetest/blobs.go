package storetest

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"nougat/gallery"
)

// An OpenBlobs opens empty Blobs.
type OpenBlobs func(t testing.TB) gallery.Blobs

// RunBlobs tests what gallery.Blobs promises.
func RunBlobs(t *testing.T, open OpenBlobs) {
	tests := []struct {
		name string
		test func(*testing.T, gallery.Blobs)
	}{
		{"put and open", testPutOpen},
		{"a repeated put", testPutAgain},
		{"many puts of the same bytes", testPutAtOnce},
		{"a wrong size leaves nothing", testWrongSize},
		{"a cancelled put leaves nothing", testPutCancelled},
		{"what is discarded is gone", testDiscard},
		{"delete", testDelete},
		{"list", testList},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open(t)) })
	}
}

// Fill writes content to a new temporary file.
func Fill(t testing.TB, b gallery.Blobs, content []byte) *os.File {
	t.Helper()
	f, err := b.Temp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	return f
}

// PutBlob stores content and returns its hash.
func PutBlob(t testing.TB, b gallery.Blobs, content []byte) gallery.Hash {
	t.Helper()
	hash := gallery.Hash(sha512.Sum512(content))
	f := Fill(t, b, content)
	if err := b.Put(background, hash, int64(len(content)), f); err != nil {
		t.Fatalf("Put: %v", err)
	}
	wantGone(t, f)
	return hash
}

// TempFiles lists the temporary files that there are now.
func TempFiles(t testing.TB, b gallery.Blobs) (names []string) {
	t.Helper()
	f := Fill(t, b, nil)
	if err := b.Discard(f); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(filepath.Dir(f.Name()))
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// wantBlob reads a blob in all the ways there are.
func wantBlob(t testing.TB, b gallery.Blobs, hash gallery.Hash, content []byte) {
	t.Helper()
	blob, err := b.Open(hash)
	if err != nil {
		t.Errorf("Open: %v", err)
		return
	}
	defer func() {
		if err := blob.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}()
	if blob.Size() != int64(len(content)) {
		t.Errorf("the blob has %d bytes, want %d", blob.Size(), len(content))
	}
	got, err := io.ReadAll(io.NewSectionReader(blob, 0, blob.Size()+1))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("ReadAt gives %.20q (%v), want %.20q", got, err, content)
	}
	if f := blob.File(); f != nil {
		if got, err := io.ReadAll(f); err != nil || !bytes.Equal(got, content) {
			t.Errorf("the file holds %.20q (%v), want %.20q", got, err, content)
		}
	}
}

func wantNoBlob(t testing.TB, b gallery.Blobs, hash gallery.Hash) {
	t.Helper()
	if blob, err := b.Open(hash); !errors.Is(err, gallery.ErrNotFound) {
		t.Errorf("Open of what is not there: %v", err)
		if err == nil {
			blob.Close()
		}
	}
}

// wantGone holds that a temporary file has been closed and has left its place.
func wantGone(t testing.TB, f *os.File) {
	t.Helper()
	if _, err := f.Write(nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the temporary file is left open: %v", err)
	}
	if _, err := os.Lstat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the temporary file is still there: %v", err)
	}
}

func testPutOpen(t *testing.T, b gallery.Blobs) {
	wantNoBlob(t, b, Hash("nothing"))
	for _, content := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("0123456789abcdef"), 100000)} {
		hash := PutBlob(t, b, content)
		wantBlob(t, b, hash, content)
	}
}

func testPutAgain(t *testing.T, b gallery.Blobs) {
	content := []byte("the same bytes")
	hash := PutBlob(t, b, content)
	for range 3 {
		PutBlob(t, b, content)
	}
	wantBlob(t, b, hash, content)
}

func testPutAtOnce(t *testing.T, b gallery.Blobs) {
	var done sync.WaitGroup
	for i := range 40 {
		done.Go(func() {
			content := fmt.Appendf(nil, "content %d", i%4)
			hash := gallery.Hash(sha512.Sum512(content))
			f := Fill(t, b, content)
			if err := b.Put(background, hash, int64(len(content)), f); err != nil {
				t.Errorf("Put: %v", err)
			}
			wantGone(t, f)
			wantBlob(t, b, hash, content)
		})
	}
	done.Wait()
}

func testWrongSize(t *testing.T, b gallery.Blobs) {
	content := []byte("content")
	hash := gallery.Hash(sha512.Sum512(content))
	for _, size := range []int64{0, 6, 8} {
		f := Fill(t, b, content)
		if err := b.Put(background, hash, size, f); err == nil {
			t.Errorf("a file of %d bytes passed as %d", len(content), size)
		}
		wantGone(t, f)
		wantNoBlob(t, b, hash)
	}
	PutBlob(t, b, content)
	wantBlob(t, b, hash, content)
}

func testPutCancelled(t *testing.T, b gallery.Blobs) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	f := Fill(t, b, []byte("content"))
	if err := b.Put(ctx, Hash("content"), 7, f); !errors.Is(err, context.Canceled) {
		t.Errorf("Put with a cancelled context: %v", err)
	}
	wantGone(t, f)
	wantNoBlob(t, b, Hash("content"))
}

func testDiscard(t *testing.T, b gallery.Blobs) {
	f := Fill(t, b, []byte("content"))
	if err := b.Discard(f); err != nil {
		t.Error(err)
	}
	wantGone(t, f)
}

func testDelete(t *testing.T, b gallery.Blobs) {
	content := []byte("content")
	hash := PutBlob(t, b, content)
	other := PutBlob(t, b, []byte("other"))
	for range 2 { // the second time it is not there, which is no error
		if err := b.Delete(hash); err != nil {
			t.Errorf("Delete: %v", err)
		}
		wantNoBlob(t, b, hash)
	}
	wantBlob(t, b, other, []byte("other"))
	PutBlob(t, b, content)
	wantBlob(t, b, hash, content)
}

func testList(t *testing.T, b gallery.Blobs) {
	want := make(map[gallery.Hash]int64)
	for i := range 120 { // several in some folders
		content := bytes.Repeat([]byte{byte(i)}, i)
		content = append(content, fmt.Sprint(i)...)
		want[PutBlob(t, b, content)] = int64(len(content))
	}
	Fill(t, b, []byte("temporary files are not listed")).Close()
	var hashes []gallery.Hash
	err := b.List(background, func(h gallery.Hash, size int64) error {
		if want[h] != size {
			t.Errorf("%v has %d bytes, want %d", h, size, want[h])
		}
		hashes = append(hashes, h)
		return nil
	})
	sorted := slices.IsSortedFunc(hashes, func(a, b gallery.Hash) int { return bytes.Compare(a[:], b[:]) })
	if err != nil || len(hashes) != len(want) || !sorted {
		t.Errorf("List gives %d of %d blobs, sorted %v: %v", len(hashes), len(want), sorted, err)
	}
	seen := 0
	err = b.List(background, func(gallery.Hash, int64) error {
		if seen++; seen == 5 {
			return errRefused
		}
		return nil
	})
	if err != errRefused || seen != 5 {
		t.Errorf("a function that failed at the fifth blob saw %d: %v", seen, err)
	}
	ctx, cancel := context.WithCancel(background)
	err = b.List(ctx, func(gallery.Hash, int64) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a list whose context ended: %v", err)
	}
}
