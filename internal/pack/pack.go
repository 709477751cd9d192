// Package pack makes small .nupkg files for tests and measurements: valid ones
// by default, and odd ones where a test says so. It is no part of the program.
package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"time"
)

// A Spec says what to pack. ID and Version are required; the rest has defaults
// that make a package which publishes without a warning about its manifest.
type Spec struct {
	ID, Version string
	Description string // default: a sentence with the ID
	Authors     string // default: Ann
	Metadata    string // further elements of <metadata>, as XML
	Nuspec      string // the whole nuspec, instead of the fields above
	Files       []File
	Bare        bool // no licence and no readme of its own
}

// A File is an entry of the archive.
type File struct {
	Name   string
	Data   []byte
	Stored bool // not deflated
}

// Date is the time of every entry, so that equal specs give equal bytes.
var Date = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// Nuspec returns the manifest of s.
func Nuspec(s Spec) string {
	if s.Nuspec != "" {
		return s.Nuspec
	}
	if s.Description == "" {
		s.Description = "The package " + s.ID + " of a test."
	}
	if s.Authors == "" {
		s.Authors = "Ann"
	}
	extra := s.Metadata
	if !s.Bare {
		extra += "<license type=\"expression\">MIT</license><readme>README.md</readme>"
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="utf-8"?>
<package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd">
  <metadata>
    <id>%s</id>
    <version>%s</version>
    <authors>%s</authors>
    <description>%s</description>
    %s
  </metadata>
</package>
`, s.ID, s.Version, s.Authors, s.Description, extra)
}

// Nupkg packs s. Equal specs give equal bytes.
func Nupkg(s Spec) []byte {
	files := []File{{Name: strings.ReplaceAll(s.ID, "/", "_") + ".nuspec", Data: []byte(Nuspec(s))}}
	if !s.Bare && s.Nuspec == "" {
		files = append(files, File{Name: "README.md", Data: []byte("# " + s.ID + "\n\nA package of a test.\n")})
	}
	return Zip(append(files, s.Files...)...)
}

// Zip archives files in their order.
func Zip(files ...File) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, f := range files {
		method := zip.Deflate
		if f.Stored {
			method = zip.Store
		}
		e, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: method, Modified: Date})
		if err != nil {
			panic(err) // writing to memory fails only for a broken spec
		}
		if _, err := e.Write(f.Data); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}
