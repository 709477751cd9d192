package server

import (
	"io"
	"net/http"
	"time"
)

const (
	maxDiscards    = 64        // refused bodies that are read at once
	discardMargin  = 250 << 20 // read beyond the feed's limit, when that is small (PROTO-6.1)
	continueLinger = 2 * time.Second
)

// refuse answers an upload before its body has been read.
func (s *Server) refuse(c *call, body *upload, err error) {
	s.answerUnread(c, body, func(*call) error { return err })
}

// answerUnread lets answer write to a client whose body has not been read, or
// writes the error that it returns. NuGet's clients do not stop sending when the
// answer comes, and one that is cut off shows "connection reset" and never the
// reason (PROTO-6.1): so the answer is written at once, and the rest of the
// body is read and thrown away, under the rules of Q-32 and up to a bound. Then
// the connection ends.
func (s *Server) answerUnread(c *call, body *upload, answer func(*call) error) {
	write := func() {
		if err := answer(c); err != nil {
			s.fail(c, err)
		}
	}
	r := c.r
	if r.Body == http.NoBody || body.err == io.EOF {
		write()
		return
	}
	w := c.w
	rc := http.NewResponseController(w)
	w.Header()["Connection"] = closing
	// Without this, net/http reads on before it writes and then gives up.
	if rc.EnableFullDuplex() != nil {
		write()
		return
	}
	write()
	if rc.Flush() != nil {
		panic(http.ErrAbortHandler)
	}
	if !body.began && r.Header.Get("Expect") != "" {
		// The client waits for leave to send, and this answer is none.
		_ = rc.SetReadDeadline(time.Now().Add(continueLinger))
		return
	}
	if !s.discard(c, body) {
		panic(http.ErrAbortHandler)
	}
}

// discard reads body to its end and reports whether it got there.
func (s *Server) discard(c *call, body *upload) bool {
	if !s.discards.try() {
		return false
	}
	defer s.discards.give()
	buf := partBuffers.Get().(*[]byte)
	defer partBuffers.Put(buf)
	left := c.feed.MaxBytes + max(c.feed.MaxBytes, discardMargin)
	if body.broken {
		return s.discardConn(c, body, *buf, left)
	}
	for left > 0 {
		n, err := body.Read(*buf)
		left -= int64(n)
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}

// discardConn reads on beneath net/http, which is done with a body whose reading
// was interrupted. Where the body ends is not known here: the client, which was
// told that the connection closes, closes it when it has read the answer.
func (s *Server) discardConn(c *call, body *upload, buf []byte, left int64) bool {
	conn, ok := c.r.Context().Value(connKey{}).(*conn)
	if !ok {
		return false
	}
	for left > 0 {
		until := time.Now().Add(body.p.idle)
		if body.until.Before(until) {
			until = body.until
		}
		_ = conn.SetReadDeadline(until)
		n, err := conn.Conn.Read(buf)
		left -= int64(n)
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}
