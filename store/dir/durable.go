package dir

import (
	"os"

	"nougat/store"
)

// A Disk makes the calls that the durability of a blob rests on. The order in
// which Dir makes them is the promise of Put: file synced, closed, renamed,
// folder synced. A process that is killed cannot show a missing sync, because
// the system's cache outlives it; a test that records these calls can.
type Disk interface {
	// Mkdir makes a folder for this user alone; one that is there is fs.ErrExist.
	Mkdir(path string) error
	// Sync makes the content of f durable.
	Sync(f *os.File) error
	Close(f *os.File) error
	// Rename gives a file another name in place of what has it; the name is
	// durable after SyncFolder of its folder.
	Rename(from, to string) error
	// SyncFolder makes the names in a folder durable.
	SyncFolder(path string) error
	Remove(path string) error
}

// realDisk is the disk of this machine. Rename and Remove differ by system.
type realDisk struct{}

func (realDisk) Mkdir(path string) error      { return os.Mkdir(path, 0o700) }
func (realDisk) Sync(f *os.File) error        { return store.SyncFile(f) }
func (realDisk) Close(f *os.File) error       { return f.Close() }
func (realDisk) SyncFolder(path string) error { return store.SyncFolder(path) }
