package gallery

import (
	"context"
	"errors"
	"fmt"

	"nougat/nuget"
)

// What administrators do to accounts that are there: password, lock, role,
// removal.

// mayAdminister: administrators of the site, and the operator. A key never
// manages accounts.
func mayAdminister(a Actor) error {
	switch {
	case !a.SignedIn():
		return &Error{Kind: Unauthenticated, Msg: "Sign in as an administrator."}
	case a.Key != nil:
		return &Error{Kind: Forbidden, Msg: "An API key cannot manage accounts. Sign in with your name and password."}
	case !a.Admin:
		return &Error{Kind: Forbidden, Msg: "Only an administrator may do this."}
	}
	return nil
}

// mayAdministerNow asks it of the actor as they are now, for what only reads.
func (g *Gallery) mayAdministerNow(ctx context.Context, a Actor) error {
	return g.store.View(ctx, func(r Reader) error {
		now, err := g.again(r, a, g.Now())
		if err != nil {
			return err
		}
		return mayAdminister(now)
	})
}

// somebody is an account that an act is about.
type somebody struct {
	account   *Account
	lastAdmin bool   // no other administrator could sign in
	owns      string // the ID of a package that it owns, "" for none
	on        bool   // for acts that set something on or off: what is asked for
}

// aboutAccount reads the account of a name; what was removed is not there.
func aboutAccount(r Reader, name string) (s somebody, err error) {
	s.account, err = r.AccountByName(name)
	if errors.Is(err, ErrNotFound) || err == nil && s.account.Kind == Tombstone {
		return s, noAccount(name)
	}
	return s, err
}

// leaving is aboutAccount for an act after which the account may be no
// administrator who can sign in.
func leaving(r Reader, name string) (somebody, error) {
	s, err := aboutAccount(r, name)
	if err == nil && s.account.Admin && !s.account.Locked {
		s.lastAdmin, err = isLastAdmin(r, s.account.No)
	}
	return s, err
}

func noAccount(name string) error {
	return &Error{Kind: NotFound, Msg: fmt.Sprintf("There is no account %s.", nuget.Cut(name, maxName))}
}

// isLastAdmin reports whether no administrator but this account could sign in. It
// reads accounts until it finds another, mostly a few.
func isLastAdmin(r Reader, no AccountNo) (bool, error) {
	for a, err := range pages(func(last *Account) ([]*Account, error) { return r.Accounts(numberOf(last), ScanPage) }) {
		if err != nil {
			return false, err
		}
		if a.Admin && !a.Locked && a.Kind == Person && a.No != no {
			return false, nil
		}
	}
	return true, nil
}

// notTheLast is the guard of the last administrator, M-63.
func notTheLast(s somebody) error {
	if s.lastAdmin {
		return &Error{Kind: Forbidden, Msg: msgLastAdmin(s.account.Name)}
	}
	return nil
}

// A PasswordChange is what SetPassword did.
type PasswordChange struct {
	Account     string // as it is spelled
	LiveKeys    int    // API keys that still act for the account
	RevokedKeys int    // that were revoked with the change
}

// SetPassword gives an account another password: its sessions end, and sign-ins
// that are still checking the old one do not begin any. Its API keys stay, or are
// revoked with it. Administrators may.
func (g *Gallery) SetPassword(ctx context.Context, a Actor, name, password string, revokeKeys bool) (PasswordChange, error) {
	in := newPassword{name: name, revokeKeys: revokeKeys}
	s, err := May(ctx, g, At{Actor: a}, &setPassword, in)
	if err != nil {
		return PasswordChange{}, err
	}
	if err := g.checkNewPassword(password, s.account.Name, s.account.Email); err != nil {
		return PasswordChange{}, err
	}
	if in.hash, err = g.hashPassword(ctx, password); err != nil {
		return PasswordChange{}, err
	}
	return Do(ctx, g, At{Actor: a}, &setPassword, in)
}

type newPassword struct {
	name, hash string
	revokeKeys bool
}

var setPassword = Act[newPassword, somebody, PasswordChange]{
	Name: "user password",
	On:   func(r Reader, _ At, in newPassword) (somebody, error) { return aboutAccount(r, in.name) },
	May: func(a Actor, s somebody) error {
		if err := mayAdminister(a); err != nil {
			return err
		}
		if s.account.Kind != Person {
			return &Error{Kind: Invalid, Msg: fmt.Sprintf("%s is not a person and has no password.", s.account.Name)}
		}
		return nil
	},
	Do: func(c *Change, s somebody, in newPassword) (p PasswordChange, err error) {
		a := s.account
		p.Account = a.Name
		a.Password = in.hash
		if err := endCredentials(c, a, errSignInWrong); err != nil {
			return p, err
		}
		if in.revokeKeys {
			p.RevokedKeys, err = revokeKeys(c, a.No)
		} else {
			p.LiveKeys, err = countLiveKeys(c, a.No, c.At.Now)
		}
		return p, err
	},
}

// endCredentials stores an account with a new generation of credentials: its
// sessions, remembered passwords, running sign-ins and the uploads that came by
// them end, with why for who is still sending.
func endCredentials(c *Change, a *Account, why error) error {
	a.Credentials++
	no := a.No
	c.EndUploads(why, func(by Actor) bool { return by.Key == nil && by.Account == no })
	return errors.Join(c.PutAccount(a), endSessions(c, no))
}

// SetLocked locks an account or unlocks it (R-ACC-15), and returns its name as it
// is spelled. A locked one ends at once: sessions, what its keys do, uploads that
// are arriving. Unlocked, its keys and its password work again; its sessions do
// not come back. Administrators may; doing it again changes nothing.
func (g *Gallery) SetLocked(ctx context.Context, a Actor, name string, locked bool) (string, error) {
	return Do(ctx, g, At{Actor: a}, &setLocked, flagOf{name, locked})
}

// flagOf sets something of an account on or off.
type flagOf struct {
	name string
	on   bool
}

func aboutFlag(r Reader, _ At, in flagOf) (somebody, error) {
	s, err := leaving(r, in.name)
	s.on = in.on
	return s, err
}

var setLocked = Act[flagOf, somebody, string]{
	Name: "user lock",
	On:   aboutFlag,
	May: func(a Actor, s somebody) error {
		if err := mayAdminister(a); err != nil {
			return err
		}
		if s.on && !s.account.Locked {
			return notTheLast(s)
		}
		return nil
	},
	Do: func(c *Change, s somebody, in flagOf) (string, error) {
		a := s.account
		if a.Locked == in.on {
			return a.Name, nil
		}
		a.Locked = in.on
		if !in.on {
			return a.Name, c.PutAccount(a)
		}
		why := lockedOut(a)
		c.EndUploads(why, func(by Actor) bool { return by.Owner == a.No })
		return a.Name, endCredentials(c, a, why)
	},
}

// SetAdmin makes an account an administrator of the site or takes that back, and
// returns its name as it is spelled. The last administrator stays one (M-63).
// Administrators may; doing it again changes nothing.
func (g *Gallery) SetAdmin(ctx context.Context, a Actor, name string, admin bool) (string, error) {
	return Do(ctx, g, At{Actor: a}, &setAdmin, flagOf{name, admin})
}

var setAdmin = Act[flagOf, somebody, string]{
	Name: "user admin",
	On:   aboutFlag,
	May: func(a Actor, s somebody) error {
		if err := mayAdminister(a); err != nil {
			return err
		}
		if s.account.Kind != Person {
			return &Error{Kind: Invalid, Msg: fmt.Sprintf("%s is not a person and cannot be an administrator.", s.account.Name)}
		}
		if !s.on {
			return notTheLast(s)
		}
		return nil
	},
	Do: func(c *Change, s somebody, in flagOf) (string, error) {
		a := s.account
		if a.Admin == in.on {
			return a.Name, nil
		}
		a.Admin = in.on
		return a.Name, c.PutAccount(a)
	},
}

// RemoveAccount removes an account that owns no package, and returns its name as
// it was spelled: sessions end, keys are revoked, address and password go. The
// name stays taken for ever, in any letter case (S-96). Administrators may; the
// last administrator cannot be removed (M-63).
func (g *Gallery) RemoveAccount(ctx context.Context, a Actor, name string) (string, error) {
	return Do(ctx, g, At{Actor: a}, &removeAccount, name)
}

var removeAccount = Act[string, somebody, string]{
	Name: "user remove",
	On: func(r Reader, _ At, name string) (somebody, error) {
		s, err := leaving(r, name)
		if err != nil {
			return s, err
		}
		s.owns, err = anyOwned(r, s.account.No)
		return s, err
	},
	May: func(a Actor, s somebody) error {
		if err := mayAdminister(a); err != nil {
			return err
		}
		if err := notTheLast(s); err != nil {
			return err
		}
		if s.owns != "" {
			return &Error{Kind: Forbidden, Msg: msgOwnsPackages(s.account.Name, s.owns)}
		}
		return nil
	},
	Do: func(c *Change, s somebody, _ string) (string, error) {
		a := s.account
		if _, err := revokeKeys(c, a.No); err != nil {
			return "", err
		}
		a.Kind, a.Email, a.Password, a.Admin, a.Locked = Tombstone, "", "", false, false // Name stays (S-96)
		return a.Name, endCredentials(c, a, errSignInWrong)
	},
}

// anyOwned returns the ID of a package that the account owns in any feed, ""
// when there is none.
func anyOwned(r Reader, no AccountNo) (string, error) {
	feeds, err := r.Feeds()
	if err != nil {
		return "", err
	}
	for _, f := range feeds {
		ids, err := r.Owned(no, f.Generation, "", 1)
		if err != nil {
			return "", err
		}
		if len(ids) == 0 {
			continue
		}
		p, err := r.Package(f.Generation, ids[0])
		if err != nil {
			return "", err
		}
		return string(p.ID), nil
	}
	return "", nil
}
