// Package gallery decides what may happen. It is the only room with rules:
// feeds, packages and releases, accounts and keys, who may push, list and
// read, downloads and the event log; and the interfaces that those rules need,
// of storage (store.go) and of the search index (search.go).
//
// The words, as they are used in every room:
//
//   - Feed: one named source with its own packages, of kind release or test.
//   - Package: an ID in a feed, with owners and Rev, the number of the last
//     event that touched it.
//   - Release: one version of a package. "Version" is only ever the version
//     number.
//   - Account: a person (later also an organisation or a tombstone); all share
//     one space of names.
//   - Key: an API key, with owner, feed, scopes, package patterns, expiry.
//   - Actor: who asks, with which key or session; an argument of every rule,
//     never hidden in a context.
//   - Event: one thing that happened in a feed, mostly to a release; a feed's
//     log numbers its events without gaps.
//   - Act: one thing that somebody may do, as a value (door.go): what it is about,
//     who may, what it writes.
//
// There is one door. Whatever a person, a key or the operator changes is an Act
// and goes through Do: inside the one transaction that writes, the actor, the key,
// the account and the feed are read again, then the act's rule is asked, which is
// a pure function over values (mayPublish, mayAdminister), then it writes. What
// changes by itself is upkeep.go's. HTTP never asks first: it acts and renders the
// refusal, an *Error whose kind decides the status and whose text is for the
// person at the other end.
//
// This room must never know HTTP, HTML, bbolt or file layouts.
package gallery
