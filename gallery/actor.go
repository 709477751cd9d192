package gallery

import (
	"crypto/subtle"
	"errors"
	"time"
)

// Credentials is what came with a request, as the server room read it.
type Credentials struct {
	APIKey   string // X-NuGet-ApiKey; an empty header counts as absent
	HasBasic bool
	User     string // Authorization: Basic
	Password string
	Bearer   string // Authorization: Bearer
	Addr     string // remote address, for audit and "last used"
	Client   string // product of the User-Agent
	KeysURL  string // the page of API keys, at the address that the request came to: for M-01 and M-40
}

// Any reports whether anything was sent.
func (c Credentials) Any() bool { return c.APIKey != "" || c.HasBasic || c.Bearer != "" }

// An Actor is who asks, and with what. The zero Actor is nobody.
type Actor struct {
	Account AccountNo // the person; for a key its creator
	Owner   AccountNo // for whom they act: the key's owner, else the person
	Name    string    // Owner's name
	Admin   bool      // Owner administers the site
	Key     *Key      // nil with a password or a session
	Addr    string
	Client  string
	keysURL string // as in Credentials, "" with a session
	command bool   // the operator at the command line

	// How they got in, for the door to ask whether that still holds.
	credentials uint64    // Account.Credentials then; without a key
	session     *[32]byte // hash of the session's token, nil without one
}

// SignedIn reports whether the actor is somebody.
func (a Actor) SignedIn() bool { return a.Account != 0 || a.command }

// Operator is the person at the command line, who holds the data folder and may
// therefore do everything that an administrator may.
func Operator() Actor { return Actor{Name: "operator", Admin: true, command: true} }

// allows reports whether the actor's credentials carry one of the scopes.
// A password or session carries all; a key what it says.
func (a Actor) allows(any Scope) bool { return a.Key == nil || a.Key.Scopes&any != 0 }

// keyID is the public part of the actor's key, "" without one.
func (a Actor) keyID() string {
	if a.Key == nil {
		return ""
	}
	return a.Key.ID
}

var (
	errKeyUnknown   = &Error{Kind: Forbidden, Op: "sign in", Msg: msgKeyUnknown}
	errSignInWrong  = &Error{Kind: Unauthenticated, Op: "sign in", Msg: msgSignInWrong}
	errSessionEnded = &Error{Kind: Unauthenticated, Op: "sign in", Msg: msgSessionEnded}
)

// again reads the actor once more: a key must still be live and its owner not
// locked; a session must still be there; the password that let somebody in must
// still be theirs. The zero Actor stays nobody, and the operator the operator.
func (g *Gallery) again(r Reader, a Actor, now time.Time) (Actor, error) {
	switch {
	case a.command || a.Account == 0 && a.Key == nil:
		return a, nil
	case a.Key != nil:
		return keyActor(r, a.Key.ID, a.Key.Hash, now, a)
	}
	over := errSignInWrong
	if a.session != nil {
		over = errSessionEnded
	}
	account, err := r.Account(a.Account)
	if errors.Is(err, ErrNotFound) || err == nil && account.Kind != Person {
		return Actor{}, over
	}
	if err != nil {
		return Actor{}, err
	}
	is, err := personActor(account, a)
	switch {
	case err != nil:
		return Actor{}, err
	case account.Credentials != a.credentials:
		return Actor{}, over
	case a.session == nil:
		return is, nil
	}
	s, err := r.Session(*a.session)
	if errors.Is(err, ErrNotFound) || err == nil && sessionOver(s, now) {
		return Actor{}, over
	}
	return is, err
}

// keyActor is the key with this ID and hash, acting for its owner; with holds
// what the request brought. errKeyUnknown stands for unknown, revoked and expired
// alike (R-KEY-01).
func keyActor(r Reader, id string, hash [32]byte, now time.Time, with Actor) (Actor, error) {
	k, err := r.Key(id)
	if errors.Is(err, ErrNotFound) {
		return Actor{}, errKeyUnknown
	}
	if err != nil {
		return Actor{}, err
	}
	if subtle.ConstantTimeCompare(hash[:], k.Hash[:]) != 1 || !k.live(now) {
		return Actor{}, errKeyUnknown
	}
	owner, err := r.Account(k.Owner)
	if errors.Is(err, ErrNotFound) {
		return Actor{}, errKeyUnknown
	}
	if err != nil {
		return Actor{}, err
	}
	if owner.Locked {
		return Actor{}, lockedOut(owner)
	}
	with.Account, with.Owner, with.Name, with.Admin, with.Key = k.Creator, owner.No, owner.Name, owner.Admin, k
	return with, nil
}

// personActor is a person acting for themselves, unless they are locked or gone.
func personActor(account *Account, with Actor) (Actor, error) {
	switch {
	case account.Locked:
		return Actor{}, lockedOut(account)
	case account.Kind != Person:
		return Actor{}, errSignInWrong
	}
	with.Account, with.Owner, with.Name, with.Admin = account.No, account.No, account.Name, account.Admin
	with.credentials = account.Credentials
	return with, nil
}

func lockedOut(a *Account) error {
	return &Error{Kind: Forbidden, Op: "sign in", Msg: msgLockedAccount(a.Name)}
}
