package gallery

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"syscall"
	"testing"
)

// TestDiskError: a full disk and a used-up quota are Full, in this system's
// numbers and not in another's.
func TestDiskError(t *testing.T) {
	windows := runtime.GOOS == "windows"
	for _, tt := range []struct {
		code syscall.Errno
		full bool
	}{
		{syscall.ENOSPC, !windows}, {syscall.EDQUOT, !windows}, {syscall.EIO, false},
		{39, windows}, {112, windows}, {1295, windows},
	} {
		err := diskError(fmt.Errorf("writing: %w", &fs.PathError{Op: "write", Path: "x", Err: tt.code}))
		if full := KindOf(err) == Full; full != tt.full || !errors.Is(err, tt.code) {
			t.Errorf("%d (%v) becomes %v", int(tt.code), tt.code, err)
		}
	}
}
