// Package nuget reads and prints the names and formats of NuGet: package IDs,
// versions, version ranges, target frameworks, licence expressions, manifests
// and package archives. It answers as NuGet's own libraries do; where a push
// has to satisfy more than that, the stricter check is a function of its own.
//
// The package knows formats only. It opens no file and no connection, keeps no
// state between calls, and holds no policy of a gallery: who may do what, what
// is shown and what is stored is decided above it. Whatever it reads may be
// hostile, so every function ends in bounded time and none panics.
package nuget
