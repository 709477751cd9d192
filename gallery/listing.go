package gallery

import (
	"context"
	"errors"

	"nougat/nuget"
)

// SetListed unlists or relists a version. It asks scope and pattern (M-04),
// existence (M-29), ownership (M-05) and lock (M-08), in this order. Doing
// it again changes nothing and is no error.
func (g *Gallery) SetListed(ctx context.Context, a Actor, f *Feed, id, version string, listed bool) error {
	act := &unlist
	if listed {
		act = &relist
	}
	_, err := Do(ctx, g, At{Actor: a, Feed: f}, act, versionOf{id, version})
	return err
}

// versionOf names a version as it was asked for.
type versionOf struct{ id, version string }

// listing is what listing and unlisting are about.
type listing struct {
	asked versionOf
	pkg   *Package // nil when there is no such version
	rel   *Release
}

var (
	unlist = Act[versionOf, listing, struct{}]{Name: "unlist", On: readListing, May: maySetListed, Do: setListing(false, Unlisted)}
	relist = Act[versionOf, listing, struct{}]{Name: "relist", On: readListing, May: maySetListed, Do: setListing(true, Relisted)}
)

func readListing(r Reader, at At, in versionOf) (s listing, err error) {
	s.asked = in
	v, err := nuget.ParseVersion(in.version)
	if err != nil {
		return s, nil
	}
	key := nuget.FoldID(in.id)
	if s.rel, err = r.Release(at.Feed.Generation, key, v); errors.Is(err, ErrNotFound) {
		return s, nil
	} else if err != nil {
		return s, err
	}
	s.pkg, err = r.Package(at.Feed.Generation, key)
	return s, err
}

func maySetListed(a Actor, s listing) error {
	if err := mayListWith(a, s.asked.id); err != nil {
		return err
	}
	if s.pkg == nil {
		return noPackage("", s.asked.id, s.asked.version)
	}
	return mayList(a, s.pkg)
}

func setListing(listed bool, kind EventKind) func(*Change, listing, versionOf) (struct{}, error) {
	return func(c *Change, s listing, _ versionOf) (none struct{}, err error) {
		r, a, f := s.rel, c.At.Actor, c.At.Feed
		if r.Listed == listed {
			return none, nil
		}
		ev := &Event{
			Time: c.At.Now, Kind: kind, ID: r.ID, Version: r.Version,
			Actor: a.Account, Key: a.keyID(), Listed: listed, Blob: r.Blob,
		}
		if err := c.AppendEvent(f.Number, ev); err != nil {
			return none, err
		}
		r.Listed, r.Rev, r.Edited = listed, ev.Seq, ev.Time
		if err := c.PutRelease(f.Generation, r); err != nil {
			return none, err
		}
		return none, putPackage(c, f, s.pkg, ev, r)
	}
}

// mayListWith asks the credentials: a key needs the scope and a pattern that
// covers the ID.
func mayListWith(a Actor, id string) error {
	if !a.SignedIn() {
		return &Error{Kind: Unauthenticated, Msg: msgSignInWrong}
	}
	if !a.allows(ScopeUnlist) || a.Key != nil && !a.Key.covers(id) {
		return &Error{Kind: Forbidden, ID: id, Msg: msgKeyMayNot("unlist or relist", nuget.Cut(id, 100), a.Key)}
	}
	return nil
}

// mayList asks ownership and lock: owners may, and administrators of the site
// without owning (R-PERM-01).
func mayList(a Actor, pkg *Package) error {
	if !owns(a, pkg) && !a.Admin {
		return &Error{Kind: Forbidden, ID: string(pkg.ID), Msg: msgNotOwner(a.Name, string(pkg.ID))}
	}
	if pkg.Locked {
		return &Error{Kind: Forbidden, ID: string(pkg.ID), Msg: msgLockedPackage(string(pkg.ID))}
	}
	return nil
}

// CanList reports whether the actor may list and unlist versions of the
// package: what a page asks before it offers the buttons.
func CanList(a Actor, pkg *Package) bool {
	return mayListWith(a, string(pkg.ID)) == nil && mayList(a, pkg) == nil
}

func noPackage(op, id, version string) error {
	return &Error{Kind: NotFound, Op: op, ID: nuget.Cut(id, 128), Version: nuget.Cut(version, 64), Msg: msgNoPackage(nuget.Cut(id, 128), nuget.Cut(version, 64))}
}
