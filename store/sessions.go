package store

import (
	"time"

	"nougat/gallery"
)

// sessions: format 2 added Credentials.
var sessions = table[gallery.Session]{
	bucket: bSessions, newest: 2,
	encode: func(b []byte, s *gallery.Session) ([]byte, error) {
		b = appendTime(appendUint(b, uint64(s.Account)), s.Created)
		b = appendTime(appendTime(b, s.Seen), s.Expires)
		return appendUint(appendText(appendText(b, s.Addr), s.Client), s.Credentials), nil
	},
	decode: func(d *decoder, hash []byte) gallery.Session {
		s := gallery.Session{Account: gallery.AccountNo(d.uint32())}
		s.Created, s.Seen, s.Expires = d.time(), d.time(), d.time()
		s.Addr, s.Client = d.text(), d.text()
		if d.format >= 2 {
			s.Credentials = d.uint()
		}
		d.whole(s.Hash[:], hash)
		return s
	},
	ixs: []index[gallery.Session]{
		{bucket: bSessionAcct, keys: func(hash []byte, s *gallery.Session) [][]byte {
			return [][]byte{append(appendNumber(nil, uint32(s.Account)), hash...)}
		}},
		{bucket: bSessionExp, keys: func(hash []byte, s *gallery.Session) [][]byte {
			return [][]byte{append(appendTimeKey(nil, s.Expires), hash...)}
		}},
	},
}

func (r *reader) Session(hash [32]byte) (*gallery.Session, error) {
	return sessions.find(r, append(r.scratch(), hash[:]...))
}

func (r *reader) SessionsOf(account gallery.AccountNo, limit int) ([]*gallery.Session, error) {
	prefix := appendNumber(nil, uint32(account))
	page, err := r.scanPrefix(bSessionAcct, prefix, nil, limit)
	if err != nil {
		return nil, err
	}
	return sessions.indexed(r, page, len(prefix))
}

func (r *reader) ExpiredSessions(now time.Time, limit int) ([]*gallery.Session, error) {
	page, err := r.scan(bSessionExp, nil, prefixEnd(appendTimeKey(nil, now)), limit)
	if err != nil {
		return nil, err
	}
	return sessions.indexed(r, page, timeKeyLen)
}

func (w *writer) PutSession(s *gallery.Session) error { return sessions.put(w, s.Hash[:], s) }

func (w *writer) DeleteSession(hash [32]byte) error { return sessions.delete(w, hash[:]) }
