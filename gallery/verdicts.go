package gallery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

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

// A verdict is for who holds its lock, but for good.
type verdict struct {
	mu          sync.Mutex
	decided     time.Time // zero: not yet
	account     AccountNo // that it is about; 0: there was none of the name
	credentials uint64    // of the account
	good        atomic.Bool
}

// holds reports whether the verdict still counts, for the account that has the
// name now (nil for none).
func (v *verdict) holds(a *Account, now time.Time) bool {
	if v.decided.IsZero() || now.Sub(v.decided) > verdictLife {
		return false
	}
	if a == nil {
		return v.account == 0
	}
	return v.account == a.No && v.credentials == a.Credentials
}

func (v *verdict) set(a *Account, good bool, now time.Time) {
	v.decided, v.account, v.credentials = now, 0, 0
	if a != nil {
		v.account, v.credentials = a.No, a.Credentials
	}
	v.good.Store(good)
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
