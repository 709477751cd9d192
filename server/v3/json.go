package v3

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// A writer appends JSON. It writes no null, for clients fall over it: what is
// empty is left out (PROTO-0.5).
type writer struct{ b []byte }

// sep puts a comma where one belongs: before anything that does not follow an
// opening bracket or a name.
func (w *writer) sep() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':':
			return
		}
		w.b = append(w.b, ',')
	}
}

func (w *writer) open(bracket byte) {
	w.sep()
	w.b = append(w.b, bracket)
}

func (w *writer) close(bracket byte) { w.b = append(w.b, bracket) }

// name begins a member; its value is written next.
func (w *writer) name(n string) {
	w.sep()
	w.b = append(w.b, '"')
	w.b = append(w.b, n...)
	w.b = append(w.b, '"', ':')
}

// text writes the parts as one string.
func (w *writer) text(parts ...string) {
	w.sep()
	w.b = append(w.b, '"')
	for _, p := range parts {
		w.b = appendEscaped(w.b, p)
	}
	w.b = append(w.b, '"')
}

// str writes a member even when it is empty.
func (w *writer) str(name string, parts ...string) {
	w.name(name)
	w.text(parts...)
}

// opt writes a member unless it is empty.
func (w *writer) opt(name, value string) {
	if value != "" {
		w.str(name, value)
	}
}

func (w *writer) num(name string, n int64) {
	w.name(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) bool(name string, v bool) {
	w.name(name)
	w.b = strconv.AppendBool(w.b, v)
}

func (w *writer) strs(name string, values []string) {
	w.name(name)
	w.open('[')
	for _, v := range values {
		w.text(v)
	}
	w.close(']')
}

// Times carry seven digits, .NET's resolution and the event log's.
const (
	timeUTC    = "2006-01-02T15:04:05.0000000Z"
	timeOffset = "2006-01-02T15:04:05.0000000-07:00"
	timeFolder = "2006.01.02.15.04.05.0000000" // of a catalog leaf
)

func (w *writer) time(name string, t time.Time, layout string) {
	w.name(name)
	w.b = append(w.b, '"')
	w.b = t.UTC().AppendFormat(w.b, layout)
	w.b = append(w.b, '"')
}

const hexDigits = "0123456789abcdef"

// appendEscaped appends s as the inside of a JSON string. Bytes that are no
// UTF-8 become U+FFFD. HTML needs no escaping: answers are nosniff JSON.
func appendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			switch c {
			case '"', '\\':
				b = append(b, '\\', c)
			case '\n':
				b = append(b, '\\', 'n')
			case '\r':
				b = append(b, '\\', 'r')
			case '\t':
				b = append(b, '\\', 't')
			default:
				b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
			}
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = append(b, "\ufffd"...)
			start = i + 1
		}
		i += size
	}
	return append(b, s[start:]...)
}
