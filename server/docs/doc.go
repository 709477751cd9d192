// Package docs keeps the documents of all protocols, and the bytes of small
// packages beside them. It knows no protocol: what a document says is written by
// the function that its kind names (Kind.Render), out of a protocol's own package.
//
// A document is rendered when it is first asked for after a change, compressed
// once, and kept under a key that holds the state of the records it was made of.
// A change makes a new key; old ones are never asked for again. The ETag is a
// hash of the same key, so that it can be compared without rendering.
//
// Memory is bounded in four ways: by the cache's size, by how many documents are
// rendered at once, by how many answers to questions are, and by rendering one at
// a time for addresses that nobody vouches for.
//
// It must never know HTTP or echo, decide who may read, or answer differently by
// who asks.
package docs
