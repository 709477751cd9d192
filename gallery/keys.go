package gallery

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A key, R-KEY-04: "ngt_", "p" (a release feed) or "t" (a test feed), 8
// characters of public ID, 32 of secret (190 bits), 6 of CRC-32 (IEEE) over all
// characters before it, in base62.
const (
	keyPrefix  = "ngt_"
	keyIDLen   = 8
	keyRandLen = 32
	keySumLen  = 6
	keyLen     = len(keyPrefix) + 1 + keyIDLen + keyRandLen + keySumLen
	base62     = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Limits of what a key may say.
const (
	maxKeyName     = 100 // characters
	maxKeyPatterns = 50
	maxPattern     = 100
	expiryNotice   = 10 * 24 * time.Hour // R-KEY-10
)

var scopeNames = []struct {
	scope Scope
	name  string
}{{ScopePush, "push"}, {ScopePushVersion, "pushversion"}, {ScopeUnlist, "unlist"}, {ScopeRead, "read"}}

// AllScopes is what a key allows unless it is narrowed.
const AllScopes = ScopePush | ScopePushVersion | ScopeUnlist | ScopeRead

// Names lists the scopes, as the command line and the pages write them.
func (s Scope) Names() []string {
	var names []string
	for _, sn := range scopeNames {
		if s&sn.scope != 0 {
			names = append(names, sn.name)
		}
	}
	return names
}

// ParseScopes reads names of scopes; "package:push" is "push". None at all is
// an Invalid error.
func ParseScopes(names []string) (Scope, error) {
	var s Scope
next:
	for _, name := range names {
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), "package:")
		for _, sn := range scopeNames {
			if sn.name == name {
				s |= sn.scope
				continue next
			}
		}
		return 0, &Error{Kind: Invalid, Op: "key", Field: "scopes", Msg: fmt.Sprintf("%q is not a scope. Use push, pushversion, unlist or read.", name)}
	}
	if s == 0 {
		return 0, &Error{Kind: Invalid, Op: "key", Field: "scopes", Msg: msgNoScope}
	}
	return s, nil
}

// live reports whether the key works at this time.
func (k *Key) live(now time.Time) bool {
	return k.Revoked.IsZero() && (k.Expires.IsZero() || now.Before(k.Expires))
}

// State is "live", "expiring" (at most ten days left), "expired" or "revoked".
func (k *Key) State(now time.Time) string {
	switch {
	case !k.Revoked.IsZero():
		return "revoked"
	case k.live(now) && !k.Expires.IsZero() && k.Expires.Sub(now) <= expiryNotice:
		return "expiring"
	case k.live(now):
		return "live"
	}
	return "expired"
}

// covers reports whether one of the key's patterns matches id (R-KEY-08).
func (k *Key) covers(id string) bool {
	for _, p := range k.Packages {
		if globMatch(strings.ToLower(p), strings.ToLower(id)) {
			return true
		}
	}
	return false
}

// globMatch matches a whole text; "*" is any run, also empty. It is linear but
// for stars, each of which is tried once more at most per character.
func globMatch(pattern, text string) bool {
	star, mark := -1, 0
	p, t := 0, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && pattern[p] == text[t]:
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// looksLikeKey reports whether a secret is meant as a key: other text is a
// password.
func looksLikeKey(secret string) bool { return strings.HasPrefix(secret, keyPrefix) }

// readKey takes a key apart; ok is false for a wrong length, alphabet or
// checksum: a typing error, which needs no look-up.
func readKey(secret string) (id string, hash [32]byte, ok bool) {
	if len(secret) != keyLen || !looksLikeKey(secret) {
		return "", hash, false
	}
	body, sum := secret[:keyLen-keySumLen], secret[keyLen-keySumLen:]
	if keySum(body) != sum {
		return "", hash, false
	}
	at := len(keyPrefix) + 1
	return secret[at : at+keyIDLen], sha256.Sum256([]byte(secret)), true
}

func keySum(body string) string {
	n := crc32.ChecksumIEEE([]byte(body))
	var sum [keySumLen]byte
	for i := keySumLen - 1; i >= 0; i-- {
		sum[i] = base62[n%62]
		n /= 62
	}
	return string(sum[:])
}

// randomBase62 returns n characters of 5.95 bits each.
func randomBase62(n int) (string, error) {
	b := make([]byte, n)
	max := big.NewInt(int64(len(base62)))
	for i := range b {
		d, err := rand.Int(rand.Reader, max)
		if err != nil {
			return "", err
		}
		b[i] = base62[d.Int64()]
	}
	return string(b), nil
}

// newSecret makes a key for a feed of this kind.
func newSecret(kind FeedKind) (string, error) {
	env := "p"
	if kind == TestFeed {
		env = "t"
	}
	random, err := randomBase62(keyIDLen + keyRandLen)
	if err != nil {
		return "", err
	}
	body := keyPrefix + env + random
	return body + keySum(body), nil
}

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
	k.Creator = a.Account
	secret, err := newSecret(f.Kind)
	if err != nil {
		return "", nil, err
	}
	id, hash, _ := readKey(secret)
	k.ID, k.Hash = id, hash
	err = g.store.Update(ctx, func(w Writer) error {
		owner, err := keyOwner(w, a, n.Owner)
		if err != nil {
			return err
		}
		k.Owner = owner.No
		if k.Creator == 0 {
			k.Creator = owner.No
		}
		if _, err := w.Key(k.ID); !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("the random key ID %s is taken", k.ID)
		}
		return w.PutKey(k)
	})
	if err != nil {
		return "", nil, err
	}
	return secret, k, nil
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
	if utf8.RuneCountInString(k.Name) > maxKeyName || hasControl(k.Name) {
		name = &Error{Kind: Invalid, Op: "key", Field: "name", Msg: msgKeyName}
	}
	if k.Scopes&AllScopes == 0 {
		scopes = &Error{Kind: Invalid, Op: "key", Field: "scopes", Msg: msgNoScope}
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
		feed = &Error{Kind: NotFound, Op: "key", Field: "feed", Msg: fmt.Sprintf("There is no feed %s. The feeds are: %s.", n.Feed, strings.Join(g.feedNames(), ", "))}
	}
	return k, f, errors.Join(name, scopes, packages, days, feed)
}

// keyOwner finds whose key it will be, and asks whether the actor may make it.
func keyOwner(r Reader, a Actor, name string) (*Account, error) {
	var owner *Account
	var err error
	if name == "" {
		owner, err = r.Account(a.Account)
	} else {
		owner, err = r.AccountByName(name)
	}
	if errors.Is(err, ErrNotFound) {
		return nil, &Error{Kind: NotFound, Op: "key", Msg: fmt.Sprintf("There is no account %s. Make it first: nougat user add %s", name, name)}
	}
	if err != nil {
		return nil, err
	}
	if err := mayManageKeys(a, owner.No); err != nil {
		return nil, err
	}
	if owner.Locked {
		return nil, &Error{Kind: Forbidden, Op: "key", Msg: msgLockedAccount(owner.Name)}
	}
	return owner, nil
}

// mayManageKeys: a key never manages keys; a person manages their own, an
// administrator everybody's.
func mayManageKeys(a Actor, owner AccountNo) error {
	switch {
	case !a.SignedIn():
		return &Error{Kind: Unauthenticated, Op: "key", Msg: "Sign in to manage API keys."}
	case a.Key != nil:
		return &Error{Kind: Forbidden, Op: "key", Msg: "An API key cannot manage API keys. Sign in with your name and password."}
	case a.Admin || a.Account == owner:
		return nil
	}
	return &Error{Kind: Forbidden, Op: "key", Msg: "This key belongs to another account. Only its owner or an administrator can change it."}
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
			return nil, &Error{Kind: Invalid, Op: "key", Field: "packages", Msg: msgPatternForm}
		}
		kept = append(kept, p)
	}
	if len(kept) > maxKeyPatterns {
		return nil, &Error{Kind: Invalid, Op: "key", Field: "packages", Msg: fmt.Sprintf("A key has at most %d package patterns. Use the wildcard * to say more with fewer.", maxKeyPatterns)}
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
		return 0, time.Time{}, &Error{Kind: Invalid, Op: "key", Field: "days", Msg: "A key lives for a whole number of days, 1 or more."}
	case days == 0 && g.o.KeyMaxDays == 0:
		return 0, time.Time{}, nil
	case days == 0, g.o.KeyMaxDays > 0 && days > g.o.KeyMaxDays, days > 36500:
		return 0, time.Time{}, g.tooLong()
	}
	return days, now.AddDate(0, 0, days), nil
}

func (g *Gallery) tooLong() error {
	if g.o.KeyMaxDays == 0 {
		return &Error{Kind: Invalid, Op: "key", Field: "days", Msg: "A key lives for at most 36,500 days, or for ever with 0."}
	}
	return &Error{Kind: Invalid, Op: "key", Field: "days", Msg: fmt.Sprintf("A key lives for at most %d days here (keys.max_days).", g.o.KeyMaxDays)}
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
	return g.listKeys(ctx, func(r Reader, after string) ([]*Key, error) { return r.KeysOf(a.Account, after, scanPage) })
}

// Keys lists every key of the gallery, newest first; for the operator.
func (g *Gallery) Keys(ctx context.Context) ([]KeyInfo, error) {
	return g.listKeys(ctx, func(r Reader, after string) ([]*Key, error) { return r.Keys(after, scanPage) })
}

func (g *Gallery) listKeys(ctx context.Context, page func(r Reader, after string) ([]*Key, error)) ([]KeyInfo, error) {
	now := g.Now()
	list := []KeyInfo{}
	for after := ""; ; {
		var keys []*Key
		err := g.store.View(ctx, func(r Reader) (err error) {
			if keys, err = page(r, after); err != nil {
				return err
			}
			for _, k := range keys {
				use, err := r.KeyUse(k.ID)
				if err != nil && !errors.Is(err, ErrNotFound) {
					return err
				}
				list = append(list, KeyInfo{Key: *k, State: k.State(now), Use: use})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(keys) < scanPage {
			break
		}
		after = keys[len(keys)-1].ID
	}
	for i := range list {
		k := &list[i]
		k.OwnerName = g.ownerName(k.Owner)
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

// RevokeKey ends a key now. A revoked key stays in the list; revoking it again
// changes nothing.
func (g *Gallery) RevokeKey(ctx context.Context, a Actor, id string) error {
	now := g.Now()
	return g.store.Update(ctx, func(w Writer) error {
		k, err := w.Key(id)
		if errors.Is(err, ErrNotFound) {
			return &Error{Kind: NotFound, Op: "revoke", Msg: fmt.Sprintf("There is no key %s. The ID is the 8 characters that the list of keys shows.", cut(id, 40))}
		}
		if err != nil {
			return err
		}
		if err := mayManageKeys(a, k.Owner); err != nil {
			return err
		}
		if !k.Revoked.IsZero() {
			return nil
		}
		k.Revoked = now
		return w.PutKey(k)
	})
}

// keyUses holds the last use of each key until it is written.
type keyUses struct {
	mu sync.Mutex
	m  map[string]KeyUse
}

func (u *keyUses) note(id string, use KeyUse) {
	use.Client = cut(use.Client, 100)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.m == nil {
		u.m = make(map[string]KeyUse)
	}
	u.m[id] = use
}

func (u *keyUses) pending(id string) (KeyUse, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	use, ok := u.m[id]
	return use, ok
}

func (u *keyUses) take() map[string]KeyUse {
	u.mu.Lock()
	defer u.mu.Unlock()
	m := u.m
	u.m = nil
	return m
}

func (g *Gallery) flushKeyUses(ctx context.Context) error {
	uses := g.uses.take()
	if len(uses) == 0 {
		return nil
	}
	ids := make([]string, 0, len(uses))
	for id := range uses {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, 1000) {
		err := g.store.Update(ctx, func(w Writer) error {
			for _, id := range chunk {
				if err := w.PutKeyUse(id, uses[id]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err // a last use that is lost is noted again at the next one
		}
	}
	return nil
}
