package store

import "os"

// SyncFile makes the content of f durable.
func SyncFile(f *os.File) error { return f.Sync() }

// SyncFolder does nothing: Windows cannot sync a folder. What must be durable
// there is renamed with MOVEFILE_WRITE_THROUGH.
func SyncFolder(string) error { return nil }
