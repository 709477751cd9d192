package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"

	"nougat/store"
)

// ends are the ways in which a function can end badly, each run in a goroutine
// of its own.
var ends = map[string]func() error{
	"error":  func() error { return errRefused },
	"panic":  func() error { panic("of a test") },
	"Goexit": func() error { runtime.Goexit(); return nil },
}

var errRefused = errors.New("refused by a rule")

// endBadly runs an update whose function ends badly after f, in a goroutine that
// may end with it. It returns what Update returned, if it did.
func endBadly(kv store.KV, f func(store.Txn) error, end func() error) (returned bool, panicked any, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		err = kv.Update(background, func(tx store.Txn) error {
			if err := f(tx); err != nil {
				return err
			}
			return end()
		})
		returned = true
	}()
	<-done
	return returned, panicked, err
}

func testUndo(t *testing.T, open OpenKV) {
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			kv := openKV(t, open, store.Hooks{})
			update(t, kv, func(tx store.Txn) error {
				return errors.Join(tx.Put(plain, []byte("a"), []byte("1")), tx.Put(plain, []byte("b"), []byte("2")), tx.Put(plain, []byte("e"), nil))
			})
			returned, panicked, err := endBadly(kv, func(tx store.Txn) error {
				return errors.Join(
					tx.Put(plain, []byte("a"), []byte("changed")),
					tx.Put(plain, []byte("a"), []byte("changed twice")),
					tx.Delete(plain, []byte("b")),
					tx.Put(plain, []byte("b"), []byte("back")),
					tx.Delete(plain, []byte("b")),
					tx.Delete(plain, []byte("e")),
					tx.Put(plain, []byte("new"), []byte("3")),
					tx.Put(appended, []byte("other"), []byte("4")),
				)
			}, end)
			if returned != (name == "error") || (panicked != nil) != (name == "panic") {
				t.Errorf("returned %v, panic %v", returned, panicked)
			}
			if name == "error" && err != errRefused {
				t.Errorf("Update returned %v, not the function's own error", err)
			}
			wantDump(t, kv, plain, "a=1", "b=2", "e=")
			wantDump(t, kv, appended)
			update(t, kv, put(plain, "after", "5"))
			wantDump(t, kv, plain, "a=1", "after=5", "b=2", "e=")
		})
	}
}

// testNeighbours runs good and bad functions at once: in a backend with group
// commit they share transactions.
func testNeighbours(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	var done sync.WaitGroup
	var want []string
	for i := range 90 {
		key := fmt.Sprintf("%03d", i)
		done.Go(func() {
			f := func(tx store.Txn) error {
				err := tx.Put(plain, []byte(key), []byte(key))
				if err != nil {
					return err
				}
				// Everybody changes this one: what is undone must be one's own.
				old, err := tx.Get(plain, []byte("x"))
				if err != nil {
					return err
				}
				return tx.Put(plain, []byte("x"), append(slices.Clone(old), '.'))
			}
			switch i % 6 {
			case 0:
				endBadly(kv, f, ends["error"])
			case 2:
				endBadly(kv, f, ends["panic"])
			case 4:
				endBadly(kv, f, ends["Goexit"])
			default:
				if err := kv.Update(background, f); err != nil {
					t.Error(err)
				}
			}
		})
		if i%2 == 1 {
			want = append(want, key+"="+key)
		}
	}
	done.Wait()
	wantDump(t, kv, plain, append(want, "x="+string(bytes.Repeat([]byte("."), len(want))))...)
}
