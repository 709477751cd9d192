package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// MakeFolder makes the folder path for this user alone, when it is not there,
// and its name durable. The folder that holds it must be there.
func MakeFolder(path string) error {
	err := os.Mkdir(path, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
		info, err := os.Stat(path)
		if err == nil && !info.IsDir() {
			err = &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a file where a folder is needed")}
		}
		return err
	case err != nil:
		return err
	}
	return SyncFolder(filepath.Dir(path))
}
