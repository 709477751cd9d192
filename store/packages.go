package store

import (
	"encoding/binary"
	"fmt"
	"slices"

	"nougat/gallery"
	"nougat/nuget"
)

// Marks before the version of one view in Package.Latest. Text follows the last
// one only, as its length plus latestText.
const (
	latestNone = 0
	latestSame = 1 // + i: the same as that of view i, an earlier one
	latestText = latestSame + 3
)

var packages = table[gallery.Package]{
	bucket: bPackages, newest: 1,
	encode: func(b []byte, p *gallery.Package) ([]byte, error) {
		if p.Versions < 0 {
			return nil, fmt.Errorf("package %s cannot have %d versions", p.ID, p.Versions)
		}
		b = appendUint(b, p.Rev) // first, for PackageState
		b = append(b, bits(p.Locked))
		b = appendUint(b, uint64(p.Versions))
		b = appendText(b, string(p.ID))
		b = appendOwners(b, p.Owners)
		for i, v := range p.Latest {
			b = appendLatest(b, p.Latest[:i], v.Original())
		}
		return b, nil
	},
	decode: func(d *decoder, _ []byte) gallery.Package {
		p := gallery.Package{Rev: d.uint()}
		p.Locked = d.flags(1) != 0
		p.Versions = int(d.upTo(1 << 31))
		p.ID = nuget.ID(d.text())
		p.Owners = d.owners()
		for i := range p.Latest {
			switch mark := d.uint(); {
			case mark == latestNone:
			case mark < latestSame+uint64(i):
				p.Latest[i] = p.Latest[mark-latestSame]
			case mark > latestText && mark-latestText <= uint64(len(d.rest)):
				p.Latest[i] = d.versionOf(d.take(int(mark - latestText)))
			default:
				d.fail()
			}
		}
		return p
	},
	ixs: []index[gallery.Package]{{
		bucket: bPkgOwner,
		same:   func(a, b *gallery.Package) bool { return slices.Equal(a.Owners, b.Owners) },
		keys: func(key []byte, p *gallery.Package) [][]byte {
			keys := make([][]byte, len(p.Owners))
			for i, a := range p.Owners {
				keys[i] = append(appendNumber(nil, uint32(a)), key...)
			}
			return keys
		},
	}},
}

func appendLatest(b []byte, earlier []nuget.Version, text string) []byte {
	if text == "" {
		return append(b, latestNone)
	}
	for i, e := range earlier {
		if e.Original() == text {
			return append(b, byte(latestSame+i))
		}
	}
	return append(appendUint(b, uint64(len(text)+latestText)), text...)
}

func appendOwners(b []byte, owners []gallery.AccountNo) []byte {
	b = appendUint(b, uint64(len(owners)))
	for _, a := range owners {
		b = appendUint(b, uint64(a))
	}
	return b
}

func (d *decoder) owners() []gallery.AccountNo {
	n := d.count()
	if n == 0 {
		return nil
	}
	owners := make([]gallery.AccountNo, n)
	for i := range owners {
		owners[i] = gallery.AccountNo(d.uint32())
	}
	return owners
}

func (r *reader) Package(generation uint32, id string) (*gallery.Package, error) {
	if !usable(id) {
		return nil, gallery.ErrNotFound
	}
	return packages.find(r, appendID(r.scratch(), generation, id))
}

// PackageState reads the first field of the record and nothing more.
func (r *reader) PackageState(generation uint32, id string) (gallery.DocState, error) {
	if !usable(id) {
		return gallery.DocState{}, gallery.ErrNotFound
	}
	key := appendID(r.scratch(), generation, id)
	value, err := r.get(bPackages, key)
	if err != nil {
		return gallery.DocState{}, err
	}
	err = checkFormat(value, packages.newest)
	rev, width := uint64(0), 0
	if err == nil {
		if rev, width = binary.Uvarint(value[1:]); width <= 0 {
			err = errDamaged
		}
	}
	if err != nil {
		return gallery.DocState{}, damaged(bPackages, key, err)
	}
	people, err := r.People()
	return gallery.DocState{Rev: rev, People: people}, err
}

func (r *reader) PackageIDs(generation uint32, after string, limit int) ([]string, error) {
	return r.ids(bPackages, appendNumber(nil, generation), after, limit)
}

// ids reads the IDs that keys end with, behind a prefix.
func (r *reader) ids(b Bucket, prefix []byte, after string, limit int) ([]string, error) {
	page, err := r.scanPrefix(b, prefix, []byte(after), limit)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(page))
	for i, p := range page {
		ids[i] = string(p.Key[len(prefix):])
	}
	return ids, nil
}

func (r *reader) Packages(generation uint32, after string, limit int) ([]*gallery.Package, error) {
	return pointers(packages.page(r, appendNumber(nil, generation), []byte(after), limit))
}

func (w *writer) PutPackage(generation uint32, p *gallery.Package) error {
	id := p.ID.Key()
	if err := checkID(id); err != nil {
		return err
	}
	return packages.put(w, appendID(nil, generation, id), p)
}

// checkID refuses an ID that cannot be part of a key.
func checkID(id string) error {
	if !usable(id) {
		return fmt.Errorf("%q cannot be the ID of a record", id)
	}
	return nil
}

func (r *reader) Owned(owner gallery.AccountNo, generation uint32, after string, limit int) ([]string, error) {
	return r.ids(bPkgOwner, appendNumber(appendNumber(nil, uint32(owner)), generation), after, limit)
}
