package store

import (
	"errors"
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

func encodePackage(p *gallery.Package) []byte {
	b := appendUint([]byte{format1}, p.Rev) // first, for PackageRev
	b = append(b, bits(p.Locked))
	b = appendUint(b, uint64(p.Versions))
	b = appendText(b, string(p.ID))
	b = appendOwners(b, p.Owners)
	for i, v := range p.Latest {
		b = appendLatest(b, p.Latest[:i], v.Original())
	}
	return b
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

func decodePackage(value []byte) (*gallery.Package, error) {
	d := decodeFormat(value)
	p := &gallery.Package{Rev: d.uint()}
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
	if err := d.done(); err != nil {
		return nil, err
	}
	return p, nil
}

func (r *reader) Package(generation uint32, id string) (*gallery.Package, error) {
	if !usable(id) {
		return nil, gallery.ErrNotFound
	}
	key := appendID(r.key[:0], generation, id)
	value, err := r.get(bPackages, key)
	if err != nil {
		return nil, err
	}
	p, err := decodePackage(value)
	if err != nil {
		return nil, damaged(bPackages, key, err)
	}
	return p, nil
}

// PackageRev reads the first two fields of the record and nothing more.
func (r *reader) PackageRev(generation uint32, id string) (uint64, error) {
	if !usable(id) {
		return 0, gallery.ErrNotFound
	}
	key := appendID(r.key[:0], generation, id)
	value, err := r.get(bPackages, key)
	if err != nil {
		return 0, err
	}
	d := decodeFormat(value[:min(len(value), 11)])
	rev := d.uint()
	if d.err != nil {
		return 0, damaged(bPackages, key, d.err)
	}
	return rev, nil
}

// PackageIDs reads the keys alone: it also names a package whose record cannot be
// read.
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
	page, err := r.scanPrefix(bPackages, appendNumber(nil, generation), []byte(after), limit)
	if err != nil {
		return nil, err
	}
	packages := make([]*gallery.Package, len(page))
	for i, p := range page {
		if packages[i], err = decodePackage(p.Value); err != nil {
			return nil, damaged(bPackages, p.Key, err)
		}
	}
	return packages, nil
}

// PutPackage stores p and keeps the index of owners equal to it.
func (w *writer) PutPackage(generation uint32, p *gallery.Package) error {
	id := p.ID.Key()
	if err := checkID(id); err != nil {
		return err
	}
	if p.Versions < 0 {
		return fmt.Errorf("package %s cannot have %d versions", p.ID, p.Versions)
	}
	var before []gallery.AccountNo
	switch old, err := w.Package(generation, id); {
	case err == nil:
		before = old.Owners
	case !errors.Is(err, gallery.ErrNotFound):
		return err
	}
	for _, a := range before {
		if !slices.Contains(p.Owners, a) {
			if err := w.tx.Delete(bPkgOwner, appendPkgOwner(nil, a, generation, id)); err != nil {
				return err
			}
		}
	}
	for _, a := range p.Owners {
		if !slices.Contains(before, a) {
			if err := w.tx.Put(bPkgOwner, appendPkgOwner(nil, a, generation, id), nil); err != nil {
				return err
			}
		}
	}
	return w.tx.Put(bPackages, appendID(nil, generation, id), encodePackage(p))
}

// checkID refuses an ID that cannot be part of a key.
func checkID(id string) error {
	if !usable(id) {
		return fmt.Errorf("%q cannot be the ID of a record", id)
	}
	return nil
}

func appendPkgOwner(b []byte, owner gallery.AccountNo, generation uint32, id string) []byte {
	return appendID(appendNumber(b, uint32(owner)), generation, id)
}

func (r *reader) Owned(owner gallery.AccountNo, generation uint32, after string, limit int) ([]string, error) {
	return r.ids(bPkgOwner, appendPkgOwner(nil, owner, generation, ""), after, limit)
}
