package dir

import (
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// patience is how long a call is tried again while a virus scanner or indexer
// has the file open.
const patience = 2 * time.Second

// Rename does what a rename and a sync of the folder do elsewhere: it returns
// when the new name is on the disk.
func (realDisk) Rename(from, to string) error {
	source, err := windows.UTF16PtrFromString(longPath(from))
	if err != nil {
		return err
	}
	target, err := windows.UTF16PtrFromString(longPath(to))
	if err != nil {
		return err
	}
	return patiently(func() error {
		err := windows.MoveFileEx(source, target, windows.MOVEFILE_REPLACE_EXISTING|windows.MOVEFILE_WRITE_THROUGH)
		if err != nil {
			return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
		}
		return nil
	})
}

// Remove fails in the end when somebody reads the file: gc tries again at its
// next run.
func (realDisk) Remove(path string) error {
	return patiently(func() error { return os.Remove(path) })
}

// patiently repeats f for a while as long as the file is in use.
func patiently(f func() error) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := f()
		inUse := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !inUse || time.Now().After(end) {
			return err
		}
	}
}

// longPath lets an absolute path be longer than 260 characters.
func longPath(path string) string {
	switch {
	case strings.HasPrefix(path, `\\?\`):
		return path
	case strings.HasPrefix(path, `\\`):
		return `\\?\UNC` + path[1:]
	}
	return `\\?\` + path
}
