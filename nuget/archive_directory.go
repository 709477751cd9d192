package nuget

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

// Signatures and fixed lengths of a zip archive's records.
const (
	signLocal      = 0x04034b50
	signDirectory  = 0x02014b50
	signDescriptor = 0x08074b50
	lenLocal       = 30
	lenDirectory   = 46
	lenEnd         = 22
	lenLocator     = 20 // of Zip64's end record, just before the other
	lenDescriptor  = 12 // without its signature, which is optional
	maxComment     = 65535
)

const (
	signEnd          = "PK\x05\x06"
	signEnd64        = "PK\x06\x06"
	signEnd64Locator = "PK\x06\x07"
)

// Flags of an entry.
const (
	flagEncrypted  = 1<<0 | 1<<6 | 1<<13
	flagDescriptor = 1 << 3
	flagPatch      = 1 << 5
	flagUTF8       = 1 << 11
)

const (
	methodStored   = 0
	methodDeflated = 8
)

// zip64Extra is the extra field in which Zip64 keeps sizes.
const zip64Extra = 0x0001

// record is one entry of the central directory.
type record struct {
	stored           string // the bytes of the name
	name             string // cleaned
	flags, method    uint16
	crc              uint32
	compressed, size uint32
	offset           uint32 // of the local header
	stamp            uint32 // MS-DOS date and time
	data             int64  // offset of the content; 0 until known
	sound            bool   // was read to its end: size and checksum are as said
}

// archiveProblem returns a problem that says why this is no package (M-15): why is a clause
// without a full stop, in which text from outside is quoted.
func archiveProblem(subject, why string) *Problem {
	return newProblem(CodeArchive, subject, "This is not a readable .nupkg file: "+why+".")
}

func zip64Problem(subject string) *Problem {
	return archiveProblem(subject, "it uses Zip64, which NuGet cannot sign; pack it with sizes below 4 GiB and without Zip64")
}

// misplaced is what an entry is whose bytes cannot lie where they should.
const misplaced = "is not where the directory says"

// problem returns a problem of one entry. why goes on from "the entry X".
func (e *record) problem(why string) *Problem {
	return archiveProblem(e.name, "the entry "+quote(e.name)+" "+why)
}

// readAt fills p. The archive is as long as was said, so an early end is a
// fault of the storage and no problem of the package.
func (a *Archive) readAt(p []byte, offset int64) error {
	n, err := a.file.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("reading the package at byte %d: %w", offset, err)
}

// readDirectory reads the end record and the central directory, and refuses
// what no part of the program could handle. It takes at most entries entries.
func (a *Archive) readDirectory(entries int) error {
	end, at, err := a.readEnd()
	if err != nil {
		return err
	}
	count := int(binary.LittleEndian.Uint16(end[10:]))
	size, offset := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
	switch {
	case count == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF:
		return zip64Problem("")
	case binary.LittleEndian.Uint32(end[4:]) != 0 || int(binary.LittleEndian.Uint16(end[8:])) != count:
		return archiveProblem("", "it is one part of an archive of several files")
	case count > entries:
		return archiveProblem("", fmt.Sprintf("it has %d entries; at most %d are allowed", count, entries))
	case offset+size != at:
		return archiveProblem("", "its directory does not end where its end record begins")
	case int64(count)*lenDirectory > size:
		return archiveProblem("", fmt.Sprintf("its directory has no room for the %d entries that it is said to have", count))
	}
	a.directory = offset
	a.records = make([]record, count)
	in := bufio.NewReaderSize(io.NewSectionReader(a.file, offset, size), int(min(size, 1<<16)))
	for i := range a.records {
		err := a.records[i].read(in)
		// A name longer than the buffer is longer than the directory.
		if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
			return archiveProblem("", "its directory ends in the middle of an entry")
		}
		if err != nil {
			return err
		}
	}
	if _, err := in.ReadByte(); err == nil {
		return archiveProblem("", fmt.Sprintf("its directory holds more than the %d entries that it is said to have", count))
	}
	return nil
}

// readEnd finds the end record: the last one in the file, whose comment must
// end where the file ends.
func (a *Archive) readEnd() (end []byte, at int64, err error) {
	// Nearly every archive ends without a comment.
	for _, length := range []int64{1024, lenEnd + maxComment} {
		length = min(length, a.size)
		tail := make([]byte, length)
		if err := a.readAt(tail, a.size-length); err != nil {
			return nil, 0, err
		}
		i := bytes.LastIndex(tail, []byte(signEnd))
		if i < 0 {
			continue
		}
		end, at = tail[i:], a.size-length+int64(i)
		if len(end) < lenEnd || lenEnd+int(binary.LittleEndian.Uint16(end[20:])) != len(end) {
			return nil, 0, archiveProblem("", "its comment is not as long as said, or something stands behind it")
		}
		comment := string(end[lenEnd:])
		for _, sign := range []string{"PK\x01\x02", signEnd64, signEnd64Locator} {
			if strings.Contains(comment, sign) {
				return nil, 0, archiveProblem("", "its comment holds records of an archive")
			}
		}
		// Some readers look for a locator here whatever the end record says.
		var before [len(signEnd64Locator)]byte
		if at >= lenLocator {
			if err := a.readAt(before[:], at-lenLocator); err != nil {
				return nil, 0, err
			}
		}
		if string(before[:]) == signEnd64Locator {
			return nil, 0, zip64Problem("")
		}
		return end, at, nil
	}
	return nil, 0, archiveProblem("", "it is no zip archive, or its end is missing")
}

// read reads one entry of the directory. The buffer of in holds the longest
// name, 64 KiB, or the whole directory.
func (e *record) read(in *bufio.Reader) error {
	head, err := in.Peek(lenDirectory)
	if err != nil {
		return err
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(head[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(head[at:]) }
	sign, disk := u32(0), u16(34)
	nameLen, extraLen, commentLen := int(u16(28)), int(u16(30)), int(u16(32))
	*e = record{
		flags: u16(8), method: u16(10), stamp: uint32(u16(14))<<16 | uint32(u16(12)),
		crc: u32(16), compressed: u32(20), size: u32(24), offset: u32(42),
	}
	if _, err := in.Discard(lenDirectory); err != nil {
		return err
	}
	name, err := in.Peek(nameLen)
	if err != nil {
		return err
	}
	e.stored = string(name)
	e.name = cleanName(e.decode())
	if _, err := in.Discard(nameLen); err != nil {
		return err
	}
	extra, err := in.Peek(extraLen)
	if err != nil {
		return err
	}
	zip64 := hasExtra(extra, zip64Extra)
	if _, err := in.Discard(extraLen + commentLen); err != nil {
		return err
	}
	switch {
	case sign != signDirectory:
		return archiveProblem("", "its directory is damaged")
	case disk != 0:
		return e.problem("lies in another file")
	case zip64, e.compressed == 0xFFFFFFFF, e.size == 0xFFFFFFFF, e.offset == 0xFFFFFFFF:
		return zip64Problem(e.name)
	}
	if why := e.fault(); why != "" {
		return e.problem(why)
	}
	return nil
}

// fault says what makes an entry unreadable, or returns "".
func (e *record) fault() (why string) {
	switch {
	case e.flags&flagEncrypted != 0:
		return "is encrypted"
	case e.flags&flagPatch != 0:
		return "is a patch"
	case e.method != methodStored && e.method != methodDeflated:
		return fmt.Sprintf("is compressed by method %d; only stored (0) and deflate (8) are allowed", e.method)
	case e.method == methodStored && e.compressed != e.size:
		return "is stored but is said to have two sizes"
	}
	return ""
}

// decode returns the name as text. Where no flag says that it is UTF-8, .NET
// takes it for that too and replaces what is not.
func (e *record) decode() string {
	if utf8.ValidString(e.stored) {
		return e.stored
	}
	return string([]rune(e.stored))
}

func (e *record) isFolder() bool { return strings.HasSuffix(e.name, "/") }

// modified returns the time stamp, which has no zone and is taken for UTC, or
// the zero time when it is no time at all.
func (e *record) modified() time.Time {
	date, clock := e.stamp>>16, e.stamp&0xFFFF
	year, month, day := int(date>>9)+1980, int(date>>5&15), int(date&31)
	hour, minute, second := int(clock>>11), int(clock>>5&63), int(clock&31)*2
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Month() != time.Month(month) || t.Day() != day || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}
	}
	return t
}

// hasExtra reports whether a list of extra fields holds the field id.
func hasExtra(extra []byte, id uint16) bool {
	for len(extra) >= 4 {
		if binary.LittleEndian.Uint16(extra) == id {
			return true
		}
		length := 4 + int(binary.LittleEndian.Uint16(extra[2:]))
		if length > len(extra) {
			return false
		}
		extra = extra[length:]
	}
	return false
}
