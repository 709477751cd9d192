//go:build !unix

package site

import (
	"os"
	"path/filepath"
)

// userFolder is the folder for sockets that cannot lie in their data folder: on
// Windows the temporary folder is each user's own.
func userFolder() string { return filepath.Join(os.TempDir(), "nougat") }

// privateFolder makes the folder for sockets of this user.
func privateFolder(path string) error {
	if path != userFolder() {
		return nil
	}
	return os.MkdirAll(path, 0o700)
}

// ownFolder trusts what lies in the user's own temporary folder.
func ownFolder(path string) error {
	_, err := os.Stat(path)
	return err
}
