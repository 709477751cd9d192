package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"nougat/nuget"
)

// Every value begins with a format byte, so that values of an earlier form can
// be told from those of today without rewriting the database: a kind of record
// writes its newest format and reads every one up to it. A format is raised when
// the same bytes would mean something else. Numbers are varints, text has its
// length before it, times are seconds since the year 1 and nanoseconds.
const format1 = 1

// yearOne is the Unix time of the zero time.Time.
const yearOne = -62135596800

// The causes of an error about a value that cannot be read: no program of this
// line wrote it, or a newer one did.
var (
	errDamaged = errors.New("the value is damaged")
	errNewer   = errors.New("the value was written by a newer nougat")
)

// damaged says which record cannot be read.
func damaged(b Bucket, key []byte, err error) error {
	return fmt.Errorf("the record %q in %v cannot be read: %w", key, b, err)
}

func appendUint(b []byte, n uint64) []byte { return binary.AppendUvarint(b, n) }

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t time.Time) []byte {
	b = binary.AppendVarint(b, t.Unix()-yearOne)
	return binary.AppendUvarint(b, uint64(t.Nanosecond()))
}

func appendList(b []byte, list []string) []byte {
	b = appendUint(b, uint64(len(list)))
	for _, s := range list {
		b = appendText(b, s)
	}
	return b
}

// bits packs up to eight flags, the first lowest.
func bits(flags ...bool) (b byte) {
	for i, f := range flags {
		if f {
			b |= 1 << i
		}
	}
	return b
}

// A decoder reads a value from front to back. The first fault stays in err, and
// what is read after it is zero, so that a decode function checks once. Text is
// cut out of one string, the only allocation for all of it.
type decoder struct {
	rest   string
	format byte
	err    error
}

func decode(value []byte) decoder { return decoder{rest: string(value)} }

// checkFormat holds the format byte of a value against the newest one known.
func checkFormat(value []byte, newest byte) error {
	switch {
	case len(value) == 0 || value[0] == 0:
		return errDamaged
	case value[0] > newest:
		return errNewer
	}
	return nil
}

// decodeFormat begins a value whose kind has formats up to newest.
func decodeFormat(value []byte, newest byte) decoder {
	if err := checkFormat(value, newest); err != nil {
		return decoder{err: err}
	}
	return decoder{rest: string(value[1:]), format: value[0]}
}

// fail ends the reading of a damaged value; the first fault stays.
func (d *decoder) fail() {
	if d.err == nil {
		d.err = errDamaged
	}
	d.rest = ""
}

// done returns the error of it all; bytes left over are one.
func (d *decoder) done() error {
	if d.err == nil && d.rest != "" {
		d.fail()
	}
	return d.err
}

func (d *decoder) byte() byte {
	if d.rest == "" {
		d.fail()
		return 0
	}
	c := d.rest[0]
	d.rest = d.rest[1:]
	return c
}

// flags reads a byte of bits of which count are known.
func (d *decoder) flags(count int) byte {
	f := d.byte()
	if f>>count != 0 {
		d.fail()
		return 0
	}
	return f
}

func (d *decoder) uint() uint64 {
	var n uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		c := d.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			d.rest = d.rest[i+1:]
			return n
		}
	}
	d.fail()
	return 0
}

// upTo reads a number that is at most limit.
func (d *decoder) upTo(limit uint64) uint64 {
	n := d.uint()
	if n > limit {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) uint32() uint32 { return uint32(d.upTo(1<<32 - 1)) }

func (d *decoder) int63() int64 { return int64(d.upTo(1<<63 - 1)) }

// count reads the number of things that follow, each of at least one byte.
func (d *decoder) count() int { return int(d.upTo(uint64(len(d.rest)))) }

func (d *decoder) take(n int) string {
	if n > len(d.rest) {
		d.fail()
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) text() string { return d.take(d.count()) }

func (d *decoder) list() []string {
	n := d.count()
	if n == 0 {
		return nil
	}
	list := make([]string, n)
	for i := range list {
		list[i] = d.text()
	}
	return list
}

// number reads a key that is one number.
func (d *decoder) number(key []byte) uint32 {
	if len(key) != 4 {
		d.fail()
		return 0
	}
	return binary.BigEndian.Uint32(key)
}

// whole copies a key that is as long as b.
func (d *decoder) whole(b, key []byte) {
	if copy(b, key); len(key) != len(b) {
		d.fail()
	}
}

// bytes fills b.
func (d *decoder) bytes(b []byte) { copy(b, d.take(len(b))) }

func (d *decoder) time() time.Time {
	u := d.uint()
	seconds := int64(u >> 1)
	if u&1 != 0 {
		seconds = ^seconds
	}
	nanos := int64(d.upTo(999_999_999))
	return time.Unix(seconds+yearOne, nanos).UTC()
}

// version reads the text of a version; an empty one is the zero version.
func (d *decoder) version() nuget.Version {
	return d.versionOf(d.text())
}

func (d *decoder) versionOf(text string) nuget.Version {
	if text == "" {
		return nuget.Version{}
	}
	v, err := nuget.ParseVersion(text)
	if err != nil {
		d.fail()
	}
	return v
}
