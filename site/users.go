package site

import (
	"context"
	"time"

	"nougat/gallery"
)

// A User is an account as the command line shows it.
type User struct {
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Admin   bool      `json:"admin"`
	Locked  bool      `json:"locked"`
	Created time.Time `json:"created"`
}

func userOf(a *gallery.Account) User {
	return User{Name: a.Name, Email: a.Email, Admin: a.Admin, Locked: a.Locked, Created: a.Created}
}

// NewUser is the account to make.
type NewUser struct {
	Name     string `json:"name"`
	Email    string `json:"email,omitempty"`
	Password string `json:"password"`
	Admin    bool   `json:"admin,omitempty"`
}

// AddedUser is the account that was made.
type AddedUser struct {
	User  User `json:"user"`
	First bool `json:"first,omitempty"` // it is an administrator because it is the first
}

// AddUser makes an account.
var AddUser = Verb[NewUser, AddedUser]{"user add", func(ctx context.Context, s *Site, n NewUser) (AddedUser, error) {
	a, first, err := s.Gallery.AddAccount(ctx, gallery.NewAccount{Name: n.Name, Email: n.Email, Password: n.Password, Admin: n.Admin})
	if err != nil {
		return AddedUser{}, err
	}
	return AddedUser{userOf(a), first}, nil
}}

// ListUsers lists the accounts, in the order of Gallery.Accounts.
var ListUsers = Verb[None, []User]{"user list", func(ctx context.Context, s *Site, _ None) ([]User, error) {
	accounts, err := s.Gallery.Accounts(ctx)
	users := make([]User, 0, len(accounts))
	for _, a := range accounts {
		users = append(users, userOf(a))
	}
	return users, err
}}

// NewPassword is the password to set.
type NewPassword struct {
	Name     string `json:"name"` // of the account
	Password string `json:"password"`
}

// SetPassword sets the password of an account and signs it out everywhere.
var SetPassword = Verb[NewPassword, None]{"user password", func(ctx context.Context, s *Site, n NewPassword) (None, error) {
	return None{}, s.Gallery.SetPassword(ctx, n.Name, n.Password)
}}
