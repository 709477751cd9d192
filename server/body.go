package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"nougat/gallery"
)

// patience says how slow an upload may be.
type patience struct {
	idle   time.Duration // without a byte
	window time.Duration // of waiting, in which at least
	least  int64         // bytes must come
	most   time.Duration // in all, however it trickles
}

var uploadPatience = patience{idle: 30 * time.Second, window: 60 * time.Second, least: 64 << 10, most: time.Hour}

// upload reads a request body. Of its slowness only the time spent waiting for
// the client counts, not what the disk takes; of its whole life all of it.
type upload struct {
	body   io.Reader
	rc     *http.ResponseController
	p      patience
	until  time.Time       // it has lived long enough then
	up     *gallery.Upload // what it is received as; nil: nothing
	waited time.Duration   // in this window
	got    int64           // in this window
	began  bool            // something was asked for: a client that expects 100 Continue has got it
	broken bool            // reading was interrupted in its middle: net/http's reader of chunks reads no more
	err    error           // how it ended, io.EOF included
}

func newUpload(w http.ResponseWriter, r *http.Request, p patience) *upload {
	return &upload{body: r.Body, rc: http.NewResponseController(w), p: p, until: time.Now().Add(p.most)}
}

// of lets reading fail, also in the middle of waiting for the client, as soon as
// the gallery's upload says that it is over; with nil not any more: what is read
// then is thrown away.
func (u *upload) of(up *gallery.Upload) {
	if up != nil {
		up.OnOver(u.interrupt)
	} else if u.up != nil {
		u.up.OnOver(nil)
	}
	u.up = up
}

func (u *upload) interrupt() { _ = u.rc.SetReadDeadline(time.Unix(1, 0)) }

// over is why the sender may not go on, nil while they may.
func (u *upload) over() error {
	if u.up == nil {
		return nil
	}
	return u.up.Over()
}

func (u *upload) Read(b []byte) (int, error) {
	if u.err != nil {
		return 0, u.err
	}
	u.began = true
	start := time.Now()
	limit := min(u.p.idle, u.until.Sub(start))
	if u.got < u.p.least {
		limit = min(limit, u.p.window-u.waited)
	}
	_ = u.rc.SetReadDeadline(start.Add(limit))
	// Asked once the deadline is set: whoever interrupts after this sets another.
	if why := u.over(); why != nil {
		return 0, why
	}
	n, err := u.body.Read(b)
	now := time.Now()
	u.waited += now.Sub(start)
	u.got += int64(n)
	if err != nil && err != io.EOF {
		if why := u.over(); why != nil {
			u.broken = true
			return 0, why
		}
	}
	if err != io.EOF && !now.Before(u.until) {
		err = errTooLong
	}
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

// errTooLong ends an upload that has lived as long as one may.
var errTooLong = errors.New("the upload has taken too long in all")

// ended says how a body ended before its end.
func ended(err error) error {
	switch {
	case err == io.EOF:
		return err
	case errors.Is(err, errTooLong):
		return &gallery.Error{Kind: gallery.Timeout, Op: "push", Err: err, Msg: "The upload took more than an hour. Send it over a faster connection."}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &gallery.Error{Kind: gallery.Timeout, Op: "push", Err: err, Msg: "The upload was too slow: nothing came for 30 seconds, or less than 64 KB in a minute. Send it again."}
	}
	return &gallery.Error{Kind: gallery.Invalid, Op: "push", Err: err, Msg: "The upload ended before the package was complete. Send it again."}
}
