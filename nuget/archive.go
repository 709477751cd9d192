package nuget

import (
	"bufio"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"
	"sync"
	"time"
)

// ErrTooLarge is what ReadFile returns for a file above the limit.
var ErrTooLarge = errors.New("the file is larger than allowed")

// maxRatio is how many times an entry that is opened may be compressed (R-PKG-19).
const maxRatio = 200

// signatureName is the signature's entry, in exactly this spelling.
const signatureName = ".signature.p7s"

// Limits bounds what CheckArchive accepts. A field that is zero means its default.
type Limits struct {
	Entries  int       // default 65,534 (R-PKG-19)
	Unpacked int64     // bytes of all entries inflated, default 2 GiB (R-PKG-19)
	Manifest int64     // bytes of the nuspec, default 1 MiB
	Now      time.Time // default time.Now()
}

func (l Limits) withDefaults() Limits {
	if l.Entries == 0 {
		l.Entries = 65534
	}
	if l.Unpacked == 0 {
		l.Unpacked = 2 << 30
	}
	if l.Manifest == 0 {
		l.Manifest = maxManifest
	}
	if l.Now.IsZero() {
		l.Now = time.Now()
	}
	return l
}

// Archive is a package file: a zip archive with one .nuspec at its root. Its
// methods read from the file that it was made of, which must stay open. They may
// be called at the same time.
type Archive struct {
	file      io.ReaderAt
	size      int64
	directory int64 // offset of the central directory
	records   []record
	limit     int64 // bytes of the nuspec

	manifest   func() (*Manifest, error)
	frameworks func() []Framework
}

// Entry is one file of a package.
type Entry struct {
	// Name is the path at which clients unpack the file, with forward slashes.
	Name             string
	Size, Compressed int64
	// Modified is the time stamp, taken for UTC; zero when it is no date.
	Modified time.Time
	// OPC marks what is no content: the parts of the Open Packaging Conventions
	// (_rels/, package/, [Content_Types].xml), which clients do not unpack, and
	// the signature.
	OPC bool
}

// CheckArchive reads a package that is being pushed and holds it against all
// rules of the container but the content of its entries, for which see Inflate:
// its layout (PROTO-12.1, Q-33), the names and dates of entries (Q-34, R-PUSH-05),
// its bounds (R-PKG-19), one nuspec and readable folders (R-PUSH-06). Then the
// manifest goes through CheckManifest. Signatures are not looked at.
//
// The error is a *Problem (container), Problems (manifest), or what r returned.
func CheckArchive(r io.ReaderAt, size int64, lim Limits) (*Archive, error) {
	lim = lim.withDefaults()
	a := &Archive{file: r, size: size, limit: lim.Manifest}
	if err := a.readDirectory(lim.Entries); err != nil {
		return nil, err
	}
	if err := a.check(lim); err != nil {
		return nil, err
	}
	nuspec, err := a.Nuspec()
	if err != nil {
		return nil, err
	}
	m, err := CheckManifest(nuspec)
	if err != nil {
		return nil, err
	}
	a.manifest = func() (*Manifest, error) { return m, nil }
	frameworks, err := a.readFrameworks(true)
	if err != nil {
		return nil, err
	}
	a.frameworks = func() []Framework { return frameworks }
	return a, nil
}

// OpenArchive opens a stored package that went through CheckArchive when it
// came. It reads the directory and nothing else, and checks no more than that
// needs; the manifest is read when it is first asked for.
func OpenArchive(r io.ReaderAt, size int64) (*Archive, error) {
	lim := Limits{}.withDefaults()
	a := &Archive{file: r, size: size, limit: lim.Manifest}
	if err := a.readDirectory(lim.Entries); err != nil {
		return nil, err
	}
	a.manifest = sync.OnceValues(func() (*Manifest, error) {
		nuspec, err := a.Nuspec()
		if err != nil {
			return nil, err
		}
		return ReadManifest(nuspec)
	})
	a.frameworks = sync.OnceValue(func() []Framework {
		frameworks, _ := a.readFrameworks(false)
		return frameworks
	})
	return a, nil
}

// Entries returns the files in the order of the directory. Folders that have an
// entry of their own are left out.
func (a *Archive) Entries() []Entry {
	entries := make([]Entry, 0, len(a.records))
	for i := range a.records {
		if e := &a.records[i]; !e.isFolder() {
			entries = append(entries, e.entry())
		}
	}
	return entries
}

func (e *record) entry() Entry {
	return Entry{Name: e.name, Size: int64(e.size), Compressed: int64(e.compressed), Modified: e.modified(), OPC: e.isOPC()}
}

func (e *record) isOPC() bool {
	key := FoldID(e.name)
	return strings.HasPrefix(key, "_rels/") || strings.HasPrefix(key, "package/") || key == "[content_types].xml" || e.name == signatureName
}

// Signed tells whether the package has a signature. It says nothing about the
// signature's worth.
func (a *Archive) Signed() bool {
	for i := range a.records {
		if a.records[i].stored == signatureName {
			return true
		}
	}
	return false
}

// Manifest returns what the nuspec says: as CheckManifest read it, warnings
// included, or, after OpenArchive, as ReadManifest does.
func (a *Archive) Manifest() (*Manifest, error) { return a.manifest() }

// Nuspec returns the bytes of the one .nuspec at the root, whatever its name.
func (a *Archive) Nuspec() ([]byte, error) {
	var found *record
	count := 0
	for i := range a.records {
		e := &a.records[i]
		if len(e.name) < len(".nuspec") || !strings.EqualFold(e.name[len(e.name)-len(".nuspec"):], ".nuspec") || strings.Contains(e.name, "/") {
			continue
		}
		count++
		found = e
	}
	// Clients do not find one that is written as ./x.nuspec.
	if count == 1 && strings.ContainsAny(unescapeName(found.decode()), `/\`) {
		count = 0
	}
	if count != 1 {
		return nil, newProblem(CodeManifestCount, ".nuspec", fmt.Sprintf("The archive holds %d manifests; there must be exactly one .nuspec at its root.", count))
	}
	if int64(found.size) > a.limit {
		return nil, manifestProblem(found.name, fmt.Sprintf("it is larger than %d bytes", a.limit))
	}
	return a.readAll(found)
}

// ReadFile returns the content of a file that a manifest names: with either
// slash, escapes, and letter case as it likes. Errors are fs.ErrNotExist,
// ErrTooLarge (above limit bytes), a *Problem when the entry is damaged or
// compressed more than 200 times (R-PKG-19), or what the reader returned.
func (a *Archive) ReadFile(name string, limit int64) ([]byte, error) {
	e := a.find(name)
	switch {
	case e == nil:
		return nil, fmt.Errorf("%s is not in the package: %w", quote(name), fs.ErrNotExist)
	case int64(e.size) > limit:
		return nil, fmt.Errorf("%s has %d bytes: %w", quote(e.name), e.size, ErrTooLarge)
	}
	return a.readAll(e)
}

// Find returns the file that ReadFile reads, with the name that the package has
// for it.
func (a *Archive) Find(name string) (entry Entry, found bool) {
	if e := a.find(name); e != nil {
		return e.entry(), true
	}
	return Entry{}, false
}

// find returns the file of that name, or nil: the one in the same spelling, or
// else one that differs in letter case. An archive that was checked has one at
// most.
func (a *Archive) find(name string) (found *record) {
	name = cleanName(name)
	for i := range a.records {
		e := &a.records[i]
		switch {
		case e.isFolder():
		case e.name == name:
			return e
		case found == nil && strings.EqualFold(e.name, name):
			found = e
		}
	}
	return found
}

func (a *Archive) readAll(e *record) ([]byte, error) {
	if uint64(e.size) > maxRatio*uint64(e.compressed) {
		return nil, archiveProblem(e.name, fmt.Sprintf("the entry %s is compressed more than %d times", quote(e.name), maxRatio))
	}
	in := a.contents()
	defer in.release()
	if err := in.open(e); err != nil {
		return nil, err
	}
	content := make([]byte, 0, e.size+1) // one more, to meet the end
	for {
		n, err := in.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		if err == io.EOF {
			e.sound = true
			return content, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Inflate reads every entry that was not read yet, to nowhere, and compares size and checksum
// with what the directory says. It needs little memory whatever the
// package holds, and ends when ctx does. The error is a *Problem, ctx's, or what
// the reader returned.
func (a *Archive) Inflate(ctx context.Context) error {
	in := a.contents()
	defer in.release()
	for i := range a.records {
		if a.records[i].sound {
			continue
		}
		if err := in.open(&a.records[i]); err != nil {
			return err
		}
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			if _, err := in.Read(in.nowhere[:]); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
	}
	return nil
}

// A contentReader reads the content of one entry after the other. Its end is EOF
// only when size, checksum and the length of the compressed form are as the
// directory says.
type contentReader struct {
	archive  *Archive
	entry    *record
	bytes    *bufio.Reader // as stored
	inflater io.ReadCloser // nil until needed
	content  io.Reader
	checksum uint32
	left     int64 // bytes that are still to come
	nowhere  [1 << 15]byte
}

// contentReaders are kept: one takes 100 KB, which is most of the memory of a
// push.
var contentReaders = sync.Pool{New: func() any {
	return &contentReader{bytes: bufio.NewReaderSize(nil, 1<<14)}
}}

// contents returns a reader, which is to be released.
func (a *Archive) contents() *contentReader {
	c := contentReaders.Get().(*contentReader)
	c.archive = a
	return c
}

// release gives the reader back without what it read from.
func (c *contentReader) release() {
	c.archive, c.entry, c.content = nil, nil, nil
	c.bytes.Reset(nil)
	contentReaders.Put(c)
}

func (c *contentReader) open(e *record) error {
	start, err := c.archive.contentStart(e)
	if err != nil {
		return err
	}
	c.bytes.Reset(io.NewSectionReader(c.archive.file, start, int64(e.compressed)))
	c.entry, c.content, c.checksum, c.left = e, c.bytes, 0, int64(e.size)
	if e.method == methodDeflated {
		if resetter, ok := c.inflater.(flate.Resetter); !ok {
			c.inflater = flate.NewReader(c.bytes)
		} else if err := resetter.Reset(c.bytes, nil); err != nil {
			return err
		}
		c.content = c.inflater
	}
	return nil
}

// contentStart finds the content of an entry, behind its local header.
func (a *Archive) contentStart(e *record) (int64, error) {
	start := e.data
	if start == 0 {
		var head [lenLocal]byte
		if int64(e.offset)+lenLocal > a.directory {
			return 0, e.problem(misplaced)
		}
		if err := a.readAt(head[:], int64(e.offset)); err != nil {
			return 0, err
		}
		if binary.LittleEndian.Uint32(head[:]) != signLocal {
			return 0, e.problem(misplaced)
		}
		start = int64(e.offset) + lenLocal + int64(binary.LittleEndian.Uint16(head[26:])) + int64(binary.LittleEndian.Uint16(head[28:]))
	}
	if start+int64(e.compressed) > a.directory {
		return 0, e.problem(misplaced)
	}
	return start, nil
}

func (c *contentReader) Read(p []byte) (int, error) {
	n, err := c.content.Read(p)
	c.checksum = crc32.Update(c.checksum, crc32.IEEETable, p[:n])
	c.left -= int64(n)
	switch {
	case c.left < 0:
		return n, c.entry.problem("is longer than the directory says")
	case err == nil:
		return n, nil
	case err == io.EOF && c.left > 0:
		return n, c.entry.problem("is shorter than the directory says")
	case err == io.EOF && c.checksum != c.entry.crc:
		return n, c.entry.problem("has another checksum than the directory says")
	case err == io.EOF:
		if _, err := c.bytes.ReadByte(); err == nil {
			return n, c.entry.problem("is followed by bytes that belong to no entry")
		}
		return n, io.EOF
	}
	if _, ok := errors.AsType[flate.CorruptInputError](err); ok || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, c.entry.problem("is damaged: it does not inflate")
	}
	return n, err
}
