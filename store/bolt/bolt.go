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
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
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

// ErrDamaged is the cause of an error about a file that is no database, or of
// which a part is missing or not what was written.
var ErrDamaged = errors.New("the database is damaged")

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
	changes atomic.Uint64
}

// Changes counts the commits, those included of which it is not known whether they
// took effect (store.KV). One process alone has the file.
func (d *DB) Changes() uint64 { return d.changes.Load() }

var _ store.KV = (*DB)(nil)

// Open takes the database in the data folder, which it makes when it is not
// there. It never waits for another process: that is ErrHeld.
func Open(folder string, opts Options) (*DB, error) {
	if err := store.MakeFolder(folder); err != nil {
		return nil, fmt.Errorf("the data folder cannot be made: %w", err)
	}
	path := filepath.Join(folder, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("a new database cannot be made: %w", err)
		}
	}
	b, err := openMapped(path, opts.Mapping)
	if err != nil {
		return nil, err
	}
	d := &DB{
		bolt:    b,
		path:    path,
		names:   bucketNames(),
		hooks:   opts.Hooks,
		grants:  make(chan *batch),
		closing: make(chan struct{}),
		closed:  make(chan struct{}),
	}
	d.close = sync.OnceValue(d.shut)
	if err := makeBuckets(b, &d.names); err != nil {
		b.Close()
		return nil, fmt.Errorf("%s cannot be set up: %w", path, err)
	}
	removeUnfinished(path)
	if err := store.SyncFolder(folder); err != nil {
		b.Close()
		return nil, err
	}
	go d.write()
	return d, nil
}

func bucketNames() (names [store.NumBuckets][]byte) {
	for i := range names {
		names[i] = []byte(store.Bucket(i).String())
	}
	return names
}

// unfinished is what a new database is called, and a random number after it,
// until it is whole.
const unfinished = FileName + ".new"

// create makes a database under another name, and gives it path when it is
// whole: a full disk or a kill meanwhile leaves nothing that looks like a damaged
// database. When another process is quicker, path is that one's.
func create(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished) // 0600
	if err != nil {
		return err
	}
	name := f.Name()
	defer os.Remove(name)
	if err := f.Close(); err != nil {
		return err
	}
	b, err := openMapped(name, 1<<20)
	if err != nil {
		return err
	}
	names := bucketNames()
	if err := errors.Join(makeBuckets(b, &names), b.Close()); err != nil {
		return err
	}
	err = os.Link(name, path) // unlike Rename never over another process's
	if err == nil {
		return nil
	}
	if _, missing := os.Stat(path); missing == nil {
		return nil
	}
	return os.Rename(name, path) // a file system without links
}

// removeUnfinished removes what a kill left of create. The caller holds the lock
// of the database: who still makes another one has lost the race.
func removeUnfinished(path string) {
	files, _ := os.ReadDir(filepath.Dir(path)) // what cannot be removed now is tried again at the next start
	for _, f := range files {
		if strings.HasPrefix(f.Name(), unfinished) {
			_ = os.Remove(filepath.Join(filepath.Dir(path), f.Name()))
		}
	}
}

// openMapped opens the file with the largest mapping up to the one wanted that
// the system grants.
func openMapped(path string, mapping int) (*bbolt.DB, error) {
	smallest := mapping
	if mapping == 0 && strconv.IntSize == 64 && runtime.GOOS != "windows" {
		mapping, smallest = math.MaxInt&(64<<30), 1<<20
	}
	for {
		b, err := openFile(path, mapping)
		var system syscall.Errno
		switch {
		case err == nil:
			b.AllocSize = 4 << 20 // bytes by which the file grows
			return b, nil
		case errors.Is(err, berrors.ErrTimeout):
			return nil, fmt.Errorf("%s: %w", path, ErrHeld)
		case errors.Is(err, syscall.ENOMEM) && mapping/2 >= smallest:
			mapping /= 2
		case !errors.As(err, &system) && !errors.Is(err, ErrDamaged): // what is not the system's word is about the content
			return nil, fmt.Errorf("%s: %w: %w", path, ErrDamaged, err)
		default:
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
}

// openFile opens the file, unless it is shorter than it says of itself: what is
// missing would be a fault as soon as it is read.
func openFile(path string, mapping int) (b *bbolt.DB, err error) {
	var file *os.File
	var size int64 // before bbolt makes it as long as its mapping, on Windows
	options := &bbolt.Options{
		Timeout:         time.Millisecond, // 0 would wait for ever
		PageSize:        4096,             // everywhere, so that a file can move between machines
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: mapping,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, mode os.FileMode) (_ *os.File, err error) {
			if file, err = os.OpenFile(name, flag, mode); err != nil {
				return nil, err
			}
			info, err := file.Stat()
			if err == nil {
				size = info.Size()
			}
			return file, err
		},
	}
	err = guard(nil, func() (err error) {
		b, err = bbolt.Open(path, 0o600, options)
		return err
	})
	if errors.Is(err, ErrDamaged) {
		file.Close() // and gives the lock back
	}
	if err != nil {
		return nil, err
	}
	var needs int64
	err = b.View(func(tx *bbolt.Tx) error {
		needs = tx.Size()
		return nil
	})
	if err == nil && size > 0 && size < needs && runtime.GOOS != "windows" {
		info, e := file.Stat() // it may have grown before the lock was ours
		if err = e; e == nil {
			size = info.Size()
		}
	}
	if err == nil && size > 0 && size < needs {
		err = fmt.Errorf("%w: it has %d bytes and says that it needs %d", ErrDamaged, size, needs)
	}
	if err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// makeBuckets adds the buckets that are missing: all of them in a new file, the
// new ones in an older program's.
func makeBuckets(b *bbolt.DB, names *[store.NumBuckets][]byte) error {
	return guard(nil, func() error {
		missing := false
		err := b.View(func(tx *bbolt.Tx) error {
			for _, name := range names {
				missing = missing || tx.Bucket(name) == nil
			}
			return nil
		})
		if err != nil || !missing {
			return err
		}
		return b.Update(func(tx *bbolt.Tx) error {
			for _, name := range names {
				if _, err := tx.CreateBucketIfNotExists(name); err != nil {
					return err
				}
			}
			return nil
		})
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
	return guard(t, func() error { return f(t) })
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
