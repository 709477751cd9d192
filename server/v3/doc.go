// Package v3 renders the documents of the V3 protocol out of the gallery's
// records: service index, flat container index, the three registration hives,
// search and autocomplete answers, and the catalog (PROTO-1 to PROTO-5 and PROTO-7).
// Package docs asks it for them, and keeps them.
//
// It must never know HTTP or echo, decide who may read, or answer differently
// by who asks.
package v3
