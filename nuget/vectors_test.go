package nuget

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// vectorRows reads the rows of one vector file (name without ".jsonl") from
// testdata/vectors, or from the folder that NOUGAT_VECTORS names.
func vectorRows[T any](t testing.TB, name string) []T {
	t.Helper()
	dir := os.Getenv("NOUGAT_VECTORS")
	if dir == "" {
		dir = filepath.Join("testdata", "vectors")
	}
	f, err := os.Open(filepath.Join(dir, name+".jsonl"))
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
