package server

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"nougat/gallery"
)

// Bounds of a multipart form around the package: what comes before it with its
// headers, and further parts after it, which nobody reads.
const (
	maxPreamble  = 16 << 10
	maxAfterPart = 1 << 20
	partBuffer   = 64 << 10
)

var partBuffers = sync.Pool{New: func() any { b := make([]byte, partBuffer); return &b }}

// packageIn returns the reader of the package in a push: the first part of a
// multipart form, or the body as it is. Reading it to io.EOF has read the body
// to its end. release gives its buffer back.
//
// mime/multipart does not do: Paket and nuget.exe 2.8.7 open with CRLF and end
// the package with a bare LF (PROTO-13.46), which it does not see.
func packageIn(r *http.Request, body io.Reader) (pkg io.Reader, release func(), err error) {
	kind := r.Header.Get("Content-Type")
	if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "multipart/") {
		return body, func() {}, nil
	}
	_, params, err := mime.ParseMediaType(kind)
	boundary := params["boundary"]
	if err != nil || boundary == "" || len(boundary) > 200 {
		return nil, nil, badUpload("the header Content-Type names no boundary")
	}
	buf := partBuffers.Get().(*[]byte)
	p := &part{src: body, buf: *buf, delim: []byte("\n--" + boundary)}
	return p, func() { partBuffers.Put(buf) }, nil
}

func badUpload(why string) error {
	return &gallery.Error{Kind: gallery.Invalid, Op: "push", Msg: "The upload is not a complete multipart form: " + why + ". Send the package as its first part, or as the whole body."}
}

// part reads the first part of a multipart body. A delimiter is a line that
// begins with two dashes and the boundary; the line end before it, LF or CRLF,
// belongs to it and not to the package.
type part struct {
	src    io.Reader
	buf    []byte
	lo, hi int // what is buffered and not given out
	delim  []byte
	inside bool  // the headers of the part are behind
	ended  error // how src ended
	err    error // what Read answers from now on
}

// Read gives out the bytes of the package.
func (p *part) Read(b []byte) (int, error) {
	if p.err == nil && !p.inside {
		p.err = p.open()
		p.inside = true
	}
	for p.err == nil {
		data := p.buf[p.lo:p.hi]
		at, last := p.find(data)
		if at < 0 {
			// Keep what may be a delimiter with one dash after it, and the CR before.
			if free := len(data) - len(p.delim) - 2; free > 0 {
				return p.give(b, free), nil
			}
			if !p.fill() {
				p.err = p.cutOff()
			}
			continue
		}
		end := at
		if end > 0 && data[end-1] == '\r' {
			end--
		}
		if end > 0 {
			return p.give(b, end), nil
		}
		p.lo += at + len(p.delim)
		if p.err = p.finish(last); p.err == nil {
			p.err = io.EOF
		}
	}
	return 0, p.err
}

// give copies at most n buffered bytes out.
func (p *part) give(b []byte, n int) int {
	n = copy(b, p.buf[p.lo:p.lo+n])
	p.lo += n
	return n
}

// find returns where a delimiter begins in data, and whether it is the last one
// of the form; -1 when there is none, or when more must be read to know.
func (p *part) find(data []byte) (at int, last bool) {
	for from := 0; ; {
		i := bytes.Index(data[from:], p.delim)
		if i < 0 {
			return -1, false
		}
		at = from + i
		after := data[at+len(p.delim):]
		switch {
		case len(after) == 0:
			return -1, false
		case after[0] == ' ' || after[0] == '\t' || after[0] == '\r' || after[0] == '\n':
			return at, false
		case after[0] == '-' && len(after) == 1:
			return -1, false
		case after[0] == '-' && after[1] == '-':
			return at, true
		}
		from = at + 1 // a longer word that begins like the boundary
	}
}

// fill reads more and reports whether anything came.
func (p *part) fill() bool {
	if p.lo > 0 {
		p.hi = copy(p.buf, p.buf[p.lo:p.hi])
		p.lo = 0
	}
	for empty := 0; p.ended == nil && p.hi < len(p.buf) && empty < 100; empty++ {
		n, err := p.src.Read(p.buf[p.hi:])
		p.hi += n
		p.ended = err
		if n > 0 {
			return true
		}
	}
	return false
}

// cutOff is why there was nothing more to read.
func (p *part) cutOff() error {
	if p.ended != nil && p.ended != io.EOF {
		return p.ended
	}
	return badUpload("its last boundary is missing")
}

// open reads up to the first byte of the package. The LF of the empty line
// before it stays, for it may begin the delimiter of an empty part.
func (p *part) open() error {
	p.buf[0], p.hi = '\n', 1 // a boundary may be the first line
	read := 0
	for {
		at, last := p.find(p.buf[p.lo:p.hi])
		if at >= 0 {
			if last {
				return badUpload("it holds no part")
			}
			p.lo += at + len(p.delim)
			break
		}
		keep := max(p.lo, p.hi-len(p.delim)-1)
		if read += keep - p.lo; read > maxPreamble {
			return badUpload("its first boundary is missing")
		}
		p.lo = keep
		if !p.fill() {
			return p.cutOff()
		}
	}
	for read, first := 0, true; ; first = false {
		line, err := p.line()
		if err != nil {
			return err
		}
		if !first && len(line) == 0 {
			break
		}
		if read += len(line) + 1; read > maxPreamble {
			return badUpload("the headers of its first part are too long")
		}
	}
	p.lo-- // the LF
	for p.hi-p.lo <= len(p.delim)+1 && p.fill() {
	}
	if at, _ := p.find(p.buf[p.lo:p.hi]); at != 0 {
		p.lo++
	}
	return nil
}

// line takes a line without its end out of the buffer.
func (p *part) line() ([]byte, error) {
	for {
		if i := bytes.IndexByte(p.buf[p.lo:p.hi], '\n'); i >= 0 {
			line := p.buf[p.lo : p.lo+i]
			p.lo += i + 1
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if p.hi-p.lo > maxPreamble {
			return nil, badUpload("the headers of its first part are too long")
		}
		if !p.fill() {
			return nil, p.cutOff()
		}
	}
}

// finish reads the form to its end: past further parts, which are ignored, to
// the last boundary, without which the body was cut off.
func (p *part) finish(last bool) error {
	for read := 0; ; {
		if !last {
			var at int
			if at, last = p.find(p.buf[p.lo:p.hi]); at >= 0 {
				p.lo += at + len(p.delim)
				continue
			}
		}
		keep := 0
		if !last {
			keep = min(p.hi-p.lo, len(p.delim)+1)
		}
		read += p.hi - p.lo - keep
		p.lo = p.hi - keep
		if read > maxAfterPart {
			return badUpload("too much follows the package")
		}
		if !p.fill() {
			if last && p.ended == io.EOF {
				return nil
			}
			return p.cutOff()
		}
	}
}
