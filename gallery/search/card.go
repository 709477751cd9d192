package search

import (
	"encoding/binary"
	"time"

	"nougat/gallery"
	"nougat/nuget"
)

// The index keeps each card as one string, from which the strings of a hit are
// cut without being copied. 20,000 cards then take the size of their texts, and
// the garbage collector sees one pointer a card.

// appendCard appends the card as readCard reads it.
func appendCard(b []byte, c *gallery.Card) []byte {
	b = appendText(b, string(c.ID))
	b = binary.AppendUvarint(b, c.Rev)
	b = binary.AppendUvarint(b, uint64(len(c.Owners)))
	for _, no := range c.Owners {
		b = binary.AppendUvarint(b, uint64(no))
	}
	for _, at := range c.Shown {
		b = append(b, byte(at))
	}
	b = binary.AppendUvarint(b, uint64(len(c.Faces)))
	prev := &gallery.Face{}
	for i := range c.Faces {
		b = appendFace(b, prev, &c.Faces[i])
		prev = &c.Faces[i]
	}
	b = binary.AppendUvarint(b, uint64(len(c.Versions)))
	for _, v := range c.Versions {
		b = append(b, bitIf(v.SemVer2, 1))
		b = appendText(b, v.Version.Original())
	}
	return b
}

// The flags of a face.
const (
	faceHasIcon = 1 << iota
	faceHasLicenseFile
	faceUndated
)

func appendFace(b []byte, prev, f *gallery.Face) []byte {
	b = append(b, bitIf(f.HasIcon, faceHasIcon)|bitIf(f.HasLicenseFile, faceHasLicenseFile)|bitIf(f.Published.IsZero(), faceUndated))
	b = appendText(b, f.Version.Original())
	b = binary.AppendVarint(b, f.Published.Unix())
	b = binary.AppendUvarint(b, uint64(f.Published.Nanosecond()))
	b = appendSame(b, prev.Title, f.Title)
	b = appendSame(b, prev.Description, f.Description)
	b = appendSame(b, prev.Summary, f.Summary)
	b = appendSame(b, prev.Authors, f.Authors)
	b = appendSame(b, prev.ProjectURL, f.ProjectURL)
	b = appendSame(b, prev.IconURL, f.IconURL)
	b = appendSame(b, prev.LicenseURL, f.LicenseURL)
	b = appendTexts(b, f.Tags)
	b = appendTexts(b, f.Types)
	return appendTexts(b, f.Frameworks)
}

func bitIf(set bool, bit byte) byte {
	if set {
		return bit
	}
	return 0
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendSame writes 0 for a text that is the one of the face before, else the
// length plus one and the text: faces of one package mostly share their texts.
func appendSame(b []byte, prev, s string) []byte {
	if s == prev {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(s))+1), s...)
}

func appendTexts(b []byte, texts []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(texts)))
	for _, s := range texts {
		b = appendText(b, s)
	}
	return b
}

// readCard returns the card that appendCard wrote. Empty lists come back nil,
// times in UTC.
func readCard(packed string) *gallery.Card {
	r := cardReader{packed}
	c := &gallery.Card{ID: nuget.ID(r.text()), Rev: r.uvarint()}
	if n := r.uvarint(); n > 0 {
		c.Owners = make([]gallery.AccountNo, n)
		for i := range c.Owners {
			c.Owners[i] = gallery.AccountNo(r.uvarint())
		}
	}
	c.Shown = r.shown()
	c.Faces = r.faces(nil, true)
	if n := r.uvarint(); n > 0 {
		c.Versions = make([]gallery.CardVersion, n)
		for i := range c.Versions {
			c.Versions[i].SemVer2 = r.byte() != 0
			c.Versions[i].Version = knownVersion(r.text())
		}
	}
	return c
}

// readCardID returns the ID of a packed card.
func readCardID(packed string) string {
	r := cardReader{packed}
	return r.text()
}

// readFace returns the texts of the face that a view shows, without its
// version, and false where the view shows none. It reuses faces for its
// result, so that a search through the texts of many cards allocates nothing.
func readFace(packed string, view int, faces *[]gallery.Face) (*gallery.Face, bool) {
	r := cardReader{packed}
	r.text()
	r.uvarint()
	for range r.uvarint() {
		r.uvarint()
	}
	shown := r.shown()
	*faces = r.faces((*faces)[:0], false)
	if shown[view] < 0 {
		return nil, false
	}
	return &(*faces)[shown[view]], true
}

// A cardReader holds what is left to read of a packed card.
type cardReader struct{ s string }

func (r *cardReader) shown() (shown [4]int8) {
	for i := range shown {
		shown[i] = int8(r.byte())
	}
	return shown
}

// faces appends the faces to dst, reusing the lists of tags, types and
// frameworks that lie beyond its length. The versions stay zero unless asked
// for: parsing them costs more than all the rest.
func (r *cardReader) faces(dst []gallery.Face, versions bool) []gallery.Face {
	n := int(r.uvarint())
	if n == 0 {
		return dst
	}
	if cap(dst) < n {
		dst = make([]gallery.Face, n)
	}
	dst = dst[:n]
	prev := &gallery.Face{}
	for i := range dst {
		f := &dst[i]
		flags := r.byte()
		f.HasIcon, f.HasLicenseFile = flags&faceHasIcon != 0, flags&faceHasLicenseFile != 0
		if v := r.text(); versions {
			f.Version = knownVersion(v)
		}
		seconds, nanoseconds := r.varint(), r.uvarint()
		f.Published = time.Time{}
		if flags&faceUndated == 0 {
			f.Published = time.Unix(seconds, int64(nanoseconds)).UTC()
		}
		f.Title = r.same(prev.Title)
		f.Description = r.same(prev.Description)
		f.Summary = r.same(prev.Summary)
		f.Authors = r.same(prev.Authors)
		f.ProjectURL = r.same(prev.ProjectURL)
		f.IconURL = r.same(prev.IconURL)
		f.LicenseURL = r.same(prev.LicenseURL)
		f.Tags = r.texts(f.Tags[:0])
		f.Types = r.texts(f.Types[:0])
		f.Frameworks = r.texts(f.Frameworks[:0])
		prev = f
	}
	return dst
}

// knownVersion parses a version that was parsed before.
func knownVersion(original string) nuget.Version {
	v, err := nuget.ParseVersion(original)
	if err != nil {
		return nuget.Version{} // the text of the zero version is empty
	}
	return v
}

func (r *cardReader) byte() byte {
	b := r.s[0]
	r.s = r.s[1:]
	return b
}

func (r *cardReader) uvarint() uint64 {
	var n uint64
	for shift := 0; ; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
}

func (r *cardReader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (r *cardReader) cut(n uint64) string {
	s := r.s[:n]
	r.s = r.s[n:]
	return s
}

func (r *cardReader) text() string { return r.cut(r.uvarint()) }

func (r *cardReader) same(prev string) string {
	n := r.uvarint()
	if n == 0 {
		return prev
	}
	return r.cut(n - 1)
}

func (r *cardReader) texts(dst []string) []string {
	n := int(r.uvarint())
	if cap(dst) < n {
		dst = make([]string, 0, n)
	}
	for range n {
		dst = append(dst, r.text())
	}
	return dst
}
