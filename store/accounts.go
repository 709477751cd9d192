package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"nougat/gallery"
	"nougat/nuget"
)

func encodeAccount(a *gallery.Account) []byte {
	b := []byte{format1, byte(a.Kind), bits(a.Admin, a.Locked)}
	b = appendText(b, a.Name)
	b = appendText(b, a.Email)
	b = appendText(b, a.Password)
	return appendTime(b, a.Created)
}

func decodeAccount(key, value []byte) (*gallery.Account, error) {
	d := decodeFormat(value)
	a := &gallery.Account{Kind: gallery.AccountKind(d.byte())}
	flags := d.flags(2)
	a.Admin, a.Locked = flags&1 != 0, flags&2 != 0
	a.Name, a.Email, a.Password = d.text(), d.text(), d.text()
	a.Created = d.time()
	if len(key) != 4 {
		d.fail()
	} else {
		a.No = gallery.AccountNo(binary.BigEndian.Uint32(key))
	}
	if err := d.done(); err != nil {
		return nil, damaged(bAccounts, key, err)
	}
	return a, nil
}

// nameKey folds a name: names are ASCII and unique without case (R-ACC-02).
func nameKey(name string) []byte { return []byte(nuget.FoldID(name)) }

// emailKey is address | A, so that two accounts may wait for one address
// (R-ACC-04); nil for no address.
func emailKey(email string, no gallery.AccountNo) []byte {
	if email == "" {
		return nil
	}
	return appendNumber(append([]byte(nuget.FoldID(email)), 0), uint32(no))
}

func (r *reader) Account(no gallery.AccountNo) (*gallery.Account, error) {
	key := appendNumber(r.key[:0], uint32(no))
	value, err := r.get(bAccounts, key)
	if err != nil {
		return nil, err
	}
	return decodeAccount(key, value)
}

func (r *reader) AccountByName(name string) (*gallery.Account, error) {
	no, err := r.accountNamed(nameKey(name))
	if err != nil {
		return nil, err
	}
	return r.Account(no)
}

func (r *reader) accountNamed(key []byte) (gallery.AccountNo, error) {
	value, err := r.get(bNames, key)
	if err != nil {
		return 0, err
	}
	if len(value) != 4 {
		return 0, damaged(bNames, key, errDamaged)
	}
	return gallery.AccountNo(binary.BigEndian.Uint32(value)), nil
}

// AccountByEmail returns the one account with the address, in any case of ASCII
// letters. An address that two accounts have names neither (R-ACC-09).
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
	page, err := r.scanPrefix(bAccounts, nil, appendNumber(nil, uint32(after)), limit)
	if err != nil {
		return nil, err
	}
	accounts := make([]*gallery.Account, len(page))
	for i, p := range page {
		if accounts[i], err = decodeAccount(p.Key, p.Value); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// NewAccount stores a under the next number, which it sets: numbers are given in
// order and never again. A name that is taken is an Exists error.
func (w *writer) NewAccount(a *gallery.Account) error {
	if err := w.nameFree(a.Name, 0); err != nil {
		return err
	}
	no, err := w.next(metaNextAccount)
	if err != nil {
		return err
	}
	a.No = gallery.AccountNo(no)
	return w.putAccount(a, &gallery.Account{})
}

// PutAccount stores an account that is there already, or is gallery.ErrNotFound.
// A new name that is taken is an Exists error; the old one becomes free.
func (w *writer) PutAccount(a *gallery.Account) error {
	old, err := w.Account(a.No)
	if err != nil {
		return fmt.Errorf("account %d: %w", a.No, err)
	}
	if err := w.nameFree(a.Name, a.No); err != nil {
		return err
	}
	return w.putAccount(a, old)
}

// nameFree refuses a name that another account than self has.
func (w *writer) nameFree(name string, self gallery.AccountNo) error {
	if !usable(name) {
		return fmt.Errorf("%q cannot name an account", name)
	}
	switch no, err := w.accountNamed(nameKey(name)); {
	case errors.Is(err, gallery.ErrNotFound):
		return nil
	case err != nil:
		return err
	case no != self:
		return &gallery.Error{Kind: gallery.Exists, Msg: fmt.Sprintf("The name %s is taken.", name)}
	}
	return nil
}

func (w *writer) putAccount(a, old *gallery.Account) error {
	if a.Email != "" && !usable(a.Email) {
		return fmt.Errorf("%q cannot be the address of an account", a.Email)
	}
	no := appendNumber(nil, uint32(a.No))
	if old.Name != "" && nuget.FoldID(old.Name) != nuget.FoldID(a.Name) {
		if err := w.tx.Delete(bNames, nameKey(old.Name)); err != nil {
			return err
		}
	}
	if err := w.tx.Put(bNames, nameKey(a.Name), no); err != nil {
		return err
	}
	if err := w.move(bEmails, emailKey(old.Email, a.No), emailKey(a.Email, a.No)); err != nil {
		return err
	}
	return w.tx.Put(bAccounts, no, encodeAccount(a))
}
