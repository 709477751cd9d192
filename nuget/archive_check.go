package nuget

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// check asks whether entries lie one behind the other and are what the directory
// says (PROTO-12.1, Q-33), are not dated ahead (R-PUSH-05), have names that every
// system takes, and unpack to no more than allowed (R-PKG-19). The error
// is a *Problem, unless the file cannot be read.
func (a *Archive) check(lim Limits) error {
	if err := a.checkLayout(); err != nil {
		return err
	}
	latest := lim.Now.Add(24 * time.Hour) // clocks differ, and stamps are in local time
	var unpacked int64
	for i := range a.records {
		e := &a.records[i]
		if t := e.modified(); t.After(latest) {
			return newProblem(CodeEntryFuture, e.name, fmt.Sprintf("The entry %s is dated in the future (%s).", quote(e.name), t.Format(time.DateOnly)))
		}
		unpacked += int64(e.size)
	}
	if err := a.checkNames(); err != nil {
		return err
	}
	if unpacked > lim.Unpacked {
		return archiveProblem("", fmt.Sprintf("it unpacks to %d bytes; at most %d are allowed", unpacked, lim.Unpacked))
	}
	return nil
}

// checkLayout walks over the local headers, which must lie one behind the
// other, from the first byte to the directory, and say what it says.
func (a *Archive) checkLayout() error {
	order := make([]*record, len(a.records))
	for i := range order {
		order[i] = &a.records[i]
	}
	slices.SortStableFunc(order, func(x, y *record) int { return cmp.Compare(x.offset, y.offset) })
	position := int64(0)
	var scratch []byte
	for i, e := range order {
		switch {
		case int64(e.offset) > position && i == 0:
			return archiveProblem("", "something stands before its first entry")
		case int64(e.offset) > position:
			return archiveProblem(e.name, "something stands between the entries "+quote(order[i-1].name)+" and "+quote(e.name))
		case int64(e.offset) < position:
			return archiveProblem(e.name, "the entries "+quote(order[i-1].name)+" and "+quote(e.name)+" share bytes")
		}
		next := a.directory
		if i+1 < len(order) {
			next = int64(order[i+1].offset)
		}
		var why string
		var err error
		position, scratch, why, err = a.checkLocal(e, next, scratch)
		if err != nil {
			return err
		}
		if why != "" {
			return e.problem(why)
		}
	}
	if position != a.directory {
		return archiveProblem("", "its directory does not begin where its last entry ends")
	}
	return nil
}

// checkLocal compares a local header with the directory, notes where the
// content begins and returns where the entry ends. Next is where the next one
// begins. A reason that is not empty says what is wrong.
func (a *Archive) checkLocal(e *record, next int64, scratch []byte) (end int64, _ []byte, why string, err error) {
	if need := lenLocal + len(e.stored); need > len(scratch) {
		scratch = make([]byte, max(need, 512))
	}
	head := scratch[:lenLocal+len(e.stored)]
	if int64(e.offset)+int64(len(head)) > a.directory {
		return 0, scratch, misplaced, nil
	}
	if err := a.readAt(head, int64(e.offset)); err != nil {
		return 0, scratch, "", err
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(head[at:]) }
	extraLen := int64(u16(28))
	e.data = int64(e.offset) + int64(len(head)) + extraLen
	switch {
	case binary.LittleEndian.Uint32(head) != signLocal:
		return 0, scratch, misplaced, nil
	case int(u16(26)) != len(e.stored) || string(head[lenLocal:]) != e.stored:
		return 0, scratch, "has another name in its own header than in the directory", nil
	case u16(6) != e.flags || u16(8) != e.method:
		return 0, scratch, "has another method or other flags in its own header than in the directory", nil
	case !e.sizesAgree(head[14:26]):
		return 0, scratch, "has another size or checksum in its own header than in the directory", nil
	case e.data+int64(e.compressed) > a.directory:
		return 0, scratch, misplaced, nil
	}
	if extraLen > 0 {
		extra := make([]byte, extraLen)
		if err := a.readAt(extra, e.data-extraLen); err != nil {
			return 0, scratch, "", err
		}
		if hasExtra(extra, zip64Extra) {
			return 0, scratch, "", zip64Problem(e.name)
		}
	}
	end = e.data + int64(e.compressed)
	if e.flags&flagDescriptor != 0 {
		if end, err = a.checkDescriptor(e, end, next); err != nil {
			return 0, scratch, "", err
		}
		if end < 0 {
			return 0, scratch, "has no data descriptor that says what the directory says", nil
		}
	}
	return end, scratch, "", nil
}

// sizes are checksum, compressed and full size as records write them.
func (e *record) sizes() (b [12]byte) {
	binary.LittleEndian.PutUint32(b[0:], e.crc)
	binary.LittleEndian.PutUint32(b[4:], e.compressed)
	binary.LittleEndian.PutUint32(b[8:], e.size)
	return b
}

// sizesAgree compares the sizes of a local header. Where a data descriptor
// follows, the header may leave each of them at zero.
func (e *record) sizesAgree(local []byte) bool {
	want := e.sizes()
	for i := 0; i < len(want); i += 4 {
		later := e.flags&flagDescriptor != 0 && bytes.Equal(local[i:i+4], []byte{0, 0, 0, 0})
		if !later && !bytes.Equal(local[i:i+4], want[i:i+4]) {
			return false
		}
	}
	return true
}

// checkDescriptor reads the data descriptor at the offset, with its signature
// or without, and returns where it ends: at next, if either form does. It
// returns -1 when there is no such descriptor.
func (a *Archive) checkDescriptor(e *record, at, next int64) (end int64, err error) {
	descriptor := binary.LittleEndian.AppendUint32(nil, signDescriptor)
	want := e.sizes()
	descriptor = append(descriptor, want[:]...)
	found := make([]byte, min(int64(len(descriptor)), max(0, a.directory-at)))
	if err := a.readAt(found, at); err != nil {
		return 0, err
	}
	end = -1
	if bytes.HasPrefix(found, want[:]) {
		end = at + lenDescriptor
	}
	if signed := at + int64(len(descriptor)); bytes.Equal(found, descriptor) && (end < 0 || signed == next) {
		end = signed
	}
	return end, nil
}

// checkNames holds the names against the rules, and against each other.
func (a *Archive) checkNames() error {
	keys := make([]string, len(a.records))
	entries := make(map[string]int, len(a.records))
	for i := range a.records {
		e := &a.records[i]
		fault := func(format string, arguments ...any) error {
			return e.nameProblem(fmt.Sprintf(format, arguments...))
		}
		if e.flags&flagUTF8 != 0 && e.decode() != e.stored {
			return fault("it is not valid UTF-8")
		}
		if why := entryNameFault(e.decode()); why != "" {
			return fault("%s", why)
		}
		keys[i] = foldName(e.name)
		if other, ok := entries[keys[i]]; ok {
			return fault("%s is the same file where letter case, slashes and escapes do not count", quote(a.records[other].decode()))
		}
		entries[keys[i]] = i
	}
	for i, key := range keys {
		for slash := strings.LastIndexByte(key, '/'); slash > 0; slash = strings.LastIndexByte(key[:slash], '/') {
			if parent, ok := entries[key[:slash]]; ok && !a.records[parent].isFolder() {
				return a.records[parent].nameProblem("it is also the folder of " + quote(a.records[i].decode()))
			}
		}
	}
	return nil
}

func (e *record) nameProblem(why string) *Problem {
	return newProblem(CodeEntryName, e.name, fmt.Sprintf("The entry name %s is not allowed (%s).", quote(e.decode()), why))
}
