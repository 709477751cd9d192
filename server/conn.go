package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// writePatience is how long one write, or one piece of a file, may take: a
// client that has not taken it by then is gone. While bytes flow there is no
// timeout: a piece in that time is 1.7 KB a second.
const (
	writePatience = 10 * time.Minute
	writeRenew    = writePatience - 30*time.Second // the deadline is moved when less than this is left of it
	sendPiece     = 1 << 20                        // bytes of a file that go out under one deadline; smaller ones cost a fifth more CPU
)

// listener wraps every connection in a conn and lets no more be open than the
// process may have files for: beyond that they wait in the kernel's queue.
type listener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newListener(l net.Listener, most int) net.Listener {
	return &listener{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

// Close also ends an Accept that waits for a place: net/http's Shutdown waits
// for it before it closes the idle connections that hold the places.
func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &conn{Conn: c, slots: l.slots}, nil
}

// A conn is a connection whose next status line may get a reason phrase of our
// own, and whose writes end in time. It is used by one request at a time.
type conn struct {
	net.Conn
	slots  chan struct{}
	freed  sync.Once
	reason string    // for the next status line
	more   bool      // something follows the next write
	until  time.Time // the write deadline set
}

type connKey struct{}

// connContext lets setReason find the connection of a request.
func connContext(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// setReason gives the answer to r its reason phrase, which is all that NuGet's
// clients show of an error (PROTO-6.1). It is to be called before
// WriteHeader, and by nobody but who writes the answer.
func setReason(r *http.Request, reason string) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.reason = oneLine(reason)
	}
}

// moreFollows says that the next write of the answer to r is not its last one:
// the two go out together. net/http writes the headers of a file by themselves,
// and a body above 4 KB in two pieces; on its way a piece costs as much as a
// small document.
func moreFollows(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.more = true
	}
}

// Close gives the connection's place to the next.
func (c *conn) Close() error {
	c.freed.Do(func() { <-c.slots })
	return c.Conn.Close()
}

// CloseWrite lets net/http end a connection so that the client can read the
// rest of the answer.
func (c *conn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}

// Write puts the reason phrase into the status line that p begins with:
// net/http writes one only at the start of a flush.
func (c *conn) Write(p []byte) (int, error) {
	c.renew()
	if c.reason == "" {
		return c.write(p)
	}
	from, to, ok := reasonIn(p)
	if !ok { // 100 Continue
		return c.Conn.Write(p)
	}
	q := make([]byte, 0, len(p)+len(c.reason))
	q = append(append(append(q, p[:from]...), c.reason...), p[to:]...)
	c.reason = ""
	if n, err := c.write(q); err != nil {
		return min(n, len(p)), err
	}
	return len(p), nil
}

func (c *conn) write(p []byte) (int, error) {
	if !c.more {
		return c.Conn.Write(p)
	}
	c.more = false
	return writeMore(c.Conn, p)
}

// reasonIn finds the reason phrase of a final answer: p[from:to].
func reasonIn(p []byte) (from, to int, ok bool) {
	const status = len("HTTP/1.1 ")
	from = status + len("NNN ")
	if len(p) < from || string(p[:7]) != "HTTP/1." || p[status] == '1' {
		return 0, 0, false
	}
	to = bytes.IndexByte(p, '\r')
	return from, to, to >= from
}

// ReadFrom hands a file to the kernel in pieces, each under its own deadline: a
// dead reader ends, a slow one does not.
func (c *conn) ReadFrom(src io.Reader) (n int64, err error) {
	to, ok := c.Conn.(io.ReaderFrom)
	if !ok {
		return io.Copy(struct{ io.Writer }{c}, src)
	}
	lr, ok := src.(*io.LimitedReader)
	if !ok {
		lr = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	for lr.N > 0 {
		c.renew()
		piece := io.LimitedReader{R: lr.R, N: min(lr.N, sendPiece)}
		want := piece.N
		sent, err := to.ReadFrom(&piece)
		n += sent
		lr.N -= sent
		if err != nil || sent < want {
			return n, err
		}
	}
	return n, nil
}

// renew moves the write deadline when it is near.
func (c *conn) renew() {
	if now := time.Now(); c.until.Sub(now) < writeRenew {
		c.until = now.Add(writePatience)
		_ = c.SetWriteDeadline(c.until)
	}
}
