package cli

import (
	"context"
	"fmt"
	"time"

	"nougat/config"
	"nougat/gallery"
	"nougat/nuget"
	"nougat/server/v3"
)

// A request is a verb with what it was given, as it goes through the control
// socket.
type request struct {
	Verb     string  `json:"verb"`
	Name     string  `json:"name,omitempty"`
	Email    string  `json:"email,omitempty"`
	Password string  `json:"password,omitempty"`
	Admin    bool    `json:"admin,omitempty"`
	ID       string  `json:"id,omitempty"`
	Key      *newKey `json:"key,omitempty"`
}

// newKey is what "key add" asks for; Days and Expires may both be absent.
type newKey struct {
	Owner    string    `json:"owner"`
	Name     string    `json:"name"`
	Feed     string    `json:"feed"`
	Scopes   []string  `json:"scopes"`
	Packages []string  `json:"packages"`
	Days     *int      `json:"days,omitempty"`
	Expires  time.Time `json:"expires,omitzero"`
}

// A response is what a verb has to say. Which fields it fills is the verb's.
type response struct {
	Users    []userRow         `json:"users,omitempty"`
	First    bool              `json:"first,omitempty"` // user add: it is an administrator because it is the first
	Secret   string            `json:"secret,omitempty"`
	Keys     []keyRow          `json:"keys,omitempty"`
	Verdict  *verdict          `json:"verdict,omitempty"`
	Saved    map[string]string `json:"saved,omitempty"`    // config: what the data folder holds
	Settings []config.Setting  `json:"settings,omitempty"` // config: what the server started with
}

// A userRow is an account as the command line shows it.
type userRow struct {
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	Admin   bool      `json:"admin"`
	Locked  bool      `json:"locked"`
	Created time.Time `json:"created"`
}

// A keyRow is an API key as the command line shows it; never its secret.
type keyRow struct {
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

// A verdict is what verify found.
type verdict struct {
	Checked   gallery.Checked   `json:"checked"`
	Documents int               `json:"documents"` // rendered and compared with the records
	Findings  []gallery.Finding `json:"findings"`
}

// run executes a verb on an open site. A running server and a verb that opened
// the data itself both come here.
func (s *site) run(ctx context.Context, req request) (response, error) {
	switch req.Verb {
	case "user add":
		a, first, err := s.gallery.AddAccount(ctx, gallery.NewAccount{Name: req.Name, Email: req.Email, Password: req.Password, Admin: req.Admin})
		if err != nil {
			return response{}, err
		}
		return response{Users: []userRow{rowOfAccount(a)}, First: first}, nil
	case "user list":
		accounts, err := s.gallery.Accounts(ctx)
		rows := make([]userRow, 0, len(accounts))
		for _, a := range accounts {
			rows = append(rows, rowOfAccount(a))
		}
		return response{Users: rows}, err
	case "user password":
		return response{}, s.gallery.SetPassword(ctx, req.Name, req.Password)
	case "key add":
		return s.addKey(ctx, req.Key)
	case "key list":
		keys, err := s.gallery.Keys(ctx)
		rows := make([]keyRow, 0, len(keys))
		for _, k := range keys {
			rows = append(rows, rowOfKey(k))
		}
		return response{Keys: rows}, err
	case "key revoke":
		return response{}, s.gallery.RevokeKey(ctx, gallery.Operator(), req.ID)
	case "config":
		saved, err := s.gallery.SavedSettings(ctx)
		return response{Saved: saved, Settings: s.now().settings}, err
	case "verify":
		v, err := s.verify(ctx)
		return response{Verdict: v}, err
	}
	return response{}, fmt.Errorf("there is no verb %q", req.Verb)
}

func (s *site) addKey(ctx context.Context, n *newKey) (response, error) {
	if n == nil {
		return response{}, fmt.Errorf("key add: the request describes no key")
	}
	scopes, err := gallery.ParseScopes(n.Scopes)
	if err != nil {
		return response{}, err
	}
	k := gallery.NewKey{Owner: n.Owner, Name: n.Name, Feed: n.Feed, Scopes: scopes, Packages: n.Packages, Expires: n.Expires}
	if n.Days != nil {
		k.Days, k.HasDays = *n.Days, true
	}
	secret, made, err := s.gallery.AddKey(ctx, gallery.Operator(), k)
	if err != nil {
		return response{}, err
	}
	info := gallery.KeyInfo{Key: *made, FeedName: n.Feed, State: made.State(s.gallery.Now())}
	for _, name := range s.gallery.OwnerNames(ctx, []gallery.AccountNo{made.Owner}) {
		info.OwnerName = name
	}
	return response{Secret: secret, Keys: []keyRow{rowOfKey(info)}}, nil
}

// verify checks the pages of the database where nobody else uses it, records
// against each other and against their files (gallery), and then the documents of
// what was found whole (server/v3).
func (s *site) verify(ctx context.Context) (*verdict, error) {
	v := &verdict{Findings: []gallery.Finding{}}
	note := func(f gallery.Finding) { v.Findings = append(v.Findings, f) }
	if s.control == nil {
		if err := s.db.Check(func(fault string) { note(gallery.Finding{What: fault}) }); err != nil {
			return nil, err
		}
	}
	var err error
	if v.Checked, err = gallery.Verify(ctx, s.store, s.blobs, note); err != nil {
		return nil, err
	}
	wrong := make(map[[2]string]bool)
	for _, f := range v.Findings {
		wrong[[2]string{f.Feed, nuget.FoldID(f.ID)}] = true
	}
	for _, f := range s.gallery.Feeds() {
		n, err := v3.Verify(ctx, s.gallery, f, func(id string) bool { return wrong[[2]string{f.Name, id}] }, note)
		if err != nil {
			return nil, err
		}
		v.Documents += n
	}
	return v, nil
}

func rowOfAccount(a *gallery.Account) userRow {
	return userRow{Name: a.Name, Email: a.Email, Admin: a.Admin, Locked: a.Locked, Created: a.Created}
}

func rowOfKey(k gallery.KeyInfo) keyRow {
	return keyRow{
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
