// Package v3 renders the documents of the V3 protocol out of the gallery's
// records, and keeps them: service index, flat container index, the three
// registration hives, search and autocomplete answers, and the catalog
// (protocol.md 1 to 5 and 7).
//
// A document is rendered when it is first asked for after a change, compressed
// once, and kept under a key that holds the number of the last event that
// touched it. A change makes a new key; old ones are never asked for again. The
// ETag is a hash of the same key, so that it can be compared without rendering.
//
// It must never know HTTP or echo, decide who may read, or answer differently
// by who asks.
package v3
