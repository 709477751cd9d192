package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: scripts call it as nougat.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nougat": main})
}
