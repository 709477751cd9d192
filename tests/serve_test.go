package tests

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"nougat/internal/pack"
	"nougat/store/bolt"
)

// A runningProgram is a nougat of its own process.
type runningProgram struct {
	cmd   *exec.Cmd
	index string
	addr  string
	errs  *lockedBuffer
	ended chan error
}

// A lockedBuffer is written by a program and read by a test at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startProgram runs nougat serve on data and waits for its ready line.
func startProgram(t *testing.T, data string, flags ...string) *runningProgram {
	t.Helper()
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, exec.Command(path, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, flags...)...))
}

// startCommand runs a command that ends up as nougat serve. Its standard error is
// kept, unless the command says where it goes.
func startCommand(t *testing.T, cmd *exec.Cmd) *runningProgram {
	t.Helper()
	p := &runningProgram{cmd: cmd, errs: new(lockedBuffer), ended: make(chan error, 1)}
	p.cmd.Dir = t.TempDir()
	if p.cmd.Stderr == nil {
		p.cmd.Stderr = p.errs
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	index, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		_ = p.cmd.Wait()
		t.Fatalf("no ready line but %q, %v; standard error:\n%s", line, err, p.errs)
	}
	u, err := url.Parse(index)
	if err != nil {
		t.Fatal(err)
	}
	p.index, p.addr = index, u.Host
	go func() {
		_, _ = io.Copy(io.Discard, out)
		p.ended <- p.cmd.Wait()
	}()
	return p
}

// exit waits for the end of the program.
func (p *runningProgram) exit(t *testing.T) error {
	t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(patience):
		t.Fatalf("the program has not ended; standard error:\n%s", p.errs)
		return nil
	}
}

// verbOutput runs a verb and returns what it printed to standard output.
func verbOutput(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Stdin = t.TempDir(), strings.NewReader(stdin)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("nougat %s: %v\n%s", strings.Join(args, " "), err, errs.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// halfPush begins a push of a package and sends all but its last byte. finish
// sends the rest and returns the status line.
func halfPush(t *testing.T, addr, key, id string) (finish func() (string, error)) {
	t.Helper()
	content := newPackage(id, "1.0.0").pack()
	body := "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; filename=package.nupkg\r\n\r\n" + string(content) + "\r\n--b--\r\n"
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PUT /v3/package HTTP/1.1\r\nHost: %s\r\nX-NuGet-ApiKey: %s\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", addr, key, len(body), body[:len(body)-1])
	return func() (string, error) {
		if _, err := io.WriteString(conn, body[len(body)-1:]); err != nil {
			return "", err
		}
		return bufio.NewReader(conn).ReadString('\n')
	}
}

// newGallery makes a data folder with an account and returns it with a key.
func newGallery(t *testing.T) (data, key string) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	verbOutput(t, "correct horse battery\n", "user", "add", "ann", "--password-stdin", "--data", data)
	return data, verbOutput(t, "", "key", "add", "--owner", "ann", "--data", data)
}

// TestStopFinishesRequests: the first signal, and nougat stop, let a running
// push and a running download finish, and the download is counted; new
// connections are refused meanwhile.
func TestStopFinishesRequests(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"SIGTERM", "interrupt", "stop"} {
		t.Run(how, func(t *testing.T) {
			if how != "stop" && runtime.GOOS == "windows" {
				t.Skip("Windows sends no such signals to a process")
			}
			data, key := newGallery(t)
			p := startProgram(t, data)
			c := p.client(t, key)
			large := pack.Spec{ID: "Contoso.Large", Version: "1.0.0", Files: []pack.File{{Name: "x.bin", Data: noise(1, 16<<20)}}}
			c.pushed(t, large)
			c.http.CloseIdleConnections()

			download := p.beginDownload(t, nupkgPath(large.ID, large.Version))
			finish := p.beginPush(t, data, key, "Contoso.Late")
			stopped := make(chan string, 1)
			switch how {
			case "SIGTERM":
				_ = p.cmd.Process.Signal(syscall.SIGTERM)
			case "interrupt":
				_ = p.cmd.Process.Signal(os.Interrupt)
			case "stop":
				go func() { stopped <- verbOutput(t, "", "stop", "--data", data) }()
			}
			p.refusesConnections(t)
			if status, err := finish(); err != nil || !strings.Contains(status, " 201 ") {
				t.Errorf("the push that ran: %q, %v", status, err)
			}
			if content, err := io.ReadAll(download.Body); err != nil || !bytes.Equal(content, pack.Nupkg(large)) {
				t.Errorf("the download that ran ended after %d bytes with %v", len(content), err)
			}
			if err := p.exit(t); err != nil {
				t.Errorf("exit: %v\n%s", err, p.errs)
			}
			if how == "stop" {
				<-stopped
			}
			p.loggedNoError(t)

			p = startProgram(t, data)
			c = p.client(t, key)
			c.get(t, http.StatusOK, nupkgPath("Contoso.Late", "1.0.0"))
			hits := document[struct {
				Data []struct{ TotalDownloads int }
			}](t, c, "/v3/query?q=packageid:contoso.large")
			if len(hits.Data) != 1 || hits.Data[0].TotalDownloads != 1 {
				t.Errorf("after the restart the search says %+v", hits)
			}
			p.end(t, data)
			verbOutput(t, "", "verify", "--data", data)
		})
	}
}

// beginPush is halfPush, once its upload is seen in the data.
func (p *runningProgram) beginPush(t *testing.T, data, key, id string) (finish func() (string, error)) {
	t.Helper()
	finish = halfPush(t, p.addr, key, id)
	waitFor(t, "the upload to be seen", func() bool { return len(leftIn(t, data, "tmp")) > 0 })
	return finish
}

// beginDownload asks for a file and reads no more than the head of the answer.
func (p *runningProgram) beginDownload(t *testing.T, path string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, p.addr)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// refusesConnections waits until the program takes no new ones.
func (p *runningProgram) refusesConnections(t *testing.T) {
	t.Helper()
	waitFor(t, "new connections to be refused", func() bool {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

// TestSecondSignal does not wait for a request that runs.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows sends no such signals to a process")
	}
	data, key := newGallery(t)
	p := startProgram(t, data)
	finish := p.beginPush(t, data, key, "Contoso.Never")
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.refusesConnections(t)
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.exit(t); err != nil {
		t.Errorf("exit: %v\n%s", err, p.errs)
	}
	if status, err := finish(); err == nil {
		t.Errorf("the push was answered: %q", status)
	}
	verbOutput(t, "", "verify", "--data", data)
}

// TestStartWaitsForVerb: an administrator's verb that has the data open for a
// moment does not keep a server from starting.
func TestStartWaitsForVerb(t *testing.T) {
	t.Parallel()
	data, _ := newGallery(t)
	kv, err := bolt.Open(data, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	released := time.AfterFunc(300*time.Millisecond, func() { kv.Close() })
	defer released.Stop()
	startProgram(t, data)
}

// waitFor asks again and again until it is so.
func waitFor(t *testing.T, what string, so func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("waited too long for %s", what)
		}
	}
}
