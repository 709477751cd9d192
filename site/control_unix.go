//go:build unix

package site

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// userFolder is the folder for sockets that cannot lie in their data folder. It
// is not in TMPDIR, which may differ between a server and a shell.
func userFolder() string { return "/tmp/nougat-" + strconv.Itoa(os.Geteuid()) }

// privateFolder makes the folder for sockets of this user, and refuses one that
// somebody else put in its place. Any other folder is the caller's business.
func privateFolder(path string) error {
	if path != userFolder() {
		return nil
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return ownFolder(path)
}

// ownFolder reports whether path is a folder, not a link to one, that this user
// owns and nobody else may enter.
func ownFolder(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(stat.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is not a folder of this user alone; remove it", path)
	}
	return nil
}
