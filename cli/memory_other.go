//go:build !linux

package cli

// limitMemory leaves the garbage collector alone: containers with a limit are
// Linux's.
func limitMemory(func(string) string) {}
