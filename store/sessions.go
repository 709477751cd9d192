package store

import (
	"errors"
	"time"

	"nougat/gallery"
)

func encodeSession(s *gallery.Session) []byte {
	b := appendUint([]byte{format1}, uint64(s.Account))
	b = appendTime(b, s.Created)
	b = appendTime(b, s.Seen)
	b = appendTime(b, s.Expires)
	return appendText(appendText(b, s.Addr), s.Client)
}

func decodeSession(hash, value []byte) (*gallery.Session, error) {
	d := decodeFormat(value)
	s := &gallery.Session{Account: gallery.AccountNo(d.uint32())}
	s.Created, s.Seen, s.Expires = d.time(), d.time(), d.time()
	s.Addr, s.Client = d.text(), d.text()
	if copy(s.Hash[:], hash); len(hash) != len(s.Hash) {
		d.fail()
	}
	if err := d.done(); err != nil {
		return nil, damaged(bSessions, hash, err)
	}
	return s, nil
}

func sessionAcctKey(s *gallery.Session) []byte {
	return append(appendNumber(nil, uint32(s.Account)), s.Hash[:]...)
}

func sessionExpKey(s *gallery.Session) []byte {
	return append(appendTimeKey(nil, s.Expires), s.Hash[:]...)
}

func (r *reader) Session(hash [32]byte) (*gallery.Session, error) {
	key := append(r.key[:0], hash[:]...)
	value, err := r.get(bSessions, key)
	if err != nil {
		return nil, err
	}
	return decodeSession(key, value)
}

func (r *reader) SessionsOf(account gallery.AccountNo, limit int) ([]*gallery.Session, error) {
	page, err := r.scanPrefix(bSessionAcct, appendNumber(nil, uint32(account)), nil, limit)
	if err != nil {
		return nil, err
	}
	return r.indexedSessions(page, 4)
}

// ExpiredSessions returns sessions that expire before now or then, the oldest
// first.
func (r *reader) ExpiredSessions(now time.Time, limit int) ([]*gallery.Session, error) {
	page, err := r.scan(bSessionExp, nil, prefixEnd(appendTimeKey(nil, now)), limit)
	if err != nil {
		return nil, err
	}
	return r.indexedSessions(page, 12)
}

// indexedSessions reads the sessions whose hashes stand in the keys of an index
// after a part of so many bytes.
func (r *reader) indexedSessions(page []Pair, after int) ([]*gallery.Session, error) {
	hashes := make([][]byte, len(page))
	for i, p := range page {
		hashes[i] = p.Key[min(after, len(p.Key)):]
	}
	values, err := r.lookUp(bSessions, hashes)
	if err != nil {
		return nil, err
	}
	sessions := make([]*gallery.Session, len(values))
	for i, v := range values {
		if sessions[i], err = decodeSession(hashes[i], v); err != nil {
			return nil, err
		}
	}
	return sessions, nil
}

// PutSession stores s, new or known, and keeps the indexes by account and expiry
// equal to it.
func (w *writer) PutSession(s *gallery.Session) error {
	var oldAcct, oldExp []byte
	switch old, err := w.Session(s.Hash); {
	case err == nil:
		oldAcct, oldExp = sessionAcctKey(old), sessionExpKey(old)
	case !errors.Is(err, gallery.ErrNotFound):
		return err
	}
	if err := w.move(bSessionAcct, oldAcct, sessionAcctKey(s)); err != nil {
		return err
	}
	if err := w.move(bSessionExp, oldExp, sessionExpKey(s)); err != nil {
		return err
	}
	return w.tx.Put(bSessions, append([]byte(nil), s.Hash[:]...), encodeSession(s))
}

// DeleteSession removes a session; one that is not there is no error.
func (w *writer) DeleteSession(hash [32]byte) error {
	old, err := w.Session(hash)
	if errors.Is(err, gallery.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.move(bSessionAcct, sessionAcctKey(old), nil); err != nil {
		return err
	}
	if err := w.move(bSessionExp, sessionExpKey(old), nil); err != nil {
		return err
	}
	return w.tx.Delete(bSessions, hash[:])
}
