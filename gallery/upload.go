package gallery

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	maxUploads   = 8  // uploads of one account that stream at once (ENG-4)
	maxInHand    = 16 // those that are checked and stored included: each has a file open, and half of pushSlots is left to others
	uploadWait   = time.Minute
	maxTempBytes = 8 << 30   // of all uploads together
	copyBuffer   = 128 << 10 // one a push, whatever its size
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// Incoming is what the head of a request says of a package that it brings.
type Incoming struct {
	Length   int64  // Content-Length; -1 where the client sends none
	Encoding string // Content-Encoding
}

// An Upload is a package on its way in: a temporary file and its hash. It must
// be discarded whether it was published or not.
type Upload struct {
	Size int64
	Hash Hash

	g      *Gallery
	actor  Actor
	feed   *Feed
	file   *os.File  // nil before it is received, and once stored or discarded
	small  []byte    // all of it, up to smallUpload
	inHand bool      // holds one of the account's places
	asked  time.Time // when the actor was last read

	over error  // why its sender may not go on; arriving.mu's
	wake func() // what interrupts the reading of its body; arriving.mu's
}

// smallUpload is up to which size a package is also kept in memory, in bytes:
// checking it there saves a dozen calls to the system. Pushes that wait their
// turn hold as much each.
const smallUpload = 16 << 10

// BeginUpload asks what can be asked of whoever brings a package before its body
// is read, in this order: a key with a push scope, a length within the
// feed's limit, a body that is not compressed. However a package comes in, it
// begins here.
func (g *Gallery) BeginUpload(a Actor, f *Feed, in Incoming) (*Upload, error) {
	if err := mayPushAnything(a); err != nil {
		return nil, err
	}
	if f.MaxBytes > 0 && in.Length > f.MaxBytes+multipartMargin {
		return nil, errTooLarge(f)
	}
	if err := PlainBody(in.Encoding); err != nil {
		return nil, err
	}
	u := &Upload{g: g, actor: a, feed: f, asked: g.Now()}
	g.arriving.add(u)
	return u, nil
}

// multipartMargin is what the multipart form adds to a package at most.
const multipartMargin = 64 << 10

func mayPushAnything(a Actor) error {
	switch {
	case !a.SignedIn():
		return &Error{Kind: Unauthenticated, Op: "push", Msg: msgSignInWrong}
	case !a.allows(ScopePush | ScopePushVersion):
		return &Error{Kind: Forbidden, Op: "push", Msg: msgKeyMayNot("push packages", "", a.Key)}
	}
	return nil
}

func errTooLarge(f *Feed) error {
	return &Error{Kind: TooLarge, Op: "push", Msg: msgTooLarge(f.MaxBytes)}
}

// PlainBody refuses a request body that is compressed.
func PlainBody(encoding string) error {
	if encoding != "" && !strings.EqualFold(encoding, "identity") {
		return &Error{Kind: Unsupported, Op: "read", Msg: "What was sent has a Content-Encoding. Send it as it is."}
	}
	return nil
}

// askAgain is how often the right to an upload is asked anew while it arrives. What
// happens in this process ends it at once; this is for what happened elsewhere, or
// in the moment in which it began.
const askAgain = 10 * time.Second

// Over says why whoever brings the upload may not go on, nil while they may:
// their key was revoked or has expired, or their account was locked. It is asked
// while the body is read, by one goroutine, and reads the store only now and then.
func (u *Upload) Over() error {
	now := u.g.Now()
	if k := u.actor.Key; k != nil && !k.live(now) {
		return errKeyUnknown
	}
	u.g.arriving.mu.Lock()
	over := u.over
	u.g.arriving.mu.Unlock()
	if over != nil || now.Sub(u.asked) < askAgain {
		return over
	}
	u.asked = now
	err := u.g.store.View(context.Background(), func(r Reader) error {
		_, err := u.g.again(r, u.actor, now)
		return err
	})
	if no, ok := errors.AsType[*Error](err); ok && (no.Kind == Forbidden || no.Kind == Unauthenticated) {
		return no
	}
	return nil // a store that fails is no reason: the door asks once more
}

// OnOver sets what interrupts the reading of the body, which may be waiting for
// more of it, when the upload is over: it is called once, or at once when it is
// over already. It must not wait. Nil takes it back; it is not called any more
// when OnOver has returned.
func (u *Upload) OnOver(wake func()) {
	u.g.arriving.mu.Lock()
	defer u.g.arriving.mu.Unlock()
	u.wake = wake
	if wake != nil && u.over != nil {
		wake()
	}
}

// Receive streams a body once into a temporary file, hashing on the way. It is
// TooLarge as soon as the feed's limit is passed; the reader's own error is
// wrapped. Memory is one buffer whatever the size. Nothing of the body is read
// while the account has as many uploads as it may.
func (u *Upload) Receive(ctx context.Context, body io.Reader) error {
	g, no := u.g, u.actor.Owner
	err := g.inHand.enter(ctx, no, uploadWait)
	if err == nil {
		u.inHand = true
		if err = g.uploads.enter(ctx, no, uploadWait); err == nil {
			defer g.uploads.leave(no)
			return u.receive(body)
		}
	}
	if errors.Is(err, errWaited) {
		return &Error{Kind: TooMany, Op: "push", Msg: msgTooManyUploads}
	}
	return err
}

func (u *Upload) receive(body io.Reader) (err error) {
	g := u.g
	if g.uploading.Load() > maxTempBytes {
		return &Error{Kind: Unavailable, Op: "push", Msg: "Too many uploads are running. Try again in a minute."}
	}
	if u.file, err = g.blobs.Temp(); err != nil {
		return diskError(err)
	}
	hash := sha512.New()
	var limit int64 = 1 << 62
	if u.feed.MaxBytes > 0 {
		limit = u.feed.MaxBytes
	}
	pooled := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(pooled)
	buf, filled := *pooled, 0
	for {
		n, rerr := body.Read(buf[filled:])
		filled += n
		u.Size += int64(n)
		g.uploading.Add(int64(n))
		if u.Size > limit {
			return errTooLarge(u.feed)
		}
		if over := u.Over(); over != nil {
			return over
		}
		ended := errors.Is(rerr, io.EOF)
		if filled == len(buf) || ended {
			hash.Write(buf[:filled])
			if _, err := u.file.Write(buf[:filled]); err != nil {
				return diskError(err)
			}
			filled = 0
		}
		if ended {
			break
		}
		// A client that has gone shows here, with what it left out; the context
		// would only say that it has gone.
		if rerr != nil {
			return fmt.Errorf("the upload ended early: %w", rerr)
		}
	}
	hash.Sum(u.Hash[:0])
	if u.Size <= smallUpload {
		u.small = bytes.Clone(buf[:u.Size])
	}
	return nil
}

// content is what was received, to be read before it is stored.
func (u *Upload) content() io.ReaderAt {
	if u.small != nil {
		return bytes.NewReader(u.small)
	}
	return u.file
}

// Discard ends the upload and removes what was received and not stored. It may be
// called twice.
func (u *Upload) Discard() {
	u.g.arriving.remove(u)
	if u.inHand {
		u.g.inHand.leave(u.actor.Owner)
		u.inHand = false
	}
	if u.file == nil {
		return
	}
	if err := u.g.blobs.Discard(u.take()); err != nil {
		u.g.o.Log.Warn("a temporary file could not be removed; the next start removes it", "err", err)
	}
}

// take gives up the temporary file, which the caller removes or keeps.
func (u *Upload) take() (file *os.File) {
	file, u.file = u.file, nil
	u.g.uploading.Add(-u.Size)
	return file
}

// arriving are the uploads that have begun and are not discarded yet.
type arriving struct {
	mu sync.Mutex
	m  map[*Upload]struct{}
}

// An ending ends the uploads of the actors that match.
type ending struct {
	match func(Actor) bool
	why   error
}

func (r *arriving) add(u *Upload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = make(map[*Upload]struct{})
	}
	r.m[u] = struct{}{}
}

func (r *arriving) remove(u *Upload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.m, u)
}

// Uploads counts the uploads that have begun and are not discarded yet.
func (g *Gallery) Uploads() int {
	g.arriving.mu.Lock()
	defer g.arriving.mu.Unlock()
	return len(g.arriving.m)
}

func (r *arriving) end(all []ending) {
	if len(all) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for u := range r.m {
		for _, e := range all {
			if u.over == nil && e.match(u.actor) {
				u.over = e.why
				if u.wake != nil {
					u.wake()
				}
			}
		}
	}
}
