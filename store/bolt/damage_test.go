package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"nougat/gallery"
	"nougat/store"
	"nougat/store/bolt"
)

const pageSize = 4096

// wholeFile is a database of a few dozen pages, and how many of its bytes are in
// use.
func wholeFile(t *testing.T) (content []byte, used int) {
	t.Helper()
	kv := openAt(t, t.TempDir(), bolt.Options{})
	for i := range 12 {
		err := kv.Update(t.Context(), func(tx store.Txn) error {
			for j := range 20 {
				for b := range store.Bucket(2) {
					if err := tx.Put(b, fmt.Appendf(nil, "%03d", 100+i*20+j), bytes.Repeat([]byte{byte(i)}, 200)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(kv.Path())
	if err != nil {
		t.Fatal(err)
	}
	for used = len(content); bytes.Count(content[used-pageSize:used], []byte{0}) == pageSize; used -= pageSize {
	}
	return content, used
}

// withFile opens a database of that content and reads, writes and checks it.
// What is found wrong must be ErrDamaged: nothing may panic.
func withFile(t *testing.T, content []byte) (faults []string, open, use error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, bolt.FileName), content, 0o600); err != nil {
		t.Fatal(err)
	}
	kv, err := bolt.Open(folder, bolt.Options{Mapping: 1 << 24})
	if err != nil {
		return nil, err, nil
	}
	if err := kv.Check(func(fault string) { faults = append(faults, fault) }); err != nil {
		t.Errorf("the check fails with %v", err)
	}
	note := func(err error) {
		if err != nil && use == nil {
			use = err
		}
	}
	for b := range store.Bucket(store.NumBuckets) {
		var after []byte
		for more := true; more; {
			note(kv.View(t.Context(), func(tx store.Txn) error {
				more = false
				page, err := tx.Scan(b, after, nil, store.MaxPage)
				if err != nil {
					return err
				}
				for _, p := range page {
					after = append(append([]byte(nil), p.Key...), 0)
					if len(p.Value) > store.MaxValue {
						return fmt.Errorf("%w: a value has %d bytes", bolt.ErrDamaged, len(p.Value))
					}
					more = bytes.Count(p.Value, []byte{7}) >= 0 && len(page) == store.MaxPage
				}
				return nil
			}))
		}
	}
	note(kv.Update(t.Context(), func(tx store.Txn) error {
		for b := range store.Bucket(store.NumBuckets) {
			if err := errors.Join(tx.Put(b, []byte("new"), []byte("value")), tx.Delete(b, []byte("150"))); err != nil {
				return err
			}
		}
		return nil
	}))
	if err := kv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return faults, nil, use
}

// TestDamagedFile cuts a database off, and overwrites pages of it: that is
// an error and a finding, never a panic or a fault.
func TestDamagedFile(t *testing.T) {
	content, used := wholeFile(t)
	if faults, open, use := withFile(t, content); open != nil || use != nil || faults != nil {
		t.Fatalf("a whole file: %v, %v, %v", open, use, faults)
	}
	for _, size := range []int{1, 100, pageSize, 2 * pageSize, 4 * pageSize, used / 2, used/2 + 77, used - pageSize} {
		if _, open, _ := withFile(t, content[:size]); !errors.Is(open, bolt.ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", size, used, open)
		}
	}
	noise := make([]byte, pageSize)
	chance := rand.NewChaCha8([32]byte{1})
	found := 0
	for at := 2 * pageSize; at < used; at += 5 * pageSize {
		for _, how := range []string{"zeros", "noise", "another page", "noise after the head", "a head of nonsense"} {
			broken := bytes.Clone(content)
			page := broken[at : at+pageSize]
			chance.Read(noise)
			switch how {
			case "zeros":
				clear(page)
			case "noise":
				copy(page, noise)
			case "another page":
				copy(page, content[(at+5*pageSize)%used/pageSize*pageSize:])
			case "noise after the head":
				copy(page[16:], noise[:1000])
			case "a head of nonsense":
				copy(page[10:16], "\xff\xff\xff\xff\xff\xff")
			}
			faults, open, use := withFile(t, broken)
			for _, err := range []error{open, use} {
				var refused *gallery.Error
				if err != nil && !errors.Is(err, bolt.ErrDamaged) && !(errors.As(err, &refused) && refused.Kind == gallery.Unavailable) {
					t.Errorf("page %d is %s: %v", at/pageSize, how, err)
				}
			}
			if open != nil || len(faults) > 0 {
				found++
			} else if use != nil {
				t.Errorf("page %d is %s: the check finds nothing, but: %v", at/pageSize, how, use)
			}
		}
	}
	if found == 0 {
		t.Error("no damage was found")
	}
}

// TestPanicPasses: what panics in a function, and not in bbolt, is not damage.
func TestPanicPasses(t *testing.T) {
	kv := open(t, store.Hooks{})
	defer kv.Close()
	for name, run := range map[string]func(f func(store.Txn) error) error{
		"View":   func(f func(store.Txn) error) error { return kv.View(t.Context(), f) },
		"Update": func(f func(store.Txn) error) error { return kv.Update(t.Context(), f) },
	} {
		func() {
			defer func() {
				if p := recover(); p != "mine" {
					t.Errorf("%s: the panic became %v", name, p)
				}
			}()
			err := run(func(tx store.Txn) error {
				if _, err := tx.Get(plain, []byte("k")); err != nil {
					return err
				}
				panic("mine")
			})
			t.Errorf("%s returned %v", name, err)
		}()
	}
}

// TestUnfinished: what a kill left of the making of a database is in nobody's
// way, and goes.
func TestUnfinished(t *testing.T) {
	folder := t.TempDir()
	left := filepath.Join(folder, bolt.FileName+".new42")
	if err := os.WriteFile(left, make([]byte, pageSize), 0o600); err != nil {
		t.Fatal(err)
	}
	kv := openAt(t, folder, bolt.Options{})
	defer kv.Close()
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 || files[0].Name() != bolt.FileName {
		t.Errorf("the folder holds %v, %v", files, err)
	}
}
