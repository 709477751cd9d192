//go:build unix

package server

import "golang.org/x/sys/unix"

// Of the files that the process may open, three quarters are for connections and
// an eighth is for packages that are being sent. The rest is left to uploads, to
// what is open for a moment, and to the database.
func maxConnections() int { return openFiles() / 4 * 3 }
func maxFilesSent() int   { return openFiles() / 8 }

// openFiles is how many files the process may open. Go raises the soft limit to
// the hard one at start.
func openFiles() int {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		return 1024
	}
	return int(min(max(files.Cur, 64), 1<<20))
}
