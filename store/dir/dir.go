// Package dir keeps package files in a folder, each under its SHA-512:
//
//	blobs/ab/ab34…  the files; ab is the first byte of the hash
//	tmp/            what is being received; emptied at every start
//
// It must never know what is in a file or who refers to it, and it never changes
// a file that has its name: bytes under a hash stay what they are.
package dir

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"nougat/gallery"
	"nougat/store"
)

// Options may be left zero.
type Options struct {
	// Disk makes the calls that durability rests on; nil is the real one. Tests
	// record and break them.
	Disk Disk
}

// Dir is a gallery.Blobs in a folder.
type Dir struct {
	disk  Disk
	blobs string // the path of blobs/, absolute
	tmp   string // the path of tmp/, absolute
	locks locks
}

var _ gallery.Blobs = (*Dir)(nil)

// BlobsName is the name of the folder of the files in the data folder.
const BlobsName = "blobs"

// HoldsBlobs reports whether a data folder holds a blob, or may hold one where
// this user may not look. It changes nothing.
func HoldsBlobs(folder string) bool {
	for i := range 256 {
		entries, err := os.ReadDir(filepath.Join(folder, BlobsName, hex.EncodeToString([]byte{byte(i)})))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true
		}
		for _, e := range entries {
			if _, ok := hashOf(e.Name()); ok {
				return true
			}
		}
	}
	return false
}

// Open makes what is missing of the layout in the data folder and empties tmp/.
// The caller holds the data's lock (bolt.Open), since another process may be
// using tmp/ otherwise.
func Open(folder string, opts Options) (*Dir, error) {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	d := &Dir{disk: opts.Disk, blobs: filepath.Join(folder, BlobsName), tmp: filepath.Join(folder, "tmp")}
	if d.disk == nil {
		d.disk = realDisk{}
	}
	if err := d.lay(folder); err != nil {
		return nil, fmt.Errorf("the folder for packages cannot be set up: %w", err)
	}
	return d, nil
}

// lay makes the folders and the names of the folders durable.
func (d *Dir) lay(folder string) error {
	if err := store.MakeFolder(folder); err != nil {
		return err
	}
	if err := d.mkdir(d.blobs); err != nil {
		return err
	}
	if err := d.mkdir(d.tmp); err != nil {
		return err
	}
	if err := d.disk.SyncFolder(folder); err != nil {
		return err
	}
	for i := range 256 {
		if err := d.mkdir(filepath.Join(d.blobs, hex.EncodeToString([]byte{byte(i)}))); err != nil {
			return err
		}
	}
	if err := d.disk.SyncFolder(d.blobs); err != nil {
		return err
	}
	left, err := os.ReadDir(d.tmp)
	if err != nil {
		return err
	}
	for _, e := range left {
		if err := d.disk.Remove(filepath.Join(d.tmp, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func (d *Dir) mkdir(path string) error {
	if err := d.disk.Mkdir(path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// shard is the folder of a hash.
func (d *Dir) shard(h gallery.Hash) string {
	return d.blobs + string(filepath.Separator) + hex.EncodeToString(h[:1])
}

// path is the file of a hash.
func (d *Dir) path(h gallery.Hash) string {
	b := make([]byte, 0, 512)
	b = append(append(b, d.blobs...), filepath.Separator)
	b = append(hex.AppendEncode(b, h[:1]), filepath.Separator)
	return string(hex.AppendEncode(b, h[:]))
}

// Temp makes an empty file in tmp/.
func (d *Dir) Temp() (*os.File, error) {
	f, err := os.CreateTemp(d.tmp, "") // O_EXCL, 0600
	return f, full(err)
}

// Discard closes and removes a file of Temp.
func (d *Dir) Discard(f *os.File) error {
	return errors.Join(d.disk.Close(f), d.disk.Remove(f.Name()))
}

// Put makes f durable under its hash (gallery.Blobs).
func (d *Dir) Put(ctx context.Context, hash gallery.Hash, size int64, f *os.File) error {
	if err := d.finish(ctx, size, f); err != nil {
		return errors.Join(full(err), d.remove(f.Name()))
	}
	// One hash at a time: a second Put of the same bytes rests on the first one's
	// file, which a failure of the first removes.
	unlock := d.locks.lock(hash)
	defer unlock()
	name := d.path(hash)
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && info.Size() == size {
		// The same bytes are here; whether their name is durable is not known.
		if err := d.remove(f.Name()); err != nil {
			return full(err)
		}
		return full(d.disk.SyncFolder(d.shard(hash)))
	}
	if err := d.disk.Rename(f.Name(), name); err != nil {
		return errors.Join(full(err), d.remove(f.Name()))
	}
	if err := d.disk.SyncFolder(d.shard(hash)); err != nil {
		return errors.Join(full(err), d.remove(name))
	}
	return nil
}

// finish checks, syncs and closes a temporary file.
func (d *Dir) finish(ctx context.Context, size int64, f *os.File) error {
	err := ctx.Err()
	if err == nil {
		err = checkSize(size, f)
	}
	if err == nil {
		err = d.disk.Sync(f)
	}
	if e := d.disk.Close(f); err == nil {
		err = e
	}
	return err
}

func checkSize(size int64, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != size {
		return fmt.Errorf("a received file has %d bytes and not %d", info.Size(), size)
	}
	return nil
}

// remove is Remove of a file that may be gone.
func (d *Dir) remove(path string) error {
	if err := d.disk.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// full gives a full disk its kind.
func full(err error) error {
	if gallery.IsDiskFull(err) {
		return store.Failed(err)
	}
	return err
}

// Open gives the blob of a hash, or gallery.ErrNotFound.
func (d *Dir) Open(hash gallery.Hash) (gallery.Blob, error) {
	f, err := openFile(d.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %v: %w", hash, gallery.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &blob{f, info.Size()}, nil
}

// A blob is an open file of blobs/.
type blob struct {
	file *os.File
	size int64
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) { return b.file.ReadAt(p, off) }
func (b *blob) Close() error                            { return b.file.Close() }
func (b *blob) Size() int64                             { return b.size }
func (b *blob) File() *os.File                          { return b.file }

// Delete removes the blob of a hash.
func (d *Dir) Delete(hash gallery.Hash) error {
	unlock := d.locks.lock(hash)
	defer unlock()
	return d.remove(d.path(hash))
}

// List calls f with each blob in order of hash (gallery.Blobs). A file that is
// no blob by its name is passed over.
func (d *Dir) List(ctx context.Context, f func(gallery.Hash, int64) error) error {
	for i := range 256 {
		shard := hex.EncodeToString([]byte{byte(i)})
		entries, err := os.ReadDir(filepath.Join(d.blobs, shard)) // sorted by name
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			hash, ok := hashOf(e.Name())
			if !ok || hash[0] != byte(i) {
				continue
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // deleted since the folder was read
			}
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				continue
			}
			if err := f(hash, info.Size()); err != nil {
				return err
			}
		}
	}
	return nil
}

// hashOf reads the name of a blob's file: 128 lower-case hexadecimal digits.
func hashOf(name string) (h gallery.Hash, ok bool) {
	if len(name) != hex.EncodedLen(len(h)) {
		return h, false
	}
	if _, err := hex.Decode(h[:], []byte(name)); err != nil {
		return h, false
	}
	return h, h.String() == name
}

// locks lets one goroutine at a time work on a hash.
type locks struct {
	mu   sync.Mutex
	held map[gallery.Hash]*heldLock
}

type heldLock struct {
	sync.Mutex
	users int
}

// lock waits for the hash and returns what gives it back.
func (l *locks) lock(h gallery.Hash) (unlock func()) {
	l.mu.Lock()
	if l.held == nil {
		l.held = make(map[gallery.Hash]*heldLock)
	}
	lock := l.held[h]
	if lock == nil {
		lock = new(heldLock)
		l.held[h] = lock
	}
	lock.users++
	l.mu.Unlock()
	lock.Lock()
	return func() {
		lock.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if lock.users--; lock.users == 0 {
			delete(l.held, h)
		}
	}
}
