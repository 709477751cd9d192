package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"nougat/gallery"
)

// patience is Q-32: how slow an upload may be.
type patience struct {
	idle   time.Duration // without a byte
	window time.Duration // of waiting, in which at least
	least  int64         // bytes must come
}

var uploadPatience = patience{idle: 30 * time.Second, window: 60 * time.Second, least: 64 << 10}

// plainBody refuses a body that is compressed.
func plainBody(r *http.Request) error {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return &gallery.Error{Kind: gallery.Unsupported, Op: "read", Msg: "What was sent has a Content-Encoding. Send it as it is."}
	}
	return nil
}

// upload reads a request body of any length, with no timeout on the whole. Only
// the time spent waiting for the client counts, not what the disk takes.
type upload struct {
	body   io.Reader
	rc     *http.ResponseController
	p      patience
	waited time.Duration // in this window
	got    int64         // in this window
	began  bool          // something was asked for: a client that expects 100 Continue has got it
	err    error         // how it ended, io.EOF included
}

func newUpload(w http.ResponseWriter, r *http.Request, p patience) *upload {
	return &upload{body: r.Body, rc: http.NewResponseController(w), p: p}
}

func (u *upload) Read(b []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	u.began = true
	start := time.Now()
	limit := u.p.idle
	if u.got < u.p.least {
		limit = min(limit, u.p.window-u.waited)
	}
	_ = u.rc.SetReadDeadline(start.Add(limit))
	n, err := u.body.Read(b)
	u.waited += time.Since(start)
	u.got += int64(n)
	if err == nil && u.waited >= u.p.window {
		if u.got < u.p.least {
			err = os.ErrDeadlineExceeded
		}
		u.waited, u.got = 0, 0
	}
	if err != nil {
		u.err = ended(err)
		// After the end what follows may take long, and net/http watches the
		// connection meanwhile. After anything else nobody waits for this client
		// again: net/http would, when it closes the body.
		after := time.Time{}
		if err != io.EOF {
			after = start
		}
		_ = u.rc.SetReadDeadline(after)
	}
	return n, u.err
}

// ended says how a body ended before its end.
func ended(err error) error {
	switch {
	case err == io.EOF:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &gallery.Error{Kind: gallery.Timeout, Op: "push", Err: err, Msg: "The upload was too slow: nothing came for 30 seconds, or less than 64 KB in a minute. Send it again."}
	}
	return &gallery.Error{Kind: gallery.Invalid, Op: "push", Err: err, Msg: "The upload ended before the package was complete. Send it again."}
}
