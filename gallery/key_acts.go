package gallery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nougat/nuget"
)

// NewKey is what a person asks for when making a key.
type NewKey struct {
	Owner    string // account; empty: the actor
	Name     string // empty: "made on DATE"
	Feed     string // empty: the main feed
	Scopes   Scope
	Packages []string  // empty: "*"
	Days     int       // 0: never, only where keys.max_days is 0
	HasDays  bool      // false: keys.max_days
	Expires  time.Time // wins over Days; may be past (for tests of expiry)
}

// A KeyInfo is a key with what a list of keys shows.
type KeyInfo struct {
	Key
	OwnerName string
	FeedName  string // empty when the feed is not configured any more
	State     string // Key.State
	Use       KeyUse // zero Time: never used
}

// AddKey makes a key and returns its secret, which is not kept. A person makes
// keys for themselves, an administrator for anybody; a key makes none.
func (g *Gallery) AddKey(ctx context.Context, a Actor, n NewKey) (string, *Key, error) {
	k, f, err := g.draftKey(n)
	if err != nil {
		return "", nil, err
	}
	secret, err := newSecret(f.Kind)
	if err != nil {
		return "", nil, err
	}
	k.ID, k.Hash, _ = readKey(secret)
	made, err := Do(ctx, g, At{Actor: a}, &addKey, keyDraft{k, n.Owner})
	if err != nil {
		return "", nil, err
	}
	return secret, made, nil
}

// keyDraft is a key without its owner, and the name of that, "" for the actor.
type keyDraft struct {
	key   *Key
	owner string
}

var addKey = Act[keyDraft, *Account, *Key]{
	Name: "key add",
	On: func(r Reader, at At, in keyDraft) (owner *Account, err error) {
		if in.owner == "" {
			owner, err = r.Account(at.Actor.Account)
		} else {
			owner, err = r.AccountByName(in.owner)
		}
		if err == nil && owner.Kind == Tombstone {
			return nil, noAccount(in.owner)
		}
		if errors.Is(err, ErrNotFound) {
			return nil, &Error{Kind: NotFound, Msg: fmt.Sprintf("There is no account %s. Make it first: nougat user add %s", in.owner, in.owner)}
		}
		return owner, err
	},
	May: func(a Actor, owner *Account) error {
		if err := mayManageKeys(a, owner.No); err != nil {
			return err
		}
		if owner.Locked {
			return lockedOut(owner)
		}
		return nil
	},
	Do: func(c *Change, owner *Account, in keyDraft) (*Key, error) {
		k := *in.key
		k.Owner, k.Creator = owner.No, cmp.Or(c.At.Actor.Account, owner.No)
		if _, err := c.Key(k.ID); !errors.Is(err, ErrNotFound) {
			return nil, fmt.Errorf("the random key ID %s is taken (%w)", k.ID, err)
		}
		return &k, c.PutKey(&k)
	},
}

// CheckKey says all that is wrong with what AddKey is asked for, an Error for
// each field, joined.
func (g *Gallery) CheckKey(n NewKey) error {
	_, _, err := g.draftKey(n)
	return err
}

// draftKey is the key that n asks for, and its feed; secret and owner are missing.
func (g *Gallery) draftKey(n NewKey) (*Key, *Feed, error) {
	now := g.Now()
	k := &Key{Name: strings.TrimSpace(n.Name), Scopes: n.Scopes, Created: now}
	var name, scopes, packages, days, feed error
	if k.Name == "" {
		k.Name = "made on " + now.Format("2 January 2006")
	}
	if utf8.RuneCountInString(k.Name) > maxKeyName || strings.ContainsFunc(k.Name, unicode.IsControl) {
		name = &Error{Kind: Invalid, Field: "name", Msg: msgKeyName}
	}
	if k.Scopes&AllScopes == 0 {
		scopes = &Error{Kind: Invalid, Field: "scopes", Msg: msgNoScope}
	}
	k.Packages, packages = checkPatterns(n.Packages)
	k.Days, k.Expires, days = g.keyExpiry(n, now)
	f, ok := g.Feeds()[0], true
	if n.Feed != "" {
		f, ok = g.Feed(n.Feed)
	}
	if ok {
		k.Feed = f.Number
	} else {
		feed = &Error{Kind: NotFound, Field: "feed", Msg: fmt.Sprintf("There is no feed %s. The feeds are: %s.", n.Feed, strings.Join(g.feedNames(), ", "))}
	}
	return k, f, errors.Join(name, scopes, packages, days, feed)
}

// mayManageKeys: a key never manages keys; a person manages their own, an
// administrator everybody's.
func mayManageKeys(a Actor, owner AccountNo) error {
	switch {
	case !a.SignedIn():
		return &Error{Kind: Unauthenticated, Msg: "Sign in to manage API keys."}
	case a.Key != nil:
		return &Error{Kind: Forbidden, Msg: "An API key cannot manage API keys. Sign in with your name and password."}
	case a.Admin || a.Account == owner:
		return nil
	}
	return &Error{Kind: Forbidden, Msg: "This key belongs to another account. Only its owner or an administrator can change it."}
}

func checkPatterns(patterns []string) ([]string, error) {
	var kept []string
	for _, p := range patterns {
		p = strings.TrimSpace(p)
		if p == "" || slices.Contains(kept, p) {
			continue
		}
		ok := len(p) <= maxPattern
		for i := 0; ok && i < len(p); i++ {
			c := p[i]
			ok = c == '*' || c == '_' || c == '.' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		}
		if !ok {
			return nil, &Error{Kind: Invalid, Field: "packages", Msg: msgPatternForm}
		}
		kept = append(kept, p)
	}
	if len(kept) > maxKeyPatterns {
		return nil, &Error{Kind: Invalid, Field: "packages", Msg: fmt.Sprintf("A key has at most %d package patterns. Use the wildcard * to say more with fewer.", maxKeyPatterns)}
	}
	if len(kept) == 0 {
		kept = []string{"*"}
	}
	return kept, nil
}

// keyExpiry decides how long a key lives, within keys.max_days (R-KEY-09).
func (g *Gallery) keyExpiry(n NewKey, now time.Time) (int, time.Time, error) {
	if !n.Expires.IsZero() {
		if most := g.o.KeyMaxDays; most > 0 && n.Expires.After(now.AddDate(0, 0, most)) {
			return 0, time.Time{}, g.tooLong()
		}
		return 0, n.Expires.UTC(), nil
	}
	days := n.Days
	if !n.HasDays {
		days = g.o.KeyMaxDays
	}
	switch {
	case days < 0:
		return 0, time.Time{}, &Error{Kind: Invalid, Field: "days", Msg: "A key lives for a whole number of days, 1 or more."}
	case days == 0 && g.o.KeyMaxDays == 0:
		return 0, time.Time{}, nil
	case days == 0, g.o.KeyMaxDays > 0 && days > g.o.KeyMaxDays, days > 36500:
		return 0, time.Time{}, g.tooLong()
	}
	return days, now.AddDate(0, 0, days), nil
}

func (g *Gallery) tooLong() error {
	if g.o.KeyMaxDays == 0 {
		return &Error{Kind: Invalid, Field: "days", Msg: "A key lives for at most 36,500 days, or for ever with 0."}
	}
	return &Error{Kind: Invalid, Field: "days", Msg: fmt.Sprintf("A key lives for at most %d days here (keys.max_days).", g.o.KeyMaxDays)}
}

// KeyMaxDays is the longest life of a key in days, 0 where keys may live for
// ever.
func (g *Gallery) KeyMaxDays() int { return g.o.KeyMaxDays }

func (g *Gallery) feedNames() []string {
	var names []string
	for _, f := range g.Feeds() {
		names = append(names, f.Name)
	}
	return names
}

// KeysOf lists the actor's keys, newest first.
func (g *Gallery) KeysOf(ctx context.Context, a Actor) ([]KeyInfo, error) {
	if err := mayManageKeys(a, a.Account); err != nil {
		return nil, err
	}
	return g.listKeys(ctx, func(r Reader, after string) ([]*Key, error) { return r.KeysOf(a.Account, after, ScanPage) })
}

// Keys lists every key of the gallery, newest first; administrators may.
func (g *Gallery) Keys(ctx context.Context, a Actor) ([]KeyInfo, error) {
	if err := g.mayAdministerNow(ctx, a); err != nil {
		return nil, err
	}
	return g.listKeys(ctx, func(r Reader, after string) ([]*Key, error) { return r.Keys(after, ScanPage) })
}

// listKeys lists the keys of a scan, newest first.
func (g *Gallery) listKeys(ctx context.Context, page func(r Reader, after string) ([]*Key, error)) ([]KeyInfo, error) {
	now := g.Now()
	list := []KeyInfo{}
	for k, err := range Scan(ctx, g.store, func(r Reader, last KeyInfo) ([]KeyInfo, error) {
		keys, err := page(r, last.ID)
		infos := make([]KeyInfo, len(keys))
		for i, k := range keys {
			use, e := r.KeyUse(k.ID)
			if e != nil && !errors.Is(e, ErrNotFound) {
				err = e
			}
			infos[i] = KeyInfo{Key: *k, State: k.State(now), Use: use}
		}
		return infos, err
	}) {
		if err != nil {
			return nil, err
		}
		list = append(list, k)
	}
	for i := range list {
		k := &list[i]
		k.OwnerName = g.ownerName(ctx, k.Owner)
		if f := g.feedNumbered(k.Key.Feed); f != nil {
			k.FeedName = f.Name
		}
		if use, ok := g.uses.pending(k.ID); ok {
			k.Use = use
		}
	}
	slices.SortStableFunc(list, func(a, b KeyInfo) int { return b.Created.Compare(a.Created) })
	return list, nil
}

// RevokeKey ends a key now, also for uploads that are arriving with it. A revoked
// key stays in the list; revoking it again changes nothing.
func (g *Gallery) RevokeKey(ctx context.Context, a Actor, id string) error {
	_, err := Do(ctx, g, At{Actor: a}, &revokeKey, id)
	return err
}

var revokeKey = Act[string, *Key, struct{}]{
	Name: "key revoke",
	On: func(r Reader, _ At, id string) (*Key, error) {
		k, err := r.Key(id)
		if errors.Is(err, ErrNotFound) {
			return nil, &Error{Kind: NotFound, Msg: fmt.Sprintf("There is no key %s. The ID is the 8 characters that the list of keys shows.", nuget.Cut(id, 40))}
		}
		return k, err
	},
	May: func(a Actor, k *Key) error { return mayManageKeys(a, k.Owner) },
	Do: func(c *Change, k *Key, _ string) (struct{}, error) {
		if !k.Revoked.IsZero() {
			return struct{}{}, nil
		}
		return struct{}{}, c.revoke(k)
	},
}

// revoke ends a key, and the uploads that come with it.
func (c *Change) revoke(k *Key) error {
	k.Revoked = c.At.Now
	id := k.ID
	c.EndUploads(errKeyUnknown, func(by Actor) bool { return by.keyID() == id })
	return c.PutKey(k)
}

// maxRevoked is how many keys are revoked with one act.
const maxRevoked = 2000

// revokeKeys revokes every live key that acts for an account, and returns how
// many those were.
func revokeKeys(c *Change, owner AccountNo) (revoked int, err error) {
	for k, err := range liveKeys(c, owner, c.At.Now) {
		if err != nil {
			return revoked, err
		}
		if revoked++; revoked > maxRevoked {
			return 0, &Error{Kind: Invalid, Msg: fmt.Sprintf("The account has more than %d live keys, and nothing was changed. Revoke some of them first: nougat key list, nougat key revoke", maxRevoked)}
		}
		if err := c.revoke(k); err != nil {
			return 0, err
		}
	}
	return revoked, nil
}

// countLiveKeys counts the live keys that act for an account.
func countLiveKeys(r Reader, owner AccountNo, now time.Time) (live int, err error) {
	for _, err := range liveKeys(r, owner, now) {
		if err != nil {
			return live, err
		}
		live++
	}
	return live, nil
}

// liveKeys yields the live keys that act for an account, in one transaction.
func liveKeys(r Reader, owner AccountNo, now time.Time) iter.Seq2[*Key, error] {
	return func(yield func(*Key, error) bool) {
		for k, err := range pages(func(last *Key) ([]*Key, error) { return r.KeysOf(owner, idOf(last), ScanPage) }) {
			if (err != nil || k.live(now)) && !yield(k, err) {
				return
			}
		}
	}
}

// idOf is the ID of a key, "" for none.
func idOf(k *Key) string {
	if k == nil {
		return ""
	}
	return k.ID
}
