package gallery

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"

	"nougat/nuget"
)

// Passwords are hashed by argon2id with 19 MiB, 2 passes and 1 lane. The
// parameters stand in the hash, so that older ones stay readable and are
// replaced at sign-in (R-ACC-08).
const (
	argonMemory = 19 * 1024
	argonTime   = 2
	argonLanes  = 1
	argonSalt   = 16
	argonKey    = 32
)

// tidyAfter is how long after the last hash its memory goes back to the system:
// Go keeps it for the next peak, and most of the time there is none.
const tidyAfter = 10 * time.Second

// hashPassword returns the password's hash in PHC form. At most hashSlots run
// at once; ctx ends the wait for a slot.
func (g *Gallery) hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key, err := g.argon(ctx, password, salt, argonTime, argonMemory, argonLanes, argonKey)
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

func (g *Gallery) argon(ctx context.Context, password string, salt []byte, t, m uint32, p uint8, n uint32) ([]byte, error) {
	select {
	case g.hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-g.hashing }()
	defer g.tidy.Reset(tidyAfter)
	return argon2.IDKey([]byte(password), salt, t, m, p, n), nil
}

// passwordIs reports whether password is the one that was hashed, and whether
// the hash should be renewed because the parameters have changed.
func (g *Gallery) passwordIs(ctx context.Context, hash, password string) (ok, old bool, err error) {
	var version int
	var m, t uint32
	var p uint8
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, false, errors.New("the stored password hash is not argon2id")
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &m, &t, &p); err != nil {
		return false, false, fmt.Errorf("the stored password hash: %w", err)
	}
	b64 := base64.RawStdEncoding
	salt, err1 := b64.DecodeString(parts[4])
	want, err2 := b64.DecodeString(parts[5])
	if err := errors.Join(err1, err2); err != nil {
		return false, false, fmt.Errorf("the stored password hash: %w", err)
	}
	key, err := g.argon(ctx, password, salt, t, m, p, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	old = m != argonMemory || t != argonTime || p != argonLanes
	return subtle.ConstantTimeCompare(key, want) == 1, old, nil
}

// noSuchAccount is hashed against when a name is unknown, so that the answer
// takes the same time (T-10, D-07).
const noSuchAccount = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// maxSignIns is how many passwords from one network are checked or wait to be:
// the last of them waits some seconds.
const maxSignIns = 100

// checkPassword checks the password of who signs in as user. A wrong one is
// errSignInWrong, with the account that it is wrong for (nil when there is none),
// and counts as a failure; a pair of name and address with too many is TooMany
// with M-55.
//
// Each network's are checked one at a time: so that tries sent at once are
// counted one by one, and so that nobody can take every slot for hashing. The
// account is what it was before the hash was computed: whoever acts on the answer
// compares its Credentials with those of now (Gallery.again).
func (g *Gallery) checkPassword(ctx context.Context, user, password, addr string) (*Account, error) {
	from := network(addr)
	if err := g.signIns.enter(ctx, from, 0); errors.Is(err, errCrowd) {
		return nil, &Error{Kind: TooMany, Op: "sign in", Msg: msgTooManySignIns}
	} else if err != nil {
		return nil, err
	}
	defer g.signIns.leave(from)
	now := g.Now()
	pair := strings.ToLower(nuget.Cut(user, maxEmail)) + "\x00" + from
	if wait := g.failures.wait(pair, now); wait > 0 {
		return nil, &Error{Kind: TooMany, Op: "sign in", Msg: msgTooManyFailures(wait)}
	}
	a, err := g.namedAccount(ctx, user)
	if err != nil {
		return nil, err
	}
	hash := noSuchAccount
	if a != nil && a.Kind == Person && a.Password != "" {
		hash = a.Password
	}
	ok, old, err := g.passwordIs(ctx, hash, password)
	if err != nil {
		return nil, err
	}
	if !ok || hash == noSuchAccount {
		g.failures.add(pair, now)
		return a, errSignInWrong
	}
	g.failures.clear(pair)
	if old {
		g.renewHash(ctx, a.No, a.Password, password)
	}
	return a, nil
}

// renewHash stores the password under today's parameters; it failing changes
// nothing for the person who signs in.
func (g *Gallery) renewHash(ctx context.Context, no AccountNo, was, password string) {
	hash, err := g.hashPassword(ctx, password)
	if err != nil {
		return
	}
	err = g.upkeep(ctx, func(w Writer) error {
		a, err := w.Account(no)
		if err != nil || a.Password != was {
			return err
		}
		a.Password = hash
		return w.PutAccount(a)
	})
	if err != nil {
		g.o.Log.Warn("a password hash could not be renewed", "account", no, "err", err)
	}
}

// network is what failures are counted by: an IPv4 address, or the /64 that an
// IPv6 host can choose its addresses from.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap()
	if ip.Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return ip.String()
}
