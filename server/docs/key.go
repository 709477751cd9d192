package docs

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"nougat/gallery"
)

// format is a part of every ETag: it changes with the way documents are
// rendered, so that a client keeps nothing of an older program.
const format = 1

// A Kind is one sort of document. A protocol makes each of its kinds once, when
// it is built, and changes it never again: keys compare their addresses.
type Kind struct {
	// No is a part of the kind's ETags and is never given to another kind. Each
	// protocol has a range: V3 1 to 31, V2 32 to 63, the next one 64 to 95. What
	// belongs to no protocol has numbers from 240 on.
	No uint8

	// Render writes the document of ref into draft, out of the records as they are
	// now, and says in draft.State which those were. ErrNoDocument is kept like a
	// document; after ErrMoved rendering begins again. Nothing but draft may be
	// changed, and neither may be used after it returns.
	Render func(ctx context.Context, ref *Ref, draft *Draft) error

	// Again names the document anew after ErrMoved. Nil: the same reference is
	// rendered again.
	Again func(ctx context.Context, ref Ref) (Ref, error)

	// Answer marks answers to questions, which anybody can make up: they have
	// slots of their own, since they may wait for the index, are compressed fast,
	// since they are not read often, and are kept only up to maxKeptAnswer bytes.
	Answer bool
}

// A Draft is what Render writes.
type Draft struct {
	State gallery.DocState // of the records that were read; at first the reference's
	Body  []byte           // is not kept: Render may use its memory again

	// Parts is kept beside the document for the protocol (Document.Parts), and
	// PartsCost is how many bytes of memory that takes.
	Parts     any
	PartsCost int
}

// A Key names a document in one of its states.
type Key struct {
	Kind  *Kind
	Form  uint8  // of several that a protocol has of one document
	Feed  uint32 // generation, or number where the document is about the event log
	Count int32  // of what it lists, where the protocol needs that to tell states apart
	State gallery.DocState
	ID    string // folded
	Sub   string // what else names it: version, bounds, query
	Root  string // address of the feed's root, where the document names addresses
}

// appendState gives the ETag every number of a state.
func appendState(b []byte, s gallery.DocState) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, s.Rev), s.People)
}

// tags are the ETags of a key's plain and compressed document. The epoch is the
// data folder's: one that was put back to an older state has another.
func (k *Key) tags(epoch uint64) (plain, compressed string) {
	var a [256]byte
	b := append(a[:0], format, k.Kind.No, k.Form)
	b = binary.LittleEndian.AppendUint64(b, epoch)
	b = binary.LittleEndian.AppendUint32(b, k.Feed)
	b = binary.LittleEndian.AppendUint32(b, uint32(k.Count))
	b = appendState(b, k.State)
	for _, s := range [...]string{k.ID, k.Sub, k.Root} {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	sum := sha256.Sum256(b)
	var t [1 + 20 + len(`-gz"`)]byte
	t[0] = '"'
	base64.RawURLEncoding.Encode(t[1:21], sum[:15])
	copy(t[21:], `-gz"`)
	compressed = string(t[:])
	t[21] = '"'
	return string(t[:22]), compressed
}

// A Place is the public address that a document names.
type Place struct {
	Root string // of the feed: absolute, without a slash at the end
	Keep bool   // documents for it may be kept
}

// A Ref names a document in the state that it has now. It is cheap: nothing is
// rendered before Docs.Get.
type Ref struct {
	Key  Key
	Feed *gallery.Feed
	Of   any // what else Render needs: a pointer, so that it costs nothing here

	// Keep is false for an address that nobody vouches for: the document is
	// rendered for one request at a time, and not kept.
	Keep bool
	// Loose is set while the document's state has no number: it is rendered for
	// this request alone, and not kept.
	Loose bool
}
