package docs

import (
	"bytes"
	"io"
	"strconv"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// A Document is rendered and ready to be sent. Its header values are shared by
// all answers; nobody may change them.
type Document struct {
	Gzip        []byte   // nil where compression does not pay: Plain is sent to everybody
	Plain       []byte   // nil where Gzip is not
	Tag         []string // ETag of the plain form
	GzipTag     []string // of the compressed form
	PlainLength []string // Content-Length
	GzipLength  []string

	// Parts is what Render left for the protocol: what an index says of documents
	// that it names.
	Parts any

	partsCost int  // bytes that Parts takes
	size      int  // bytes of the plain form
	missing   bool // there is no such document: Render said ErrNoDocument
}

// cost is how many bytes of memory keeping the document takes, without its key.
func (d *Document) cost() int { return entryCost + len(d.Gzip) + len(d.Plain) + d.partsCost }

// minGzip is the size from which compression can pay.
const minGzip = 150

// finish compresses a rendered document and gives it its tags.
func (d *Docs) finish(k *Key, draft *Draft) *Document {
	body, level := draft.Body, documentLevel
	if k.Kind.Answer {
		level = answerLevel
	}
	doc := &Document{size: len(body), Parts: draft.Parts, partsCost: draft.PartsCost}
	plain, compressed := k.tags(d.g.Epoch())
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
