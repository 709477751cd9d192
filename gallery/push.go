package gallery

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"nougat/nuget"
)

const (
	maxUploads   = 8  // uploads of one account that stream at once (engineering.md 4)
	maxInHand    = 16 // those that are checked and stored included: each has a file open, and half of pushSlots is left to others
	uploadWait   = time.Minute
	maxTempBytes = 8 << 30   // of all uploads together
	copyBuffer   = 128 << 10 // one a push, whatever its size
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, copyBuffer); return &b }}

// BeginPush asks what can be asked before the body is read: a key with a
// push scope, and a length within the feed's limit. contentLength is -1 where
// the client sends none.
func (g *Gallery) BeginPush(ctx context.Context, a Actor, f *Feed, contentLength int64) error {
	if err := mayPushAnything(a); err != nil {
		return err
	}
	if f.MaxBytes > 0 && contentLength > f.MaxBytes+multipartMargin {
		return errTooLarge(f)
	}
	return nil
}

// multipartMargin is what the multipart form adds to a package at most.
const multipartMargin = 64 << 10

func mayPushAnything(a Actor) error {
	if !a.allows(ScopePush | ScopePushVersion) {
		return &Error{Kind: Forbidden, Op: "push", Msg: msgKeyMayNot("push packages", "", a.Key)}
	}
	return nil
}

func errTooLarge(f *Feed) error {
	return &Error{Kind: TooLarge, Op: "push", Msg: msgTooLarge(f.MaxBytes)}
}

// An Upload is a package on its way in: a temporary file and its hash. It must
// be discarded whether it was pushed or not.
type Upload struct {
	Size int64
	Hash Hash

	g     *Gallery
	file  *os.File // nil once stored or discarded
	small []byte   // all of it, up to smallUpload
	leave func()   // lets the account's next upload begin; nil once done
}

// smallUpload is up to which size a package is also kept in memory, in bytes:
// checking it there saves a dozen calls to the system. Pushes that wait their
// turn hold as much each.
const smallUpload = 16 << 10

// content is what was received, to be read before it is stored.
func (u *Upload) content() io.ReaderAt {
	if u.small != nil {
		return bytes.NewReader(u.small)
	}
	return u.file
}

// Receive streams a body once into a temporary file, hashing on the way. It is
// TooLarge as soon as the feed's limit is passed; the reader's own error is
// wrapped. Memory is one buffer whatever the size. Nothing of the body is read
// while the account has as many uploads as it may.
func (g *Gallery) Receive(ctx context.Context, a Actor, f *Feed, body io.Reader) (*Upload, error) {
	leave, err := g.awaitUpload(ctx, a.Owner)
	if err != nil {
		return nil, err
	}
	u, err := g.receive(f, body)
	g.uploads.leave(a.Owner)
	if err != nil {
		leave()
		return nil, err
	}
	u.leave = leave
	return u, nil
}

// awaitUpload waits until the account may stream one more upload, which ends by
// uploads.leave, and have it in hand, which ends by leave.
func (g *Gallery) awaitUpload(ctx context.Context, no AccountNo) (leave func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, uploadWait)
	defer cancel()
	if err = g.inHand.enter(waiting, no); err == nil {
		if err = g.uploads.enter(waiting, no); err == nil {
			return func() { g.inHand.leave(no) }, nil
		}
		g.inHand.leave(no)
	}
	if ctx.Err() == nil {
		err = &Error{Kind: TooMany, Op: "push", Msg: msgTooManyUploads}
	}
	return nil, err
}

func (g *Gallery) receive(f *Feed, body io.Reader) (*Upload, error) {
	if g.uploading.Load() > maxTempBytes {
		return nil, &Error{Kind: Unavailable, Op: "push", Msg: "Too many uploads are running. Try again in a minute."}
	}
	file, err := g.blobs.Temp()
	if err != nil {
		return nil, diskError(err)
	}
	u := &Upload{g: g, file: file}
	hash := sha512.New()
	var limit int64 = 1 << 62
	if f.MaxBytes > 0 {
		limit = f.MaxBytes
	}
	pooled := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(pooled)
	buf, filled := *pooled, 0
	for {
		n, rerr := body.Read(buf[filled:])
		filled += n
		u.Size += int64(n)
		g.uploading.Add(int64(n))
		if u.Size > limit {
			u.Discard()
			return nil, errTooLarge(f)
		}
		ended := errors.Is(rerr, io.EOF)
		if filled == len(buf) || ended {
			hash.Write(buf[:filled])
			if _, err := file.Write(buf[:filled]); err != nil {
				u.Discard()
				return nil, diskError(err)
			}
			filled = 0
		}
		if ended {
			break
		}
		// A client that has gone shows here, with what it left out; the context
		// would only say that it has gone.
		if rerr != nil {
			u.Discard()
			return nil, fmt.Errorf("the upload ended early: %w", rerr)
		}
	}
	hash.Sum(u.Hash[:0])
	if u.Size <= smallUpload {
		u.small = bytes.Clone(buf[:u.Size])
	}
	return u, nil
}

// Discard removes what was received and not stored. It may be called twice.
func (u *Upload) Discard() {
	if u.leave != nil {
		u.leave()
		u.leave = nil
	}
	if u.file == nil {
		return
	}
	if err := u.g.blobs.Discard(u.take()); err != nil {
		u.g.o.Log.Warn("a temporary file could not be removed; the next start removes it", "err", err)
	}
}

// take gives up the temporary file, which the caller removes or keeps.
func (u *Upload) take() (file *os.File) {
	file, u.file = u.file, nil
	u.g.uploading.Add(-u.Size)
	return file
}

// diskError gives a full disk its own kind.
func diskError(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	if isDiskFull(err) {
		return &Error{Kind: Full, Op: "push", Msg: MsgDiskFull, Err: err}
	}
	return err
}

// isDiskFull also knows a used-up quota. Windows has numbers of its own, which
// mean something else elsewhere.
func isDiskFull(err error) bool {
	const (
		windowsHandleDiskFull = syscall.Errno(39)
		windowsDiskFull       = syscall.Errno(112)
		windowsQuotaExceeded  = syscall.Errno(1295)
	)
	var code syscall.Errno
	if !errors.As(err, &code) {
		return false
	}
	if runtime.GOOS == "windows" {
		return code == windowsHandleDiskFull || code == windowsDiskFull || code == windowsQuotaExceeded
	}
	return code == syscall.ENOSPC || code == syscall.EDQUOT
}

// Published is what a push made.
type Published struct {
	Head     Head
	Warnings []string // for X-NuGet-Warning, one each (R-PUSH-16)
}

// Push publishes what was received, in the order of Q-30: container and
// manifest; rights, lock and existence in a View; licence, icon and readme;
// blob; then one Update, which asks rights, lock and existence again. When it
// returns without error the release is in the version list, the registration,
// search and autocomplete, and durable.
func (g *Gallery) Push(ctx context.Context, a Actor, f *Feed, u *Upload) (*Published, error) {
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
	p := &push{g: g, actor: a, feed: f, archive: arch, manifest: m}
	if err := p.ask(ctx); err != nil {
		return nil, err
	}
	if err := p.checkFiles(); err != nil {
		return nil, err
	}
	p.release = newRelease(arch, m, a, u)
	p.warn(ctx, u.Size)
	if err := g.storeBlob(ctx, u); err != nil {
		return nil, err
	}
	var seq uint64
	err = g.store.Update(ctx, func(w Writer) error {
		ev, err := p.record(w)
		if err != nil {
			return err
		}
		seq = ev.Seq
		return nil
	})
	if err != nil {
		return nil, diskError(err)
	}
	g.awaitIndex(ctx, f, seq)
	g.similar.add(f, m.ID)
	if warning := g.KeyWarning(a); warning != "" {
		p.warnings = append(p.warnings, warning)
	}
	return &Published{Head: p.release.Head, Warnings: p.warnings}, nil
}

// awaitIndex waits until the search index has an event. The event is committed
// either way: a client that leaves meanwhile changes nothing.
func (g *Gallery) awaitIndex(ctx context.Context, f *Feed, seq uint64) {
	if err := g.index(f).Await(ctx, seq); err != nil {
		g.o.Log.Warn("an event was stored but its client left before the search index had it", "feed", f.Name, "event", seq, "err", err)
	}
}

// formatError turns package nuget's problems into an Invalid error: the first
// in the message, all in the details (R-PUSH-07).
func formatError(err error) error {
	var all nuget.Problems
	if errors.As(err, &all) && len(all) > 0 {
		e := &Error{Kind: Invalid, Op: "push", Msg: all[0].Text}
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
		return &Error{Kind: Invalid, Op: "push", Msg: one.Text, Details: []string{one.Text}}
	}
	return err
}

// push is one push between its checks and its records.
type push struct {
	g        *Gallery
	actor    Actor
	feed     *Feed
	archive  *nuget.Archive
	manifest *nuget.Manifest
	release  *Release
	newID    bool
	warnings []string
}

// ask asks rights, lock and existence in a View, before work is spent on a push
// that cannot succeed.
func (p *push) ask(ctx context.Context) error {
	return p.g.store.View(ctx, func(r Reader) error {
		_, _, err := p.permitted(r)
		return err
	})
}

// permitted is R-PUSH-09 to R-PUSH-11: the package as it is, nil when new, and
// the release that a test feed replaces, if there is one.
func (p *push) permitted(r Reader) (*Package, *Head, error) {
	m := p.manifest
	pkg, err := r.Package(p.feed.Generation, m.ID.Key())
	if errors.Is(err, ErrNotFound) {
		pkg, err = nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	p.newID = pkg == nil
	if err := mayPush(p.actor, m.ID, pkg); err != nil {
		return nil, nil, err
	}
	if pkg == nil {
		return nil, nil, nil
	}
	if pkg.Locked {
		return nil, nil, &Error{Kind: Forbidden, Op: "push", ID: string(m.ID), Msg: msgLockedPackage(string(m.ID))}
	}
	old, err := r.Head(p.feed.Generation, m.ID.Key(), m.Version)
	switch {
	case errors.Is(err, ErrNotFound):
		return pkg, nil, nil
	case err != nil:
		return nil, nil, err
	case p.feed.Replace && p.feed.Kind == TestFeed:
		return pkg, &old, nil
	}
	return nil, nil, exists(m, old)
}

func exists(m *nuget.Manifest, old Head) error {
	e := &Error{Kind: Exists, Op: "push", ID: string(m.ID), Version: m.Version.String()}
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
		return &Error{Kind: Unauthenticated, Op: "push", Msg: msgSignInWrong}
	}
	need, act := ScopePush|ScopePushVersion, "push a version of"
	if pkg == nil {
		need, act = ScopePush, "push the new ID"
	}
	if !a.allows(need) || a.Key != nil && !a.Key.covers(string(id)) {
		return &Error{Kind: Forbidden, Op: "push", ID: string(id), Msg: msgKeyMayNot(act, string(id), a.Key)}
	}
	if pkg != nil && !owns(a, pkg) {
		return &Error{Kind: Forbidden, Op: "push", ID: string(id), Msg: msgNotOwner(a.Name, string(pkg.ID))}
	}
	return nil
}

// owns reports whether the account that the actor acts for owns the package.
func owns(a Actor, pkg *Package) bool {
	for _, no := range pkg.Owners {
		if no == a.Owner {
			return true
		}
	}
	return false
}

// storeBlob makes the upload durable under its hash. It first takes back the
// mark of gc, if there is one, so that the file cannot go between here and the
// record; a blob that is being deleted now is waited for (engineering.md 3).
func (g *Gallery) storeBlob(ctx context.Context, u *Upload) error {
	for {
		free, err := g.reprieve(ctx, u.Hash)
		if err != nil {
			return err
		}
		if free {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	// Put closes the file, and removes it when it fails.
	return diskError(g.blobs.Put(ctx, u.Hash, u.Size, u.take()))
}

// reprieve takes the mark from a doomed blob; false while it is being deleted.
func (g *Gallery) reprieve(ctx context.Context, h Hash) (bool, error) {
	var d Doomed
	err := g.store.View(ctx, func(r Reader) (err error) {
		d, err = r.DoomedBlob(h)
		return err
	})
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil || d.Deleting {
		return false, err
	}
	err = g.store.Update(ctx, func(w Writer) error {
		if d, err = w.DoomedBlob(h); err != nil || d.Deleting {
			return err
		}
		return w.DeleteDoomed(h)
	})
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return !d.Deleting, err
}

// record writes the release, its package and card, the event and the feed's
// state, after asking again what may have changed since.
func (p *push) record(w Writer) (*Event, error) {
	pkg, old, err := p.permitted(w)
	if err != nil {
		return nil, err
	}
	kind := Pushed
	if old != nil {
		kind = Replaced
	}
	ev := &Event{
		Time: p.g.Now(), Kind: kind, ID: p.release.ID, Version: p.release.Version,
		Actor: p.actor.Account, Key: p.actor.keyID(), Listed: true, Blob: p.release.Blob,
	}
	if err := w.AppendEvent(p.feed.Number, ev); err != nil {
		return nil, err
	}
	r := p.release
	r.Rev, r.Published, r.Edited, r.Listed = ev.Seq, ev.Time, ev.Time, true
	if err := w.PutRelease(p.feed.Generation, r); err != nil {
		return nil, err
	}
	state, err := w.FeedState(p.feed.Number)
	if err != nil {
		return nil, err
	}
	if pkg == nil {
		pkg = &Package{ID: r.ID, Owners: []AccountNo{p.actor.Owner}}
		state.Packages++
	}
	if old == nil {
		pkg.Versions++
		state.Releases++
		state.Bytes += r.Size
	} else {
		state.Bytes += r.Size - old.Size
	}
	if err := w.PutFeedState(p.feed.Number, state); err != nil {
		return nil, err
	}
	return ev, putPackage(w, p.feed, pkg, ev, r)
}

// newRelease fills a release from its package; Rev, times and listing come with
// its event.
func newRelease(arch *nuget.Archive, m *nuget.Manifest, a Actor, u *Upload) *Release {
	r := &Release{
		Head: Head{
			ID: m.ID, Version: m.Version, SemVer2: m.IsSemVer2(), Signed: arch.Signed(), Size: u.Size,
			Blob: u.Hash, Received: u.Hash, Pusher: a.Account, PushKey: a.keyID(),
		},
		Meta: Metadata{
			Title: m.Title, Authors: m.Authors, Description: m.Description, Summary: m.Summary,
			Copyright: m.Copyright, Language: m.Language, Tags: m.Tags,
			ProjectURL: nuget.WebAddress(m.ProjectURL), IconURL: nuget.WebAddress(m.IconURL), LicenseURL: nuget.WebAddress(m.LicenseURL),
			IconFile: m.Icon, ReadmeFile: m.Readme, MinClientVersion: m.MinClientVersion,
			RequireLicenseAcceptance: m.RequireLicenseAcceptance, DevelopmentDependency: m.DevelopmentDependency,
			Repository: m.Repository, Types: m.Types(),
		},
	}
	if l := m.License; l != nil && l.Type == "file" {
		r.Meta.LicenseFile = l.Text
	} else if l != nil {
		r.Meta.LicenseExpression = l.Text
	}
	for _, group := range m.DependencyGroups {
		dg := DependencyGroup{Framework: frameworkName(group.Framework)}
		for _, d := range group.Dependencies {
			dg.Dependencies = append(dg.Dependencies, Dependency{ID: d.ID, Range: d.Range.String()})
		}
		r.Meta.Dependencies = append(r.Meta.Dependencies, dg)
	}
	for _, group := range m.FrameworkReferences {
		r.Meta.FrameworkReferences = append(r.Meta.FrameworkReferences, NameGroup{Framework: frameworkName(group.Framework), Names: group.Names})
	}
	for _, fa := range m.FrameworkAssemblies {
		frameworks := fa.Frameworks
		if len(frameworks) == 0 {
			frameworks = []nuget.Framework{{}}
		}
		for _, fw := range frameworks {
			r.Meta.FrameworkAssemblies = addName(r.Meta.FrameworkAssemblies, frameworkName(fw), fa.Name)
		}
	}
	for _, fw := range arch.Frameworks() {
		r.Meta.Frameworks = append(r.Meta.Frameworks, fw.String())
	}
	return r
}

// frameworkName is how documents name a framework: its short folder name, empty
// for any.
func frameworkName(f nuget.Framework) string {
	if f.IsAny() {
		return ""
	}
	return f.String()
}

func addName(groups []NameGroup, framework, name string) []NameGroup {
	for i := range groups {
		if groups[i].Framework == framework {
			groups[i].Names = append(groups[i].Names, name)
			return groups
		}
	}
	return append(groups, NameGroup{Framework: framework, Names: []string{name}})
}
