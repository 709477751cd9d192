package cli

import (
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// limitMemory tells the garbage collector to keep within nine tenths of what the
// container grants, unless GOMEMLIMIT says otherwise: it then works harder near
// the limit instead of being killed at it.
func limitMemory(getenv func(string) string) {
	if getenv("GOMEMLIMIT") != "" {
		return
	}
	cgroups, _ := os.ReadFile("/proc/self/cgroup")
	if limit := cgroupLimit(string(cgroups), os.ReadFile); limit > 0 {
		debug.SetMemoryLimit(limit / 10 * 9)
	}
}

// cgroupLimit returns the memory limit in bytes of the process's control group
// or of one around it, the smallest that is set; 0 when none is. cgroups is
// /proc/self/cgroup; both versions of control groups are read.
func cgroupLimit(cgroups string, read func(string) ([]byte, error)) int64 {
	least := int64(0)
	look := func(file string) {
		text, err := read(file)
		if err != nil {
			return
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 && n < 1<<60 && (least == 0 || n < least) {
			least = n
		}
	}
	for line := range strings.Lines(cgroups) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) != 3 {
			continue
		}
		root, file := "/sys/fs/cgroup", "/memory.max"
		if fields[1] != "" {
			root, file = "/sys/fs/cgroup/memory", "/memory.limit_in_bytes"
			if !slices.Contains(strings.Split(fields[1], ","), "memory") {
				continue
			}
		}
		for path := strings.TrimRight(fields[2], "/"); strings.HasPrefix(path, "/"); path = path[:strings.LastIndexByte(path, '/')] {
			look(root + path + file)
		}
		look(root + file)
	}
	return least
}
