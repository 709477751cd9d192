package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"nougat/gallery"
)

// patience is Q-32: how slow an upload may be.
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
	until  time.Time       // it is over then
	may    context.Context // ends when its sender may not go on; nil: they may
	waited time.Duration   // in this window
	got    int64           // in this window
	began  bool            // something was asked for: a client that expects 100 Continue has got it
	err    error           // how it ended, io.EOF included
}

func newUpload(w http.ResponseWriter, r *http.Request, p patience) *upload {
	return &upload{body: r.Body, rc: http.NewResponseController(w), p: p, until: time.Now().Add(p.most)}
}

// under lets reading fail with the cause of ctx as soon as that is over, also in
// the middle of waiting for the client, until the function that it returns is
// called. What is read after that, to be thrown away, is not concerned.
func (u *upload) under(ctx context.Context) (release func()) {
	u.may = ctx
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = u.rc.SetReadDeadline(time.Unix(1, 0))
		close(interrupted)
	})
	return func() {
		if !stop() {
			<-interrupted
		}
		u.may = nil
	}
}

// refused is why the sender may not go on, nil while they may. That the client
// has gone ends the context too, and is no such reason: reading says so.
func (u *upload) refused() error {
	if u.may == nil || u.may.Err() == nil {
		return nil
	}
	if why, ok := errors.AsType[*gallery.Error](context.Cause(u.may)); ok {
		return why
	}
	return nil
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
	if why := u.refused(); why != nil {
		return 0, why
	}
	n, err := u.body.Read(b)
	now := time.Now()
	u.waited += now.Sub(start)
	u.got += int64(n)
	if err != nil && err != io.EOF {
		if why := u.refused(); why != nil {
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
