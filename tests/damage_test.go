package tests

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nougat/internal/pack"
	"nougat/store"
	"nougat/store/bolt"
)

// TestEachFaultOnce takes files of packages away and changes others: verify
// names each of these packages once, and nothing else.
func TestEachFaultOnce(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	for _, id := range []string{"Contoso.Cut", "Contoso.Gone", "Contoso.Other", "Contoso.Whole"} {
		for _, version := range []string{"1.0.0", "2.0.0"} {
			c.pushed(t, pack.Spec{ID: id, Version: version})
		}
	}
	file := func(id string) string {
		content := pack.Nupkg(pack.Spec{ID: id, Version: "1.0.0"})
		found := ""
		_ = filepath.WalkDir(filepath.Join(data, "blobs"), func(path string, e os.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				if there, _ := os.ReadFile(path); bytes.Equal(there, content) {
					found = path
				}
			}
			return err
		})
		return found
	}
	gone, cut, other := file("Contoso.Gone"), file("Contoso.Cut"), file("Contoso.Other")
	content, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := errors.Join(os.Remove(gone), os.Truncate(cut, 50), os.WriteFile(other, content, 0o600)); err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		t.Helper()
		out, err := outcome(t, "verify", "--data", data)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if err == nil || len(lines) != 3 || !strings.HasPrefix(lines[0], "feed main: Contoso.Cut 1.0.0: ") ||
			!strings.HasPrefix(lines[1], "feed main: Contoso.Gone 1.0.0: ") || !strings.HasPrefix(lines[2], "feed main: Contoso.Other 1.0.0: ") {
			t.Errorf("%s verify says (%v)\n%s", when, err, out)
		}
	}
	check("beside the server")
	// What should be there is no 404: a client would look for it elsewhere.
	for _, id := range []string{"contoso.gone", "contoso.cut"} {
		if r := c.do(t, http.MethodGet, nupkgPath(id, "1.0.0"), nil); r.status != http.StatusInternalServerError {
			t.Errorf("the package %s without its file: %v", id, r)
		}
	}
	waitFor(t, "the log to say that a file is missing", func() bool {
		return strings.Contains(p.errs.String(), "the record is there but its file is not")
	})
	p.end(t, data)
	check("without a server")
}

// TestTornCopy cuts the database off and fills parts of it with nonsense, as a
// copy made while it was written to has it: verify and serve say so with exit
// code 1, in a sentence.
func TestTornCopy(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	for i := range 40 {
		c.pushed(t, pack.Spec{ID: fmt.Sprintf("Contoso.P%d", i), Version: "1.0.0"})
	}
	p.end(t, data)
	path := filepath.Join(data, bolt.FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{100, 4096, 3 * 4096, 10 * 4096} {
		if err := os.WriteFile(path, whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"verify", "serve"} {
			out, err := outcome(t, verb, "--data", data)
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(out, "the database is damaged") || strings.Contains(out, "goroutine") {
				t.Errorf("nougat %s with %d of %d bytes: %v\n%s", verb, size, len(whole), err, out)
			}
		}
	}
	for at := 2 * 4096; at < 40*4096; at += 3 * 4096 {
		torn := bytes.Clone(whole)
		clear(torn[at : at+4096])
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := outcome(t, "verify", "--data", data)
		exit, failed := errors.AsType[*exec.ExitError](err)
		if failed && (exit.ExitCode() != 1 || !strings.Contains(out, "the database is damaged") || strings.Contains(out, "goroutine")) {
			t.Errorf("verify with an empty page %d: %v\n%s", at/4096, err, out)
		}
	}
}

// TestDamagedRecord spoils a record of each kind: verify names it, once.
func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	for _, id := range []string{"Contoso.A", "Contoso.B", "Contoso.C"} {
		for _, version := range []string{"1.0.0", "2.0.0"} {
			c.pushed(t, pack.Spec{ID: id, Version: version})
			c.get(t, http.StatusOK, nupkgPath(id, version)) // counted
		}
	}
	p.end(t, data)
	for b := range store.Bucket(store.NumBuckets) {
		want := map[string]string{
			"packages":  "feed main: contoso.b: its records cannot be read: ",
			"releases":  "feed main: contoso.b: its records cannot be read: ",
			"cards":     "feed main: contoso.b: its search card cannot be read: ",
			"events":    "feed main: its records cannot be read: ",
			"downloads": "feed main: its records cannot be read: ",
			"keys":      "accounts and keys: ",
		}[b.String()]
		if want == "" {
			continue
		}
		t.Run(b.String(), func(t *testing.T) {
			kept := spoil(t, data, b, nil)
			out, err := outcome(t, "verify", "--data", data)
			if err == nil || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, want) {
				t.Errorf("verify says (%v)\n%s", err, out)
			}
			spoil(t, data, b, kept)
			verbOutput(t, "", "verify", "--data", data)
		})
	}
}

// spoil gives the record in the middle of a bucket another value, or nonsense,
// and returns the one that it had.
func spoil(t *testing.T, data string, b store.Bucket, value []byte) (old []byte) {
	t.Helper()
	kv, err := bolt.Open(data, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = kv.Update(t.Context(), func(tx store.Txn) error {
		all, err := tx.Scan(b, nil, nil, store.MaxPage)
		if err != nil {
			return err
		}
		middle := all[len(all)/2]
		old = bytes.Clone(middle.Value)
		if value == nil {
			value = []byte("\x01nonsense")
		}
		return tx.Put(b, bytes.Clone(middle.Key), value)
	})
	if err := errors.Join(err, kv.Close()); err != nil {
		t.Fatal(err)
	}
	return old
}

// outcome runs a verb that may fail and returns what it printed, findings first.
func outcome(t *testing.T, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = t.TempDir()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return cmp.Or(out.String(), errs.String()), err
}
