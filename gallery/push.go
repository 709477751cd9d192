package gallery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nougat/nuget"
)

// Published is what a push made.
type Published struct {
	Head     Head
	Warnings []string // for X-NuGet-Warning, one each (R-PUSH-16)
}

// Publish publishes what was received, in the order of Q-30: container and
// manifest; rights, lock and existence in a View; licence, icon and readme;
// blob; then the act, which asks rights, lock and existence again. When it
// returns without error the release is in the version list, the registration,
// search and autocomplete, and durable.
func (u *Upload) Publish(ctx context.Context) (*Published, error) {
	g := u.g
	select {
	case g.work <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-g.work }()

	arch, err := nuget.CheckArchive(u.content(), u.Size, nuget.Limits{Now: g.Now()})
	if err == nil {
		err = arch.Inflate(ctx)
	}
	if err != nil {
		return nil, formatError(err)
	}
	m, err := arch.Manifest()
	if err != nil {
		return nil, formatError(err)
	}
	if over := u.Over(); over != nil {
		return nil, over
	}
	at := At{Actor: u.actor, Feed: u.feed}
	p := &push{g: g, feed: u.feed, hash: u.Hash, id: m.ID.Key(), archive: arch, manifest: m}
	s, err := May(ctx, g, at, &publish, p)
	if err != nil {
		return nil, err
	}
	if err := p.checkFiles(); err != nil {
		return nil, err
	}
	p.release = newRelease(arch, m, u)
	p.warn(ctx, u.Size, s.pkg == nil)
	if err := g.storeBlob(ctx, u, s.doomed); err != nil {
		return nil, err
	}
	head, err := Do(ctx, g, at, &publish, p)
	if err != nil {
		return nil, diskError(err)
	}
	g.similar.add(u.feed, m.ID)
	if warning := g.KeyWarning(u.actor); warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	return &Published{Head: head, Warnings: p.warnings}, nil
}

// formatError turns package nuget's problems into an Invalid error: the first
// in the message, all in the details (R-PUSH-07).
func formatError(err error) error {
	var all nuget.Problems
	if errors.As(err, &all) && len(all) > 0 {
		e := &Error{Kind: Invalid, Msg: all[0].Text}
		if len(all) > 1 {
			e.Msg += fmt.Sprintf(" (+%d more in the body)", len(all)-1)
		}
		for _, p := range all {
			e.Details = append(e.Details, p.Text)
		}
		return e
	}
	var one *nuget.Problem
	if errors.As(err, &one) {
		return &Error{Kind: Invalid, Msg: one.Text, Details: []string{one.Text}}
	}
	return err
}

// push is one push between its checks and its records.
type push struct {
	g        *Gallery
	feed     *Feed
	hash     Hash
	id       string // folded
	archive  *nuget.Archive
	manifest *nuget.Manifest
	release  *Release
	warnings []string
}

// target is what a push is about.
type target struct {
	feed     *Feed
	manifest *nuget.Manifest
	pkg      *Package // nil when the ID is new
	old      *Head    // the release of this version that is there, in whatever state
	doomed   bool     // gc has marked the file's bytes
}

var publish = Act[*push, target, Head]{
	Name: "push",
	On: func(r Reader, at At, p *push) (s target, err error) {
		s.feed, s.manifest = at.Feed, p.manifest
		if p.release == nil { // the first time: the file is not stored yet
			if _, err := r.DoomedBlob(p.hash); !errors.Is(err, ErrNotFound) {
				if s.doomed = err == nil; !s.doomed {
					return s, err
				}
			}
		}
		id := p.id
		if s.pkg, err = r.Package(at.Feed.Generation, id); err != nil {
			if errors.Is(err, ErrNotFound) {
				return s, nil
			}
			return s, err
		}
		old, err := r.AnyHead(at.Feed.Generation, id, p.manifest.Version)
		if errors.Is(err, ErrNotFound) {
			return s, nil
		}
		s.old = &old
		return s, err
	},
	May: mayPublish,
	Do:  record,
}

// mayPublish is R-PUSH-09 to R-PUSH-11: rights, lock, existence, in this order.
func mayPublish(a Actor, s target) error {
	id := s.manifest.ID
	if err := mayPush(a, id, s.pkg); err != nil {
		return err
	}
	switch {
	case s.pkg == nil:
		return nil
	case s.pkg.Locked:
		return &Error{Kind: Forbidden, ID: string(id), Msg: msgLockedPackage(string(id))}
	case s.old == nil, s.feed.Replace && s.feed.Kind == TestFeed && s.old.State == Served:
		return nil
	}
	return exists(s.manifest, *s.old)
}

func exists(m *nuget.Manifest, old Head) error {
	e := &Error{Kind: Exists, ID: string(m.ID), Version: m.Version.String()}
	if m.Version.Metadata() != old.Version.Metadata() {
		e.Msg = msgExistsButMetadata(e.ID, m.Version.Full(), old.Version.Full())
	} else {
		e.Msg = msgExists(e.ID, e.Version)
	}
	return e
}

// mayPush decides who may publish under an ID (R-PUSH-09, R-PERM-01): pkg is the
// package as it is, nil when the ID is new. Reservations of prefixes will be
// asked here, between scope and ownership.
func mayPush(a Actor, id nuget.ID, pkg *Package) error {
	if !a.SignedIn() {
		return &Error{Kind: Unauthenticated, Msg: msgSignInWrong}
	}
	need, act := ScopePush|ScopePushVersion, "push a version of"
	if pkg == nil {
		need, act = ScopePush, "push the new ID"
	}
	if !a.allows(need) || a.Key != nil && !a.Key.covers(string(id)) {
		return &Error{Kind: Forbidden, ID: string(id), Msg: msgKeyMayNot(act, string(id), a.Key)}
	}
	if pkg != nil && !owns(a, pkg) {
		return &Error{Kind: Forbidden, ID: string(id), Msg: msgNotOwner(a.Name, string(pkg.ID))}
	}
	return nil
}

// owns reports whether the account that the actor acts for owns the package.
func owns(a Actor, pkg *Package) bool { return slices.Contains(pkg.Owners, a.Owner) }

// record writes the release, its package and card, the event and the feed's
// counts.
func record(c *Change, s target, p *push) (Head, error) {
	kind := Pushed
	if s.old != nil {
		kind = Replaced
	}
	r, f := p.release, c.At.Feed
	ev := &Event{
		Time: c.At.Now, Kind: kind, ID: r.ID, Version: r.Version,
		Actor: c.At.Actor.Account, Key: c.At.Actor.keyID(), Listed: true, Blob: r.Blob,
	}
	if err := c.AppendEvent(f.Number, ev); err != nil {
		return Head{}, err
	}
	r.Rev, r.Published, r.Edited, r.Listed = ev.Seq, ev.Time, ev.Time, true
	r.Pusher, r.PushKey = ev.Actor, ev.Key
	if err := c.PutRelease(f.Generation, r); err != nil {
		return Head{}, err
	}
	state, err := c.FeedState(f.Number)
	if err != nil {
		return Head{}, err
	}
	pkg := s.pkg
	if pkg == nil {
		pkg = &Package{ID: r.ID, Owners: []AccountNo{c.At.Actor.Owner}}
		state.Packages++
	}
	if s.old == nil {
		pkg.Versions++
		state.Releases++
		state.Bytes += r.Size
	} else {
		state.Bytes += r.Size - s.old.Size
	}
	if err := c.PutFeedState(f.Number, state); err != nil {
		return Head{}, err
	}
	return r.Head, putPackage(c, f, pkg, ev, r)
}
