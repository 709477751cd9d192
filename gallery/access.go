package gallery

import (
	"context"
	"errors"
	"strings"
)

// ReadActor turns the credentials of a read into an Actor: a key works as user
// name, as password and as Bearer, and so do name and password. What does
// not is Unauthenticated with "Name or password is wrong" (M-35), nothing at all
// with where to make a key (M-01); a good key of another feed is Forbidden (M-03).
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

// MayRead says whether somebody may read a feed, and else why not: anyone where
// it is open, else who is signed in, with a key only when it has the scope (Q-20,
// M-04). It is the one place that says so, for clients and for pages.
func MayRead(a Actor, f *Feed) error {
	switch {
	case f.OpenToRead || a.SignedIn() && a.allows(ScopeRead):
		return nil
	case a.Key != nil:
		return &Error{Kind: Forbidden, Op: "read", Msg: msgKeyMayNot("read packages", "", a.Key)}
	}
	return noCredentials("read", a.keysURL)
}

// PushActor turns the credentials of a push, unlist or relist into an Actor. A
// live key in the header decides alone; an unknown, revoked or expired one is
// passed over when good Basic credentials came with it. Nothing at all
// and a wrong password are Unauthenticated (M-01, M-35), a bad key and a locked
// owner Forbidden (Q-23, M-02, M-09).
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

// keyActor looks a key up, for a feed or, with nil, for any.
func (g *Gallery) keyActor(ctx context.Context, f *Feed, secret string, c Credentials) (a Actor, err error) {
	id, hash, ok := readKey(secret)
	if !ok {
		return Actor{}, errKeyUnknown
	}
	now := g.Now()
	err = g.store.View(ctx, func(r Reader) (err error) {
		a, err = keyActor(r, id, hash, now, Actor{Addr: c.Addr, Client: c.Client, keysURL: c.KeysURL})
		return err
	})
	if err != nil {
		return Actor{}, err
	}
	if f != nil && a.Key.Feed != f.Number {
		name := "that is gone"
		if of := g.feedNumbered(a.Key.Feed); of != nil {
			name = of.Name
		}
		return Actor{}, &Error{Kind: Forbidden, Op: "sign in", Msg: msgOtherFeed(name)}
	}
	g.uses.note(id, KeyUse{Time: now, Addr: c.Addr, Client: c.Client})
	return a, nil
}

// passwordActor checks a name and password once and remembers the verdict
// so that a restore of a private feed costs one hash and not hundreds. A
// verdict is about the account that has the name, and about its credentials, as
// they were: of another account, or after a change, it counts for nothing.
func (g *Gallery) passwordActor(ctx context.Context, c Credentials) (Actor, error) {
	v := g.verdicts.of(c.User, c.Password)
	v.mu.Lock() // requests with the same secret wait for one hash
	defer v.mu.Unlock()
	account, err := g.namedAccount(ctx, c.User)
	if err != nil {
		return Actor{}, err
	}
	now := g.Now()
	if !v.holds(account, now) {
		account, err = g.checkPassword(ctx, c.User, c.Password, c.Addr)
		if err != nil && !errors.Is(err, errSignInWrong) {
			return Actor{}, err // a closed account or a failing store is no verdict
		}
		v.set(account, err == nil, now)
		// What changed while the hash was computed counts.
		if account, err = g.namedAccount(ctx, c.User); err != nil {
			return Actor{}, err
		}
		if !v.holds(account, now) {
			return Actor{}, errSignInWrong
		}
	}
	if !v.good.Load() {
		return Actor{}, errSignInWrong
	}
	return personActor(account, Actor{Addr: c.Addr, Client: c.Client})
}

// namedAccount is the account that signs in under a name, or under an address
// that it alone has (R-ACC-09); nil when there is none.
func (g *Gallery) namedAccount(ctx context.Context, user string) (a *Account, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		if strings.Contains(user, "@") {
			a, err = r.AccountByEmail(user)
		} else {
			a, err = r.AccountByName(user)
		}
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return a, err
}

// accountActor is a person acting for themselves.
func (g *Gallery) accountActor(ctx context.Context, no AccountNo, addr, client string) (Actor, error) {
	a, err := g.Account(ctx, no)
	if err != nil {
		return Actor{}, err
	}
	return personActor(a, Actor{Addr: addr, Client: client})
}

// KeyWarning says when the actor's key expires, if it has at most ten days left
// (R-KEY-10, M-40), else "".
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
