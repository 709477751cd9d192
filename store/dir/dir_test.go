package dir_test

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"nougat/gallery"
	"nougat/store/dir"
	"nougat/store/storetest"
)

func open(t testing.TB) gallery.Blobs {
	t.Helper()
	d, err := dir.Open(filepath.Join(t.TempDir(), "data"), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestBlobs(t *testing.T) { storetest.RunBlobs(t, open) }

func TestLayout(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d, err := dir.Open(data, dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hash := storetest.PutBlob(t, d, []byte("content"))
	left := storetest.Fill(t, d, []byte("left by a crash"))
	left.Close()
	name := filepath.Join(data, "blobs", hash.String()[:2], hash.String())
	foreign := filepath.Join(data, "blobs", hash.String()[:2], "README")
	if err := os.WriteFile(foreign, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	want := map[string]fs.FileMode{
		data: fs.ModeDir | 0o700, filepath.Join(data, "blobs"): fs.ModeDir | 0o700, filepath.Join(data, "tmp"): fs.ModeDir | 0o700,
		filepath.Join(data, "blobs", "00"): fs.ModeDir | 0o700, filepath.Join(data, "blobs", "ff"): fs.ModeDir | 0o700,
		name: 0o600, left.Name(): 0o600,
	}
	for path, mode := range want {
		info, err := os.Stat(path)
		if err != nil {
			t.Error(err)
		} else if runtime.GOOS != "windows" && info.Mode() != mode {
			t.Errorf("%s has the mode %v, want %v", path, info.Mode(), mode)
		}
	}
	shards, err := os.ReadDir(filepath.Join(data, "blobs"))
	if err != nil || len(shards) != 256 {
		t.Errorf("%d folders for blobs, %v", len(shards), err)
	}
	// Again, over what is there.
	if d, err = dir.Open(data, dir.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(left.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a temporary file survived the start: %v", err)
	}
	err = d.List(t.Context(), func(h gallery.Hash, _ int64) error {
		if h != hash {
			t.Errorf("List gives %v", h)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A file of the right name and another length is no blob: a Put takes its place.
func TestWrongSizeIsReplaced(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	d, err := dir.Open(data, dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hash := storetest.PutBlob(t, d, []byte("content"))
	if err := os.Truncate(filepath.Join(data, "blobs", hash.String()[:2], hash.String()), 3); err != nil {
		t.Fatal(err)
	}
	storetest.PutBlob(t, d, []byte("content"))
	b, err := d.Open(hash)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Size() != 7 {
		t.Errorf("the blob has %d bytes after a second Put", b.Size())
	}
}

func TestFileInTheWay(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.WriteFile(data, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(data, dir.Options{}); err == nil || !strings.Contains(err.Error(), data) {
		t.Errorf("a file in place of the data folder: %v", err)
	}
}

// A call is one that durability rests on, with the paths it names.
type call struct{ op, path, to string }

// tape is a disk that records its calls and fails at one of them.
type tape struct {
	calls []call
	fail  int // the number of the call that fails, from 1; 0: none
	err   error
}

func (d *tape) do(c call, f func() error) error {
	d.calls = append(d.calls, c)
	if len(d.calls) == d.fail {
		return fmt.Errorf("%s: %w", c.op, d.err)
	}
	return f()
}

func (d *tape) Mkdir(path string) error {
	return d.do(call{op: "mkdir", path: path}, func() error { return os.Mkdir(path, 0o700) })
}

func (d *tape) Sync(f *os.File) error {
	return d.do(call{op: "sync", path: f.Name()}, func() error { return nil })
}

func (d *tape) Close(f *os.File) error {
	return d.do(call{op: "close", path: f.Name()}, f.Close)
}

func (d *tape) Rename(from, to string) error {
	return d.do(call{op: "rename", path: from, to: to}, func() error { return os.Rename(from, to) })
}

func (d *tape) SyncFolder(path string) error {
	return d.do(call{op: "syncfolder", path: path}, func() error { return nil })
}

func (d *tape) Remove(path string) error {
	return d.do(call{op: "remove", path: path}, func() error { return os.Remove(path) })
}

// disk is what a disk holds after a power cut, as a pessimist has it: a file's
// content only when it was synced, a name only when its folder was synced after
// the name was made.
type disk struct {
	synced  map[string]bool // by temporary name
	content map[string]bool // by name: whether the content was synced before
	durable map[string]bool // names that survive, with the same meaning
	folders map[string]bool // folders made
	lasting map[string]bool // folders that survive
}

func replay(calls []call) disk {
	d := disk{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, c := range calls {
		switch c.op {
		case "mkdir":
			d.folders[c.path] = true
		case "sync":
			d.synced[c.path] = true
		case "rename":
			d.content[c.to] = d.synced[c.path]
		case "remove":
			delete(d.content, c.path)
		case "syncfolder":
			for name, whole := range d.content {
				if filepath.Dir(name) == c.path {
					d.durable[name] = whole
				}
			}
			for folder := range d.folders {
				if filepath.Dir(folder) == c.path {
					d.lasting[folder] = true
				}
			}
		}
	}
	return d
}

// TestDurable cuts the power at every point of two Puts of the same bytes: what
// has a name is whole, and what Put has answered is there.
func TestDurable(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	var tp tape
	d, err := dir.Open(data, dir.Options{Disk: &tp})
	if err != nil {
		t.Fatal(err)
	}
	layout := replay(tp.calls)
	for folder := range layout.folders {
		if !layout.lasting[folder] {
			t.Errorf("the folder %s is used before its name is durable", folder)
		}
	}
	if len(layout.folders) != 258 {
		t.Errorf("%d folders were made", len(layout.folders))
	}
	hash := gallery.Hash(sha512.Sum512([]byte("content")))
	name := filepath.Join(data, "blobs", hash.String()[:2], hash.String())
	var answered []int
	for range 2 {
		tp.calls = slices.DeleteFunc(tp.calls, func(c call) bool { return c.op == "mkdir" })
		storetest.PutBlob(t, d, []byte("content"))
		answered = append(answered, len(tp.calls))
	}
	for cut := range len(tp.calls) + 1 {
		after := replay(tp.calls[:cut])
		for n, whole := range after.content {
			if !whole {
				t.Errorf("after call %d %s has its name before its content is synced", cut, n)
			}
		}
		if cut >= answered[0] && !after.durable[name] {
			t.Errorf("after call %d the blob that Put has answered is not durable", cut)
		}
	}
	// The second Put rests on the first one's file, but syncs its name itself:
	// the first may not have come so far.
	second := tp.calls[answered[0]:]
	if !slices.Contains(second, call{op: "syncfolder", path: filepath.Dir(name)}) {
		t.Errorf("a repeated Put answers without syncing the name: %v", second)
	}
	var ops []string
	for _, c := range tp.calls[:answered[0]] {
		ops = append(ops, c.op)
	}
	if got := strings.Join(ops[len(ops)-4:], " "); got != "sync close rename syncfolder" {
		t.Errorf("Put makes the calls %s", got)
	}
}

// TestBroken fails each call of a Put with a full and a broken disk: nothing is
// left, and the cause can be told.
func TestBroken(t *testing.T) {
	content := []byte("content")
	hash := gallery.Hash(sha512.Sum512(content))
	data := filepath.Join(t.TempDir(), "data")
	for _, cause := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, there := range []bool{false, true} {
			for n := 1; ; n++ {
				var tp tape
				d, err := dir.Open(data, dir.Options{Disk: &tp})
				if err != nil {
					t.Fatal(err)
				}
				if err := d.Delete(hash); err != nil {
					t.Fatal(err)
				}
				if there {
					storetest.PutBlob(t, d, content)
				}
				f := storetest.Fill(t, d, content)
				tp.calls, tp.fail, tp.err = nil, n, cause
				err = d.Put(t.Context(), hash, int64(len(content)), f)
				if len(tp.calls) < n {
					if err != nil || n < 4 {
						t.Errorf("a Put of %d calls: %v", len(tp.calls), err)
					}
					break
				}
				failed := tp.calls[n-1].op
				if !errors.Is(err, cause) {
					t.Errorf("%s failed with %v: Put answers %v", failed, cause, err)
				}
				if full := gallery.KindOf(err) == gallery.Full; full != (cause == syscall.ENOSPC) {
					t.Errorf("%s failed with %v: the kind is %d", failed, cause, gallery.KindOf(err))
				}
				b, err := d.Open(hash)
				if (err == nil) != there {
					t.Errorf("%s failed with %v, blob there before %v: Open answers %v", failed, cause, there, err)
				}
				if err == nil {
					b.Close()
				}
				if failed != "remove" && len(storetest.TempFiles(t, d)) != 0 {
					t.Errorf("%s failed with %v and left a temporary file", failed, cause)
				}
			}
		}
	}
}
