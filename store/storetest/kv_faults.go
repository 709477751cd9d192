package storetest

import (
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/store"
)

// wantUnavailable checks the answer to a commit that failed.
func wantUnavailable(t testing.TB, err, cause error) {
	t.Helper()
	if gallery.KindOf(err) != gallery.Unavailable || !errors.Is(err, cause) && !errors.Is(err, gallery.ErrReadOnly) {
		t.Errorf("a failed commit answered %v (kind %d), want Unavailable because of %v", err, gallery.KindOf(err), cause)
	}
}

// failMany runs good and refusing updates at once while commits fail with
// cause, and checks everybody's answer.
func failMany(t *testing.T, kv store.KV, cause error) {
	var done sync.WaitGroup
	entered, release := make(chan struct{}), make(chan struct{})
	// The first one holds the writer until the others wait, so that they share
	// its fate where updates are batched.
	done.Go(func() {
		err := kv.Update(background, func(tx store.Txn) error {
			close(entered)
			<-release
			return tx.Put(plain, []byte("first"), nil)
		})
		wantUnavailable(t, err, cause)
	})
	<-entered
	for i := range 20 {
		done.Go(func() {
			err := kv.Update(background, func(tx store.Txn) error {
				if err := tx.Put(plain, fmt.Appendf(nil, "%d", i), nil); err != nil {
					return err
				}
				if i%4 == 3 {
					return errRefused
				}
				return nil
			})
			// A refusal stands when all its neighbours refused too.
			if i%4 != 3 || err != errRefused {
				wantUnavailable(t, err, cause)
			}
		})
	}
	time.Sleep(2 * time.Millisecond)
	close(release)
	done.Wait()
}

var errBroken = errors.New("the test's disk is broken")

func testFailedBefore(t *testing.T, open OpenKV) {
	var fault Fault
	kv := openKV(t, open, fault.Hooks())
	update(t, kv, put(plain, "kept", "1"))
	fault.Before(errBroken)
	failMany(t, kv, errBroken)
	wantDump(t, kv, plain, "kept=1")
}

func testFailedAfter(t *testing.T, open OpenKV) {
	var fault Fault
	kv := openKV(t, open, fault.Hooks())
	fault.After(errBroken)
	err := kv.Update(background, put(plain, "k", "v"))
	wantUnavailable(t, err, errBroken)
	wantDump(t, kv, plain, "k=v")
}

// testFull holds that a full disk has its own kind and is no end of writing.
func testFull(t *testing.T, open OpenKV) {
	var fault Fault
	kv := openKV(t, open, fault.Hooks())
	fault.Before(fmt.Errorf("writing: %w", syscall.ENOSPC))
	err := kv.Update(background, put(plain, "k", "v"))
	if gallery.KindOf(err) != gallery.Full || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a full disk answered %v (kind %d)", err, gallery.KindOf(err))
	}
	wantDump(t, kv, plain)
	fault.Before(nil)
	update(t, kv, put(plain, "k", "v2"))
	wantDump(t, kv, plain, "k=v2")
}

// testAllRefused holds that refusals and reads alone need no commit.
func testAllRefused(t *testing.T, open OpenKV) {
	var fault Fault
	kv := openKV(t, open, fault.Hooks())
	fault.Before(errBroken)
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			err := kv.Update(background, func(tx store.Txn) error {
				if err := tx.Put(plain, []byte("k"), nil); err != nil {
					return err
				}
				return errRefused
			})
			if err != errRefused {
				t.Errorf("refused with %v", err)
			}
		})
		done.Go(func() {
			if err := kv.Update(background, func(tx store.Txn) error { _, err := tx.Get(plain, []byte("k")); return err }); err != nil {
				t.Errorf("an update that only reads: %v", err)
			}
		})
	}
	done.Wait()
	wantDump(t, kv, plain)
}
