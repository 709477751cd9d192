package gallery

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"nougat/nuget"
)

// Sessions of browsers are records, so that they can be listed and ended
// (R-ACC-11).
const (
	sessionIdle     = 12 * time.Hour
	sessionMost     = 30 * 24 * time.Hour
	sessionRenew    = 5 * time.Minute // how often a use is written down
	sessionTokenLen = 43              // base62 characters, 256 bits
	maxSessions     = 100             // of one account; one more ends the one used longest ago
)

// SignIn checks name and password and starts a session. The token goes into a
// cookie and is kept only as SHA-256. It refuses a wrong name or password
// (M-54), too many of them (M-55), and a locked account (M-09).
func (g *Gallery) SignIn(ctx context.Context, name, password, addr, client string) (token string, a Actor, err error) {
	a, err = g.passwordActor(ctx, Credentials{HasBasic: true, User: name, Password: password, Addr: addr, Client: client})
	if err != nil {
		return "", Actor{}, err
	}
	if token, err = g.StartSession(ctx, a); err != nil {
		return "", Actor{}, err
	}
	hash := sha256.Sum256([]byte(token))
	a.session = &hash
	return token, a, nil
}

// StartSession makes a session for a person who is known already: by the
// password that was just checked, or because set-up made them. It is refused
// when the password has changed or the account was locked since.
func (g *Gallery) StartSession(ctx context.Context, a Actor) (string, error) {
	token, err := randomBase62(sessionTokenLen)
	if err != nil {
		return "", err
	}
	_, err = Do(ctx, g, At{Actor: a}, &startSession, sha256.Sum256([]byte(token)))
	return token, err
}

// startSession is given the hash of the new token. It is about the actor.
var startSession = Act[[32]byte, struct{}, struct{}]{
	Name: "sign in",
	On:   func(Reader, At, [32]byte) (struct{}, error) { return struct{}{}, nil },
	May: func(a Actor, _ struct{}) error {
		if a.Account == 0 || a.Key != nil {
			return errSignInWrong
		}
		return nil
	},
	Do: func(c *Change, _ struct{}, hash [32]byte) (struct{}, error) {
		a, now := c.At.Actor, c.At.Now
		if err := dropExpired(c, now); err != nil {
			return struct{}{}, err
		}
		if err := roomForSession(c, a.Account); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, c.PutSession(&Session{
			Hash: hash, Account: a.Account, Created: now, Seen: now, Expires: now.Add(sessionMost),
			Addr: a.Addr, Client: nuget.Cut(a.Client, 200), Credentials: a.credentials,
		})
	},
}

// PersonActor is an account acting for itself, without asking for a password:
// for set-up and for tests.
func (g *Gallery) PersonActor(ctx context.Context, no AccountNo, addr, client string) (Actor, error) {
	return g.accountActor(ctx, no, addr, client)
}

// SessionActor is who holds the token. A token that is unknown, idle for more
// than 12 hours, older than 30 days or begun with a password that has changed is
// ErrNotFound; a locked account is Forbidden with M-09.
func (g *Gallery) SessionActor(ctx context.Context, token string) (Actor, error) {
	hash := sha256.Sum256([]byte(token))
	var s *Session
	var account *Account
	err := g.store.View(ctx, func(r Reader) (err error) {
		if s, err = r.Session(hash); err == nil {
			account, err = r.Account(s.Account)
		}
		return err
	})
	if err != nil {
		return Actor{}, err
	}
	now := g.Now()
	if sessionOver(s, now) {
		return Actor{}, ErrNotFound
	}
	a, err := personActor(account, Actor{Addr: s.Addr, Client: s.Client, session: &hash})
	if err != nil {
		return Actor{}, err
	}
	if s.Credentials != account.Credentials {
		return Actor{}, ErrNotFound
	}
	if now.Sub(s.Seen) > sessionRenew {
		g.noteSeen(ctx, hash, now)
	}
	return a, nil
}

// noteSeen writes down when a session was last used.
func (g *Gallery) noteSeen(ctx context.Context, hash [32]byte, now time.Time) {
	err := g.upkeep(ctx, func(w Writer) error {
		s, err := w.Session(hash)
		if err != nil {
			return err
		}
		s.Seen = now
		return w.PutSession(s)
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		g.o.Log.Warn("the use of a session could not be noted", "err", err)
	}
}

func sessionOver(s *Session, now time.Time) bool {
	return now.After(s.Expires) || now.Sub(s.Seen) > sessionIdle
}

// SignOut ends the session; one that is over already is no error.
func (g *Gallery) SignOut(ctx context.Context, token string) error {
	_, err := Do(ctx, g, At{}, &signOut, sha256.Sum256([]byte(token)))
	return err
}

// signOut is given the hash of a token. Who knows the token may end its session.
var signOut = Act[[32]byte, struct{}, struct{}]{
	Name: "sign out",
	On:   func(Reader, At, [32]byte) (struct{}, error) { return struct{}{}, nil },
	May:  func(Actor, struct{}) error { return nil },
	Do:   func(c *Change, _ struct{}, hash [32]byte) (struct{}, error) { return struct{}{}, c.DeleteSession(hash) },
}

// dropExpired removes a few sessions that are over, so that they never pile up.
func dropExpired(w Writer, now time.Time) error {
	over, err := w.ExpiredSessions(now, 16)
	if err != nil {
		return err
	}
	return dropSessions(w, over)
}

// roomForSession ends the session that was used longest ago, of an account with
// as many as it may have.
func roomForSession(w Writer, no AccountNo) error {
	sessions, err := w.SessionsOf(no, maxSessions)
	if err != nil || len(sessions) < maxSessions {
		return err
	}
	oldest := slices.MinFunc(sessions, func(a, b *Session) int { return a.Seen.Compare(b.Seen) })
	return w.DeleteSession(oldest.Hash)
}

// endSessions ends every session of an account.
func endSessions(w Writer, no AccountNo) error {
	sessions, err := w.SessionsOf(no, maxSessions)
	if err != nil {
		return err
	}
	return dropSessions(w, sessions)
}

func dropSessions(w Writer, sessions []*Session) error {
	for _, s := range sessions {
		if err := w.DeleteSession(s.Hash); err != nil {
			return err
		}
	}
	return nil
}
