package site

import (
	"context"
	"time"

	"nougat/gallery"
)

// A Key is an API key as the command line shows it; never its secret.
type Key struct {
	ID         string     `json:"id"`
	Owner      string     `json:"owner"`
	Name       string     `json:"name"`
	Feed       string     `json:"feed"`  // empty: the feed is not configured any more
	State      string     `json:"state"` // live, expiring, expired, revoked
	Scopes     []string   `json:"scopes"`
	Packages   []string   `json:"packages"`
	Created    time.Time  `json:"created"`
	Expires    *time.Time `json:"expires"`  // null: never
	Revoked    *time.Time `json:"revoked"`  // null: not revoked
	LastUsed   *time.Time `json:"lastUsed"` // null: never
	LastAddr   string     `json:"lastAddress"`
	LastClient string     `json:"lastClient"`
}

func keyOf(k gallery.KeyInfo) Key {
	return Key{
		ID: k.ID, Owner: k.OwnerName, Name: k.Name, Feed: k.FeedName, State: k.State,
		Scopes: k.Scopes.Names(), Packages: k.Packages, Created: k.Created,
		Expires: instant(k.Expires), Revoked: instant(k.Revoked), LastUsed: instant(k.Use.Time),
		LastAddr: k.Use.Addr, LastClient: k.Use.Client,
	}
}

// instant is a time that JSON shows as null when it never comes.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// NewKey is the API key to make. Days and Expires may both be absent.
type NewKey struct {
	Owner    string    `json:"owner"`
	Name     string    `json:"name"`
	Feed     string    `json:"feed"`
	Scopes   []string  `json:"scopes"`
	Packages []string  `json:"packages"`
	Days     *int      `json:"days,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
}

// AddedKey is the API key that was made, with its secret, which nothing can show
// again.
type AddedKey struct {
	Secret string `json:"key"`
	Key
}

// AddKey makes an API key.
var AddKey = Verb[NewKey, AddedKey]{"key add", func(ctx context.Context, s *Site, n NewKey) (AddedKey, error) {
	scopes, err := gallery.ParseScopes(n.Scopes)
	if err != nil {
		return AddedKey{}, err
	}
	k := gallery.NewKey{Owner: n.Owner, Name: n.Name, Feed: n.Feed, Scopes: scopes, Packages: n.Packages, Expires: n.Expires}
	if n.Days != nil {
		k.Days, k.HasDays = *n.Days, true
	}
	secret, made, err := s.Gallery.AddKey(ctx, gallery.Operator(), k)
	if err != nil {
		return AddedKey{}, err
	}
	info := gallery.KeyInfo{Key: *made, FeedName: n.Feed, State: made.State(s.Gallery.Now())}
	for _, name := range s.Gallery.OwnerNames(ctx, []gallery.AccountNo{made.Owner}) {
		info.OwnerName = name
	}
	return AddedKey{secret, keyOf(info)}, nil
}}

// ListKeys lists the API keys, in the order of Gallery.Keys.
var ListKeys = Verb[None, []Key]{"key list", func(ctx context.Context, s *Site, _ None) ([]Key, error) {
	infos, err := s.Gallery.Keys(ctx, gallery.Operator())
	keys := make([]Key, 0, len(infos))
	for _, k := range infos {
		keys = append(keys, keyOf(k))
	}
	return keys, err
}}

// KeyID names an API key by its public part, 8 characters.
type KeyID struct {
	ID string `json:"id"`
}

// RevokeKey makes an API key stop working at once.
var RevokeKey = Verb[KeyID, None]{"key revoke", func(ctx context.Context, s *Site, k KeyID) (None, error) {
	return None{}, s.Gallery.RevokeKey(ctx, gallery.Operator(), k.ID)
}}
