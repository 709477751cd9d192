// Package tests holds the tests of the whole program: they start it as people do,
// talk to it over the wire and with real clients, cut its power, fill its disk,
// and look at what it left. It must never test what a room can test by itself.
package tests

import (
	"flag"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nougat/cli"
)

// TestMain lets the test binary be the program: scripts call it as nougat.
func TestMain(m *testing.M) {
	// The tests wait for disks, programs and clocks more than they compute.
	_ = flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	testscript.Main(m, map[string]func(){"nougat": cli.Main})
}
