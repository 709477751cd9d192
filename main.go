// Command nougat is a private NuGet gallery in one program: a feed that NuGet's
// clients push to and restore from, and the pages to look at it.
//
// The command line is package cli's, and every folder beside this file is a room
// of its own: CONTRIBUTING.md says what each is for, floors_test.go which may
// import which. This one must never hold more than the start.
package main

import "nougat/cli"

func main() { cli.Main() }
