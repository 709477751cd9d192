package storetest

import (
	"archive/zip"
	"bytes"
	"embed"
	"fmt"
	"os"
	"testing"
)

// earlier holds a data folder for each schema that ever was, as the program of
// its time left it after pushes, listings, downloads and sign-ins. What is in it
// stands with the tests that open it; new ones are added, none is changed.
//
//go:embed earlier/*.zip
var earlier embed.FS

// EarlierData unpacks the data folder of an earlier schema into folder.
func EarlierData(t testing.TB, schema int, folder string) {
	t.Helper()
	packed, err := earlier.ReadFile(fmt.Sprintf("earlier/schema%d.zip", schema))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(folder, z); err != nil {
		t.Fatal(err)
	}
}
