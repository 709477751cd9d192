package gallery

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
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
	errKeyUnknown  = &Error{Kind: Forbidden, Op: "sign in", Msg: msgKeyUnknown}
	errSignInWrong = &Error{Kind: Unauthenticated, Op: "sign in", Msg: msgSignInWrong}
)

// ReadActor turns the credentials of a read into an Actor, by Q-20: a key works
// as user name, as password and as Bearer; name and password work; what does
// not is Unauthenticated with M-35, nothing at all with M-01. A good key of
// another feed is Forbidden with M-03.
func (g *Gallery) ReadActor(ctx context.Context, f *Feed, c Credentials) (Actor, error) {
	if !c.HasBasic && c.Bearer == "" {
		return Actor{}, noCredentials("read", c.KeysURL)
	}
	a, err := g.basicActor(ctx, f, c)
	if errors.Is(err, errKeyUnknown) {
		return Actor{}, errSignInWrong
	}
	return a, err
}

// MayRead refuses, with M-04, a key that may not read.
func (g *Gallery) MayRead(f *Feed, a Actor) error {
	if f.OpenToRead || a.allows(ScopeRead) && a.SignedIn() {
		return nil
	}
	if a.Key == nil {
		return noCredentials("read", a.keysURL)
	}
	return &Error{Kind: Forbidden, Op: "read", Msg: msgKeyMayNot("read packages", "", a.Key)}
}

// PushActor turns the credentials of a push, unlist or relist into an Actor, by
// a live key in the header decides alone; an unknown, revoked or
// expired one is passed over when good Basic credentials came with it. Nothing
// at all is Unauthenticated with M-01, a bad key Forbidden with M-02, a wrong
// password Unauthenticated with M-35, a locked owner Forbidden with M-09.
func (g *Gallery) PushActor(ctx context.Context, f *Feed, c Credentials) (Actor, error) {
	if !c.Any() {
		return Actor{}, noCredentials("push", c.KeysURL)
	}
	var bad error
	if c.APIKey != "" {
		a, err := g.keyActor(ctx, f, c.APIKey, c)
		if err == nil || !errors.Is(err, errKeyUnknown) {
			return a, err
		}
		bad = err
	}
	if !c.HasBasic && c.Bearer == "" {
		return Actor{}, bad
	}
	a, err := g.basicActor(ctx, f, c)
	switch {
	case err == nil:
		return a, nil
	case bad != nil && (errors.Is(err, errKeyUnknown) || errors.Is(err, errSignInWrong)):
		return Actor{}, bad
	case errors.Is(err, errKeyUnknown):
		return Actor{}, errSignInWrong
	}
	return Actor{}, err
}

func noCredentials(op, keysURL string) error {
	return &Error{Kind: Unauthenticated, Op: op, Msg: MsgNoCredentials(keysURL)}
}

// basicActor reads Basic or Bearer credentials: first what looks like a key,
// then name and password.
func (g *Gallery) basicActor(ctx context.Context, f *Feed, c Credentials) (Actor, error) {
	for _, secret := range []string{c.Bearer, c.Password, c.User} {
		if looksLikeKey(secret) {
			return g.keyActor(ctx, f, secret, c)
		}
	}
	if !c.HasBasic {
		return Actor{}, errKeyUnknown
	}
	return g.passwordActor(ctx, c)
}

// keyActor looks a key up. errKeyUnknown stands for unknown, revoked and
// expired alike (R-KEY-01).
func (g *Gallery) keyActor(ctx context.Context, f *Feed, secret string, c Credentials) (Actor, error) {
	id, hash, ok := readKey(secret)
	if !ok {
		return Actor{}, errKeyUnknown
	}
	var k *Key
	var owner *Account
	err := g.store.View(ctx, func(r Reader) (err error) {
		if k, err = r.Key(id); err != nil {
			return err
		}
		owner, err = r.Account(k.Owner)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return Actor{}, errKeyUnknown
	case err != nil:
		return Actor{}, err
	}
	now := g.Now()
	if subtle.ConstantTimeCompare(hash[:], k.Hash[:]) != 1 || !k.live(now) {
		return Actor{}, errKeyUnknown
	}
	if owner.Locked {
		return Actor{}, &Error{Kind: Forbidden, Op: "sign in", Msg: msgLockedAccount(owner.Name)}
	}
	if f != nil && k.Feed != f.Number {
		name := "that is gone"
		if of := g.feedNumbered(k.Feed); of != nil {
			name = of.Name
		}
		return Actor{}, &Error{Kind: Forbidden, Op: "sign in", Msg: msgOtherFeed(name)}
	}
	g.uses.note(k.ID, KeyUse{Time: now, Addr: c.Addr, Client: c.Client})
	return Actor{Account: k.Creator, Owner: owner.No, Name: owner.Name, Admin: owner.Admin, Key: k, Addr: c.Addr, Client: c.Client, keysURL: c.KeysURL}, nil
}

// passwordActor checks a name and password once and remembers the verdict
// so that a restore of a private feed costs one hash and not hundreds.
func (g *Gallery) passwordActor(ctx context.Context, c Credentials) (Actor, error) {
	v := g.verdicts.of(c.User, c.Password)
	v.mu.Lock() // requests with the same secret wait for one hash
	defer v.mu.Unlock()
	now := g.Now()
	if v.decided.IsZero() || now.Sub(v.decided) > verdictLife || v.forgotten.Load() {
		a, err := g.checkPassword(ctx, c.User, c.Password, c.Addr)
		if err != nil && !errors.Is(err, errSignInWrong) {
			return Actor{}, err // a closed account or a failing store is no verdict
		}
		v.account, v.decided = 0, now
		v.good.Store(false)
		v.forgotten.Store(false)
		if err != nil {
			return Actor{}, err
		}
		v.account = a.No
		v.good.Store(true)
	}
	if v.account == 0 {
		return Actor{}, errSignInWrong
	}
	return g.accountActor(ctx, v.account, c.Addr, c.Client)
}

// accountActor is a person acting for themselves.
func (g *Gallery) accountActor(ctx context.Context, no AccountNo, addr, client string) (Actor, error) {
	a, err := g.Account(ctx, no)
	if err != nil {
		return Actor{}, err
	}
	if a.Locked {
		return Actor{}, &Error{Kind: Forbidden, Op: "sign in", Msg: msgLockedAccount(a.Name)}
	}
	return Actor{Account: a.No, Owner: a.No, Name: a.Name, Admin: a.Admin, Addr: addr, Client: client}, nil
}

// KeyWarning is M-40 when the actor's key has at most ten days left
// (R-KEY-10), else "".
func (g *Gallery) KeyWarning(a Actor) string {
	if a.Key == nil {
		return ""
	}
	now := g.Now()
	if a.Key.State(now) != "expiring" {
		return ""
	}
	return msgKeyExpires(a.Key.Expires.Sub(now), a.keysURL)
}

// Verdicts of passwords are kept this long, and at most so many.
const (
	verdictLife = 10 * time.Minute
	maxVerdicts = 10_000
)

// verdicts remembers whether a name and password were good, under an
// HMAC-SHA-256 with a key made at the start: neither can be read out of memory.
type verdicts struct {
	key [32]byte
	mu  sync.Mutex
	m   map[[32]byte]*verdict
}

type verdict struct {
	mu        sync.Mutex
	decided   time.Time
	account   AccountNo // 0: bad
	good      atomic.Bool
	forgotten atomic.Bool
}

func (v *verdicts) init() error {
	v.m = make(map[[32]byte]*verdict)
	_, err := rand.Read(v.key[:])
	return err
}

func (v *verdicts) of(user, password string) *verdict {
	mac := hmac.New(sha256.New, v.key[:])
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(user)))
	mac.Write(n[:])
	mac.Write([]byte(user))
	mac.Write([]byte(password))
	var k [32]byte
	mac.Sum(k[:0])
	v.mu.Lock()
	defer v.mu.Unlock()
	e := v.m[k]
	if e == nil {
		if len(v.m) >= maxVerdicts {
			v.makeRoom()
		}
		e = &verdict{}
		v.m[k] = e
	}
	return e
}

// makeRoom drops the verdicts of wrong secrets, which a stranger can add as many
// of as time lets them; all, when most are of good ones.
func (v *verdicts) makeRoom() {
	maps.DeleteFunc(v.m, func(_ [32]byte, e *verdict) bool { return !e.good.Load() })
	if len(v.m) > maxVerdicts/2 {
		clear(v.m)
	}
}

// forget drops every verdict: an account is new, its password changed or it was
// locked, all rare, and which entries were that account's bad tries is not known.
func (v *verdicts) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range v.m {
		e.forgotten.Store(true)
	}
	clear(v.m)
}
