package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// prepare builds the programs, and then moves this one to the second core.
func (r *run) prepare() error {
	if runtime.GOOS != "linux" {
		return errors.New("processor time and memory of a process are read as Linux shows them: run this on Linux")
	}
	if _, err := os.Stat(filepath.Join(r.root, "go.mod")); err != nil {
		return errors.New("run this in the root of the repository")
	}
	r.nougat = filepath.Join(r.tmp, "nougat")
	if err := build(r.root, r.nougat, "-trimpath", "-ldflags=-s -w"); err != nil {
		return err
	}
	if _, err := os.Stat(r.bench); err != nil {
		return fmt.Errorf("the load generator is not here: name its folder with -bench (%w)", err)
	}
	r.feedbench, r.phys = filepath.Join(r.tmp, "feedbench"), filepath.Join(r.tmp, "phys")
	if err := build(r.bench, r.feedbench); err != nil {
		return err
	}
	if err := build(filepath.Join(r.bench, "phys"), r.phys); err != nil {
		return err
	}
	r.nginx, _ = exec.LookPath("nginx")
	if r.nginx == "" {
		say("nginx is not here: rows 1 to 6 and 9 are left out")
	}
	if !pinned() {
		say("there are not two cores and taskset: server and load share what there is, and the figures are worth less")
		return nil
	}
	runtime.GOMAXPROCS(1)
	return exec.Command("taskset", "-a", "-p", "-c", "1", strconv.Itoa(os.Getpid())).Run()
}

// pinned reports whether server and load get a core each.
func pinned() bool {
	_, err := exec.LookPath("taskset")
	return err == nil && runtime.NumCPU() > 1
}

func build(dir, out string, flags ...string) error {
	say("building %s", filepath.Base(out))
	cmd := exec.Command("go", append(append([]string{"build"}, flags...), "-o", out, ".")...)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", dir, err, text)
	}
	return nil
}

// A process is a server on the first core.
type process struct {
	cmd  *exec.Cmd
	log  *os.File // what it writes to standard error
	pids []int    // its own and its workers'
}

func (r *run) start(program string, args ...string) (*process, error) {
	line := append([]string{program}, args...)
	if pinned() {
		line = append([]string{"taskset", "-c", "0"}, line...) // becomes the program, under the same number
	}
	log, err := os.CreateTemp(r.tmp, "log")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(r.ctx, line[0], line[1:]...), log: log}
	p.cmd.Stderr = log
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	p.pids = []int{p.cmd.Process.Pid}
	return p, nil
}

// said is the end of what it wrote to standard error.
func (p *process) said() string {
	b, _ := os.ReadFile(p.log.Name())
	return string(b[max(0, len(b)-2000):])
}

// stop ends a server and waits for it.
func (p *process) stop() error {
	defer p.log.Close()
	p.cmd.Process.Signal(os.Interrupt)
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		p.cmd.Process.Kill()
		<-ended
		return fmt.Errorf("%s did not stop; it said: %s", p.cmd.Path, p.said())
	}
}

// freePort is a port that nobody listened on a moment ago.
func freePort() int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// plain asks once and takes answers as they are.
var plain = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: 2 * time.Minute}

// get returns the body of a 200, and whether it is gzipped.
func get(url string) (body []byte, zipped bool, err error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, false, err
	}
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	res, err := plain.Do(req)
	if err != nil {
		return nil, false, err
	}
	defer res.Body.Close()
	if body, err = io.ReadAll(res.Body); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, res.Status)
	}
	return body, res.Header.Get("Content-Encoding") == "gzip", err
}

// awaitOK asks until the answer is 200 and returns how long that took.
func (p *process) awaitOK(url string, since time.Time) (time.Duration, error) {
	for time.Since(since) < 2*time.Minute {
		if _, _, err := get(url); err == nil {
			return time.Since(since), nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return 0, fmt.Errorf("%s did not answer; it said: %s", url, p.said())
}

// workers notes the processes that p has started.
func (p *process) workers() {
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range all {
		pid, _ := strconv.Atoi(strings.Split(stat, "/")[2])
		if f := statFields(pid); len(f) > 1 && f[1] == strconv.Itoa(p.cmd.Process.Pid) {
			p.pids = append(p.pids, pid)
		}
	}
}

// statFields are the fields of a process behind its name: [1] is the parent,
// [11] and [12] the processor time in and for it.
func statFields(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// cpu is the processor time that the server has used.
func (p *process) cpu() time.Duration {
	const tick = 10 * time.Millisecond // on every Linux that Go runs on
	var ticks int64
	for _, pid := range p.pids {
		if f := statFields(pid); len(f) > 12 {
			for _, field := range f[11:13] {
				n, _ := strconv.ParseInt(field, 10, 64)
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * tick
}

// memory is a line of /proc/PID/status in MiB: VmRSS, or RssAnon for heap and
// stacks without mapped files.
func (p *process) memory(name string) float64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pids[0]))
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kb / 1024
		}
	}
	return 0
}
