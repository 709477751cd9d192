// Package search finds packages: it is the gallery.Index that the program uses,
// one for each feed, in memory. It reads queries, cuts texts into words, ranks
// what matches and follows the feed's event log, whoever writes it.
//
// Begin with index.go (how the index is built and stays up to date), then
// segment.go (what it is made of), query.go (the language), match.go and rank.go
// (what is found, and in which order).
//
// It must never write to the store, decide who may see a feed, or know the rules
// by which cards are made: a card says what is listed and what each view shows.
// It imports gallery and nuget and nothing else of ours, and is imported only by
// who wires the program.
package search
