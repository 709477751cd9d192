package gallery

import (
	"context"
	_ "embed"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Names are letters and digits with _ . - between (R-ACC-01); addresses have no
// quotes and a dot in their domain (R-ACC-03).
var (
	namePattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]+[A-Za-z0-9]$`)
	emailPattern = regexp.MustCompile("^[-A-Za-z0-9!#$%&'*+/=?^_`{|}~.]+@[A-Za-z0-9]+[A-Za-z0-9_.-]*[A-Za-z0-9]*\\.[A-Za-z0-9][A-Za-z.]*[A-Za-z]$")
)

const (
	maxName  = 64
	maxEmail = 255
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

// AddAccount makes a person; administrators may. The very first account is an
// administrator either way; first says that it was this one.
func (g *Gallery) AddAccount(ctx context.Context, a Actor, n NewAccount) (made *Account, first bool, err error) {
	return g.makeAccount(ctx, a, &addAccount, newPerson{NewAccount: n})
}

// SetUp makes the first account, an administrator, and saves settings with it.
// Nobody is asked who they are: it is Forbidden once any account exists.
func (g *Gallery) SetUp(ctx context.Context, n NewAccount, settings map[string]string) (*Account, error) {
	if err := g.CheckSetUp(n, settings); err != nil {
		return nil, err
	}
	a, _, err := g.makeAccount(ctx, Actor{}, &setUp, newPerson{NewAccount: n, settings: settings})
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
		address = &Error{Kind: Invalid, Field: "email", Msg: msgEmailForm}
	}
	return errors.Join(checkName(n.Name, n.SelfRegistered), address, g.checkNewPassword(n.Password, append(easy, n.Name, n.Email)...))
}

// makeAccount checks and hashes before the act that makes the account.
func (g *Gallery) makeAccount(ctx context.Context, a Actor, act *Act[newPerson, newcomer, newAccount], n newPerson) (*Account, bool, error) {
	n.Name, n.Email = strings.TrimSpace(n.Name), strings.TrimSpace(n.Email)
	if err := g.checkAccount(n.NewAccount); err != nil {
		return nil, false, err
	}
	_, err := May(ctx, g, At{Actor: a}, act, n)
	if err != nil {
		return nil, false, err
	}
	if n.hash, err = g.hashPassword(ctx, n.Password); err != nil {
		return nil, false, err
	}
	made, err := Do(ctx, g, At{Actor: a}, act, n)
	if err != nil {
		return nil, false, err
	}
	g.hasAccount.Store(true)
	return made.account, made.first, nil
}

// newAccount is an account that was made; first when nobody had one before.
type newAccount struct {
	account *Account
	first   bool
}

// newPerson is what makes an account: what was asked for, checked, and the
// password's hash.
type newPerson struct {
	NewAccount
	hash     string
	settings map[string]string // of set-up
}

// newcomer is what a new account is about.
type newcomer struct {
	first     bool // nobody has an account yet
	nameTaken error
	mailTaken error
}

var addAccount = Act[newPerson, newcomer, newAccount]{
	Name: "user add",
	On:   readNewcomer,
	May: func(a Actor, s newcomer) error {
		if err := mayAdminister(a); err != nil {
			return err
		}
		return errors.Join(s.nameTaken, s.mailTaken)
	},
	Do: putNewcomer,
}

var setUp = Act[newPerson, newcomer, newAccount]{
	Name: "set up",
	On:   readNewcomer,
	May: func(_ Actor, s newcomer) error {
		if !s.first {
			return &Error{Kind: Forbidden, Msg: msgAccountExists}
		}
		return nil
	},
	Do: func(c *Change, s newcomer, n newPerson) (newAccount, error) {
		for name, value := range n.settings {
			if err := c.PutSetting(name, value); err != nil {
				return newAccount{}, err
			}
		}
		return putNewcomer(c, s, n)
	},
}

func readNewcomer(r Reader, _ At, n newPerson) (s newcomer, err error) {
	accounts, err := r.Accounts(0, 1)
	if err != nil {
		return s, err
	}
	s.first = len(accounts) == 0
	// Tombstones keep their name; of what is taken no more is said than that.
	if _, err := r.AccountByName(n.Name); err == nil {
		s.nameTaken = &Error{Kind: Invalid, Field: "name", Msg: msgNameTaken(n.Name)}
	} else if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if n.Email == "" {
		return s, nil
	}
	if _, err := r.AccountByEmail(n.Email); err == nil {
		s.mailTaken = &Error{Kind: Invalid, Field: "email", Msg: msgEmailTaken}
	} else if !errors.Is(err, ErrNotFound) {
		return s, err
	}
	return s, nil
}

func putNewcomer(c *Change, s newcomer, n newPerson) (newAccount, error) {
	a := &Account{Kind: Person, Name: n.Name, Email: n.Email, Password: n.hash, Admin: n.Admin || s.first, Created: c.At.Now}
	return newAccount{a, s.first}, c.NewAccount(a)
}

func checkName(name string, self bool) error {
	if len(name) > maxName || !namePattern.MatchString(name) {
		return &Error{Kind: Invalid, Field: "name", Msg: msgNameForm}
	}
	if self && slices.Contains(reservedNames, strings.ToLower(name)) {
		return &Error{Kind: Invalid, Field: "name", Msg: msgNameTaken(name)}
	}
	return nil
}

// AnyAccount reports whether an account exists, without asking the store.
func (g *Gallery) AnyAccount() bool { return g.hasAccount.Load() }

// Account returns an account by its number.
func (g *Gallery) Account(ctx context.Context, no AccountNo) (a *Account, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		a, err = r.Account(no)
		return err
	})
	return a, err
}

// AccountByName returns an account by its name in any case, removed ones included.
func (g *Gallery) AccountByName(ctx context.Context, name string) (a *Account, err error) {
	err = g.store.View(ctx, func(r Reader) (err error) {
		a, err = r.AccountByName(name)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return nil, noAccount(name)
	}
	return a, err
}

// Accounts lists the accounts in the order in which they were made, without those
// that were removed; administrators may.
func (g *Gallery) Accounts(ctx context.Context, a Actor) ([]*Account, error) {
	all := []*Account{}
	if err := g.mayAdministerNow(ctx, a); err != nil {
		return nil, err
	}
	for account, err := range Scan(ctx, g.store, func(r Reader, last *Account) ([]*Account, error) {
		return r.Accounts(numberOf(last), ScanPage)
	}) {
		if err != nil {
			return nil, err
		}
		if account.Kind != Tombstone {
			all = append(all, account)
		}
	}
	return all, nil
}

// numberOf is the number of an account, 0 for none.
func numberOf(a *Account) AccountNo {
	if a == nil {
		return 0
	}
	return a.No
}

// checkNewPassword asks for 10 to 128 characters (R-ACC-07) that are none of
// easy, nor the gallery's name, nor one of the commonest passwords.
func (g *Gallery) checkNewPassword(password string, easy ...string) error {
	if n := len([]rune(password)); n < 10 || n > 128 {
		return &Error{Kind: Invalid, Field: "password", Msg: msgPasswordLength}
	}
	same := func(text string) bool { return strings.EqualFold(password, text) }
	if same(g.o.Brand()) || slices.ContainsFunc(easy, same) || commonPassword(password) {
		return &Error{Kind: Invalid, Field: "password", Msg: msgPasswordCommon}
	}
	return nil
}

// passwords.txt holds the commonest passwords that have ten characters or more
// (those among the 30,000 commonest), lower-cased, one a line; shorter ones are
// refused by their length.
//
//go:embed passwords.txt
var commonPasswords string

// commonPassword reports whether a password is one of the commonest, letter
// case ignored.
func commonPassword(password string) bool {
	return !strings.Contains(password, "\n") &&
		strings.Contains("\n"+commonPasswords, "\n"+strings.ToLower(password)+"\n")
}
