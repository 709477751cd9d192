package cli

import (
	"fmt"
	"time"

	"nougat/site"
)

// keyVerbs are about API keys.
type keyVerbs struct {
	Add    keyAddVerb    `cmd:"" help:"Make an API key and print it, once."`
	List   keyListVerb   `cmd:"" help:"List the API keys."`
	Revoke keyRevokeVerb `cmd:"" help:"Revoke an API key: it stops working at once."`
}

type keyAddVerb struct {
	Owner    string    `required:"" placeholder:"NAME" help:"Account that the key acts for."`
	Name     string    `placeholder:"TEXT" help:"What the key is for. Default: the day it was made on."`
	Feed     string    `default:"main" placeholder:"FEED" help:"Feed where the key works."`
	Scopes   []string  `default:"push,pushversion,unlist,read" placeholder:"SCOPE" help:"What the key allows: push (new packages and new versions), pushversion (new versions of packages that are here), unlist (unlist and relist), read (where reading needs signing in)."`
	Packages []string  `default:"*" placeholder:"GLOB" help:"IDs that the key is for, with * for any run of characters. May be given several times."`
	Days     *int      `placeholder:"N" help:"How long the key lives. 0: for ever, where keys.max_days is 0. Default: keys.max_days."`
	Expires  time.Time `format:"2006-01-02T15:04:05Z07:00" placeholder:"TIME" help:"When the key expires, as in 2027-01-31T12:00:00Z, instead of --days."`
	asJSON
}

func (*keyAddVerb) Help() string {
	return `The key alone is printed to standard output. It is shown this once and cannot be shown again.

Examples:

    nougat key add --owner ann
    nougat key add --owner build --name 'CI of Contoso' --scopes push,read --packages 'Contoso.*' --days 90
    NUGET_API_KEY=$(nougat key add --owner build --scopes pushversion)`
}

func (v *keyAddVerb) Run(r *run) error {
	if v.Days != nil && !v.Expires.IsZero() {
		return usagef("--days and --expires exclude each other: give one of them.")
	}
	key, err := ask(r, site.NeedData, site.AddKey, site.NewKey{
		Owner: v.Owner, Name: v.Name, Feed: v.Feed, Scopes: v.Scopes, Packages: v.Packages, Days: v.Days, Expires: v.Expires,
	})
	if err != nil {
		return err
	}
	if v.JSON {
		return r.printJSON(key)
	}
	_, err = fmt.Fprintln(r.out, key.Secret)
	return err
}

type keyListVerb struct{ asJSON }

func (*keyListVerb) Help() string {
	return `The ID is the public part of a key, its characters 6 to 13; "nougat key revoke" takes it.

Examples:

    nougat key list
    nougat key list --json | jq -r '.[] | select(.state == "expiring") | .id'`
}

func (v *keyListVerb) Run(r *run) error {
	keys, err := ask(r, site.NeedData, site.ListKeys, site.None{})
	if err != nil {
		return err
	}
	if v.JSON {
		return r.printJSON(keys)
	}
	rows := [][]string{{"ID", "OWNER", "FEED", "STATE", "SCOPES", "PACKAGES", "EXPIRES", "LAST USED", "NAME"}}
	for _, k := range keys {
		expires := "never"
		if k.Expires != nil {
			expires = day(k.Expires)
		}
		rows = append(rows, []string{k.ID, k.Owner, dash(k.Feed), k.State, list(k.Scopes), list(k.Packages), expires, day(k.LastUsed), k.Name})
	}
	return r.printTable(rows)
}

type keyRevokeVerb struct {
	ID string `arg:"" help:"The 8 characters that nougat key list shows."`
}

func (*keyRevokeVerb) Help() string {
	return `Example:

    nougat key revoke 4fZk09aB`
}

func (v *keyRevokeVerb) Run(r *run) error {
	if _, err := ask(r, site.NeedData, site.RevokeKey, site.KeyID{ID: v.ID}); err != nil {
		return err
	}
	r.notice("The key %s is revoked.", v.ID)
	return nil
}
