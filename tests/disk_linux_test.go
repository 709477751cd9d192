package tests

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"nougat/internal/need"
	"nougat/internal/pack"
)

// smallDiskVariable tells the test that it runs where it may mount.
const smallDiskVariable = "NOUGAT_TEST_MAY_MOUNT"

const (
	diskBytes = 12 << 20
	diskBlock = 4096 // of a tmpfs
)

// TestDiskFull fills the disk that the data lies on: pushes are refused with 507,
// all else works, and nothing is lost. It runs again in a process with mounts of
// its own, which go with it.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if os.Getenv(smallDiskVariable) == "" {
		withMounts(t)
		return
	}
	d := newFullDisk(t)
	d.fillWithPackages()
	d.check("with a full disk")
	d.withoutAByte()
	d.check("without a free byte")
	d.fillTheCommit()
	d.check("after a commit that found no room")
	d.fillWithMany()
	d.check("after many at once")

	// It stops and starts on a full disk, also after a crash.
	d.fill()
	d.program.end(t, d.data)
	d.start()
	d.check("after a start on a full disk")
	d.program.kill(t)
	d.start()
	d.check("after a crash on a full disk")

	// With room again everything is as before, without a restart.
	isFull(t, d.client(0).push(t, pack.Nupkg(pack.Spec{ID: "Contoso.Small", Version: "1.0.1"})))
	d.empty()
	for _, l := range d.refused {
		if r := d.client(l.account).push(t, pack.Nupkg(l.Spec)); r.status != http.StatusCreated {
			t.Fatalf("with room again, a push of %s %s: %v", l.ID, l.Version, r)
		}
		d.keep(l.Spec)
	}
	d.check("with room again")
	d.program.end(t, d.data)
	verbOutput(t, "", "verify", "--data", d.data)
}

// TestFirstStartOnFullDisk starts on a disk with room for none or a few blocks: it
// works, or says that the disk is full; with room it works, and nothing that a
// failed start left is in its way.
func TestFirstStartOnFullDisk(t *testing.T) {
	t.Parallel()
	if os.Getenv(smallDiskVariable) == "" {
		withMounts(t)
		return
	}
	d := newSmallDisk(t)
	failed := 0
	for blocks := range 12 {
		if err := os.RemoveAll(d.data); err != nil {
			t.Fatal(err)
		}
		d.fill()
		d.free(blocks)
		if out, err := outcome(t, "user", "list", "--data", d.data); err == nil || !strings.Contains(out, "There is no gallery") {
			t.Fatalf("before the start: %v, %s", err, out)
		}
		path, err := exec.LookPath("nougat")
		if err != nil {
			t.Fatal(err)
		}
		add := exec.Command(path, "user", "add", "ann", "--password-stdin", "--data", d.data)
		add.Stdin = strings.NewReader("correct horse battery\n")
		if out, err := add.CombinedOutput(); err != nil {
			failed++
			if !strings.Contains(string(out), "disk") && !strings.Contains(string(out), "no space left") {
				t.Errorf("with %d blocks: %v, %s", blocks, err, out)
			}
		}
		d.free(diskBytes / 2 / diskBlock)
		p := startProgram(t, d.data)
		p.end(t, d.data)
		files, err := os.ReadDir(d.data)
		if err != nil || len(files) != 3 {
			t.Errorf("with %d blocks: the data folder holds %v, %v", blocks, files, err)
		}
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}

// A fullDisk is a program on a small disk, and what its clients know.
type fullDisk struct {
	*smallDisk
	keys    []string // each of another account
	program *runningProgram
	site    *siteClient
	mu      sync.Mutex
	held    map[string][]byte // what was answered 201, by its address
	refused []refusedPush
}

type refusedPush struct {
	pack.Spec
	account int
}

func newFullDisk(t *testing.T) *fullDisk {
	d := &fullDisk{smallDisk: newSmallDisk(t), held: make(map[string][]byte)}
	for i := range 4 {
		name := fmt.Sprintf("ann%d", i)
		verbOutput(t, "correct horse battery\n", "user", "add", name, "--password-stdin", "--data", d.data)
		d.keys = append(d.keys, verbOutput(t, "", "key", "add", "--owner", name, "--data", d.data))
	}
	d.start()
	return d
}

func (d *fullDisk) start() {
	d.t.Helper()
	d.program = startProgram(d.t, d.data)
	d.site = d.program.client(d.t, "")
}

// client talks for an account.
func (d *fullDisk) client(account int) *siteClient {
	return &siteClient{d.site.base, d.keys[account], d.site.http}
}

// keep notes a package that was answered 201.
func (d *fullDisk) keep(s pack.Spec) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held[nupkgPath(s.ID, s.Version)] = pack.Nupkg(s)
}

func (d *fullDisk) refuse(s pack.Spec, account int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused = append(d.refused, refusedPush{s, account})
}

// check reads everything that is to be there.
func (d *fullDisk) check(when string) {
	d.t.Helper()
	for path, content := range d.held {
		if r := d.site.get(d.t, http.StatusOK, path); !bytes.Equal(r.body, content) {
			d.t.Errorf("%s: %s has other bytes", when, path)
		}
	}
	for _, path := range []string{"/v3/index.json", "/v3/flat/contoso.large/index.json", "/v3/reg-gz-semver2/contoso.large/index.json", "/v3/query?q=large", "/packages/Contoso.Large", "/"} {
		d.site.get(d.t, http.StatusOK, path)
	}
	if left, err := os.ReadDir(filepath.Join(d.data, "tmp")); err != nil || len(left) > 0 {
		d.t.Errorf("%s: tmp/ holds %d files, %v", when, len(left), err)
	}
	verbOutput(d.t, "", "verify", "--data", d.data)
}

// fillWithPackages pushes until there is no room for one of that size.
func (d *fullDisk) fillWithPackages() {
	const size = 400_000
	for n := range diskBytes / size {
		s := pack.Spec{ID: "Contoso.Large", Version: fmt.Sprintf("1.%d.0", n), Files: []pack.File{{Name: "lib/x.bin", Data: noise(uint64(n), size)}}}
		r := d.client(0).push(d.t, pack.Nupkg(s))
		if r.status != http.StatusCreated {
			isFull(d.t, r)
			d.refuse(s, 0)
			return
		}
		d.keep(s)
	}
	d.t.Fatal("the disk does not get full")
}

// withoutAByte asks for what needs next to no room, when there is none.
func (d *fullDisk) withoutAByte() {
	d.fill()
	t, c := d.t, d.client(0)
	small := pack.Spec{ID: "Contoso.Small", Version: "1.0.0"}
	isFull(t, c.push(t, pack.Nupkg(small)))
	d.refuse(small, 0)
	r := c.do(t, http.MethodPut, "/v3/package", bytes.NewReader(pack.Nupkg(small)), "X-NuGet-ApiKey", c.key, "Accept", "application/json")
	if r.status != http.StatusInsufficientStorage || !strings.Contains(string(r.body), `"detail":"The disk of the server is full."`) {
		t.Errorf("the refusal in JSON: %v", r)
	}
	// The database may have room inside.
	r = c.do(t, http.MethodDelete, "/v3/package/Contoso.Large/1.0.0", nil, "X-NuGet-ApiKey", c.key)
	if r.status != http.StatusNoContent {
		isFull(t, r)
	}
	if listed := registered(t, c, "Contoso.Large")["1.0.0"]; listed != (r.status != http.StatusNoContent) {
		t.Errorf("listed is %t after the answer %d to an unlist", listed, r.status)
	}
}

// fillTheCommit pushes versions with long records, with room for little more
// than their files, until one is refused whose file had found its place.
func (d *fullDisk) fillTheCommit() {
	for n := range 200 {
		s := withDependencies("Contoso.Graph", fmt.Sprintf("1.0.%d", n), uint64(n), 600)
		content := pack.Nupkg(s)
		d.fill()
		d.free(len(content)/diskBlock + 1)
		before := d.blobs()
		r := d.client(0).push(d.t, content)
		if r.status == http.StatusCreated {
			d.keep(s)
			continue
		}
		isFull(d.t, r)
		d.refuse(s, 0)
		if d.blobs() > before {
			return
		}
	}
	d.t.Fatal("no commit found the disk full")
}

// fillWithMany pushes with many clients and room for some of what they have.
func (d *fullDisk) fillWithMany() {
	d.free(300)
	var taken, refused atomic.Int64
	together(24, func(i int) {
		account := i % len(d.keys)
		for v, no := 0, 0; v < 50 && no < 2; v++ {
			s := withDependencies(fmt.Sprintf("Contoso.Crowd%d", i), fmt.Sprintf("1.0.%d", v), uint64(1000+100*i+v), 100)
			r, err := d.client(account).tryPush(pack.Nupkg(s))
			switch {
			case err != nil:
				d.t.Errorf("a push beside many others: %v", err)
				return
			case r.status == http.StatusCreated:
				d.keep(s)
				taken.Add(1)
			default:
				isFull(d.t, r)
				d.refuse(s, account)
				refused.Add(1)
				no++
			}
		}
	})
	if taken.Load() == 0 || refused.Load() == 0 {
		d.t.Errorf("the disk was to fill up while many pushed: %d taken, %d refused", taken.Load(), refused.Load())
	}
}

// isFull holds a refusal against M-34 in its three places.
func isFull(t *testing.T, r *reply) {
	t.Helper()
	const full = "The disk of the server is full."
	if r.status != http.StatusInsufficientStorage || r.reason != full || r.header.Get("X-NuGet-Warning") != full || strings.TrimSpace(string(r.body)) != full {
		t.Errorf("a full disk answers %v", r)
	}
}

// withDependencies is a package whose record in the database is long.
func withDependencies(id, version string, seed uint64, n int) pack.Spec {
	var b strings.Builder
	chance := rand.New(rand.NewPCG(seed, 9))
	b.WriteString("<dependencies><group>")
	for range n {
		fmt.Fprintf(&b, `<dependency id="Dep.%016x" version="%d.0.0"/>`, chance.Uint64(), chance.IntN(1000))
	}
	b.WriteString("</group></dependencies>")
	return pack.Spec{ID: id, Version: version, Metadata: b.String()}
}

// A smallDisk is a tmpfs with a data folder and a filler on it.
type smallDisk struct {
	t      *testing.T
	folder string
	data   string
	filler *os.File
}

func newSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	folder := t.TempDir()
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Skipf("mounts cannot be made private: %v", err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", diskBytes)); err != nil {
		t.Skipf("no small disk can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
	f, err := os.Create(filepath.Join(folder, "filler"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(make([]byte, diskBytes/2)); err != nil {
		t.Fatal(err)
	}
	return &smallDisk{t, folder, filepath.Join(folder, "data"), f}
}

// fill takes every free block.
func (d *smallDisk) fill() {
	d.t.Helper()
	size, err := d.filler.Seek(0, 2)
	if err != nil {
		d.t.Fatal(err)
	}
	block := make([]byte, diskBlock)
	for at := size; ; at += diskBlock {
		if _, err := d.filler.WriteAt(block, at); errors.Is(err, syscall.ENOSPC) {
			if err := d.filler.Truncate(at); err != nil {
				d.t.Fatal(err)
			}
			return
		} else if err != nil {
			d.t.Fatal(err)
		}
	}
}

// free gives blocks back.
func (d *smallDisk) free(blocks int) {
	d.t.Helper()
	size, err := d.filler.Seek(0, 2)
	if err == nil {
		err = d.filler.Truncate(max(0, size-int64(blocks)*diskBlock))
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// empty makes the disk larger, and gives all of the filler back.
func (d *smallDisk) empty() {
	d.t.Helper()
	if err := d.filler.Truncate(0); err != nil {
		d.t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", d.folder, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%d,mode=700", 4*diskBytes)); err != nil {
		d.t.Fatal(err)
	}
}

// blobs counts the packages in the folder for them.
func (d *smallDisk) blobs() int {
	files, err := filepath.Glob(filepath.Join(d.data, "blobs", "*", "*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return len(files)
}

// withMounts runs the test again where it may mount: as root with mounts of its
// own, else as root of a user namespace, where the system has these.
func withMounts(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+(10*patience).String())
	cmd.Env = append(os.Environ(), smallDiskVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		need.Missing(t, "smalldisk", "this process may have no mounts of its own: "+err.Error())
	}
	err = cmd.Wait()
	t.Logf("\n%s", out.Bytes())
	switch {
	case err != nil:
		t.Fatal(err)
	case bytes.Contains(out.Bytes(), []byte("--- SKIP")):
		need.Missing(t, "smalldisk", "no small disk can be mounted")
	}
}
