package v3

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// format is a part of every ETag: it changes with the way documents are
// rendered, so that a client keeps nothing of an older program.
const format = 1

// A Document is rendered and ready to be sent. Its header values are shared by
// all answers; nobody may change them.
type Document struct {
	Gzip        []byte   // nil where compression does not pay: Plain is sent to everybody
	Plain       []byte   // nil where Gzip is not
	Tag         []string // ETag of the plain form
	GzipTag     []string // of the compressed form
	PlainLength []string // Content-Length
	GzipLength  []string

	size    int       // bytes of the plain form
	pages   []pageRef // of a registration index whose pages are documents of their own
	missing bool      // there is no such document: an ID that a hive does not show
}

func (d *Document) cost() int {
	n := entryCost + len(d.Gzip) + len(d.Plain)
	for i := range d.pages {
		n += d.pages[i].cost()
	}
	return n
}

// key names a document in one of its states.
type key struct {
	kind  kind
	hive  Hive
	feed  uint32 // generation, or number where the document is about the event log
	count int32  // versions of a page
	rev   uint64 // last event that touched it; for answers the snapshot of the index
	id    string // folded
	sub   string // what else names it: version, bounds, query
	root  string // address of the feed's root, where the document names addresses
}

type kind uint8

const (
	serviceIndex kind = iota + 1
	flatIndex
	registrationIndex
	registrationPage
	registrationLeaf
	catalogIndex
	catalogPage
	catalogLeaf
	searchAnswer
	autocompleteAnswer
	smallPackage
	nuspecFile
)

// isAnswer reports whether it is an answer to a query.
func (k kind) isAnswer() bool { return k == searchAnswer || k == autocompleteAnswer }

// tags are the ETags of a key's plain and compressed document.
func (d *Docs) tags(k *key) (plain, compressed string) {
	var a [256]byte
	b := append(a[:0], format, byte(k.kind), byte(k.hive))
	b = binary.LittleEndian.AppendUint64(b, d.g.Epoch())
	b = binary.LittleEndian.AppendUint32(b, k.feed)
	b = binary.LittleEndian.AppendUint32(b, uint32(k.count))
	b = binary.LittleEndian.AppendUint64(b, k.rev)
	for _, s := range [...]string{k.id, k.sub, k.root} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	var t [1 + 20 + len(`-gz"`)]byte
	t[0] = '"'
	base64.RawURLEncoding.Encode(t[1:21], sum[:15])
	copy(t[21:], `-gz"`)
	compressed = string(t[:])
	t[21] = '"'
	return string(t[:22]), compressed
}

// minGzip is the size from which compression can pay.
const minGzip = 150

// finish compresses a rendered document and gives it its tags.
func (d *Docs) finish(k *key, body []byte, level int) *Document {
	doc := &Document{size: len(body)}
	plain, compressed := d.tags(k)
	doc.Tag, doc.GzipTag = []string{plain}, []string{compressed}
	doc.PlainLength = []string{strconv.Itoa(len(body))}
	if len(body) >= minGzip {
		if z := compress(body, level); len(z) < len(body) {
			doc.Gzip, doc.GzipLength = z, []string{strconv.Itoa(len(z))}
			return doc
		}
	}
	doc.Plain = bytes.Clone(body)
	return doc
}

// Levels of compression: documents are compressed once and read often, answers
// to queries are not.
const (
	documentLevel = gzip.DefaultCompression
	answerLevel   = gzip.BestSpeed
)

var compressors = [2]sync.Pool{} // by level: documents, answers

func compress(body []byte, level int) []byte {
	pool := &compressors[0]
	if level == answerLevel {
		pool = &compressors[1]
	}
	var out bytes.Buffer
	out.Grow(len(body)/4 + 64)
	z, _ := pool.Get().(*gzip.Writer)
	if z == nil {
		z, _ = gzip.NewWriterLevel(&out, level)
	} else {
		z.Reset(&out)
	}
	// Neither can fail on a buffer.
	_, _ = z.Write(body)
	_ = z.Close()
	pool.Put(z)
	return bytes.Clone(out.Bytes())
}

var inflaters sync.Pool

// Size is the length of the plain form.
func (d *Document) Size() int { return d.size }

// Inflate appends the plain form to b, for the rare client that does not take
// gzip.
func (d *Document) Inflate(b []byte) ([]byte, error) {
	if d.Gzip == nil {
		return append(b, d.Plain...), nil
	}
	start := len(b)
	if cap(b)-start < d.size {
		b = append(make([]byte, 0, start+d.size), b...)
	}
	b = b[:start+d.size]
	err := d.inflate(func(plain *gzip.Reader) error {
		_, err := io.ReadFull(plain, b[start:])
		return err
	})
	return b, err
}

// InflateTo writes the plain form piece by piece: a large one is never whole in
// memory, however long its reader takes.
func (d *Document) InflateTo(w io.Writer) error {
	if d.Gzip == nil {
		_, err := w.Write(d.Plain)
		return err
	}
	return d.inflate(func(plain *gzip.Reader) error {
		_, err := io.Copy(w, plain)
		return err
	})
}

func (d *Document) inflate(read func(plain *gzip.Reader) error) (err error) {
	in := bytes.NewReader(d.Gzip)
	z, _ := inflaters.Get().(*gzip.Reader)
	if z == nil {
		z, err = gzip.NewReader(in)
	} else {
		err = z.Reset(in)
	}
	if err != nil {
		return err
	}
	defer inflaters.Put(z)
	return read(z)
}
