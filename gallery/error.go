package gallery

import (
	"errors"
	"strings"
)

// Kind says what sort of refusal or failure an Error is; one table in the
// server room maps kinds to HTTP statuses.
type Kind uint8

// The kinds, each with the status that HTTP gives it.
const (
	Internal        Kind = iota // 500: ours to mend; the text is for the log
	Invalid                     // 400: what was sent is wrong
	Unauthenticated             // 401: no credentials, or wrong name and password
	Forbidden                   // 403: known, but may not
	NotFound                    // 404
	Timeout                     // 408: the body came too slowly
	Exists                      // 409: this ID and version is here already, and nothing else (T-16)
	TooLarge                    // 413
	Unsupported                 // 415: a request body with a Content-Encoding
	TooMany                     // 429: with Retry-After
	Unavailable                 // 503: with Retry-After
	Full                        // 507: the disk is full
)

// An Error is a refusal or failure of the gallery. Msg is one sentence or two
// for the person at the other end: what is wrong first, what to do second
// (GAL-B21). Err is the cause, for the log only.
type Error struct {
	Kind    Kind
	Op      string   // the act, for the log: "push", "unlist"
	ID      string   // the package, where there is one
	Version string   // its version, where there is one
	Field   string   // what of a form is wrong, as the pages name it: "name", "password"; else empty
	Msg     string   // ASCII, one line
	Details []string // all the sentences, where Msg holds only the first
	Err     error    // the cause
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	b.WriteString(e.Msg)
	if e.Err != nil {
		if e.Msg != "" {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the first *Error in err's chain, else Internal.
// ErrNotFound, the store's answer for a missing record, is NotFound.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, ErrNotFound) {
		return NotFound
	}
	return Internal
}
