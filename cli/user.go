package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/term"

	"nougat/site"
)

// userVerbs are about people.
type userVerbs struct {
	Add      userAddVerb      `cmd:"" help:"Make an account. The first one is an administrator."`
	List     userListVerb     `cmd:"" help:"List the accounts."`
	Password userPasswordVerb `cmd:"" help:"Set the password of an account and sign it out everywhere."`
	Lock     userLockVerb     `cmd:"" help:"Lock an account: its sessions, its API keys and its running uploads end at once."`
	Unlock   userUnlockVerb   `cmd:"" help:"Unlock an account: its password and its API keys work again."`
	Admin    userAdminVerb    `cmd:"" help:"Make an account an administrator of the site, or take that back."`
	Remove   userRemoveVerb   `cmd:"" help:"Remove an account that owns no package. Its name stays taken."`
}

type userAddVerb struct {
	Name  string `arg:"" help:"Name to sign in with: 3 to 64 letters, digits, _ . or -, beginning and ending with a letter or digit."`
	Email string `placeholder:"ADDR" help:"Email address."`
	Admin bool   `help:"Make an administrator of the site."`
	passwordFlag
	asJSON
}

func (*userAddVerb) Help() string {
	return `The password is asked for twice on the terminal; a program hands it over with --password-stdin. Names that people cannot choose for themselves, such as admin, can be given here.

Examples:

    nougat user add ann
    nougat user add ann --email ann@example.org --admin
    echo "$PASSWORD" | nougat user add build --password-stdin --json`
}

func (v *userAddVerb) Run(r *run) error {
	password, err := v.read(r, v.Name)
	if err != nil {
		return err
	}
	added, err := ask(r, site.MakeData, site.AddUser, site.NewUser{Name: v.Name, Email: v.Email, Admin: v.Admin, Password: password})
	if err != nil {
		return err
	}
	switch {
	case added.First:
		r.notice("Added %s, the first account: it is an administrator.", added.User.Name)
	case added.User.Admin:
		r.notice("Added %s, an administrator.", added.User.Name)
	default:
		r.notice("Added %s.", added.User.Name)
	}
	if v.JSON {
		return r.printJSON(added.User)
	}
	return nil
}

type userListVerb struct{ asJSON }

func (*userListVerb) Help() string {
	return `Examples:

    nougat user list
    nougat user list --json --data /srv/nougat`
}

func (v *userListVerb) Run(r *run) error {
	users, err := ask(r, site.NeedData, site.ListUsers, site.None{})
	if err != nil {
		return err
	}
	if v.JSON {
		return r.printJSON(users)
	}
	rows := [][]string{{"NAME", "ROLE", "EMAIL", "SINCE"}}
	for _, u := range users {
		role := "user"
		if u.Admin {
			role = "administrator"
		}
		if u.Locked {
			role += ", locked"
		}
		rows = append(rows, []string{u.Name, role, dash(u.Email), day(&u.Created)})
	}
	return r.printTable(rows)
}

type userPasswordVerb struct {
	Name       string `arg:"" help:"Name of the account."`
	RevokeKeys bool   `help:"Revoke the API keys of the account as well."`
	passwordFlag
}

func (*userPasswordVerb) Help() string {
	return `API keys go on working, unless --revoke-keys is given: builds have keys of their own. When the old password may be known to others, revoke them too, for who had it could make keys.

Examples:

    nougat user password ann
    nougat user password ann --revoke-keys
    echo "$PASSWORD" | nougat user password build --password-stdin`
}

func (v *userPasswordVerb) Run(r *run) error {
	password, err := v.read(r, v.Name)
	if err != nil {
		return err
	}
	done, err := ask(r, site.NeedData, site.SetPassword, site.NewPassword{Name: v.Name, Password: password, RevokeKeys: v.RevokeKeys})
	if err != nil {
		return err
	}
	r.notice("The password of %s is changed.", done.Account)
	switch {
	case done.RevokedKeys > 0:
		r.notice("Revoked with it: %s.", count(done.RevokedKeys, "API key", "API keys"))
	case done.LiveKeys > 0:
		r.notice("%s of %s still work. To end them as well, run this with --revoke-keys; nougat key list shows them.", count(done.LiveKeys, "API key", "API keys"), done.Account)
	}
	return nil
}

// count is a number with the word for it.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

type userLockVerb struct {
	Name string `arg:"" help:"Name of the account."`
}

func (*userLockVerb) Help() string {
	return `Whoever holds the account is signed out, and whatever it or its API keys are doing is refused from now on, an upload in the middle as well. Packages stay as they are. nougat user unlock undoes it. The last administrator cannot be locked.

Example:

    nougat user lock ann`
}

func (v *userLockVerb) Run(r *run) error {
	u, err := ask(r, site.NeedData, site.LockUser, site.UserFlag{Name: v.Name, On: true})
	if err != nil {
		return err
	}
	r.notice("%s is locked. Its sessions, API keys and running uploads have ended.", u.Name)
	return nil
}

type userUnlockVerb struct {
	Name string `arg:"" help:"Name of the account."`
}

func (*userUnlockVerb) Help() string {
	return `Sessions do not come back: the person signs in again. API keys that were not revoked or expired meanwhile work again.

Example:

    nougat user unlock ann`
}

func (v *userUnlockVerb) Run(r *run) error {
	u, err := ask(r, site.NeedData, site.LockUser, site.UserFlag{Name: v.Name})
	if err != nil {
		return err
	}
	r.notice("%s is unlocked.", u.Name)
	return nil
}

type userAdminVerb struct {
	Name string `arg:"" help:"Name of the account."`
	On   bool   `xor:"admin" required:"" help:"Make it an administrator."`
	Off  bool   `xor:"admin" required:"" help:"Take that back."`
}

func (*userAdminVerb) Help() string {
	return `An administrator may unlist any package and manage every account and key. The last one stays an administrator.

Examples:

    nougat user admin ann --on
    nougat user admin bob --off`
}

func (v *userAdminVerb) Run(r *run) error {
	u, err := ask(r, site.NeedData, site.SetAdmin, site.UserFlag{Name: v.Name, On: v.On})
	if err != nil {
		return err
	}
	if v.On {
		r.notice("%s is an administrator.", u.Name)
	} else {
		r.notice("%s is no administrator.", u.Name)
	}
	return nil
}

type userRemoveVerb struct {
	Name string `arg:"" help:"Name of the account."`
}

func (*userRemoveVerb) Help() string {
	return `Its sessions end, its API keys are revoked, and its address and password are forgotten. Nobody can take the name again, in any letter case. An account that owns packages is not removed; lock it instead. The last administrator cannot be removed.

Example:

    nougat user remove ann`
}

func (v *userRemoveVerb) Run(r *run) error {
	u, err := ask(r, site.NeedData, site.RemoveUser, site.UserName{Name: v.Name})
	if err != nil {
		return err
	}
	r.notice("%s is removed. The name stays taken.", u.Name)
	return nil
}

// passwordFlag says where a password comes from.
type passwordFlag struct {
	PasswordStdin bool `help:"Read the password from standard input. One line end after it is cut off."`
}

// maxPasswordInput bounds what is read; passwords have at most 128 characters.
const maxPasswordInput = 4096

func (f passwordFlag) read(r *run, name string) (string, error) {
	if f.PasswordStdin {
		text, err := io.ReadAll(io.LimitReader(r.in, maxPasswordInput+1))
		if err != nil {
			return "", fmt.Errorf("reading the password from standard input: %w", err)
		}
		if len(text) > maxPasswordInput {
			return "", usagef("The password on standard input is longer than %d bytes.", maxPasswordInput)
		}
		text = bytes.TrimSuffix(text, []byte("\n"))
		return string(bytes.TrimSuffix(text, []byte("\r"))), nil
	}
	terminal := int(r.in.Fd())
	if !term.IsTerminal(terminal) {
		return "", usagef("Standard input is no terminal to ask for the password on. Hand it over with --password-stdin.")
	}
	first, err := r.askSecret(terminal, "Password for "+name+": ")
	if err != nil {
		return "", err
	}
	again, err := r.askSecret(terminal, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != again {
		return "", usagef("The two passwords differ. Nothing was changed.")
	}
	return first, nil
}

// askSecret reads a line from the terminal without echo. The terminal is put
// back when the program is interrupted meanwhile.
func (r *run) askSecret(terminal int, prompt string) (string, error) {
	state, err := term.GetState(terminal)
	if err != nil {
		return "", fmt.Errorf("reading the state of the terminal: %w", err)
	}
	defer term.Restore(terminal, state)
	ctx, stop := interruptible()
	defer stop()
	fmt.Fprint(r.errs, prompt)
	type line struct {
		text []byte
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		typed <- line{text, err}
	}()
	select {
	case l := <-typed:
		fmt.Fprintln(r.errs)
		if l.err != nil {
			return "", fmt.Errorf("reading the password: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		fmt.Fprintln(r.errs)
		return "", fmt.Errorf("interrupted; nothing was changed")
	}
}

// dash stands for an empty cell of a table.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// day is a time in a table; nil and zero are a dash.
func day(t *time.Time) string {
	if t == nil || t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// list joins words for a table.
func list(words []string) string { return dash(strings.Join(words, ",")) }
