package store

import (
	"fmt"
	"slices"

	"nougat/gallery"
	"nougat/nuget"
)

// A card's faces mostly say the same, so a text or list of a later face that
// equals that of the face before it is one byte.

var cards = table[gallery.Card]{
	bucket: bCards, newest: 1,
	encode: encodeCard,
	decode: func(d *decoder, _ []byte) gallery.Card { return d.card() },
}

func encodeCard(b []byte, c *gallery.Card) ([]byte, error) {
	b = appendUint(b, c.Rev)
	b = appendText(b, string(c.ID))
	b = appendOwners(b, c.Owners)
	if len(c.Faces) > len(c.Shown) {
		return nil, fmt.Errorf("the card of %s has %d faces; at most %d are possible", c.ID, len(c.Faces), len(c.Shown))
	}
	b = appendUint(b, uint64(len(c.Faces)))
	for _, face := range c.Shown {
		if int(face) < -1 || int(face) >= len(c.Faces) {
			return nil, fmt.Errorf("the card of %s shows a face %d that it does not have", c.ID, face)
		}
		b = append(b, byte(face+1))
	}
	var before gallery.Face
	for i := range c.Faces {
		b = appendFace(b, &c.Faces[i], &before)
		before = c.Faces[i]
	}
	b = appendUint(b, uint64(len(c.Versions)))
	for _, v := range c.Versions {
		text := v.Version.Original()
		b = appendUint(b, uint64(len(text))<<1|uint64(bits(v.SemVer2)))
		b = append(b, text...)
	}
	return b, nil
}

// texts and lists name the fields in the order of the encoding.
func texts(f *gallery.Face) [7]*string {
	return [...]*string{&f.Title, &f.Description, &f.Summary, &f.Authors, &f.ProjectURL, &f.IconURL, &f.LicenseURL}
}

func lists(f *gallery.Face) [3]*[]string {
	return [...]*[]string{&f.Tags, &f.Types, &f.Frameworks}
}

func appendFace(b []byte, f, before *gallery.Face) []byte {
	b = append(b, bits(f.HasIcon, f.HasLicenseFile))
	b = appendText(b, f.Version.Original())
	b = appendTime(b, f.Published)
	old := texts(before)
	for i, s := range texts(f) {
		if *s == *old[i] {
			b = append(b, 0)
			continue
		}
		b = append(appendUint(b, uint64(len(*s))+1), *s...)
	}
	oldLists := lists(before)
	for i, list := range lists(f) {
		if slices.Equal(*list, *oldLists[i]) {
			b = append(b, 0)
			continue
		}
		b = appendUint(b, uint64(len(*list))+1)
		for _, s := range *list {
			b = appendText(b, s)
		}
	}
	return b
}

func (d *decoder) card() gallery.Card {
	c := gallery.Card{Rev: d.uint(), ID: nuget.ID(d.text()), Owners: d.owners()}
	faces := int(d.upTo(uint64(len(c.Shown))))
	for i := range c.Shown {
		face := int8(d.byte()) - 1
		if int(face) < -1 || int(face) >= faces {
			d.fail()
		}
		c.Shown[i] = face
	}
	if faces > 0 {
		c.Faces = make([]gallery.Face, faces)
	}
	var before gallery.Face
	for i := range c.Faces {
		d.face(&c.Faces[i], &before)
		before = c.Faces[i]
	}
	if n := d.count(); n > 0 {
		c.Versions = make([]gallery.CardVersion, n)
		for i := range c.Versions {
			length := d.uint()
			if length>>1 > uint64(len(d.rest)) {
				d.fail()
				break
			}
			c.Versions[i].Version = d.versionOf(d.take(int(length >> 1)))
			c.Versions[i].SemVer2 = length&1 != 0
		}
	}
	return c
}

func (d *decoder) face(f, before *gallery.Face) {
	flags := d.flags(2)
	f.HasIcon, f.HasLicenseFile = flags&1 != 0, flags&2 != 0
	f.Version = d.version()
	f.Published = d.time()
	old := texts(before)
	for i, s := range texts(f) {
		n := d.upTo(uint64(len(d.rest)))
		if n == 0 {
			*s = *old[i]
			continue
		}
		*s = d.take(int(n) - 1)
	}
	oldLists := lists(before)
	for i, list := range lists(f) {
		n := d.upTo(uint64(len(d.rest)))
		if n == 0 {
			*list = *oldLists[i]
			continue
		}
		if n > 1 {
			*list = make([]string, n-1)
			for j := range *list {
				(*list)[j] = d.text()
			}
		}
	}
}

func (r *reader) Card(generation uint32, id string) (*gallery.Card, error) {
	if !usable(id) {
		return nil, gallery.ErrNotFound
	}
	return cards.find(r, appendID(r.scratch(), generation, id))
}

func (r *reader) Cards(generation uint32, after string, limit int) ([]*gallery.Card, error) {
	return pointers(cards.page(r, appendNumber(nil, generation), []byte(after), limit))
}

func (w *writer) PutCard(generation uint32, c *gallery.Card) error {
	id := c.ID.Key()
	if err := checkID(id); err != nil {
		return err
	}
	return cards.put(w, appendID(nil, generation, id), c)
}
