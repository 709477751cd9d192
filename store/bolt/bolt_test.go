package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/internal/need"
	"nougat/store"
	"nougat/store/bolt"
	"nougat/store/storetest"
)

func open(t testing.TB, hooks store.Hooks) store.KV {
	t.Helper()
	return openAt(t, t.TempDir(), bolt.Options{Hooks: hooks})
}

func openAt(t testing.TB, folder string, opts bolt.Options) *bolt.DB {
	t.Helper()
	kv, err := bolt.Open(folder, opts)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestKV(t *testing.T) { storetest.RunKV(t, open) }

func TestStore(t *testing.T) { storetest.Run(t, open) }

func FuzzProgram(f *testing.F) {
	f.Add([]byte("put, delete, scan and fail"))
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3 {
		program := make([]byte, 400)
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		f.Add(program)
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 2000 {
			t.Skip("longer than it takes")
		}
		kv := open(t, store.Hooks{})
		defer kv.Close()
		storetest.RunProgram(t, kv, program)
	})
}

const plain = store.Bucket(0)

func put(key string, size int) func(store.Txn) error {
	return func(tx store.Txn) error { return tx.Put(plain, []byte(key), bytes.Repeat([]byte(key), size/len(key))) }
}

func get(t testing.TB, kv store.KV, key string) (value string) {
	t.Helper()
	err := kv.View(t.Context(), func(tx store.Txn) error {
		v, err := tx.Get(plain, []byte(key))
		value = string(v)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return value
}

func TestOpen(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	kv := openAt(t, folder, bolt.Options{})
	if err := kv.Update(t.Context(), put("k", 5)); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		for path, want := range map[string]fs.FileMode{folder: fs.ModeDir | 0o700, kv.Path(): 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s has the mode %v (%v), want %v", path, info.Mode(), err, want)
			}
		}
	}
	// Held: by another handle, which flock takes for another process. The wait of
	// a millisecond must not become one for ever.
	start := time.Now()
	if _, err := bolt.Open(folder, bolt.Options{}); !errors.Is(err, bolt.ErrHeld) || !strings.Contains(err.Error(), kv.Path()) {
		t.Errorf("a second Open: %v", err)
	}
	if waited := time.Since(start); waited > time.Minute {
		t.Errorf("a second Open waited %v", waited)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	kv = openAt(t, folder, bolt.Options{})
	if got := get(t, kv, "k"); got != "kkkkk" {
		t.Errorf("after a new start k is %q", got)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(kv.Path(), bytes.Repeat([]byte("no database "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(folder, bolt.Options{}); err == nil || !strings.Contains(err.Error(), kv.Path()) {
		t.Errorf("Open of what is no database: %v", err)
	}
}

// TestGrow outgrows the mapping while a View is open: within the mapping the
// commit does not wait; past it, it waits for the View, whose values stay whole.
func TestGrow(t *testing.T) {
	grow := func(t *testing.T, kv store.KV, waits bool) {
		if err := kv.Update(t.Context(), put("k", 1000)); err != nil {
			t.Fatal(err)
		}
		committed := make(chan error, 1)
		err := kv.View(t.Context(), func(tx store.Txn) error {
			before, err := tx.Get(plain, []byte("k"))
			if err != nil {
				return err
			}
			go func() { committed <- kv.Update(t.Context(), put("large", 8<<20)) }()
			if waits {
				// Let it come to the mapping. On a slow machine it may not get there,
				// and the check below says less; it never fails by that.
				time.Sleep(20 * time.Millisecond)
				if len(committed) > 0 {
					t.Error("the commit did not wait: the test does not outgrow the mapping")
				}
			} else if err := <-committed; err != nil {
				t.Error(err)
			}
			after, err := tx.Get(plain, []byte("k"))
			if !bytes.Equal(before, after) || len(after) != 1000 {
				t.Error("a View's values changed")
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if waits {
			if err := <-committed; err != nil {
				t.Error(err)
			}
		}
		if got := get(t, kv, "large"); len(got) != (8<<20)/5*5 {
			t.Errorf("%d bytes came back", len(got))
		}
	}
	t.Run("past the mapping", func(t *testing.T) {
		kv := openAt(t, t.TempDir(), bolt.Options{Mapping: 1 << 16})
		defer kv.Close()
		grow(t, kv, true)
	})
	t.Run("within the mapping", func(t *testing.T) {
		if runtime.GOOS == "windows" {
			t.Skip("windows maps what the file holds")
		}
		kv := openAt(t, t.TempDir(), bolt.Options{})
		defer kv.Close()
		grow(t, kv, false)
	})
}

// TestRefusedNeighbour holds that a function which refused because of a
// neighbour's write is not told so when that write is lost.
func TestRefusedNeighbour(t *testing.T) {
	var fault storetest.Fault
	kv := open(t, fault.Hooks())
	defer kv.Close()
	fault.Before(syscall.ENOSPC)
	refused := errors.New("it is there already")
	// Whether the two share a batch is a matter of time: the second must wait
	// before the first ends. They mostly do at once.
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		var second error
		var done sync.WaitGroup
		first := kv.Update(t.Context(), func(tx store.Txn) error {
			done.Go(func() {
				second = kv.Update(t.Context(), func(tx store.Txn) error {
					if v, err := tx.Get(plain, []byte("k")); v != nil || err != nil {
						return errors.Join(err, refused)
					}
					return errors.New("not in one batch")
				})
			})
			time.Sleep(time.Millisecond)
			return tx.Put(plain, []byte("k"), nil)
		})
		done.Wait()
		if gallery.KindOf(first) != gallery.Full {
			t.Fatalf("the first answered %v", first)
		}
		if errors.Is(second, refused) {
			t.Fatal("a refusal was answered that rests on a write which never happened")
		}
		if gallery.KindOf(second) == gallery.Full {
			return
		}
	}
	t.Error("two updates at once never shared a batch")
}

// TestReadOnly holds that nothing is written after a sync failed, until a
// restart, and that reads go on.
func TestReadOnly(t *testing.T) {
	for name, broken := range map[string]func(*storetest.Fault){
		"before":          func(f *storetest.Fault) { f.Before(syscall.EIO) },
		"after":           func(f *storetest.Fault) { f.After(syscall.EIO) },
		"full, but after": func(f *storetest.Fault) { f.After(syscall.ENOSPC) },
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			var fault storetest.Fault
			kv := openAt(t, folder, bolt.Options{Hooks: fault.Hooks()})
			if err := kv.Update(t.Context(), put("k", 1)); err != nil {
				t.Fatal(err)
			}
			broken(&fault)
			if err := kv.Update(t.Context(), put("k", 2)); !errors.Is(err, gallery.ErrReadOnly) {
				t.Errorf("a broken sync answers %v", err)
			}
			fault.Before(nil)
			fault.After(nil)
			ran := false
			err := kv.Update(t.Context(), func(tx store.Txn) error { ran = true; return nil })
			if !errors.Is(err, gallery.ErrReadOnly) || gallery.KindOf(err) != gallery.Unavailable || ran {
				t.Errorf("the update after it answers %v; it ran: %v", err, ran)
			}
			if got := get(t, kv, "k"); got == "" {
				t.Error("reads do not go on")
			}
			if err := kv.Close(); err != nil {
				t.Fatal(err)
			}
			kv = openAt(t, folder, bolt.Options{})
			defer kv.Close()
			if err := kv.Update(t.Context(), put("k", 3)); err != nil {
				t.Errorf("after a restart: %v", err)
			}
		})
	}
}

// TestBatchLimits commits more at once than one batch takes, by number and by
// bytes.
func TestBatchLimits(t *testing.T) {
	kv := openAt(t, t.TempDir(), bolt.Options{})
	defer kv.Close()
	var done sync.WaitGroup
	for i := range 300 {
		done.Go(func() {
			if err := kv.Update(t.Context(), put(fmt.Sprintf("%04d", i), 64<<10)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	for i := range 300 {
		if got := get(t, kv, fmt.Sprintf("%04d", i)); len(got) != 64<<10 {
			t.Fatalf("value %d has %d bytes", i, len(got))
		}
	}
}

// TestFullDisk fills a real disk, a small one that the environment names: a
// tmpfs of a few MiB, for example. ENOSPC is no end of writing.
func TestFullDisk(t *testing.T) {
	folder := os.Getenv("NOUGAT_TEST_SMALL_DISK")
	if folder == "" {
		need.Missing(t, "smalldisk", "NOUGAT_TEST_SMALL_DISK names no folder on a small disk")
	}
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	kv := openAt(t, filepath.Join(folder, "data"), bolt.Options{})
	defer kv.Close()
	var err error
	last := 0
	for ; err == nil && last < 10000; last++ {
		err = kv.Update(t.Context(), put(fmt.Sprint("k", last), 100<<10))
	}
	if gallery.KindOf(err) != gallery.Full || errors.Is(err, gallery.ErrReadOnly) {
		t.Fatalf("a full disk answers %v (kind %d) after %d updates", err, gallery.KindOf(err), last)
	}
	if got := get(t, kv, "k0"); len(got) == 0 {
		t.Error("reads do not go on")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := kv.Update(t.Context(), put("again", 50<<10)); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
