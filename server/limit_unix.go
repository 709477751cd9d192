//go:build unix

package server

import "golang.org/x/sys/unix"

// maxConnections leaves a quarter of the files that the process may open to
// packages and the database. Go raises the soft limit to the hard one at start.
func maxConnections() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 1000
	}
	return int(min(max(files.Cur, 64), 1<<20)) / 4 * 3
}
