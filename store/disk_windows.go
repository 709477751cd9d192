package store

import (
	"os"

	"golang.org/x/sys/windows"
)

// fullErrors are what a full disk and a used-up quota answer.
var fullErrors = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL, windows.ERROR_DISK_QUOTA_EXCEEDED}

// SyncFile makes the content of f durable.
func SyncFile(f *os.File) error { return f.Sync() }

// SyncFolder does nothing: Windows cannot sync a folder. What must be durable
// there is renamed with MOVEFILE_WRITE_THROUGH.
func SyncFolder(string) error { return nil }
