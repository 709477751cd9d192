package site

import (
	"context"
	"encoding/json"
	"io"
)

// A Verb is one thing that the administrator does with a site. It is the same
// function wherever it runs: in the server that holds the data, which is given In
// and answers Out as JSON through the control socket, or in the process of the
// command line, which opens the data itself (Ask).
//
// Run returns a gallery.Error for a refusal. When its context ends, it stops and
// returns the context's error only as long as it has done nothing: a server that
// leaves passes it on as "try again".
type Verb[In, Out any] struct {
	Name string // as on the command line: "user add"
	Run  func(ctx context.Context, s *Site, in In) (Out, error)
}

// None is the In or the Out of a verb that has none.
type None struct{}

// verbs are what the control socket serves: every Verb there is.
var verbs = []served{
	AddUser, ListUsers, SetPassword, LockUser, SetAdmin, RemoveUser,
	AddKey, ListKeys, RevokeKey,
	ReadSettings, Verify,
}

// A served verb is one whatever its types are.
type served interface {
	name() string
	// read takes In from JSON, strictly: what a newer command line asks for and
	// this version does not know must not be left out in silence. It returns what
	// is still to be done.
	read(in io.Reader) (run func(context.Context, *Site) (out any, err error), err error)
}

func (v Verb[In, Out]) name() string { return v.Name }

func (v Verb[In, Out]) read(text io.Reader) (func(context.Context, *Site) (any, error), error) {
	var in In
	d := json.NewDecoder(text)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, err
	}
	return func(ctx context.Context, s *Site) (any, error) { return v.Run(ctx, s, in) }, nil
}
