package cli

import (
	"errors"
	"testing"
)

func TestCgroupLimit(t *testing.T) {
	for _, test := range []struct {
		name, cgroups string
		files         map[string]string
		want          int64
	}{
		{"none", "", nil, 0},
		{"version 2, in a container", "0::/\n", map[string]string{"/sys/fs/cgroup/memory.max": "536870912\n"}, 536870912},
		{"version 2, no limit", "0::/\n", map[string]string{"/sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"version 2, the smallest of those around it", "0::/a/b/c\n", map[string]string{
			"/sys/fs/cgroup/a/b/c/memory.max": "max", "/sys/fs/cgroup/a/b/memory.max": "1000", "/sys/fs/cgroup/a/memory.max": "2000",
		}, 1000},
		{"version 1", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n", map[string]string{
			"/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "3000", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
			"/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1",
		}, 3000},
		{"version 1, no limit", "4:memory:/\n", map[string]string{"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 0},
		{"nonsense", "memory\n::x\n1:memory:y\n", map[string]string{"/sys/fs/cgroup/memory.max": "-1"}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := cgroupLimit(test.cgroups, func(file string) ([]byte, error) {
				text, ok := test.files[file]
				if !ok {
					return nil, errors.New("no such file")
				}
				return []byte(text), nil
			})
			if got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}
