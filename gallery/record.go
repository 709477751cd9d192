package gallery

import (
	"encoding/hex"
	"time"

	"nougat/nuget"
)

// A Hash is a SHA-512: NuGet wants it of every package, and it names the blob.
type Hash [64]byte

// String returns the hash as 128 lower-case hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether the hash was never set.
func (h Hash) IsZero() bool { return h == Hash{} }

// An AccountNo numbers an account; zero is nobody. Numbers are never reused.
type AccountNo uint32

// FeedKind is release or test (D-04).
type FeedKind uint8

// The kinds of feeds. A test feed may be wiped and may replace versions; a
// release feed refuses both.
const (
	ReleaseFeed FeedKind = iota
	TestFeed
)

func (k FeedKind) String() string {
	if k == TestFeed {
		return "test"
	}
	return "release"
}

// A Feed is one named source. The store keeps Name to Created; the rest is what
// the configuration says of it and is set when the gallery opens.
type Feed struct {
	Name       string    // [a-z0-9][a-z0-9-]{0,31}
	Kind       FeedKind  // never changes while the feed holds packages (T-13)
	Number     uint32    // stable: names its event log and its keys
	Generation uint32    // new at each wipe: part of the key of every record of its packages
	Created    time.Time // UTC

	OpenToRead bool  // anyone may read (D-11, Q-03)
	MaxBytes   int64 // size limit of a package (D-15)
	Replace    bool  // a pushed version replaces one that is there (D-05); test feeds only
}

// Immutable reports whether bytes once served under a version can never change,
// so that clients may keep them for ever.
func (f *Feed) Immutable() bool { return f.Kind == ReleaseFeed && !f.Replace }

// FeedState is what changes with every event of a feed.
type FeedState struct {
	LastSeq  uint64    // number of the last event; 0 before the first
	LastTime time.Time // its time; event times strictly grow
	Packages uint64    // IDs in this generation
	Releases uint64    // versions in this generation that are served
	Bytes    int64     // sum of the sizes of the releases served

	Generation uint32 // of the feed
}

// A Package is an ID in a feed.
type Package struct {
	ID     nuget.ID // spelled as its newest version spells it
	Owners []AccountNo
	Locked bool   // takes no version and no change of its listing (R-LCK-01)
	Rev    uint64 // number of the last event that touched it

	// Latest holds the highest listed version, in each of the four filters of
	// R-DEL-04 (see Filter.Index); a zero version where a filter has none.
	Latest   [4]nuget.Version
	Versions int // releases that are served, unlisted ones included
}

// A DocState is what a document about packages depends on. Whatever changes the
// document changes a number of it, so that it is a part of the key under which
// the document is kept, and of its ETag.
type DocState struct {
	Rev    uint64 // number of the last event that touched what the document is about
	People uint64 // number of the last change of how an account is shown (SiteReader.People)
}

// A Filter says which releases a client can see: prereleases or not, and SemVer 2
// packages or not (PROTO-3, T-09).
type Filter struct {
	Prerelease bool
	SemVer2    bool
}

// Index numbers the four filters from 0 to 3, for Package.Latest and Card.Shown.
func (f Filter) Index() int {
	i := 0
	if f.Prerelease {
		i |= 1
	}
	if f.SemVer2 {
		i |= 2
	}
	return i
}

// Sees reports whether a listed release with these properties passes.
func (f Filter) Sees(prerelease, semVer2 bool) bool {
	return (f.Prerelease || !prerelease) && (f.SemVer2 || !semVer2)
}

// A Head is the part of a release that is read without its metadata.
type Head struct {
	ID        nuget.ID      // as this release spells it
	Version   nuget.Version // as its nuspec gives it
	Listed    bool
	SemVer2   bool // by version or by a dependency bound (PROTO-3)
	Signed    bool // has an entry .signature.p7s, not looked at
	State     ReleaseState
	Rev       uint64
	Published time.Time // the push; never changes; UTC
	Edited    time.Time // the last event
	Size      int64     // bytes of Blob
	Blob      Hash      // what is served
	Received  Hash      // what was uploaded
	Pusher    AccountNo
	PushKey   string // public ID of the key, empty for a password
}

// A ReleaseState says whether a release is served. What is not stays recorded,
// because its version stays taken.
type ReleaseState uint8

// The states of a release.
const (
	Served  ReleaseState = iota
	Removed              // by an administrator: not served, and never listed
)

// A Release is one version of a package.
type Release struct {
	Head
	Meta Metadata
}

// Metadata is what the feed and the pages say of a release. Not in it, because
// it is read from the package in microseconds: nuspec, readme, release notes,
// file list.
type Metadata struct {
	Title, Authors, Description, Summary string
	Copyright, Language                  string
	Tags                                 []string
	ProjectURL, IconURL, LicenseURL      string // the nuspec's, each a nuget.WebAddress or empty
	IconFile, ReadmeFile, LicenseFile    string // paths in the package
	LicenseExpression                    string // the nuspec's text
	MinClientVersion                     string
	RequireLicenseAcceptance             bool
	DevelopmentDependency                bool
	Repository                           *nuget.Repository
	Types                                []nuget.PackageType // never empty: Dependency by default
	Dependencies                         []DependencyGroup
	FrameworkReferences                  []NameGroup
	FrameworkAssemblies                  []NameGroup
	Frameworks                           []string // short names of the frameworks that the package supports
}

// A DependencyGroup lists the dependencies for one framework.
type DependencyGroup struct {
	Framework    string // short folder name; empty for any
	Dependencies []Dependency
}

// A Dependency is an ID and a normalized range.
type Dependency struct {
	ID    string
	Range string // "[1.0.0, )"; "(, )" for any
}

// A NameGroup lists names for one framework.
type NameGroup struct {
	Framework string
	Names     []string
}

// A Card is the compact row from which the search index is built: one for a
// package, with the faces of the versions that its four filters show.
type Card struct {
	ID       nuget.ID
	Owners   []AccountNo
	Rev      uint64
	Faces    []Face        // distinct, at most four; empty when nothing is listed
	Shown    [4]int8       // index in Faces for each Filter.Index; -1 where the filter is empty
	Versions []CardVersion // listed ones, ascending
}

// A Face is what search shows of the version that a filter shows.
type Face struct {
	Version                         nuget.Version
	Title, Description, Summary     string
	Authors                         string
	Tags                            []string
	ProjectURL, IconURL, LicenseURL string // as in Metadata
	HasIcon, HasLicenseFile         bool   // embedded: the feed serves them
	Types                           []string
	Frameworks                      []string
	Published                       time.Time
}

// A CardVersion is a listed version of a package.
type CardVersion struct {
	Version nuget.Version
	SemVer2 bool
}

// EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	Pushed EventKind = iota + 1
	Unlisted
	Relisted
	Replaced // a test feed took another package under the same version
	Wiped    // a test feed was emptied; no ID
)

// OfRelease reports whether an event of this kind is about one release: it has
// an ID and a version.
func (k EventKind) OfRelease() bool { return k >= Pushed && k <= Replaced }

// InCatalog reports whether the V3 catalog shows an event of this kind.
func (k EventKind) InCatalog() bool { return k.OfRelease() }

// An Event is one thing that happened to a release of a feed.
type Event struct {
	Seq     uint64    // from 1, without gaps
	Time    time.Time // UTC, strictly growing by at least 100 ns
	Kind    EventKind
	ID      nuget.ID
	Version nuget.Version
	Actor   AccountNo
	Key     string // public ID of the key used, if one was
	Listed  bool   // after the event
	Blob    Hash   // what the event's release served
}

// AccountKind is a person, an organisation or a tombstone.
type AccountKind uint8

// The kinds of accounts.
const (
	Person AccountKind = iota
	Organisation
	Tombstone
)

// An Account is a person with a name and a password. Organisations and
// tombstones have their place in the record and in the space of names.
type Account struct {
	No       AccountNo
	Kind     AccountKind
	Name     string // 3 to 64 characters (R-ACC-01), unique without case (R-ACC-02)
	Email    string // may be empty
	Password string // argon2id in PHC form; empty when it cannot sign in
	Admin    bool   // administrator of the site
	Locked   bool   // may not sign in, nor its keys be used (R-ACC-15)
	Created  time.Time

	// Credentials is the generation of what the account signs in with: it grows
	// when the password changes, and when the account is locked or removed. Whatever
	// was begun under an earlier one (a session, a remembered password, a sign-in
	// that is still being checked) is over.
	Credentials uint64
}

// Scope is a set of acts that a key allows (R-KEY-07, R-KEY-17).
type Scope uint8

// The scopes. Push includes PushVersion; neither includes Unlist.
const (
	ScopePush        Scope = 1 << iota // package:push: new IDs and versions
	ScopePushVersion                   // package:pushversion: versions of known IDs
	ScopeUnlist                        // package:unlist: unlist and relist
	ScopeRead                          // package:read: reads of a feed that is not open
)

// A Key is an API key. Its secret is shown once and kept only as SHA-256.
type Key struct {
	ID       string    // 8 public characters
	Hash     [32]byte  // SHA-256 of the whole key
	Owner    AccountNo // for whom it acts (R-KEY-06)
	Creator  AccountNo // who made it
	Feed     uint32    // number of the feed where it works
	Name     string    // what the key is for (R-KEY-05)
	Scopes   Scope
	Packages []string // globs, "*" the only wildcard (R-KEY-08)
	Days     int      // length chosen; 0 is never
	Created  time.Time
	Expires  time.Time // zero: never
	Revoked  time.Time // zero: not revoked
}

// KeyUse is when and from where a key was last used.
type KeyUse struct {
	Time   time.Time
	Addr   string
	Client string // name and version from the User-Agent
}

// A Session is a person signed in with a browser (R-ACC-11).
type Session struct {
	Hash    [32]byte // SHA-256 of the cookie's value
	Account AccountNo
	Created time.Time
	Seen    time.Time
	Expires time.Time // absolute
	Addr    string
	Client  string

	Credentials uint64 // Account.Credentials when it began
}

// A DownloadCount is the total of one version.
type DownloadCount struct {
	ID      string // folded
	Version string // Version.Key
	Total   uint64
}

// Meta is what a store says of itself.
type Meta struct {
	Schema int    // number of the newest step that the records have gone through
	Epoch  uint64 // random; renewed by a restore, so that no old ETag matches
}
