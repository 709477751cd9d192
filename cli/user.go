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
	Name string `arg:"" help:"Name of the account."`
	passwordFlag
}

func (*userPasswordVerb) Help() string {
	return `Examples:

    nougat user password ann
    echo "$PASSWORD" | nougat user password build --password-stdin`
}

func (v *userPasswordVerb) Run(r *run) error {
	password, err := v.read(r, v.Name)
	if err != nil {
		return err
	}
	if _, err := ask(r, site.NeedData, site.SetPassword, site.NewPassword{Name: v.Name, Password: password}); err != nil {
		return err
	}
	r.notice("The password of %s is changed.", v.Name)
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
