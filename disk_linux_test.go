package main

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
	if os.Getenv(smallDiskVariable) == "" {
		withMounts(t)
		return
	}
	d := newSmallDisk(t)
	keys := make([]string, 4)
	for i := range keys {
		name := fmt.Sprintf("ann%d", i)
		verbOutput(t, "correct horse battery\n", "user", "add", name, "--password-stdin", "--data", d.data)
		keys[i] = verbOutput(t, "", "key", "add", "--owner", name, "--data", d.data)
	}
	p := startProgram(t, d.data)
	c := p.client(t, keys[0])
	held := make(map[string][]byte) // what was answered 201, by its address
	keep := func(s pack.Spec) { held[nupkgPath(s.ID, s.Version)] = pack.Nupkg(s) }
	check := func(c *siteClient, when string) {
		t.Helper()
		for path, content := range held {
			if r := c.get(t, http.StatusOK, path); !bytes.Equal(r.body, content) {
				t.Errorf("%s: %s has other bytes", when, path)
			}
		}
		for _, path := range []string{"/v3/index.json", "/v3/flat/contoso.large/index.json", "/v3/reg-gz-semver2/contoso.large/index.json", "/v3/query?q=large", "/packages/Contoso.Large", "/"} {
			c.get(t, http.StatusOK, path)
		}
		verbOutput(t, "", "verify", "--data", d.data)
	}

	// Large packages until there is no room.
	n := 0
	for ; ; n++ {
		s := pack.Spec{ID: "Contoso.Large", Version: fmt.Sprintf("1.%d.0", n), Files: []pack.File{{Name: "lib/x.bin", Data: noise(uint64(n), 400_000)}}}
		r := c.push(t, pack.Nupkg(s))
		if r.status != http.StatusCreated {
			isFull(t, r)
			break
		}
		keep(s)
		if n > diskBytes/2/400_000 {
			t.Fatal("the disk does not get full")
		}
	}
	if n < 5 {
		t.Fatalf("only %d packages found room", n)
	}
	if left, err := os.ReadDir(filepath.Join(d.data, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("the refused push left %d files in tmp/, %v", len(left), err)
	}
	check(c, "with a full disk")

	// Not a byte is left: small pushes are refused too, and the text is in each of
	// its places.
	d.fill()
	small := pack.Spec{ID: "Contoso.Small", Version: "1.0.0"}
	isFull(t, c.push(t, pack.Nupkg(small)))
	asJSON := c.do(t, http.MethodPut, "/v3/package", bytes.NewReader(pack.Nupkg(small)), "X-NuGet-ApiKey", c.key, "Accept", "application/json")
	if asJSON.status != http.StatusInsufficientStorage || !strings.Contains(string(asJSON.body), `"detail":"The disk of the server is full."`) {
		t.Errorf("the refusal in JSON: %v", asJSON)
	}
	if r := c.do(t, http.MethodDelete, "/v3/package/Contoso.Large/1.0.0", nil, "X-NuGet-ApiKey", c.key); r.status != http.StatusNoContent {
		isFull(t, r)
		if listed := registered(t, c, "Contoso.Large")["1.0.0"]; !listed {
			t.Error("an unlist that was refused has happened")
		}
	}
	check(c, "without a free byte")

	// Room for the file of a package, but not for its records: the commit fails.
	refused := fillTheCommit(t, c, d, keep)
	check(c, "after a commit that found no room")

	// Many at once, with room for some.
	d.free(500)
	var mu sync.Mutex
	var later []pack.Spec
	taken := 0
	together(24, func(i int) {
		c := &siteClient{c.base, keys[i%len(keys)], c.http}
		for v := range 8 {
			s := withDependencies(fmt.Sprintf("Contoso.Crowd%d", i), fmt.Sprintf("1.0.%d", v), uint64(1000+100*i+v), 100)
			r, err := c.tryPush(pack.Nupkg(s))
			if err != nil {
				t.Errorf("a push with many others: %v", err)
				return
			}
			mu.Lock()
			if r.status == http.StatusCreated {
				keep(s)
				taken++
			} else {
				isFull(t, r)
				later = append(later, s)
			}
			mu.Unlock()
		}
	})
	t.Logf("of many at once %d were taken and %d refused", taken, len(later))
	if taken == 0 || len(later) == 0 {
		t.Errorf("the disk was to fill up while many pushed: %d taken, %d refused", taken, len(later))
	}
	check(c, "after many at once")

	// It stops and starts on a full disk, also after a crash.
	d.fill()
	p.end(t, d.data)
	p = startProgram(t, d.data)
	check(p.client(t, keys[0]), "after a start on a full disk")
	p.kill(t)
	p = startProgram(t, d.data)
	c = p.client(t, keys[0])
	check(c, "after a crash on a full disk")

	// With room again everything is as before, without a restart.
	isFull(t, c.push(t, pack.Nupkg(small)))
	d.empty()
	again := append(later, small, refused)
	for _, s := range again {
		r := c.push(t, pack.Nupkg(s))
		if i := 0; r.status == http.StatusForbidden { // another account's ID
			for ; i < len(keys) && r.status != http.StatusCreated; i++ {
				r = (&siteClient{c.base, keys[i], c.http}).push(t, pack.Nupkg(s))
			}
		}
		if r.status != http.StatusCreated {
			t.Fatalf("a push after there was room again: %s %s: %v", s.ID, s.Version, r)
		}
		keep(s)
	}
	check(c, "with room again")
	p.end(t, d.data)
	verbOutput(t, "", "verify", "--data", d.data)
}

// fillTheCommit pushes versions with long records, with room for little more
// than their files, until one is refused whose file had found its place. It
// returns that one.
func fillTheCommit(t *testing.T, c *siteClient, d *smallDisk, keep func(pack.Spec)) pack.Spec {
	t.Helper()
	for n := range 200 {
		s := withDependencies("Contoso.Graph", fmt.Sprintf("1.0.%d", n), uint64(n), 600)
		content := pack.Nupkg(s)
		d.fill()
		d.free(len(content)/diskBlock + 1)
		before := d.blobs()
		r := c.push(t, content)
		if r.status == http.StatusCreated {
			keep(s)
			continue
		}
		isFull(t, r)
		if d.blobs() == before {
			d.free(1) // not even the file
			continue
		}
		t.Logf("version %d was refused at the commit", n)
		return s
	}
	t.Fatal("no commit found the disk full")
	return pack.Spec{}
}

// isFull holds a refusal against M-34 in its three places.
func isFull(t *testing.T, r *reply) {
	t.Helper()
	const full = "The disk of the server is full."
	if r.status != http.StatusInsufficientStorage || r.reason != full || r.header.Get("X-NuGet-Warning") != full || strings.TrimSpace(string(r.body)) != full {
		t.Errorf("a full disk answers %v", r)
	}
}

// noise is data that does not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	source := rand.NewPCG(seed, 7)
	for i := 0; i+8 <= n; i += 8 {
		for j, v := 0, source.Uint64(); j < 8; j++ {
			b[i+j] = byte(v >> (8 * j))
		}
	}
	return b
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
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout="+(2*patience).String())
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
