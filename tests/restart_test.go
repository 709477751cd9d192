package tests

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"nougat/internal/pack"
)

// TestStartAfterPowerCut starts on what a program leaves that had no time: half
// uploads, a dead control socket, and a package whose record was never written.
func TestStartAfterPowerCut(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	c.pushed(t, pack.Spec{ID: "Contoso.Before", Version: "1.0.0"})
	for i := range 5 {
		halfPush(t, p.addr, key, fmt.Sprintf("Contoso.Half%d", i))
	}
	waitFor(t, "the uploads to be seen", func() bool { return len(leftIn(t, data, "tmp")) == 5 })
	p.kill(t)
	if len(leftIn(t, data, "tmp")) != 5 {
		t.Fatal("the half uploads are not there any more")
	}
	if runtime.GOOS != "windows" && len(leftIn(t, data, "control.*")) != 1 {
		t.Error("there is no dead control socket")
	}
	// Of the push below this would be there after a crash between file and record.
	orphan := pack.Nupkg(pack.Spec{ID: "Contoso.Orphan", Version: "1.0.0"})
	other, k := newGallery(t)
	q := startProgram(t, other)
	if r := q.client(t, k).push(t, orphan); r.status != http.StatusCreated {
		t.Fatal(r)
	}
	q.end(t, other)
	for _, path := range leftIn(t, other, filepath.Join("blobs", "*", "*")) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(other, path)
		if err := os.WriteFile(filepath.Join(data, rel), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	p = startProgram(t, data)
	if left := leftIn(t, data, "tmp"); len(left) > 0 {
		t.Errorf("tmp/ still holds %q", left)
	}
	c = p.client(t, key)
	c.get(t, http.StatusOK, nupkgPath("Contoso.Before", "1.0.0"))
	for i := range 5 {
		id := fmt.Sprintf("Contoso.Half%d", i)
		c.get(t, http.StatusNotFound, "/v3/flat/"+strings.ToLower(id)+"/index.json")
		c.pushed(t, pack.Spec{ID: id, Version: "1.0.0"})
	}
	verbOutput(t, "", "verify", "--data", data)
	c.get(t, http.StatusNotFound, nupkgPath("Contoso.Orphan", "1.0.0"))
	if r := c.push(t, orphan); r.status != http.StatusCreated {
		t.Errorf("the push whose file was there: %v", r)
	}
	c.get(t, http.StatusOK, nupkgPath("Contoso.Orphan", "1.0.0"))
	p.end(t, data)
	p.loggedNoError(t)
	verbOutput(t, "", "verify", "--data", data)
}

// leftIn lists a folder of the data, or what a pattern matches there.
func leftIn(t *testing.T, data, pattern string) []string {
	t.Helper()
	if !strings.Contains(pattern, "*") {
		pattern = filepath.Join(pattern, "*")
	}
	found, err := filepath.Glob(filepath.Join(data, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
