//go:build unix

package site

import (
	"os"
	"path/filepath"
	"testing"
)

func TestOwnFolder(t *testing.T) {
	dir := t.TempDir()
	own, open, link, file := filepath.Join(dir, "own"), filepath.Join(dir, "open"), filepath.Join(dir, "link"), filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{own: 0o700, open: 0o777} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(own, link); err != nil {
		t.Fatal(err)
	}
	if err := ownFolder(own); err != nil {
		t.Error(err)
	}
	for _, path := range []string{open, link, file, filepath.Join(dir, "absent")} {
		if ownFolder(path) == nil {
			t.Errorf("%s is trusted", filepath.Base(path))
		}
	}
}
