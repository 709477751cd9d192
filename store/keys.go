package store

import (
	"encoding/binary"
	"time"

	"nougat/nuget"
)

// A Bucket is one ordered space of keys.
type Bucket uint8

// The buckets and their layout. F is a feed generation, S a feed number, A an
// account number, each 4 bytes big endian; id is folded; v is the version's sort
// key; name is folded; | is a zero byte, which no id and no name holds; T is a
// time in 12 bytes (appendTimeKey).
//
// Reserved for what is still to come: dependents (F dependency | id), dlday
// (F id | day v client), member and memberof, reservations and resowner, cases,
// queue, msgs, audit and auditof, symbols.
const (
	bMeta        Bucket = iota // fixed names → what the store says of itself, next numbers
	bSettings                  // name → value
	bFeeds                     // name → S, F, kind, time made
	bFeedState                 // S → last event and its time, packages, releases, bytes
	bPackages                  // F id → gallery.Package; keyPeople
	bCards                     // F id → gallery.Card
	bReleases                  // F id | v → gallery.Head, then gallery.Metadata compressed
	bEvents                    // S seq → gallery.Event; written at the end only
	bDownloads                 // F id | v → Version.Key, total
	bPkgOwner                  // A F id → nothing
	bAccounts                  // A → gallery.Account
	bNames                     // name → A, tombstones' too
	bEmails                    // address | A → nothing
	bKeys                      // public ID → gallery.Key
	bKeyOwner                  // A public ID → nothing
	bKeyExp                    // given up with schema 2, which empties it
	bKeyUse                    // public ID → gallery.KeyUse
	bSessions                  // SHA-256 → gallery.Session
	bSessionAcct               // A SHA-256 → nothing
	bSessionExp                // T SHA-256 → nothing
	bDoomed                    // SHA-512 → since, deleting
	bWipes                     // F → nothing; generations whose keys are to be deleted
	bBlobRefs                  // mark kind digest → nothing; what holds a blob (blobs.go)
	numBuckets
)

// bucketNames are what a backend calls the buckets; they never change.
var bucketNames = [numBuckets]string{
	bMeta:        "meta",
	bSettings:    "settings",
	bFeeds:       "feeds",
	bFeedState:   "feedstate",
	bPackages:    "packages",
	bCards:       "cards",
	bReleases:    "releases",
	bEvents:      "events",
	bDownloads:   "downloads",
	bPkgOwner:    "pkgowner",
	bAccounts:    "accounts",
	bNames:       "names",
	bEmails:      "emails",
	bKeys:        "keys",
	bKeyOwner:    "keyowner",
	bKeyExp:      "keyexp",
	bKeyUse:      "keyuse",
	bSessions:    "sessions",
	bSessionAcct: "byacct",
	bSessionExp:  "exp",
	bDoomed:      "doomed",
	bWipes:       "wipes",
	bBlobRefs:    "blobref",
}

// NumBuckets is how many buckets there are, numbered from 0.
const NumBuckets = int(numBuckets)

func (b Bucket) String() string { return bucketNames[b] }

// Appends reports whether keys are only ever added at the bucket's end, so that
// a backend may fill its pages.
func (b Bucket) Appends() bool { return b == bEvents }

// The rows of bMeta.
var (
	metaStore       = []byte("store")
	metaNextFeed    = []byte("next feed")
	metaNextGen     = []byte("next generation")
	metaNextAccount = []byte("next account")
)

// keyPeople is the row of bPackages with gallery.SiteReader.People, under the
// generation 0, which no feed has: whoever asks for the state of a package needs
// both, and opening another bucket would cost more than the look-up.
var keyPeople = []byte{0, 0, 0, 0, 'p'}

// usable reports whether text can be part of a key. An id or name that is not
// usable has no record; it may have come from an address.
func usable(text string) bool {
	if len(text) == 0 || len(text) > MaxKey/2 {
		return false
	}
	for i := 0; i < len(text); i++ {
		if text[i] == 0 {
			return false
		}
	}
	return true
}

func appendNumber(b []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(b, n) }

// appendID appends F id.
func appendID(b []byte, generation uint32, id string) []byte {
	return append(appendNumber(b, generation), id...)
}

// appendRelease appends F id | v.
func appendRelease(b []byte, generation uint32, id string, v nuget.Version) []byte {
	return v.AppendSortKey(append(appendID(b, generation, id), 0))
}

// appendEvent appends S seq.
func appendEvent(b []byte, feed uint32, seq uint64) []byte {
	return binary.BigEndian.AppendUint64(appendNumber(b, feed), seq)
}

// timeKeyLen is how many bytes appendTimeKey appends.
const timeKeyLen = 12

// appendTimeKey appends bytes that sort as times do, from the year 1 on.
func appendTimeKey(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(max(t.Unix()-yearOne, 0)))
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

// prefixEnd returns the first key after all that begin with prefix; nil when
// there is none.
func prefixEnd(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
