package gallery

import (
	"errors"
	"slices"

	"nougat/nuget"
)

// putPackage brings a package and its card up to date with an event, whose
// release, as it is now, is r, and writes both.
func putPackage(w Writer, f *Feed, pkg *Package, ev *Event, r *Release) error {
	key := pkg.ID.Key()
	card, err := w.Card(f.Generation, key)
	if errors.Is(err, ErrNotFound) {
		card, err = &Card{Shown: [4]int8{-1, -1, -1, -1}}, nil
	}
	if err != nil {
		return err
	}
	setListed(card, r)
	pkg.Rev = ev.Seq
	pkg.Latest = latest(card.Versions)
	err = face(card, pkg.Latest, func(v nuget.Version) (*Release, error) {
		if v.Equal(r.Version) {
			return r, nil
		}
		return w.Release(f.Generation, key, v)
	})
	if err != nil {
		return err
	}
	// The ID is spelled as the highest version spells it (R-DEL-04); with
	// nothing listed it stays as it was.
	if top := pkg.Latest[Filter{Prerelease: true, SemVer2: true}.Index()]; top.Equal(r.Version) {
		pkg.ID = r.ID
	}
	card.ID, card.Owners, card.Rev = pkg.ID, pkg.Owners, pkg.Rev
	if err := w.PutPackage(f.Generation, pkg); err != nil {
		return err
	}
	return w.PutCard(f.Generation, card)
}

// setListed puts r among the card's listed versions, or takes it out.
func setListed(c *Card, r *Release) {
	at, found := slices.BinarySearchFunc(c.Versions, r.Version, func(cv CardVersion, v nuget.Version) int { return cv.Version.Compare(v) })
	cv := CardVersion{Version: r.Version, SemVer2: r.SemVer2}
	switch {
	case found && r.Listed:
		c.Versions[at] = cv
	case r.Listed:
		c.Versions = slices.Insert(c.Versions, at, cv)
	case found:
		c.Versions = slices.Delete(c.Versions, at, at+1)
	}
}

// latest finds the highest of listed versions in each filter; versions ascend.
func latest(versions []CardVersion) [4]nuget.Version {
	var top [4]nuget.Version
	for _, view := range allFilters {
		for _, cv := range slices.Backward(versions) {
			if view.Sees(cv.Version.IsPrerelease(), cv.SemVer2) {
				top[view.Index()] = cv.Version
				break
			}
		}
	}
	return top
}

var allFilters = [4]Filter{{}, {Prerelease: true}, {SemVer2: true}, {Prerelease: true, SemVer2: true}}

// face gives the card the faces of the versions that its filters show, reading
// each release once.
func face(c *Card, top [4]nuget.Version, read func(nuget.Version) (*Release, error)) error {
	c.Faces = nil
	for i, v := range top {
		c.Shown[i] = -1
		if v.IsZero() {
			continue
		}
		at := slices.IndexFunc(c.Faces, func(f Face) bool { return f.Version.Equal(v) })
		if at < 0 {
			r, err := read(v)
			if err != nil {
				return err
			}
			at = len(c.Faces)
			c.Faces = append(c.Faces, faceOf(r))
		}
		c.Shown[i] = int8(at)
	}
	return nil
}

func faceOf(r *Release) Face {
	m := &r.Meta
	f := Face{
		Version: r.Version, Title: m.Title, Description: m.Description, Summary: m.Summary,
		Authors: m.Authors, Tags: m.Tags, ProjectURL: m.ProjectURL, IconURL: m.IconURL, LicenseURL: m.LicenseURL,
		HasIcon: m.IconFile != "", HasLicenseFile: m.LicenseFile != "",
		Frameworks: m.Frameworks, Published: r.Published,
	}
	for _, t := range m.Types {
		f.Types = append(f.Types, t.Name)
	}
	return f
}
