package gallery

import (
	"errors"
	"runtime"
	"strings"
	"syscall"
)

// IsDiskFull reports whether err says that a disk or a quota is full.
func IsDiskFull(err error) bool {
	if err == nil {
		return false
	}
	for _, full := range fullDisk[runtime.GOOS == "windows"] {
		// bbolt keeps only the text of the causes of some failures.
		if errors.Is(err, full) || strings.Contains(err.Error(), full.Error()) {
			return true
		}
	}
	return false
}

// fullDisk are what a full disk and a used-up quota answer, on Windows and on
// other systems: the numbers of the one mean something else on the other.
var fullDisk = map[bool][]syscall.Errno{
	true: {
		39,   // ERROR_HANDLE_DISK_FULL
		112,  // ERROR_DISK_FULL
		1295, // ERROR_DISK_QUOTA_EXCEEDED
	},
	false: {syscall.ENOSPC, syscall.EDQUOT},
}

// diskError gives a full disk its own kind.
func diskError(err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) || !IsDiskFull(err) {
		return err
	}
	return &Error{Kind: Full, Op: "push", Msg: MsgDiskFull, Err: err}
}
