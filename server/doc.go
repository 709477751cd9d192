// Package server is HTTP and nothing else: it turns requests into plain values,
// asks the gallery, and writes what it answers, as V3 documents (server/v3), as
// package bytes, or as pages (ui). It is the only room that imports echo, in router.go.
//
// It must never decide what may happen: it does not ask "may I?" before it acts,
// but acts and renders the refusal, an *gallery.Error whose kind decides the
// status (error.go). The one exception is reading: who may read is asked once,
// by the rule of the route (routes.go), before any handler runs.
//
// routes.go holds the one table of everything that is answered. A request goes
// through it like this: the sub-path of the public address is taken off, echo
// finds the route (router.go), run resolves the public address (address.go) and
// asks the route's rule (auth.go), the handler answers through respond.go, and an
// error becomes three channels of text (error.go).
package server
