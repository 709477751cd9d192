package gallery

import (
	"context"
	"errors"

	"nougat/nuget"
)

// SetListed unlists or relists a version, in the order of Q-26: scope and
// pattern (M-04), existence (M-29), ownership (M-05), lock (M-08). Doing it
// again changes nothing and is no error.
func (g *Gallery) SetListed(ctx context.Context, a Actor, f *Feed, id, version string, listed bool) error {
	var seq uint64
	err := g.store.Update(ctx, func(w Writer) error {
		r, pkg, err := listable(w, a, f, id, version)
		if err != nil {
			return err
		}
		if r.Listed == listed {
			return nil
		}
		kind := Unlisted
		if listed {
			kind = Relisted
		}
		ev := &Event{
			Time: g.Now(), Kind: kind, ID: r.ID, Version: r.Version,
			Actor: a.Account, Key: a.keyID(), Listed: listed, Blob: r.Blob,
		}
		if err := w.AppendEvent(f.Number, ev); err != nil {
			return err
		}
		seq = ev.Seq
		r.Listed, r.Rev, r.Edited = listed, ev.Seq, ev.Time
		if err := w.PutRelease(f.Generation, r); err != nil {
			return err
		}
		return putPackage(w, f, pkg, ev, r)
	})
	if err != nil || seq == 0 {
		return err
	}
	g.awaitIndex(ctx, f, seq)
	return nil
}

// listable finds the release and asks whether the actor may list or unlist it.
func listable(r Reader, a Actor, f *Feed, id, version string) (*Release, *Package, error) {
	if err := mayListWith(a, id); err != nil {
		return nil, nil, err
	}
	v, err := nuget.ParseVersion(version)
	if err != nil {
		return nil, nil, noPackage("unlist", id, version)
	}
	key := nuget.FoldID(id)
	rel, err := r.Release(f.Generation, key, v)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, noPackage("unlist", id, version)
	}
	if err != nil {
		return nil, nil, err
	}
	pkg, err := r.Package(f.Generation, key)
	if err != nil {
		return nil, nil, err
	}
	return rel, pkg, mayList(a, pkg)
}

// mayListWith asks the credentials: a key needs the scope and a pattern that
// covers the ID.
func mayListWith(a Actor, id string) error {
	if !a.SignedIn() {
		return &Error{Kind: Unauthenticated, Op: "unlist", Msg: msgSignInWrong}
	}
	if !a.allows(ScopeUnlist) || a.Key != nil && !a.Key.covers(id) {
		return &Error{Kind: Forbidden, Op: "unlist", ID: id, Msg: msgKeyMayNot("unlist or relist", cut(id, 100), a.Key)}
	}
	return nil
}

// mayList asks ownership and lock: owners may, and administrators of the site
// without owning (R-PERM-01).
func mayList(a Actor, pkg *Package) error {
	if !owns(a, pkg) && !a.Admin {
		return &Error{Kind: Forbidden, Op: "unlist", ID: string(pkg.ID), Msg: msgNotOwner(a.Name, string(pkg.ID))}
	}
	if pkg.Locked {
		return &Error{Kind: Forbidden, Op: "unlist", ID: string(pkg.ID), Msg: msgLockedPackage(string(pkg.ID))}
	}
	return nil
}

// CanList reports whether the actor may list and unlist versions of the
// package: what a page asks before it offers the buttons.
func CanList(a Actor, pkg *Package) bool {
	return mayListWith(a, string(pkg.ID)) == nil && mayList(a, pkg) == nil
}

func noPackage(op, id, version string) error {
	return &Error{Kind: NotFound, Op: op, ID: cut(id, 128), Version: cut(version, 64), Msg: msgNoPackage(cut(id, 128), cut(version, 64))}
}
