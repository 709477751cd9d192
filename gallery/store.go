package gallery

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"nougat/nuget"
)

// ErrNotFound is what every Reader method and Blobs.Open answer, alone or
// wrapped, when the one record or blob asked for is not there.
var ErrNotFound = errors.New("not found")

// ErrReadOnly is the cause of the Unavailable that Update answers after a sync
// of the database failed: what reached the disk is then unknown, so nothing is
// written until a restart.
var ErrReadOnly = errors.New("the database could not be synced; writes are stopped until a restart")

// A Store keeps records and knows no rule.
type Store interface {
	// View lends a snapshot: f sees all of an Update or none. It must not
	// last: no writing to a client inside it, no scan of more than one page.
	// Values that it hands out outlive it.
	View(ctx context.Context, f func(Reader) error) error

	// Update runs f alone: no other Update is in progress anywhere on this
	// store. An error, a panic or a Goexit in f leaves nothing behind, and what
	// f wrote is durable when Update returns nil. f touches no blobs and no
	// network, does not call View or Update, and touches at most 5,000 keys.
	// Cancelling ctx ends the wait for a turn; once f runs, ctx no longer
	// matters. An error of f is returned as it is, after the commit that its
	// neighbours share; a failed commit is Unavailable, or Full when the disk
	// is full.
	Update(ctx context.Context, f func(Writer) error) error

	// Changes is another number than before once an Update has taken effect, by
	// the time that it returns: as long as it stays, what a View showed after it
	// was asked still holds. It costs next to nothing and reads no record.
	Changes() uint64

	// Close waits for the running Update and gives the data back.
	Close() error
}

// A Reader reads one snapshot. Each method is one indexed look-up or one
// ordered scan.
//
// What is true of all of them: a record that is not there is ErrNotFound; a scan
// of nothing is an empty slice and no error; a record that cannot be read is an
// error that names it. A scan returns at most limit records, and at most 256
// when limit is 0 or larger than that; it begins after its cursor, and the
// cursor's zero value is before the first. Whole scans are read page by page in
// many Views (Scan).
type Reader interface {
	SiteReader
	FeedReader
	PackageReader
	AccountReader
	KeyReader
	SessionReader
	BlobReader
}

// A Writer also writes. It keeps indexes (owners, names, addresses, expiry,
// blobs in use) equal to the records by itself. Deleting what is not there is no
// error.
type Writer interface {
	Reader

	SiteWriter
	FeedWriter
	PackageWriter
	AccountWriter
	KeyWriter
	SessionWriter
	BlobWriter
}

// A SiteReader reads what the store says of itself and of the site.
type SiteReader interface {
	Meta() (Meta, error)
	Setting(name string) (string, error)
	Settings() (map[string]string, error) // all of them

	// People is the number of the last change after which an account is shown
	// otherwise than before; 0 before the first.
	People() (uint64, error)
}

// A SiteWriter writes them.
type SiteWriter interface {
	PutMeta(Meta) error
	PutSetting(name, value string) error // an empty value deletes
}

// A FeedReader reads feeds and their event logs.
type FeedReader interface {
	Feed(name string) (*Feed, error)
	Feeds() ([]*Feed, error) // all, by name

	// FeedState is ErrNotFound for a number that no feed has.
	FeedState(feed uint32) (FeedState, error)
	// Events are in the order of their numbers, from 1; after is the number of
	// the last one known.
	Events(feed uint32, after uint64, limit int) ([]Event, error)
}

// A FeedWriter writes them.
type FeedWriter interface {
	// NewFeed sets Number and Generation; an Exists error when the name is taken.
	NewFeed(f *Feed) error
	// NewGeneration sets a fresh Generation, without packages, and leaves the
	// records of the old one to SweepWiped. The event log goes on.
	NewGeneration(f *Feed) error
	// SweepWiped deletes at most limit records (2,000 fit in an Update) of
	// generations that were left behind, and returns how many; 0: none are left.
	SweepWiped(limit int) (int, error)
	// PutFeedState sets the counts; LastSeq and LastTime are AppendEvent's, and
	// Generation is NewGeneration's.
	PutFeedState(feed uint32, s FeedState) error
	// AppendEvent sets Seq (gapless) and Time (the later of e.Time and the last
	// plus 100 ns), and moves LastSeq and LastTime of the feed's state.
	AppendEvent(feed uint32, e *Event) error
}

// A PackageReader reads packages, their cards, releases and downloads, of one
// generation of a feed. id is always folded (nuget.ID.Key).
type PackageReader interface {
	Package(generation uint32, id string) (*Package, error)
	// PackageState is what a document of the package depends on, decoded
	// cheaply: the hottest read.
	PackageState(generation uint32, id string) (DocState, error)
	// PackageIDs are folded and in their order; no record is read, so that one
	// that cannot be read is named as well.
	PackageIDs(generation uint32, after string, limit int) ([]string, error)
	Packages(generation uint32, after string, limit int) ([]*Package, error) // by folded ID
	Card(generation uint32, id string) (*Card, error)
	Cards(generation uint32, after string, limit int) ([]*Card, error) // by folded ID
	// Owned are the folded IDs of an account's packages, in their order.
	Owned(owner AccountNo, generation uint32, after string, limit int) ([]string, error)

	// Head, Heads, Release and Releases give what is served: a release in another
	// state is not there. Scans ascend by version.
	Head(generation uint32, id string, v nuget.Version) (Head, error) // the hot read of a download
	Heads(generation uint32, id string, after nuget.Version, limit int) ([]Head, error)
	Release(generation uint32, id string, v nuget.Version) (*Release, error)
	Releases(generation uint32, id string, after nuget.Version, limit int) ([]*Release, error)
	// AnyHead gives a release in whatever state it is: a version that was removed
	// stays taken.
	AnyHead(generation uint32, id string, v nuget.Version) (Head, error)
	// AllHeads is every release of a generation in whatever state, by folded ID
	// and version. The cursor is the ID and version of the last one; an ID with
	// the zero version stands before that ID's first.
	AllHeads(generation uint32, afterID string, after nuget.Version, limit int) ([]Head, error)

	Downloads(generation uint32, id string) ([]DownloadCount, error)                         // all versions of one package, ascending
	AllDownloads(generation uint32, after DownloadCount, limit int) ([]DownloadCount, error) // by folded ID and version; after's Total is not looked at
}

// A PackageWriter writes them.
type PackageWriter interface {
	PutPackage(generation uint32, p *Package) error
	PutCard(generation uint32, c *Card) error
	// PutRelease also notes that the release holds its blobs, and takes their
	// doomed rows back.
	PutRelease(generation uint32, r *Release) error
	// AddDownloads adds each Total to what is counted already.
	AddDownloads(generation uint32, counts []DownloadCount) error
}

// An AccountReader reads accounts.
type AccountReader interface {
	Account(no AccountNo) (*Account, error)
	AccountByName(name string) (*Account, error) // in any letter case, removed accounts included
	// AccountByEmail is the one account with the address, in any case; ErrNotFound
	// when two have it (R-ACC-09).
	AccountByEmail(email string) (*Account, error)
	Accounts(after AccountNo, limit int) ([]*Account, error) // by number: in the order in which they were made
}

// An AccountWriter writes them.
type AccountWriter interface {
	// NewAccount sets No; an Exists error when the name is taken in any case.
	NewAccount(a *Account) error
	// PutAccount stores one that is there already. A new name that is taken is an
	// Exists error; the old one becomes free.
	PutAccount(a *Account) error
}

// A KeyReader reads API keys, by their public ID.
type KeyReader interface {
	Key(id string) (*Key, error)
	Keys(after string, limit int) ([]*Key, error)                    // by ID
	KeysOf(owner AccountNo, after string, limit int) ([]*Key, error) // by ID
	KeyUse(id string) (KeyUse, error)                                // ErrNotFound: never used
}

// A KeyWriter writes them.
type KeyWriter interface {
	PutKey(k *Key) error
	PutKeyUse(id string, use KeyUse) error
}

// A SessionReader reads sessions, by the hash of their token.
type SessionReader interface {
	Session(hash [32]byte) (*Session, error)
	SessionsOf(account AccountNo, limit int) ([]*Session, error) // by hash
	// ExpiredSessions are those whose Expires is not after now, the oldest first.
	ExpiredSessions(now time.Time, limit int) ([]*Session, error)
}

// A SessionWriter writes them.
type SessionWriter interface {
	PutSession(s *Session) error
	DeleteSession(hash [32]byte) error
}

// A BlobReader reads which blobs are held by a record, and which are doomed.
type BlobReader interface {
	// BlobsInUse are the marks of blobs that a record holds, ascending; one comes
	// once for each record that holds it. The cursor is the last one returned:
	// of a mark that a page ends with, further records are passed over.
	BlobsInUse(after BlobMark, limit int) ([]BlobMark, error)
	BlobInUse(hash Hash) (bool, error)
	Doomed(after Hash, limit int) ([]Doomed, error) // by hash
	DoomedBlob(hash Hash) (Doomed, error)
}

// A BlobWriter writes what gc does. Which record holds which blob is noted with
// the records themselves.
type BlobWriter interface {
	PutDoomed(d Doomed) error
	DeleteDoomed(hash Hash) error
}

// A BlobMark is the beginning of a blob's hash: enough to tell all blobs apart,
// and a quarter of the room where the store notes who holds it.
type BlobMark [16]byte

// Mark is the beginning of the hash.
func (h Hash) Mark() BlobMark { return BlobMark(h[:16]) }

// A Doomed blob was held by no record when gc looked. It is deleted a day later
// unless a record takes it up again (ENG-3).
type Doomed struct {
	Hash     Hash
	Since    time.Time
	Deleting bool // the file is being removed now: a push of the same bytes waits and stores again
}

// Blobs keeps package files by their SHA-512. Bytes under a hash never change.
type Blobs interface {
	// Temp makes an empty file in the blobs' own file system, readable and
	// writable by this user alone.
	Temp() (*os.File, error)
	// Discard closes and removes a file that Temp made and Put did not take.
	Discard(f *os.File) error
	// Put makes the content of f, a file of Temp whose SHA-512 is hash, durable
	// under its hash; it closes f in any case, and removes it when Put fails.
	// Nil means durable. A repeated Put is quiet. size is what f must hold; a
	// file of another length is an error that leaves nothing.
	Put(ctx context.Context, hash Hash, size int64, f *os.File) error
	// Open gives the blob, or ErrNotFound.
	Open(hash Hash) (Blob, error)
	// Delete removes the blob; one that is not there is no error, one that is
	// in use (Windows) is an error and is tried again at the next gc.
	Delete(hash Hash) error
	// List calls f for each blob, in order of hash, until f fails.
	List(ctx context.Context, f func(Hash, int64) error) error
}

// A Blob is an open package file.
type Blob interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// File is the file itself where there is one, so that a server can hand it
	// to the kernel (sendfile); nil otherwise. Its offset is at the start.
	File() *os.File
}
