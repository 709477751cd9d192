package gallery

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

// Names and addresses, R-ACC-01 and R-ACC-03.
var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]+[A-Za-z0-9]$`)
	emailPattern = regexp.MustCompile("^[-A-Za-z0-9!#$%&'*+/=?^_`{|}~.]+@[A-Za-z0-9]+[A-Za-z0-9_.-]*[A-Za-z0-9]*\\.[A-Za-z0-9][A-Za-z.]*[A-Za-z]$")
)

const (
	maxName  = 64
	maxEmail = 255
	scanPage = 256 // records of one View
)

// reservedNames may not be taken by self-registration (S-97); set-up and
// administrators may use them.
var reservedNames = strings.Fields("admin administrator account accounts api packages users profiles organization organizations " +
	"policies help v2 v3 test symbols stats login logout root support null undefined add nougat setup")

// NewAccount is what a person or an administrator asks for.
type NewAccount struct {
	Name           string
	Email          string // may be empty
	Password       string
	Admin          bool
	SelfRegistered bool // reserved names are refused
}

// AddAccount makes a person. The very first account is an administrator either
// way; first says that it was this one.
func (g *Gallery) AddAccount(ctx context.Context, n NewAccount) (a *Account, first bool, err error) {
	return g.addAccount(ctx, n, nil)
}

// SetUp makes the first account, an administrator, and saves settings with it
// in one Update. It is Forbidden once any account exists.
func (g *Gallery) SetUp(ctx context.Context, n NewAccount, settings map[string]string) (*Account, error) {
	if err := g.CheckSetUp(n, settings); err != nil {
		return nil, err
	}
	a, _, err := g.addAccount(ctx, n, func(w Writer, first bool) error {
		if !first {
			return &Error{Kind: Forbidden, Op: "set up", Msg: msgAccountExists}
		}
		for name, value := range settings {
			if err := w.PutSetting(name, value); err != nil {
				return err
			}
		}
		return nil
	})
	return a, err
}

// CheckSetUp says all that is wrong with the account that SetUp would make, an
// Error for each field, joined. What is being set up, such as the gallery's name,
// is as easy to guess as what is in force.
func (g *Gallery) CheckSetUp(n NewAccount, settings map[string]string) error {
	return g.checkAccount(n, slices.Collect(maps.Values(settings))...)
}

// checkAccount says all that is wrong with name, address and password, which
// must be none of easy either.
func (g *Gallery) checkAccount(n NewAccount, easy ...string) error {
	var address error
	if n.Email != "" && (len(n.Email) > maxEmail || !emailPattern.MatchString(n.Email)) {
		address = &Error{Kind: Invalid, Op: "add account", Field: "email", Msg: msgEmailForm}
	}
	return errors.Join(checkName(n.Name, n.SelfRegistered), address, g.checkNewPassword(n.Password, append(easy, n.Name, n.Email)...))
}

// addAccount checks and hashes outside the transaction, then writes, after
// asking with (which may be nil) inside it.
func (g *Gallery) addAccount(ctx context.Context, n NewAccount, with func(w Writer, first bool) error) (*Account, bool, error) {
	n.Name, n.Email = strings.TrimSpace(n.Name), strings.TrimSpace(n.Email)
	if err := g.checkAccount(n); err != nil {
		return nil, false, err
	}
	hash, err := g.hashPassword(ctx, n.Password)
	if err != nil {
		return nil, false, err
	}
	a := &Account{Kind: Person, Name: n.Name, Email: n.Email, Password: hash, Created: g.Now()}
	first := false
	err = g.store.Update(ctx, func(w Writer) error {
		accounts, err := w.Accounts(0, 1)
		if err != nil {
			return err
		}
		first = len(accounts) == 0
		a.Admin = n.Admin || first
		if with != nil {
			if err := with(w, first); err != nil {
				return err
			}
		}
		if _, err := w.AccountByName(a.Name); err == nil {
			return &Error{Kind: Invalid, Op: "add account", Field: "name", Msg: msgNameTaken(a.Name)}
		} else if !errors.Is(err, ErrNotFound) {
			return err
		}
		if a.Email != "" {
			if _, err := w.AccountByEmail(a.Email); err == nil {
				return &Error{Kind: Invalid, Op: "add account", Field: "email", Msg: msgEmailTaken}
			} else if !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		return w.NewAccount(a)
	})
	if err != nil {
		return nil, false, err
	}
	g.hasAccount.Store(true)
	g.verdicts.forget() // the name may have been tried before it was there
	return a, first, nil
}

func checkName(name string, self bool) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return &Error{Kind: Invalid, Op: "add account", Field: "name", Msg: msgNameForm}
	}
	if self && slices.Contains(reservedNames, strings.ToLower(name)) {
		return &Error{Kind: Invalid, Op: "add account", Field: "name", Msg: msgNameTaken(name)}
	}
	return nil
}

// AnyAccount reports whether an account exists, without asking the store.
func (g *Gallery) AnyAccount() bool { return g.hasAccount.Load() }

// SetPassword gives an account another password and forgets what was remembered
// of the old one.
func (g *Gallery) SetPassword(ctx context.Context, name, password string) error {
	a, err := g.AccountByName(ctx, name)
	if err != nil {
		return err
	}
	if a.Kind != Person {
		return &Error{Kind: Invalid, Op: "password", Msg: fmt.Sprintf("%s is not a person and has no password.", a.Name)}
	}
	if err := g.checkNewPassword(password, a.Name, a.Email); err != nil {
		return err
	}
	hash, err := g.hashPassword(ctx, password)
	if err != nil {
		return err
	}
	err = g.store.Update(ctx, func(w Writer) error {
		a, err := w.Account(a.No)
		if err != nil {
			return err
		}
		a.Password = hash
		if err := w.PutAccount(a); err != nil {
			return err
		}
		return dropSessions(w, a.No)
	})
	g.verdicts.forget()
	return err
}

// Account returns an account by its number.
func (g *Gallery) Account(ctx context.Context, no AccountNo) (a *Account, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		a, err = r.Account(no)
		return err
	})
	return a, err
}

// AccountByName returns an account by its name in any case.
func (g *Gallery) AccountByName(ctx context.Context, name string) (a *Account, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		a, err = r.AccountByName(name)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, &Error{Kind: NotFound, Op: "account", Msg: fmt.Sprintf("There is no account %s.", cut(name, maxName))}
	}
	return a, err
}

// Accounts lists all accounts in the order in which they were made.
func (g *Gallery) Accounts(ctx context.Context) ([]*Account, error) {
	all := []*Account{}
	for after := AccountNo(0); ; {
		var page []*Account
		err := g.store.View(ctx, func(r Reader) (err error) {
			page, err = r.Accounts(after, scanPage)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < scanPage {
			return all, nil
		}
		after = page[len(page)-1].No
	}
}

// checkNewPassword holds R-ACC-07 and Q-25: a password is none of easy, nor the
// gallery's name, nor one of the commonest.
func (g *Gallery) checkNewPassword(password string, easy ...string) error {
	if n := len([]rune(password)); n < 10 || n > 128 {
		return &Error{Kind: Invalid, Op: "password", Field: "password", Msg: msgPasswordLength}
	}
	same := func(text string) bool { return strings.EqualFold(password, text) }
	if same(g.o.Brand()) || slices.ContainsFunc(easy, same) || commonPassword(password) {
		return &Error{Kind: Invalid, Op: "password", Field: "password", Msg: msgPasswordCommon}
	}
	return nil
}

// passwords.txt holds the commonest passwords that have ten characters or more
// (those among the 30,000 commonest, which includes the 10,000 of Q-25),
// lower-cased, one a line; shorter ones are refused by their length.
//
//go:embed passwords.txt
var commonPasswords string

// commonPassword reports whether a password is one of the commonest, letter
// case ignored.
func commonPassword(password string) bool {
	return !strings.Contains(password, "\n") &&
		strings.Contains("\n"+commonPasswords, "\n"+strings.ToLower(password)+"\n")
}

// failures counts wrong passwords by name and address (SM-16): after every
// tenth the pair waits 10^(n/10-1) minutes from the last failure. Counting by
// address too keeps a stranger from locking a colleague out. It is kept in
// memory: a restart forgets it.
type failures struct {
	mu sync.Mutex
	m  map[string]failure
}

type failure struct {
	count int
	last  time.Time
}

const maxFailures = 20_000

// wait returns how long the pair is still closed at this time.
func (f *failures) wait(pair string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.m[pair]
	if e.count < 10 {
		return 0
	}
	closed := time.Minute
	for range min(e.count/10-1, 4) {
		closed *= 10
	}
	return e.last.Add(closed).Sub(now)
}

func (f *failures) add(pair string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.m == nil || len(f.m) >= maxFailures {
		f.m = make(map[string]failure)
	}
	f.m[pair] = failure{count: f.m[pair].count + 1, last: now}
}

func (f *failures) clear(pair string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.m, pair)
}

// cut shortens text from outside to n bytes at most, at a character's start.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }
