//go:build unix

package tests

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nougat/internal/pack"
)

// openFiles is how many files this process may open. Go raises the soft limit of
// a process to the hard one at its start, and gives its children the soft one
// back, which the program raises again.
func openFiles(t *testing.T) int {
	t.Helper()
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return int(min(limit.Max, 1<<20))
}

// TestIdleConnections holds 10,000 connections open, or as many as the system
// lets this test have: half have asked something and may ask again, half have
// said nothing. The program goes on as if they were not there.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	files := openFiles(t)
	n := min(10_000, files/4*3-100, files-500)
	if testing.Short() {
		n = min(n, 1000)
	}
	p, c := wholeProgram(t)
	c.pushed(t, pack.Spec{ID: "Contoso.Idle", Version: "1.0.0"})
	memory := watchMemory(p)
	conns, since := make([]net.Conn, n), make([]time.Time, n)
	defer func() {
		for _, conn := range conns {
			if conn != nil {
				conn.Close()
			}
		}
	}()
	request := "GET /v3/index.json HTTP/1.1\r\nHost: " + p.addr + "\r\n\r\n"
	const dialers = 16
	together(dialers, func(d int) {
		for i := d; i < n; i += dialers {
			since[i] = time.Now()
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			conns[i] = conn
			if i%2 == 0 {
				if err := askOn(conn, request); err != nil {
					t.Errorf("connection %d: %v", i, err)
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	// On a slow machine the first are closed when the last come: who says nothing
	// may do so for 15 seconds, who has asked something is held for three minutes.
	sentAway := func() (gone int) {
		for i := 1; i < n; i += 2 {
			if isClosed(conns[i]) {
				gone++
				if age := time.Since(since[i]); age < 15*time.Second {
					t.Fatalf("a connection that says nothing was closed after %v", age)
				}
			}
		}
		return gone
	}
	folder := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	if _, err := os.ReadDir(folder); err == nil {
		waitFor(t, "every connection to be accepted", func() bool {
			open, err := os.ReadDir(folder)
			return err == nil && len(open)+sentAway() >= n
		})
	}
	t.Logf("%d connections, %d closed for their silence", n, sentAway())
	// A push and reads on new connections, and on an old one.
	late := p.client(t, c.key)
	late.pushed(t, pack.Spec{ID: "Contoso.Idle", Version: "1.0.1"})
	late.get(t, http.StatusOK, nupkgPath("Contoso.Idle", "1.0.1"))
	late.get(t, http.StatusOK, "/v3/query?q=idle")
	late.get(t, http.StatusOK, "/packages/Contoso.Idle")
	for i := 0; i < n; i += max(2, n/10&^1) {
		if err := askOn(conns[i], request); err != nil {
			t.Errorf("connection %d asked again: %v", i, err)
		}
	}
	memory.grewAtMost(t, 8<<20+int64(n)*24<<10)
}

// isClosed reports whether the other end has closed a connection that nothing was
// sent on.
func isClosed(conn net.Conn) (closed bool) {
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return true
	}
	err = raw.Read(func(fd uintptr) bool {
		_, _, err := unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		closed = err != unix.EAGAIN && err != unix.EINTR
		return true
	})
	return closed || err != nil
}

// askOn sends a request on an open connection and reads its answer.
func askOn(conn net.Conn, request string) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s", res.Status)
	}
	return nil
}

// TestMoreConnectionsThanFiles opens more connections than the program may have
// files: the rest waits, the program keeps the files that it needs, and those
// who wait come in when others go.
func TestMoreConnectionsThanFiles(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	const files = 128
	p := startWithFiles(t, files, data)
	c := p.client(t, key)
	c.pushed(t, pack.Spec{ID: "Contoso.Few", Version: "1.0.0", Files: []pack.File{{Name: "x.bin", Data: noise(1, 200_000)}}})
	c.http.CloseIdleConnections()
	request := "GET " + nupkgPath("contoso.few", "1.0.0") + " HTTP/1.1\r\nHost: " + p.addr + "\r\n\r\n"
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	for range 2 * files {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		_, _ = io.WriteString(conn, request)
	}
	// The first come in: each reads a package, which needs files.
	for _, conn := range conns[:files/2] {
		if err := readOn(conn); err != nil {
			t.Fatal(err)
		}
	}
	// When they go, the others are served, and new ones.
	for _, conn := range conns[:files] {
		conn.Close()
	}
	for i, conn := range conns[files:] {
		if err := readOn(conn); err != nil {
			t.Fatalf("connection %d, which had to wait: %v", files+i, err)
		}
		conn.Close()
	}
	c.pushed(t, pack.Spec{ID: "Contoso.Few", Version: "1.0.1"})
	p.end(t, data)
	verbOutput(t, "", "verify", "--data", data)
	p.loggedNoError(t)
}

// TestStalledDownloads begins more downloads than the program has files for, and
// reads none of them: those that there is room for can still be read to their
// end, the others are told to come again, and pushes and documents go on.
func TestStalledDownloads(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	const files, downloads = 128, 80
	p := startWithFiles(t, files, data)
	c := p.client(t, key)
	const size = 8 << 20 // more than the system buffers
	c.pushed(t, pack.Spec{ID: "Contoso.Stalled", Version: "1.0.0", Files: []pack.File{{Name: "x.bin", Data: noise(1, size)}}})
	request := "GET " + nupkgPath("contoso.stalled", "1.0.0") + " HTTP/1.1\r\nHost: " + p.addr + "\r\n\r\n"
	whole, turned := 0, 0
	conns, answers := make([]net.Conn, downloads), make([]*http.Response, downloads)
	for i := range conns {
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(conn, request)
		conns[i] = conn
	}
	for i, conn := range conns {
		var err error
		if answers[i], err = http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
			t.Fatalf("download %d: %v", i, err)
		}
	}
	c.pushed(t, pack.Spec{ID: "Contoso.Stalled", Version: "1.0.1"})
	c.get(t, http.StatusOK, nupkgPath("contoso.stalled", "1.0.1"))
	c.get(t, http.StatusOK, "/packages/Contoso.Stalled")
	for i, a := range answers {
		n, err := io.Copy(io.Discard, a.Body)
		switch {
		case a.StatusCode == http.StatusOK && n == a.ContentLength && n > size && err == nil:
			whole++
		case a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "":
			turned++
		default:
			t.Errorf("download %d: %s, %d bytes of %d, %v", i, a.Status, n, a.ContentLength, err)
		}
	}
	t.Logf("%d downloads were served, %d told to come again", whole, turned)
	if whole < 10 {
		t.Errorf("only %d downloads were served", whole)
	}
	c.get(t, http.StatusOK, nupkgPath("contoso.stalled", "1.0.0"))
	p.end(t, data)
	verbOutput(t, "", "verify", "--data", data)
	p.loggedNoError(t)
}

// startWithFiles starts the program with so many files that it may open.
func startWithFiles(t *testing.T, files int, data string) *runningProgram {
	t.Helper()
	nougat, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, exec.Command("sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files), nougat, "serve", "--data", data, "--listen", "127.0.0.1:0"))
}

func readOn(conn net.Conn) error {
	_ = conn.SetDeadline(time.Now().Add(patience))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %s, %v", res.Status, err)
	}
	return nil
}
