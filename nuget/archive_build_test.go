package nuget

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// zipEntry is one entry of a test archive. The zero value of all but name is an
// honest, deflated, empty file of 2024-05-17.
type zipEntry struct {
	name    string
	content string
	stored  bool
	flags   uint16
	date    uint16 // MS-DOS; 0 means 2024-05-17
	// descriptor puts sizes behind the content: 'n' without signature, 's' with
	// it, 'z' as Zip64 does.
	descriptor byte
	packed     []byte // the compressed form, when it is not what flate makes of content
	localExtra []byte
	dirExtra   []byte
	dirComment string
	// local and dir change the finished headers; gap stands before the entry.
	local, dir func(header []byte)
	gap        string
}

// zipFile is a test archive. It is made byte by byte, not by internal/pack, whose
// archive/zip writes nothing that is broken.
type zipFile struct {
	entries []zipEntry
	comment string
	before  string // in front of the directory
	end     func(record []byte)
	behind  string
	dirOnly func(offset uint32) []byte // further bytes of the directory
}

const goodNuspec = `<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>Contoso.Tools</id>
    <version>1.2.3</version>
    <authors>Contoso</authors>
    <description>Tools.</description>
    <license type="expression">MIT</license>
  </metadata>
</package>`

// packageWith is a good package with further entries.
func packageWith(entries ...zipEntry) zipFile {
	return zipFile{entries: append([]zipEntry{
		{name: "_rels/.rels", content: "<Relationships/>"},
		{name: "Contoso.Tools.nuspec", content: goodNuspec},
		{name: "lib/net8.0/Contoso.Tools.dll", content: "MZ and so on"},
	}, entries...)}
}

func (z zipFile) bytes(t testing.TB) []byte {
	t.Helper()
	var out, directory bytes.Buffer
	for _, e := range z.entries {
		out.WriteString(e.gap)
		offset := out.Len()
		method, packed := uint16(methodDeflated), e.packed
		if e.stored {
			method = methodStored
		}
		if packed == nil {
			packed = []byte(e.content)
			if !e.stored {
				packed = deflated(t, packed)
			}
		}
		date := e.date
		if date == 0 {
			date = 44<<9 | 5<<5 | 17
		}
		flags := e.flags
		if e.descriptor != 0 {
			flags |= flagDescriptor
		}
		sizes := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(e.content)))
		sizes = binary.LittleEndian.AppendUint32(sizes, uint32(len(packed)))
		sizes = binary.LittleEndian.AppendUint32(sizes, uint32(len(e.content)))

		local := header(signLocal, lenLocal)
		copy(local[4:], []byte{20, 0})
		put16(local[6:], flags, method, 0x6000, date)
		if e.descriptor == 0 {
			copy(local[14:], sizes)
		}
		put16(local[26:], uint16(len(e.name)), uint16(len(e.localExtra)))
		local = append(append(local, e.name...), e.localExtra...)
		if e.local != nil {
			e.local(local)
		}
		out.Write(local)
		out.Write(packed)
		switch e.descriptor {
		case 's':
			out.Write(header(signDescriptor, 4))
			out.Write(sizes)
		case 'n':
			out.Write(sizes)
		case 'z':
			out.Write(header(signDescriptor, 4))
			out.Write(sizes[:4])
			out.Write(append(sizes[4:8:8], 0, 0, 0, 0))
			out.Write(append(sizes[8:12:12], 0, 0, 0, 0))
		}

		dir := header(signDirectory, lenDirectory)
		copy(dir[4:], []byte{20, 0, 20, 0})
		put16(dir[8:], flags, method, 0x6000, date)
		copy(dir[16:], sizes)
		put16(dir[28:], uint16(len(e.name)), uint16(len(e.dirExtra)), uint16(len(e.dirComment)))
		binary.LittleEndian.PutUint32(dir[42:], uint32(offset))
		dir = append(append(append(dir, e.name...), e.dirExtra...), e.dirComment...)
		if e.dir != nil {
			e.dir(dir)
		}
		directory.Write(dir)
	}
	out.WriteString(z.before)
	offset := out.Len()
	if z.dirOnly != nil {
		directory.Write(z.dirOnly(uint32(offset)))
	}
	out.Write(directory.Bytes())
	end := header(binary.LittleEndian.Uint32([]byte(signEnd)), lenEnd)
	put16(end[8:], uint16(len(z.entries)), uint16(len(z.entries)))
	binary.LittleEndian.PutUint32(end[12:], uint32(directory.Len()))
	binary.LittleEndian.PutUint32(end[16:], uint32(offset))
	put16(end[20:], uint16(len(z.comment)))
	end = append(end, z.comment...)
	if z.end != nil {
		z.end(end)
	}
	out.Write(end)
	out.WriteString(z.behind)
	return out.Bytes()
}

func header(sign uint32, length int) []byte {
	b := make([]byte, length)
	binary.LittleEndian.PutUint32(b, sign)
	return b
}

func put16(b []byte, values ...uint16) {
	for i, v := range values {
		binary.LittleEndian.PutUint16(b[2*i:], v)
	}
}

func add16(at int, delta uint16) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint16(b[at:], binary.LittleEndian.Uint16(b[at:])+delta) }
}

func add32(at int, delta uint32) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], binary.LittleEndian.Uint32(b[at:])+delta) }
}

func set32(at int, value uint32) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], value) }
}

func deflated(t testing.TB, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
