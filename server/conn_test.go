package server

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serveHandler runs h behind the server's own connections.
func serveHandler(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: h, ConnContext: connContext}
	go srv.Serve(newListener(l, maxConnections()))
	t.Cleanup(func() { srv.Close() })
	return l.Addr().String()
}

// exchange sends raw requests on one connection and returns everything until
// the server closes.
func exchange(t *testing.T, addr, requests string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, requests); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

func TestReasonPhraseOfEachAnswerOnOneConnection(t *testing.T) {
	addr := serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if reason := r.URL.Query().Get("r"); reason != "" {
			setReason(r, reason)
			w.WriteHeader(403)
		}
		io.WriteString(w, "body "+r.URL.Query().Get("r"))
	})
	got := exchange(t, addr, "GET /?r=first+refusal HTTP/1.1\r\nHost: a\r\n\r\n"+
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n"+
		"GET /?r=second HTTP/1.1\r\nHost: a\r\n\r\n"+
		"HEAD /?r=third HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	var lines []string
	for line := range strings.SplitSeq(got, "\r\n") {
		if i := strings.Index(line, "HTTP/1.1 "); i >= 0 {
			lines = append(lines, line[i:])
		}
	}
	want := []string{"HTTP/1.1 403 first refusal", "HTTP/1.1 200 OK", "HTTP/1.1 403 second", "HTTP/1.1 403 third"}
	if strings.Join(lines, "|") != strings.Join(want, "|") {
		t.Errorf("status lines %q, want %q", lines, want)
	}
	if !strings.Contains(got, "body first refusal") || strings.Contains(got, "body third") {
		t.Errorf("bodies are wrong in %q", got)
	}
}

func TestReasonPhraseLeavesContinueAlone(t *testing.T) {
	addr := serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		setReason(r, "too late")
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(409)
	})
	got := exchange(t, addr, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc")
	if !strings.HasPrefix(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 409 too late\r\n") {
		t.Errorf("got %q", got)
	}
}

func TestReasonPhraseInALargeAnswer(t *testing.T) {
	body := bytes.Repeat([]byte("x"), 100_000)
	addr := serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		setReason(r, strings.Repeat("why\r\nInjected: yes ", 30)+"ü")
		w.WriteHeader(400)
		w.Write(body)
	})
	res, err := http.Get("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, body) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if reason := strings.TrimPrefix(res.Status, "400 "); len(reason) > maxReason || !strings.HasPrefix(reason, "why  Injected: yes why") {
		t.Errorf("reason %q", reason)
	}
	if res.Header.Get("Injected") != "" {
		t.Error("a reason phrase made a header")
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                  "plain",
		"a\r\nb\tc":              "a  b c",
		"Ümlaut 中":               "?mlaut ?",
		" ends ":                 "ends",
		strings.Repeat("a", 300): strings.Repeat("a", 200),
		"nul\x00del\x7f":         "nul del",
		"bad utf-8 \xff":         "bad utf-8 ?",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

// The way to sendfile is open as long as the handler's writer, ours around it,
// and the connection are all io.ReaderFrom.
func TestFilesReachTheConnection(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // 1.6 MB: several pieces
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	h := func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("net/http's writer is no io.ReaderFrom")
		}
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		cw := &counted{ResponseWriter: w, r: r}
		w.Header()["Content-Type"] = typePackage
		http.ServeContent(cw, r, "", time.Time{}, f)
		if cw.status != 200 || cw.n != int64(len(content)) {
			t.Errorf("counted status %d, %d bytes", cw.status, cw.n)
		}
	}
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &spyListener{Listener: inner}
	srv := &http.Server{Handler: http.HandlerFunc(h), ConnContext: connContext}
	go srv.Serve(newListener(l, maxConnections()))
	defer srv.Close()
	res, err := http.Get("http://" + inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	srv.Shutdown(context.Background()) // the handler has counted
	if n := l.fromFiles.Load(); n < int64(len(content))-512 {
		t.Errorf("%d bytes of %d came to the connection as a file: sendfile is cut off", n, len(content))
	}
}

type spyListener struct {
	net.Listener
	fromFiles atomic.Int64
}

func (l *spyListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &spyConn{Conn: c, fromFiles: &l.fromFiles}, nil
}

// spyConn counts the bytes of files that it is handed as *io.LimitedReader, the
// form that the kernel's copying takes.
type spyConn struct {
	net.Conn
	fromFiles *atomic.Int64
}

func (c *spyConn) ReadFrom(r io.Reader) (int64, error) {
	n, err := c.Conn.(io.ReaderFrom).ReadFrom(r)
	if lr, ok := r.(*io.LimitedReader); ok {
		if _, ok := lr.R.(*os.File); ok {
			c.fromFiles.Add(n)
		}
	}
	return n, err
}

func TestClosedConnectionsGiveTheirPlaceBack(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newListener(inner, maxConnections()).(*listener)
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ConnContext: connContext}
	done := make(chan error)
	go func() { done <- srv.Serve(l) }()
	for range 20 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, c)
		c.Close()
	}
	srv.Shutdown(context.Background())
	<-done
	if n := len(l.slots); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// Every place is taken by an idle connection, and Accept waits for one: Shutdown
// must end all the same.
func TestShutdownWithEveryPlaceTaken(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ConnContext: connContext}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(newListener(inner, 1)) }()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Shutdown(context.Background()) }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("Shutdown waits for a connection that nobody closes")
	}
	if err := <-done; err != http.ErrServerClosed {
		t.Errorf("Serve ended with %v", err)
	}
}
