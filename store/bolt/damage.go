package bolt

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

// guard runs f, and makes ErrDamaged of a panic of bbolt, which trusts what it
// reads, and of a fault in what it has mapped. Where f is a function to which t
// was lent, a panic of its own passes; without t all that f does is bbolt's.
func guard(t *txn, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch p := recover(); {
		case p == nil:
		case isFault(p):
			err = fmt.Errorf("%w: a page of it is missing or cannot be read", ErrDamaged)
		case t == nil || t.inside:
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		default:
			panic(p)
		}
	}()
	return f()
}

// isFault reports whether p is the panic of a read where there is no memory.
func isFault(p any) bool {
	e, ok := p.(runtime.Error)
	if !ok {
		return false
	}
	_, ok = e.(interface{ Addr() uintptr })
	return ok
}

// maxFaults is how many faults Check reports: what follows from one page may be
// a thousand more.
const maxFaults = 20

// Check looks at every page of the database and calls report with what is wrong
// with it. Updates wait meanwhile.
func (d *DB) Check(report func(string)) error {
	tx, err := d.bolt.Begin(true)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// bbolt's own check faults where a page is missing; this comes first.
	err = guard(nil, func() error { return readAll(tx) })
	if errors.Is(err, ErrDamaged) {
		report(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	faults := 0
	for fault := range tx.Check() {
		if faults++; faults <= maxFaults {
			report(fmt.Sprintf("%v: %v", ErrDamaged, fault))
		}
	}
	if faults > maxFaults {
		report(fmt.Sprintf("%v: %d faults more", ErrDamaged, faults-maxFaults))
	}
	return nil
}

// readAll reads every key and value.
func readAll(tx *bbolt.Tx) error {
	var sum byte
	err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			for _, part := range [][]byte{k, v} {
				if len(part) > 0 {
					sum ^= part[len(part)-1]
				}
			}
			return nil
		})
	})
	runtime.KeepAlive(sum)
	return err
}
