package gallery

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// Sessions of browsers, R-ACC-11: rows, so that they can be listed and ended.
const (
	sessionIdle     = 12 * time.Hour
	sessionMost     = 30 * 24 * time.Hour
	sessionRenew    = 5 * time.Minute // how often a use is written down
	sessionTokenLen = 43              // base62 characters, 256 bits
	maxSessions     = 100             // of one account; one more ends the one used longest ago
)

// SignIn checks name and password and starts a session. The token goes into a
// cookie and is kept only as SHA-256. Refusals: M-54, M-55, M-09.
func (g *Gallery) SignIn(ctx context.Context, name, password, addr, client string) (token string, a Actor, err error) {
	a, err = g.passwordActor(ctx, Credentials{HasBasic: true, User: name, Password: password, Addr: addr, Client: client})
	if err != nil {
		return "", Actor{}, err
	}
	token, err = g.StartSession(ctx, a)
	return token, a, err
}

// StartSession makes a session for a person who is known already: set-up signs
// in whom it made.
func (g *Gallery) StartSession(ctx context.Context, a Actor) (string, error) {
	token, err := randomBase62(sessionTokenLen)
	if err != nil {
		return "", err
	}
	now := g.Now()
	s := &Session{
		Hash: sha256.Sum256([]byte(token)), Account: a.Account, Created: now, Seen: now,
		Expires: now.Add(sessionMost), Addr: a.Addr, Client: cut(a.Client, 200),
	}
	err = g.store.Update(ctx, func(w Writer) error {
		if err := dropExpired(w, now); err != nil {
			return err
		}
		if err := roomForSession(w, s.Account); err != nil {
			return err
		}
		return w.PutSession(s)
	})
	return token, err
}

// PersonActor is an account acting for itself, without asking for a password:
// for set-up and for tests.
func (g *Gallery) PersonActor(ctx context.Context, no AccountNo, addr, client string) (Actor, error) {
	return g.accountActor(ctx, no, addr, client)
}

// SessionActor is who holds the token. A token that is unknown, idle for more
// than 12 hours or older than 30 days is ErrNotFound.
func (g *Gallery) SessionActor(ctx context.Context, token string) (Actor, error) {
	hash := sha256.Sum256([]byte(token))
	var s *Session
	err := g.store.View(ctx, func(r Reader) (err error) {
		s, err = r.Session(hash)
		return err
	})
	if err != nil {
		return Actor{}, err
	}
	now := g.Now()
	if sessionOver(s, now) {
		return Actor{}, ErrNotFound
	}
	if now.Sub(s.Seen) > sessionRenew {
		err := g.store.Update(ctx, func(w Writer) error {
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
	return g.accountActor(ctx, s.Account, s.Addr, s.Client)
}

func sessionOver(s *Session, now time.Time) bool {
	return now.After(s.Expires) || now.Sub(s.Seen) > sessionIdle
}

// SignOut ends the session; one that is over already is no error.
func (g *Gallery) SignOut(ctx context.Context, token string) error {
	return g.store.Update(ctx, func(w Writer) error {
		err := w.DeleteSession(sha256.Sum256([]byte(token)))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	})
}

// dropExpired removes a few sessions that are over, so that they never pile up.
func dropExpired(w Writer, now time.Time) error {
	over, err := w.ExpiredSessions(now, 16)
	if err != nil {
		return err
	}
	for _, s := range over {
		if err := w.DeleteSession(s.Hash); err != nil {
			return err
		}
	}
	return nil
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

// dropSessions ends every session of an account.
func dropSessions(w Writer, no AccountNo) error {
	sessions, err := w.SessionsOf(no, maxSessions)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if err := w.DeleteSession(s.Hash); err != nil {
			return err
		}
	}
	return nil
}
