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
// wrapped, when the one record or blob asked for is not there. Scans of nothing
// return an empty slice and no error.
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

	// Close waits for the running Update and gives the data back.
	Close() error
}

// A Reader reads one snapshot. Each method is one indexed look-up or one
// ordered scan. Limits of scans are at most 256 for a page; "after" is
// exclusive, and the zero value starts at the first record.
type Reader interface {
	Meta() (Meta, error)
	Setting(name string) (string, error)
	Settings() (map[string]string, error)

	Feed(name string) (*Feed, error)
	Feeds() ([]*Feed, error) // by name
	FeedState(feed uint32) (FeedState, error)

	// Packages of a generation; id is folded (nuget.ID.Key).
	Package(generation uint32, id string) (*Package, error)
	PackageRev(generation uint32, id string) (uint64, error)                 // Package's Rev alone, decoded cheaply: the hottest read
	PackageIDs(generation uint32, after string, limit int) ([]string, error) // folded; reads no record
	Packages(generation uint32, after string, limit int) ([]*Package, error)
	Card(generation uint32, id string) (*Card, error)
	Cards(generation uint32, after string, limit int) ([]*Card, error)
	Head(generation uint32, id string, v nuget.Version) (Head, error)                   // the hot read of a download
	Heads(generation uint32, id string, after nuget.Version, limit int) ([]Head, error) // ascending by version; a Version that IsZero starts at the first
	Release(generation uint32, id string, v nuget.Version) (*Release, error)
	Releases(generation uint32, id string, after nuget.Version, limit int) ([]*Release, error)
	AllHeads(generation uint32, afterID string, after nuget.Version, limit int) ([]Head, error) // every release of a generation, by ID and version
	Events(feed uint32, after uint64, limit int) ([]Event, error)
	Owned(owner AccountNo, generation uint32, after string, limit int) ([]string, error)     // folded IDs
	Downloads(generation uint32, id string) ([]DownloadCount, error)                         // of one package
	AllDownloads(generation uint32, after DownloadCount, limit int) ([]DownloadCount, error) // after's ID and Version are the cursor

	Account(no AccountNo) (*Account, error)
	AccountByName(name string) (*Account, error) // any case
	AccountByEmail(email string) (*Account, error)
	Accounts(after AccountNo, limit int) ([]*Account, error)

	Key(id string) (*Key, error)
	Keys(after string, limit int) ([]*Key, error)
	KeysOf(owner AccountNo, after string, limit int) ([]*Key, error)
	KeyUse(id string) (KeyUse, error)

	Session(hash [32]byte) (*Session, error)
	SessionsOf(account AccountNo, limit int) ([]*Session, error)
	ExpiredSessions(now time.Time, limit int) ([]*Session, error)

	Doomed(after Hash, limit int) ([]Doomed, error)
	DoomedBlob(hash Hash) (Doomed, error)
}

// A Writer also writes. It keeps indexes (owners, names, dependents, expiry)
// equal to the records by itself.
type Writer interface {
	Reader

	PutMeta(Meta) error
	PutSetting(name, value string) error         // an empty value deletes
	NewFeed(f *Feed) error                       // sets Number and Generation
	NewGeneration(f *Feed) error                 // sets a fresh Generation and queues the old one for the janitor
	SweepWiped(limit int) (int, error)           // deletes at most limit (2,000 fit in an Update) records of queued generations; 0: none are left
	PutFeedState(feed uint32, s FeedState) error // counts only: LastSeq and LastTime are AppendEvent's

	PutPackage(generation uint32, p *Package) error
	PutCard(generation uint32, c *Card) error
	PutRelease(generation uint32, r *Release) error               // deletes the doomed rows of its hashes in the same transaction
	AppendEvent(feed uint32, e *Event) error                      // sets Seq (gapless) and Time (max of e.Time and the last plus 100 ns), and moves LastSeq and LastTime of the feed's state
	AddDownloads(generation uint32, counts []DownloadCount) error // Total is what to add

	NewAccount(a *Account) error // sets No; an Exists error when the name is taken in any case
	PutAccount(a *Account) error
	PutKey(k *Key) error
	PutKeyUse(id string, use KeyUse) error
	PutSession(s *Session) error
	DeleteSession(hash [32]byte) error

	PutDoomed(d Doomed) error
	DeleteDoomed(hash Hash) error
}

// A Doomed blob was referenced by no release when gc looked. It is deleted a day
// later unless a release takes it up again (engineering.md 3).
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
