// Package need lets a test say what it needs from the machine: a tool, or a
// folder of outside material. What is absent is skipped by name, unless the
// environment variable NOUGAT_TEST_REQUIRE lists that name: then the test
// fails, so that a continuous build leaves nothing out silently.
package need

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Missing skips the test because name is not here, or fails it when
// NOUGAT_TEST_REQUIRE (comma separated) lists name.
func Missing(t testing.TB, name, why string) {
	t.Helper()
	if slices.Contains(strings.Split(os.Getenv("NOUGAT_TEST_REQUIRE"), ","), name) {
		t.Fatalf("%s is required by NOUGAT_TEST_REQUIRE but is missing: %s", name, why)
	}
	t.Skipf("%s is missing: %s", name, why)
}

// Root returns the folder of the repository, from any folder in it.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("%v", err)
	}
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			return up
		}
		if up == filepath.Dir(up) {
			t.Fatalf("%s lies in no module", dir)
		}
	}
}

// Shared returns the path of outside material, which lies beside the repository
// and need not be there: Shared(t, "corpus", "packages").
func Shared(t testing.TB, path ...string) string {
	t.Helper()
	return filepath.Join(append([]string{Root(t), "..", "shared"}, path...)...)
}

// Dir returns path when it is a folder that can be read, else calls Missing.
func Dir(t testing.TB, name, path string) string {
	t.Helper()
	if _, err := os.ReadDir(path); err != nil {
		Missing(t, name, err.Error())
	}
	return path
}

// Tool returns the path of the first of programs found on the PATH, else calls
// Missing.
func Tool(t testing.TB, name string, programs ...string) string {
	t.Helper()
	for _, p := range programs {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
	}
	Missing(t, name, "none of "+strings.Join(programs, ", ")+" is on the PATH")
	return ""
}
