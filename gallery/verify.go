package gallery

import (
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Finding is one thing that is not as it should be.
type Finding struct {
	Feed    string `json:"feed,omitempty"`
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
	What    string `json:"what"`
}

func (f Finding) String() string {
	s := f.What
	if f.Version != "" {
		s = f.Version + ": " + s
		if f.ID != "" {
			s = f.ID + " " + s
		}
	} else if f.ID != "" {
		s = f.ID + ": " + s
	}
	if f.Feed != "" {
		s = "feed " + f.Feed + ": " + s
	}
	return s
}

// Checked is how much a verification looked at.
type Checked struct {
	Packages int   `json:"packages"`
	Releases int   `json:"releases"`
	Events   int   `json:"events"`
	Blobs    int   `json:"blobs"`
	Bytes    int64 `json:"bytes"`
}

// Verify holds the records against each other and against the files: every
// release has its blob, every blob its size and hash, every package its count,
// its latest versions, owners and card, every event log no gap, and every account
// and key can be read. It may run
// beside a serving gallery: it reads in many short Views, and what it would
// report it reads again in a fresh one first.
func Verify(ctx context.Context, s Store, blobs Blobs, report func(Finding)) (Checked, error) {
	v := &verifier{store: s, blobs: blobs, report: report, hashed: make(map[Hash]error)}
	feeds, err := allFeeds(ctx, s)
	if err != nil {
		return v.done, err
	}
	for _, f := range feeds {
		v.feed(ctx, f)
	}
	if err := v.people(ctx); err != nil && ctx.Err() == nil {
		v.report(Finding{What: "accounts and keys: " + err.Error()})
	}
	return v.done, ctx.Err()
}

// people reads every account and key.
func (v *verifier) people(ctx context.Context) error {
	for _, err := range Scan(ctx, v.store, func(r Reader, last *Account) ([]*Account, error) { return r.Accounts(numberOf(last), ScanPage) }) {
		if err != nil {
			return err
		}
	}
	for _, err := range Scan(ctx, v.store, func(r Reader, last *Key) ([]*Key, error) {
		return r.Keys(idOf(last), ScanPage)
	}) {
		if err != nil {
			return err
		}
	}
	return nil
}

type verifier struct {
	store  Store
	blobs  Blobs
	report func(Finding)
	hashed map[Hash]error // one reading a blob, however many releases share it
	done   Checked

	unreadable bool // of this feed: a record was reported that cannot be read
}

// feed checks a feed. What reads its records one behind the other ends at the
// first that cannot be read: that one is a finding, unless it is one already.
func (v *verifier) feed(ctx context.Context, f *Feed) {
	v.unreadable = false
	ids, err := v.packageIDs(ctx, f)
	for _, id := range ids {
		v.done.Packages++
		v.pkg(ctx, f, id)
	}
	for _, check := range []func(context.Context, *Feed) error{
		func(context.Context, *Feed) error { return err }, v.strays, v.events, v.totals, v.downloads,
	} {
		if err := check(ctx, f); err != nil && ctx.Err() == nil && !v.unreadable {
			v.report(Finding{Feed: f.Name, What: "its records cannot be read: " + err.Error()})
			v.unreadable = true
		}
	}
}

func (v *verifier) packageIDs(ctx context.Context, f *Feed) (ids []string, err error) {
	for id, err := range Scan(ctx, v.store, func(r Reader, last string) ([]string, error) { return r.PackageIDs(f.Generation, last, ScanPage) }) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// pkg checks one package in one View, so that what it compares is one state.
func (v *verifier) pkg(ctx context.Context, f *Feed, id string) {
	var heads []Head
	var wrong []Finding
	for try := 0; try < 2; try++ {
		heads, wrong = nil, nil
		say := func(version, what string) {
			wrong = append(wrong, Finding{Feed: f.Name, ID: id, Version: version, What: what})
		}
		err := v.store.View(ctx, func(r Reader) error {
			pkg, err := r.Package(f.Generation, id)
			if err != nil {
				return err
			}
			for h, err := range pages(func(last Head) ([]Head, error) { return r.Heads(f.Generation, id, last.Version, ScanPage) }) {
				if err != nil {
					return err
				}
				heads = append(heads, h)
			}
			return checkPackage(r, f, pkg, heads, say)
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			say("", "its records cannot be read: "+err.Error())
			v.unreadable = true
		}
		if len(wrong) == 0 {
			break
		}
	}
	for _, w := range wrong {
		v.report(w)
	}
	for _, h := range heads {
		v.done.Releases++
		if err := v.blob(ctx, h); err != nil && ctx.Err() == nil {
			v.report(Finding{Feed: f.Name, ID: string(h.ID), Version: h.Version.String(), What: err.Error()})
		}
	}
}

// checkPackage compares a package and its card with its releases.
func checkPackage(r Reader, f *Feed, pkg *Package, heads []Head, say func(version, what string)) error {
	if pkg.Versions != len(heads) {
		say("", fmt.Sprintf("counts %d versions and has %d", pkg.Versions, len(heads)))
	}
	var listed []CardVersion
	var rev uint64
	for _, h := range heads {
		rev = max(rev, h.Rev)
		if h.Listed {
			listed = append(listed, CardVersion{Version: h.Version, SemVer2: h.SemVer2})
		}
		if h.ID.Key() != pkg.ID.Key() {
			say(h.Version.String(), fmt.Sprintf("is recorded under %s but is named %s", pkg.ID, h.ID))
		}
		if _, err := r.Release(f.Generation, pkg.ID.Key(), h.Version); err != nil {
			say(h.Version.String(), "its metadata cannot be read: "+err.Error())
		}
		if err := checkHeld(r, h); err != nil {
			say(h.Version.String(), err.Error())
		}
	}
	if rev > pkg.Rev {
		say("", fmt.Sprintf("is at event %d and one of its versions at %d", pkg.Rev, rev))
	}
	top := latest(listed)
	for i := range top {
		if !top[i].Equal(pkg.Latest[i]) || top[i].IsZero() != pkg.Latest[i].IsZero() {
			say("", fmt.Sprintf("names %q as its latest version where it is %q", pkg.Latest[i], top[i]))
		}
	}
	for _, no := range pkg.Owners {
		if _, err := r.Account(no); err != nil {
			say("", fmt.Sprintf("is owned by account %d, which cannot be read: %v", no, err))
		}
	}
	card, err := r.Card(f.Generation, pkg.ID.Key())
	if err != nil {
		say("", "its search card cannot be read: "+err.Error())
		return nil
	}
	same := slices.EqualFunc(card.Versions, listed, func(a, b CardVersion) bool { return a.Version.Equal(b.Version) && a.SemVer2 == b.SemVer2 })
	if !same || card.Rev != pkg.Rev || !slices.Equal(card.Owners, pkg.Owners) {
		say("", "its search card does not agree with its versions")
	}
	return nil
}

// checkHeld says when nothing notes that a release holds its files: the sweep
// would remove them.
func checkHeld(r Reader, h Head) error {
	for _, blob := range []Hash{h.Blob, h.Received} {
		switch used, err := r.BlobInUse(blob); {
		case err != nil:
			return err
		case !used:
			return fmt.Errorf("its file %s counts as unused", blob)
		}
	}
	return nil
}

// blob reads the file of a release once.
func (v *verifier) blob(ctx context.Context, h Head) error {
	err, seen := v.hashed[h.Blob]
	if !seen {
		err = v.readBlob(ctx, h.Blob)
		v.hashed[h.Blob] = err
		v.done.Blobs++
	}
	if err != nil {
		return err
	}
	b, err := v.blobs.Open(h.Blob)
	if err != nil {
		return err
	}
	defer b.Close()
	if b.Size() != h.Size {
		return fmt.Errorf("its file has %d bytes and the record says %d", b.Size(), h.Size)
	}
	return nil
}

func (v *verifier) readBlob(ctx context.Context, h Hash) error {
	b, err := v.blobs.Open(h)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("its file %s is not there", h)
	}
	if err != nil {
		return fmt.Errorf("its file cannot be read: %w", err)
	}
	defer b.Close()
	sum := sha512.New()
	buf := make([]byte, copyBuffer)
	n, err := io.CopyBuffer(struct{ io.Writer }{sum}, struct{ io.Reader }{io.NewSectionReader(b, 0, b.Size())}, buf)
	v.done.Bytes += n
	if err != nil {
		return fmt.Errorf("its file %s cannot be read: %w", h, err)
	}
	if !slices.Equal(sum.Sum(nil), h[:]) {
		return fmt.Errorf("the content of its file %s has changed: its hash is another", h)
	}
	return ctx.Err()
}

// strays finds releases without a package, and what is wrong with those that are
// not served.
func (v *verifier) strays(ctx context.Context, f *Feed) error {
	last := ""
	for h, err := range allHeads(ctx, v.store, f) {
		if err != nil {
			return err
		}
		id := h.ID.Key()
		if id == last && h.State == Served {
			continue
		}
		stray := false
		err := v.store.View(ctx, func(r Reader) error {
			if _, err := r.Package(f.Generation, id); err != nil {
				stray = errors.Is(err, ErrNotFound)
				return err
			}
			if h.State == Served {
				return nil
			}
			return checkHeld(r, h)
		})
		switch {
		case stray && id != last:
			v.report(Finding{Feed: f.Name, ID: id, Version: h.Version.String(), What: "is recorded without its package"})
		case err != nil && h.State != Served:
			v.report(Finding{Feed: f.Name, ID: id, Version: h.Version.String(), What: err.Error()})
		case err != nil && !stray:
			return err
		}
		last = id
	}
	return nil
}

// events checks that the log has no gap, ends where the state says and runs
// forward in time.
func (v *verifier) events(ctx context.Context, f *Feed) error {
	var last Event
	var state FeedState
	for e, err := range Scan(ctx, v.store, func(r Reader, last Event) ([]Event, error) {
		events, err := r.Events(f.Number, last.Seq, ScanPage)
		if err == nil {
			state, err = r.FeedState(f.Number)
		}
		return events, err
	}) {
		if err != nil {
			return err
		}
		v.done.Events++
		if e.Seq != last.Seq+1 {
			v.report(Finding{Feed: f.Name, What: fmt.Sprintf("the event log goes from %d to %d", last.Seq, e.Seq)})
		}
		if !e.Time.After(last.Time) {
			v.report(Finding{Feed: f.Name, What: fmt.Sprintf("event %d is not later than the one before", e.Seq)})
		}
		last = e
	}
	if state.LastSeq != last.Seq {
		v.report(Finding{Feed: f.Name, What: fmt.Sprintf("the event log ends at %d and the feed says %d", last.Seq, state.LastSeq)})
	}
	return nil
}

// totals checks the feed's counts as they stood at its last event. What others
// push meanwhile is younger than that and does not count; a feed that replaced
// versions or was wiped meanwhile is counted again, a few times.
func (v *verifier) totals(ctx context.Context, f *Feed) error {
	for range 5 {
		then, err := v.state(ctx, f)
		if err != nil {
			return err
		}
		var now FeedState
		id := ""
		for h, err := range allHeads(ctx, v.store, f) {
			if err != nil {
				return err
			}
			if h.Published.After(then.LastTime) {
				continue
			}
			if key := h.ID.Key(); key != id {
				id = key
				now.Packages++
			}
			if h.State == Served {
				now.Releases++
				now.Bytes += h.Size
			}
		}
		if now.Packages == then.Packages && now.Releases == then.Releases && now.Bytes == then.Bytes {
			return nil
		}
		after, err := v.state(ctx, f)
		if err != nil {
			return err
		}
		if f.Kind == TestFeed && after.LastSeq != then.LastSeq {
			continue
		}
		v.report(Finding{Feed: f.Name, What: fmt.Sprintf("counts %d packages, %d versions, %d bytes and has %d, %d, %d",
			then.Packages, then.Releases, then.Bytes, now.Packages, now.Releases, now.Bytes)})
		return nil
	}
	return nil
}

// downloads reads every count: one that cannot be read keeps the search index
// from being built.
func (v *verifier) downloads(ctx context.Context, f *Feed) error {
	for _, err := range Scan(ctx, v.store, func(r Reader, last DownloadCount) ([]DownloadCount, error) {
		return r.AllDownloads(f.Generation, last, ScanPage)
	}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) state(ctx context.Context, f *Feed) (s FeedState, err error) {
	err = v.store.View(ctx, func(r Reader) (err error) {
		s, err = r.FeedState(f.Number)
		return err
	})
	return s, err
}
