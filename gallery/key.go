package gallery

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/big"
	"strings"
	"time"
)

// A key is "ngt_", "p" (a release feed) or "t" (a test feed), 8 characters of
// public ID, 32 of secret (190 bits), 6 of CRC-32 (IEEE) over all characters
// before it, in base62 (R-KEY-04).
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
	expiryNotice   = 10 * 24 * time.Hour // before the end, when a key begins to say so (R-KEY-10)
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
		return 0, &Error{Kind: Invalid, Field: "scopes", Msg: fmt.Sprintf("%q is not a scope. Use push, pushversion, unlist or read.", name)}
	}
	if s == 0 {
		return 0, &Error{Kind: Invalid, Field: "scopes", Msg: msgNoScope}
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
	at := len(keyPrefix) + 1
	if kind := secret[at-1]; kind != 'p' && kind != 't' || strings.Trim(secret[at:], base62) != "" || keySum(body) != sum {
		return "", hash, false
	}
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
