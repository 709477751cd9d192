package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"nougat/store"
)

// testPrograms runs random programs of several goroutines against a map.
func testPrograms(t *testing.T, open OpenKV) {
	for seed := range uint64(4) {
		kv := openKV(t, open, store.Hooks{})
		rng := rand.New(rand.NewPCG(seed, 1))
		program := make([]byte, 6000)
		for i := range program {
			program[i] = byte(rng.Uint32())
		}
		RunProgram(t, kv, program)
	}
}

// RunProgram runs a program, of any bytes, on an empty KV: puts, deletes, reads
// and scans in functions that end well or badly, several at once. Each read is
// held against a map that takes part in the same functions, and so is what is
// there in the end.
func RunProgram(t testing.TB, kv store.KV, program []byte) {
	m := model{keys: make(map[string]string)}
	var done sync.WaitGroup
	const goroutines = 4
	for i := range goroutines {
		part := program[len(program)*i/goroutines : len(program)*(i+1)/goroutines]
		done.Go(func() {
			for len(part) > 0 {
				n := min(1+int(part[0])%40, len(part)) // bytes of one function
				code := part[:n]
				part = part[n:]
				if err := m.run(kv, code); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	done.Wait()
	got := dump(t, kv, plain)
	if want := m.sorted(); !slices.Equal(got, want) {
		t.Errorf("the program left %d keys, its model %d:\n%.300q\n%.300q", len(got), len(want), got, want)
	}
}

// A model is what the bucket should hold. It is changed inside Updates only,
// which run alone.
type model struct{ keys map[string]string }

func (m *model) sorted() []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m.keys)) {
		all = append(all, k+"="+m.keys[k])
	}
	return all
}

// run runs one function, whose last byte decides how it ends.
func (m *model) run(kv store.KV, code []byte) error {
	last := code[len(code)-1]
	var wrong error
	f := func(tx store.Txn) error {
		kept := m.keys
		m.keys = maps.Clone(kept)
		good := false
		defer func() {
			if !good {
				m.keys = kept
			}
		}()
		for len(code) >= 3 {
			if wrong = m.step(tx, code[0], code[1], code[2]); wrong != nil {
				return wrong
			}
			code = code[3:]
		}
		switch last % 8 {
		case 0:
			return errRefused
		case 1:
			panic("of a test")
		}
		good = true
		return nil
	}
	returned, _, err := endBadly(kv, f, func() error { return nil })
	switch {
	case wrong != nil:
		return wrong
	case last%8 == 0 && err != errRefused, last%8 > 1 && (err != nil || !returned):
		return fmt.Errorf("an update ended with %v (returned: %v)", err, returned)
	}
	return nil
}

// step does one thing and compares.
func (m *model) step(tx store.Txn, op, a, b byte) error {
	key := fmt.Sprintf("%0*d", 1+int(a)%3, a)
	switch op % 6 {
	case 0, 1:
		value := string(bytes.Repeat([]byte{b}, int(b)*int(op)/32)) // up to 2 kB: some keys fill pages
		m.keys[key] = value
		return tx.Put(plain, []byte(key), []byte(value))
	case 2:
		delete(m.keys, key)
		return tx.Delete(plain, []byte(key))
	case 3: // a run of deletes, which empties pages
		page, err := tx.Scan(plain, []byte(key), nil, 1+int(b)%64)
		for _, p := range page {
			delete(m.keys, string(p.Key))
			if err := tx.Delete(plain, p.Key); err != nil {
				return err
			}
		}
		return err
	case 4:
		value, err := tx.Get(plain, []byte(key))
		want, there := m.keys[key]
		if err == nil && (string(value) != want || there != (value != nil)) {
			err = fmt.Errorf("Get(%q) is %.40q, want %.40q", key, value, want)
		}
		return err
	default:
		return m.scan(tx, key, fmt.Sprint(b), 1+int(op))
	}
}

func (m *model) scan(tx store.Txn, from, to string, limit int) error {
	upper := []byte(to)
	if to < from {
		upper = nil
	}
	page, err := tx.Scan(plain, []byte(from), upper, limit)
	if err != nil {
		return err
	}
	var want []string
	for _, k := range slices.Sorted(maps.Keys(m.keys)) {
		if k >= from && (upper == nil || k < to) {
			want = append(want, k)
		}
	}
	want = want[:min(limit, len(want))]
	var got []string
	for _, p := range page {
		got = append(got, string(p.Key))
		if string(p.Value) != m.keys[string(p.Key)] {
			return fmt.Errorf("a scan gives %q the value %.40q, want %.40q", p.Key, p.Value, m.keys[string(p.Key)])
		}
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("scan from %q to %q, limit %d: %q, want %q", from, upper, limit, got, want)
	}
	return nil
}
