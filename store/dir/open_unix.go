//go:build unix

package dir

import (
	"io/fs"
	"os"
	"syscall"
)

// openFile is os.Open without the attempt to have the file polled, which costs
// five system calls and which no file of a disk takes.
func openFile(path string) (*os.File, error) {
	for {
		fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		switch err {
		case nil:
			return os.NewFile(uintptr(fd), path), nil
		case syscall.EINTR:
		default:
			return nil, &fs.PathError{Op: "open", Path: path, Err: err}
		}
	}
}
