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
	a, first, err := s.Gallery.AddAccount(ctx, gallery.Operator(), gallery.NewAccount{Name: n.Name, Email: n.Email, Password: n.Password, Admin: n.Admin})
	if err != nil {
		return AddedUser{}, err
	}
	return AddedUser{userOf(a), first}, nil
}}

// ListUsers lists the accounts, in the order of Gallery.Accounts.
var ListUsers = Verb[None, []User]{"user list", func(ctx context.Context, s *Site, _ None) ([]User, error) {
	accounts, err := s.Gallery.Accounts(ctx, gallery.Operator())
	users := make([]User, 0, len(accounts))
	for _, a := range accounts {
		users = append(users, userOf(a))
	}
	return users, err
}}

// NewPassword is the password to set.
type NewPassword struct {
	Name       string `json:"name"` // of the account
	Password   string `json:"password"`
	RevokeKeys bool   `json:"revokeKeys,omitempty"` // revoke the account's API keys with it
}

// SetPassword sets the password of an account and signs it out everywhere.
var SetPassword = Verb[NewPassword, gallery.PasswordChange]{"user password", func(ctx context.Context, s *Site, n NewPassword) (gallery.PasswordChange, error) {
	return s.Gallery.SetPassword(ctx, gallery.Operator(), n.Name, n.Password, n.RevokeKeys)
}}

// UserFlag sets something of an account on or off.
type UserFlag struct {
	Name string `json:"name"`
	On   bool   `json:"on"`
}

// UserName names an account, in Out as it is spelled.
type UserName struct {
	Name string `json:"name"`
}

// LockUser locks an account (On) or unlocks it.
var LockUser = Verb[UserFlag, UserName]{"user lock", func(ctx context.Context, s *Site, f UserFlag) (UserName, error) {
	name, err := s.Gallery.SetLocked(ctx, gallery.Operator(), f.Name, f.On)
	return UserName{name}, err
}}

// SetAdmin makes an account an administrator (On) or takes that back.
var SetAdmin = Verb[UserFlag, UserName]{"user admin", func(ctx context.Context, s *Site, f UserFlag) (UserName, error) {
	name, err := s.Gallery.SetAdmin(ctx, gallery.Operator(), f.Name, f.On)
	return UserName{name}, err
}}

// RemoveUser removes an account that owns no package.
var RemoveUser = Verb[UserName, UserName]{"user remove", func(ctx context.Context, s *Site, n UserName) (UserName, error) {
	name, err := s.Gallery.RemoveAccount(ctx, gallery.Operator(), n.Name)
	return UserName{name}, err
}}
