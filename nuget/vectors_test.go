package nuget

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// vectorRows reads the rows of one vector file (name without ".jsonl") from
// testdata/vectors, or from the folder that NOUGAT_VECTORS names. That folder
// may hold some of the files only: the test of one that is missing is skipped.
func vectorRows[T any](t testing.TB, name string) []T {
	t.Helper()
	dir := cmp.Or(os.Getenv("NOUGAT_VECTORS"), filepath.Join("testdata", "vectors"))
	if files, err := filepath.Glob(filepath.Join(dir, "*.jsonl")); err != nil || len(files) == 0 {
		t.Fatalf("%s holds no vectors: %v", dir, err)
	}
	f, err := os.Open(filepath.Join(dir, name+".jsonl"))
	if errors.Is(err, fs.ErrNotExist) && os.Getenv("NOUGAT_VECTORS") != "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()

	var rows []T
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatalf("%s.jsonl, row %d: %v", name, len(rows)+1, err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatalf("%s.jsonl: %v", name, err)
	}
	if len(rows) == 0 {
		t.Fatalf("%s.jsonl holds no rows", name)
	}
	return rows
}
