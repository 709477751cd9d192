package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"nougat/gallery"
	"nougat/nuget"
)

// accounts: format 2 added Credentials.
var accounts = table[gallery.Account]{
	bucket: bAccounts, newest: 2,
	encode: func(b []byte, a *gallery.Account) ([]byte, error) {
		b = append(b, byte(a.Kind), bits(a.Admin, a.Locked))
		b = appendText(appendText(appendText(b, a.Name), a.Email), a.Password)
		return appendUint(appendTime(b, a.Created), a.Credentials), nil
	},
	decode: func(d *decoder, key []byte) (a gallery.Account) {
		a.Kind = gallery.AccountKind(d.byte())
		flags := d.flags(2)
		a.Admin, a.Locked = flags&1 != 0, flags&2 != 0
		a.Name, a.Email, a.Password = d.text(), d.text(), d.text()
		a.Created = d.time()
		if d.format >= 2 {
			a.Credentials = d.uint()
		}
		a.No = gallery.AccountNo(d.number(key))
		return a
	},
	ixs: []index[gallery.Account]{
		{bucket: bNames, holds: true, keys: func(_ []byte, a *gallery.Account) [][]byte { return [][]byte{nameKey(a.Name)} }},
		{bucket: bEmails, keys: func(no []byte, a *gallery.Account) [][]byte {
			if a.Email == "" {
				return nil
			}
			// Two accounts may wait for one address (R-ACC-04).
			return [][]byte{append(append([]byte(nuget.FoldID(a.Email)), 0), no...)}
		}},
	},
}

// nameKey folds a name: names are ASCII and unique without case (R-ACC-02).
func nameKey(name string) []byte { return []byte(nuget.FoldID(name)) }

func (r *reader) Account(no gallery.AccountNo) (*gallery.Account, error) {
	return accounts.find(r, appendNumber(r.scratch(), uint32(no)))
}

func (r *reader) AccountByName(name string) (*gallery.Account, error) {
	no, err := r.accountNamed(name)
	if err != nil {
		return nil, err
	}
	return r.Account(no)
}

func (r *reader) accountNamed(name string) (gallery.AccountNo, error) {
	key := nameKey(name)
	value, err := r.get(bNames, key)
	if err != nil {
		return 0, err
	}
	if len(value) != 4 {
		return 0, damaged(bNames, key, errDamaged)
	}
	return gallery.AccountNo(binary.BigEndian.Uint32(value)), nil
}

func (r *reader) AccountByEmail(email string) (*gallery.Account, error) {
	if !usable(email) {
		return nil, gallery.ErrNotFound
	}
	prefix := append([]byte(nuget.FoldID(email)), 0)
	page, err := r.scanPrefix(bEmails, prefix, nil, 2)
	if err != nil {
		return nil, err
	}
	if len(page) != 1 {
		return nil, gallery.ErrNotFound
	}
	no := page[0].Key[len(prefix):]
	if len(no) != 4 {
		return nil, damaged(bEmails, page[0].Key, errDamaged)
	}
	return r.Account(gallery.AccountNo(binary.BigEndian.Uint32(no)))
}

func (r *reader) Accounts(after gallery.AccountNo, limit int) ([]*gallery.Account, error) {
	return pointers(accounts.page(r, nil, appendNumber(nil, uint32(after)), limit))
}

// NewAccount stores a under the next number: numbers are given in order and
// never again.
func (w *writer) NewAccount(a *gallery.Account) error {
	if err := w.nameFree(a.Name, 0); err != nil {
		return err
	}
	no, err := w.next(bMeta, metaNextAccount)
	if err != nil {
		return err
	}
	a.No = gallery.AccountNo(no)
	return w.putAccount(a)
}

func (w *writer) PutAccount(a *gallery.Account) error {
	old, err := w.Account(a.No)
	if err != nil {
		return fmt.Errorf("account %d: %w", a.No, err)
	}
	if err := w.nameFree(a.Name, a.No); err != nil {
		return err
	}
	if a.Name != old.Name || a.Kind != old.Kind {
		if _, err := w.next(bPackages, keyPeople); err != nil {
			return err
		}
	}
	return w.putAccount(a)
}

func (w *writer) putAccount(a *gallery.Account) error {
	if a.Email != "" && !usable(a.Email) {
		return fmt.Errorf("%q cannot be the address of an account", a.Email)
	}
	return accounts.put(w, appendNumber(nil, uint32(a.No)), a)
}

// nameFree refuses a name that another account than self has.
func (w *writer) nameFree(name string, self gallery.AccountNo) error {
	if !usable(name) {
		return fmt.Errorf("%q cannot name an account", name)
	}
	switch no, err := w.accountNamed(name); {
	case errors.Is(err, gallery.ErrNotFound):
		return nil
	case err != nil:
		return err
	case no != self:
		return &gallery.Error{Kind: gallery.Exists, Msg: fmt.Sprintf("The name %s is taken.", name)}
	}
	return nil
}
