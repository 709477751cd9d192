package storetest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nougat/gallery"
	"nougat/store"
)

// An OpenKV opens an empty KV whose commits hooks can break. The test closes it.
type OpenKV func(t testing.TB, hooks store.Hooks) store.KV

// The buckets that the tests of KVs use: one as any other, and the one that is
// appended to.
const plain = store.Bucket(0)

var appended = func() store.Bucket {
	for b := range store.Bucket(store.NumBuckets) {
		if b.Appends() {
			return b
		}
	}
	return plain
}()

// RunKV tests what a KV promises.
func RunKV(t *testing.T, open OpenKV) {
	tests := []struct {
		name string
		test func(*testing.T, OpenKV)
	}{
		{"reading and writing", testReadWrite},
		{"keys are in byte order", testKeyOrder},
		{"limits", testLimits},
		{"changes are told", testChanges},
		{"an update reads what was written before it", testReadsOwn},
		{"a failed function leaves nothing behind", testUndo},
		{"neighbours of a failed function stay", testNeighbours},
		{"scanning while deleting", testScanDelete},
		{"cancelled before the grant", testCancelBefore},
		{"cancelled after the grant", testCancelAfter},
		{"too many changes", testTooMany},
		{"a transaction ends with its function", testOver},
		{"a view is a snapshot", testSnapshot},
		{"a thousand goroutines count", testCounter},
		{"a failed commit without effect", testFailedBefore},
		{"a failed commit with effect", testFailedAfter},
		{"a full disk", testFull},
		{"only refusals", testAllRefused},
		{"closing", testClose},
		{"random programs", testPrograms},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.test(t, open) })
	}
}

func openKV(t testing.TB, open OpenKV, hooks store.Hooks) store.KV {
	t.Helper()
	kv := open(t, hooks)
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return kv
}

var background = context.Background()

// update runs f and fails the test when the update does.
func update(t testing.TB, kv store.KV, f func(store.Txn) error) {
	t.Helper()
	if err := kv.Update(background, f); err != nil {
		t.Fatalf("update: %v", err)
	}
}

// put returns an update's function that sets one key.
func put(b store.Bucket, key, value string) func(store.Txn) error {
	return func(tx store.Txn) error { return tx.Put(b, []byte(key), []byte(value)) }
}

// dump returns everything in a bucket as key=value.
func dump(t testing.TB, kv store.KV, b store.Bucket) (all []string) {
	t.Helper()
	err := kv.View(background, func(tx store.Txn) error {
		all = nil
		return each(tx, b, func(p store.Pair) error {
			all = append(all, string(p.Key)+"="+string(p.Value))
			return nil
		})
	})
	if err != nil {
		t.Fatalf("view: %v", err)
	}
	return all
}

// each scans a bucket page by page.
func each(tx store.Txn, b store.Bucket, f func(store.Pair) error) error {
	var from []byte
	for {
		page, err := tx.Scan(b, from, nil, 100)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, p := range page {
			if err := f(p); err != nil {
				return err
			}
		}
		from = append(slices.Clone(page[len(page)-1].Key), 0)
	}
}

func wantDump(t testing.TB, kv store.KV, b store.Bucket, want ...string) {
	t.Helper()
	if got := dump(t, kv, b); !slices.Equal(got, want) {
		t.Errorf("bucket %v holds %q, want %q", b, got, want)
	}
}

func testReadWrite(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	update(t, kv, func(tx store.Txn) error {
		for _, b := range []store.Bucket{plain, appended} {
			key := []byte("key")
			if err := tx.Put(b, key, []byte("old")); err != nil {
				return err
			}
			copy(key, "xxx") // the key is the caller's again
			if err := tx.Put(b, []byte("key"), []byte("value "+b.String())); err != nil {
				return err
			}
			if err := errors.Join(tx.Put(b, []byte("empty"), nil), tx.Put(b, []byte("gone"), []byte("x"))); err != nil {
				return err
			}
			if err := errors.Join(tx.Delete(b, []byte("gone")), tx.Delete(b, []byte("never")), tx.Delete(b, nil)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, b := range []store.Bucket{plain, appended} {
		wantDump(t, kv, b, "empty=", "key=value "+b.String())
	}
	check := func(tx store.Txn) error {
		values, err := tx.GetMany(plain, [][]byte{[]byte("key"), []byte("gone"), []byte("empty"), nil, bytes.Repeat([]byte("k"), 70000)})
		if err != nil {
			return err
		}
		if len(values) != 5 || string(values[0]) != "value meta" || values[1] != nil || values[2] == nil || len(values[2]) != 0 || values[3] != nil || values[4] != nil {
			return fmt.Errorf("GetMany: %q", values)
		}
		none, err := tx.GetMany(plain, nil)
		if err != nil || len(none) != 0 {
			return fmt.Errorf("GetMany of nothing: %q, %v", none, err)
		}
		for i, key := range []string{"key", "gone", "empty"} {
			v, err := tx.Get(plain, []byte(key))
			if err != nil || !bytes.Equal(v, values[i]) || (v == nil) != (values[i] == nil) {
				return fmt.Errorf("Get(%q): %q, %v", key, v, err)
			}
		}
		return nil
	}
	if err := kv.View(background, check); err != nil {
		t.Error(err)
	}
	update(t, kv, check)
	update(t, kv, func(tx store.Txn) error {
		if err := tx.Put(plain, []byte("nil"), nil); err != nil {
			return err
		}
		if v, err := tx.Get(plain, []byte("nil")); v == nil || err != nil {
			return fmt.Errorf("an empty value put in this update reads back as absent (%v)", err)
		}
		return nil
	})
}

// testKeyOrder holds that the order is that of bytes, in which no collation
// takes part: '|' and '}' trap databases that sort by language.
func testKeyOrder(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	keys := []string{"\x00", "\x00\x00", "A", "B", "a", "a\x00", "a\x00\xff", "a\x01", "aa", "b", "foo", "foo|", "foo|a", "foo|b", "foo}", "foo~", "z", "\x7f", "\x80", "é", "\xff", "\xff\x00", "\xff\xff"}
	slices.Sort(keys) // of bytes, as Go compares strings
	update(t, kv, func(tx store.Txn) error {
		for i := range keys {
			k := keys[(i*7)%len(keys)] // 23 keys: 7 visits each
			if err := tx.Put(plain, []byte(k), []byte(k)); err != nil {
				return err
			}
		}
		return nil
	})
	scan := func(tx store.Txn) error {
		bounds := append([]string{""}, keys...)
		for i, from := range bounds {
			for j, to := range append(bounds, "end") {
				for _, limit := range []int{1, 2, 256} {
					lower, upper := []byte(from), []byte(to)
					if j == len(bounds) {
						upper = nil
					}
					if i == 0 {
						lower = nil
					}
					var want []string
					for _, k := range keys {
						if k >= from && (upper == nil || k < to) {
							want = append(want, k)
						}
					}
					want = want[:min(limit, len(want))]
					pairs, err := tx.Scan(plain, lower, upper, limit)
					if err != nil {
						return err
					}
					var got []string
					for _, p := range pairs {
						if !bytes.Equal(p.Key, p.Value) {
							return fmt.Errorf("key %q has the value %q", p.Key, p.Value)
						}
						got = append(got, string(p.Key))
					}
					if !slices.Equal(got, want) {
						return fmt.Errorf("scan from %q to %q, limit %d: %q, want %q", lower, upper, limit, got, want)
					}
				}
			}
		}
		return nil
	}
	if err := kv.View(background, scan); err != nil {
		t.Error(err)
	}
	update(t, kv, scan)
}

// testChanges holds that every Update that took effect shows in Changes by the
// time that it returns, and that reading shows nothing.
func testChanges(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	seen := map[uint64]bool{kv.Changes(): true}
	for i := range 5 {
		update(t, kv, func(tx store.Txn) error { return tx.Put(plain, []byte("k"), []byte{byte(i)}) })
		now := kv.Changes()
		if seen[now] {
			t.Errorf("after update %d Changes is %d, as it was before", i, now)
		}
		seen[now] = true
		err := kv.View(background, func(tx store.Txn) error { _, err := tx.Get(plain, []byte("k")); return err })
		if err != nil {
			t.Fatal(err)
		}
		if kv.Changes() != now {
			t.Error("reading is a change")
		}
	}
}

func testLimits(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	longest, largest := bytes.Repeat([]byte("k"), store.MaxKey), bytes.Repeat([]byte("v"), store.MaxValue)
	update(t, kv, func(tx store.Txn) error { return tx.Put(plain, longest, largest) })
	err := kv.View(background, func(tx store.Txn) error {
		v, err := tx.Get(plain, longest)
		if err == nil && !bytes.Equal(v, largest) {
			err = errors.New("the largest value came back changed")
		}
		for _, limit := range []int{-1, 0, store.MaxPage + 1} {
			if _, e := tx.Scan(plain, nil, nil, limit); e == nil {
				err = fmt.Errorf("a scan with limit %d is not refused", limit)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	bad := []struct {
		name       string
		key, value []byte
	}{
		{"an empty key", nil, []byte("v")},
		{"a key that is too long", append(longest, 'k'), nil},
		{"a value that is too large", []byte("k"), append(largest, 'v')},
	}
	for _, b := range bad {
		if err := kv.Update(background, func(tx store.Txn) error { return tx.Put(plain, b.key, b.value) }); err == nil {
			t.Errorf("%s is not refused", b.name)
		}
	}
}

func testReadsOwn(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	// Many at once, so that functions of one batch read each other's writes.
	var done sync.WaitGroup
	for range 64 {
		done.Go(func() {
			err := kv.Update(background, func(tx store.Txn) error {
				for range 2 {
					page, err := tx.Scan(plain, nil, nil, store.MaxPage)
					if err != nil {
						return err
					}
					if err := tx.Put(plain, fmt.Appendf(nil, "%04d", len(page)), nil); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	if got := dump(t, kv, plain); len(got) != 128 {
		t.Errorf("%d keys after 64 updates that add two each", len(got))
	}
}

func testScanDelete(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	const keys = 2000
	value := bytes.Repeat([]byte("v"), 100) // many pages
	fill := func(tx store.Txn) error {
		for i := range keys {
			if err := tx.Put(plain, fmt.Appendf(nil, "%05d", i), value); err != nil {
				return err
			}
		}
		return nil
	}
	update(t, kv, fill)
	update(t, kv, func(tx store.Txn) error {
		// A hole in the middle, of whole pages.
		for i := keys / 4; i < keys/2; i++ {
			if err := tx.Delete(plain, fmt.Appendf(nil, "%05d", i)); err != nil {
				return err
			}
		}
		deleted := 0
		for {
			page, err := tx.Scan(plain, nil, nil, store.MaxPage)
			if err != nil {
				return err
			}
			if len(page) == 0 {
				break
			}
			for _, p := range page {
				if !bytes.Equal(p.Value, value) {
					return fmt.Errorf("key %s was scanned with another value", p.Key)
				}
				if err := tx.Delete(plain, p.Key); err != nil {
					return err
				}
				deleted++
			}
		}
		if want := keys - (keys/2 - keys/4); deleted != want {
			return fmt.Errorf("the scans gave %d keys of %d", deleted, want)
		}
		return nil
	})
	wantDump(t, kv, plain)
}

func testCancelBefore(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	cancelled, cancel := context.WithCancel(background)
	cancel()
	never := func(store.Txn) error { t.Error("a function ran although its context had ended"); return nil }
	if err := kv.Update(cancelled, never); !errors.Is(err, context.Canceled) {
		t.Errorf("Update with a cancelled context: %v", err)
	}
	if err := kv.View(cancelled, never); !errors.Is(err, context.Canceled) {
		t.Errorf("View with a cancelled context: %v", err)
	}
	// One that waits for its turn.
	running, release := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		if err := kv.Update(background, func(store.Txn) error { close(running); <-release; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-running
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	waited := make(chan error)
	go func() { waited <- kv.Update(ctx, never) }()
	select {
	case err := <-waited:
		t.Errorf("an update did not wait for the one before it: %v", err)
	case <-time.After(20 * time.Millisecond):
		cancel()
		if err := <-waited; !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled while it waited: %v", err)
		}
	}
	close(release)
	done.Wait()
}

func testCancelAfter(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	ctx, cancel := context.WithCancel(background)
	err := kv.Update(ctx, func(tx store.Txn) error {
		cancel()
		if _, err := tx.Scan(plain, nil, nil, 1); err != nil {
			return err
		}
		return tx.Put(plain, []byte("k"), []byte("v"))
	})
	if err != nil {
		t.Errorf("an update whose context ended while it ran: %v", err)
	}
	wantDump(t, kv, plain, "k=v")
}

func testTooMany(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	write := func(n int, ignore bool) error {
		return kv.Update(background, func(tx store.Txn) error {
			for i := range n {
				if err := tx.Put(plain, binary.BigEndian.AppendUint32(nil, uint32(i)), nil); err != nil && !ignore {
					return err
				}
			}
			return nil
		})
	}
	for _, ignore := range []bool{false, true} {
		if err := write(store.MaxTouched+1, ignore); !errors.Is(err, store.ErrTooMany) {
			t.Errorf("%d changes (errors ignored: %v): %v", store.MaxTouched+1, ignore, err)
		}
		wantDump(t, kv, plain)
	}
	if err := write(store.MaxTouched, false); err != nil {
		t.Errorf("%d changes: %v", store.MaxTouched, err)
	}
}

func testOver(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	var view, upd store.Txn
	err := kv.View(background, func(tx store.Txn) error {
		view = tx
		if tx.Put(plain, []byte("k"), nil) == nil || tx.Delete(plain, []byte("k")) == nil {
			t.Error("a view can write")
		}
		return errRefused
	})
	if err != errRefused {
		t.Errorf("View returned %v, not the function's own error", err)
	}
	update(t, kv, func(tx store.Txn) error { upd = tx; return tx.Put(plain, []byte("k"), nil) })
	for name, tx := range map[string]store.Txn{"view": view, "update": upd} {
		_, get := tx.Get(plain, []byte("k"))
		_, many := tx.GetMany(plain, [][]byte{[]byte("k")})
		_, scan := tx.Scan(plain, nil, nil, 1)
		for i, err := range []error{get, many, scan} {
			if !errors.Is(err, store.ErrOver) {
				t.Errorf("read %d of a %s that is over: %v", i, name, err)
			}
		}
	}
	if put, del := upd.Put(plain, []byte("k"), nil), upd.Delete(plain, []byte("k")); !errors.Is(put, store.ErrOver) || !errors.Is(del, store.ErrOver) {
		t.Errorf("writes in an update that is over: %v, %v", put, del)
	}
}

func testSnapshot(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	const keys = 50
	set := func(n byte) func(store.Txn) error {
		return func(tx store.Txn) error {
			for i := range keys {
				if err := tx.Put(plain, []byte{byte(i)}, []byte{n}); err != nil {
					return err
				}
				if i%10 == 0 {
					runtime.Gosched()
				}
			}
			return nil
		}
	}
	same := func(tx store.Txn, want int) error {
		page, err := tx.Scan(plain, nil, nil, 100)
		if err != nil {
			return err
		}
		if len(page) != keys {
			return fmt.Errorf("a view sees %d of %d keys", len(page), keys)
		}
		for _, p := range page {
			if p.Value[0] != page[0].Value[0] || want >= 0 && int(p.Value[0]) != want {
				return fmt.Errorf("a view sees a part of an update: %v", page)
			}
		}
		return nil
	}
	update(t, kv, set(0))
	// An update that commits while the view goes on.
	err := kv.View(background, func(tx store.Txn) error {
		done := make(chan error)
		go func() { done <- kv.Update(background, set(1)) }()
		if err := <-done; err != nil {
			return err
		}
		return same(tx, 0)
	})
	if err != nil {
		t.Error(err)
	}
	var stop atomic.Bool
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			for !stop.Load() {
				if err := kv.View(background, func(tx store.Txn) error { return same(tx, -1) }); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for n := range 50 {
		update(t, kv, set(byte(n)))
		if err := kv.View(background, func(tx store.Txn) error { return same(tx, n) }); err != nil {
			t.Errorf("after the update: %v", err)
		}
	}
	stop.Store(true)
	done.Wait()
}

func testCounter(t *testing.T, open OpenKV) {
	kv := openKV(t, open, store.Hooks{})
	const goroutines = 1000
	var inside atomic.Int32
	var done sync.WaitGroup
	for range goroutines {
		done.Go(func() {
			err := kv.Update(background, func(tx store.Txn) error {
				if inside.Add(1) != 1 {
					t.Error("two updates run at once")
				}
				defer inside.Add(-1)
				v, err := tx.Get(plain, []byte("n"))
				if err != nil {
					return err
				}
				n := uint32(0)
				if v != nil {
					n = binary.BigEndian.Uint32(v)
				}
				return tx.Put(plain, []byte("n"), binary.BigEndian.AppendUint32(nil, n+1))
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	err := kv.View(background, func(tx store.Txn) error {
		v, err := tx.Get(plain, []byte("n"))
		if err == nil && binary.BigEndian.Uint32(v) != goroutines {
			err = fmt.Errorf("%d goroutines counted to %d", goroutines, binary.BigEndian.Uint32(v))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testClose(t *testing.T, open OpenKV) {
	kv := open(t, store.Hooks{})
	var ran atomic.Int32
	entered, release := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		first <- kv.Update(background, func(tx store.Txn) error {
			close(entered)
			<-release
			return tx.Put(plain, []byte("k"), nil)
		})
	}()
	<-entered
	var done sync.WaitGroup
	for range 10 {
		done.Go(func() {
			err := kv.Update(background, func(store.Txn) error { ran.Add(1); return nil })
			if err != nil && !errors.Is(err, store.ErrClosed) {
				t.Errorf("an update that waited while the store closed: %v", err)
			}
			if err == nil {
				ran.Add(-1)
			}
		})
	}
	closed := make(chan error)
	go func() { closed <- kv.Close() }()
	select {
	case <-closed:
		t.Error("Close did not wait for the running update")
	case <-time.After(10 * time.Millisecond):
		close(release)
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := <-first; err != nil {
		t.Errorf("the update that ran while the store closed: %v", err)
	}
	done.Wait()
	if ran.Load() != 0 {
		t.Error("an update ran and was told that it did not, or the other way round")
	}
	nothing := func(store.Txn) error { t.Error("a function ran on a closed store"); return nil }
	view, upd := kv.View(background, nothing), kv.Update(background, nothing)
	for _, err := range []error{view, upd} {
		if !errors.Is(err, store.ErrClosed) || gallery.KindOf(err) != gallery.Unavailable {
			t.Errorf("after Close: %v", err)
		}
	}
	if err := kv.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
