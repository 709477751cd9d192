// Package bolt keeps a store's records in one bbolt file, nougat.db, with group
// commit: Updates that wait for each other share one synced transaction.
//
// It must never know what the records mean: it sees buckets, keys and values.
// bbolt's own types never leave it.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"nougat/store"
)

// FileName is the name of the database in the data folder. Its lock is the lock
// of the whole folder.
const FileName = "nougat.db"

// ErrHeld is what Open answers while another process has the database open.
var ErrHeld = errors.New("another process holds this data")

// Options may be left zero.
type Options struct {
	// Mapping is how many bytes of address space to take for the file. A file
	// that outgrows it makes a commit wait for every View. 0 means 64 GiB on a
	// 64-bit Unix, or as much of it as there is; elsewhere as bbolt does.
	Mapping int
	// Hooks breaks commits in tests.
	Hooks store.Hooks
}

// DB is a store.KV in a file.
type DB struct {
	bolt  *bbolt.DB
	path  string
	names [store.NumBuckets][]byte
	hooks store.Hooks

	grants  chan *batch // unbuffered: who receives has the writer to itself
	closing chan struct{}
	closed  chan struct{} // the writer has stopped
	close   func() error
	stopped atomic.Bool // a sync failed: no writes until a restart
}

var _ store.KV = (*DB)(nil)

// Open takes the database in the data folder, which it makes when it is not
// there. It never waits for another process: that is ErrHeld.
func Open(folder string, opts Options) (*DB, error) {
	if err := store.MakeFolder(folder); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	b, err := openMapped(filepath.Join(folder, FileName), opts.Mapping)
	if err != nil {
		return nil, err
	}
	d := &DB{
		bolt:    b,
		path:    b.Path(),
		hooks:   opts.Hooks,
		grants:  make(chan *batch),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	d.close = sync.OnceValue(d.shut)
	if err := d.makeBuckets(); err != nil {
		b.Close()
		return nil, fmt.Errorf("the database %s cannot be set up: %w", b.Path(), err)
	}
	if err := store.SyncFolder(folder); err != nil {
		b.Close()
		return nil, err
	}
	go d.write()
	return d, nil
}

// openMapped opens the file with the largest mapping up to the one wanted that
// the system grants.
func openMapped(path string, mapping int) (*bbolt.DB, error) {
	smallest := mapping
	if mapping == 0 && strconv.IntSize == 64 && runtime.GOOS != "windows" {
		mapping, smallest = math.MaxInt&(64<<30), 1<<20
	}
	for {
		b, err := bbolt.Open(path, 0o600, &bbolt.Options{
			Timeout:         time.Millisecond, // 0 would wait for ever
			PageSize:        4096,             // everywhere, so that a file can move between machines
			FreelistType:    bbolt.FreelistMapType,
			InitialMmapSize: mapping,
			NoStatistics:    true,
		})
		switch {
		case err == nil:
			b.AllocSize = 4 << 20 // bytes by which the file grows
			return b, nil
		case errors.Is(err, berrors.ErrTimeout):
			return nil, fmt.Errorf("%s: %w", path, ErrHeld)
		case errors.Is(err, syscall.ENOMEM) && mapping/2 >= smallest:
			mapping /= 2
		default:
			return nil, fmt.Errorf("the database %s cannot be opened: %w", path, err)
		}
	}
}

// makeBuckets adds the buckets that are missing: all of them in a new file, the
// new ones in an older program's.
func (d *DB) makeBuckets() error {
	missing := false
	for i := range d.names {
		d.names[i] = []byte(store.Bucket(i).String())
	}
	err := d.bolt.View(func(tx *bbolt.Tx) error {
		for _, name := range d.names {
			missing = missing || tx.Bucket(name) == nil
		}
		return nil
	})
	if err != nil || !missing {
		return err
	}
	return d.bolt.Update(func(tx *bbolt.Tx) error {
		for _, name := range d.names {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
}

// View lends a snapshot (store.KV).
func (d *DB) View(ctx context.Context, f func(store.Txn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	tx, err := d.bolt.Begin(false)
	if errors.Is(err, berrors.ErrDatabaseNotOpen) {
		return store.Closed()
	}
	if err != nil {
		return err
	}
	t := &txn{tx: tx, names: &d.names}
	defer func() {
		t.tx = nil
		tx.Rollback() // of a View: never fails
	}()
	return f(t)
}

// Close ends the running batch, lets Views finish and gives the file back. Those
// who wait for an Update get store.ErrClosed.
func (d *DB) Close() error { return d.close() }

func (d *DB) shut() error {
	close(d.closing)
	<-d.closed
	return d.bolt.Close()
}

// Path is the database file's.
func (d *DB) Path() string { return d.path }

// Size is the length of the database file in bytes.
func (d *DB) Size() (int64, error) {
	info, err := os.Stat(d.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
