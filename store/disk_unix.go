//go:build unix

package store

import (
	"os"
	"syscall"
)

// SyncFile makes the content of f durable. On macOS this is a plain fsync, which
// a drive may still hold back; the commit of the database that follows each
// stored package empties the drive's cache (F_FULLFSYNC).
func SyncFile(f *os.File) error {
	for {
		if err := syscall.Fsync(int(f.Fd())); err != syscall.EINTR {
			return os.NewSyscallError("fsync", err)
		}
	}
}

// SyncFolder makes the names in the folder path durable, as SyncFile does.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	err = SyncFile(f)
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}
