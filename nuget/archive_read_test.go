package nuget

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInflate(t *testing.T) {
	var numbers strings.Builder
	for i := range 20_000 {
		fmt.Fprintln(&numbers, i*i)
	}
	text := numbers.String()
	packed := deflated(t, []byte(text))
	for _, c := range []struct {
		name  string
		entry zipEntry
		why   string
	}{
		{"deflated", zipEntry{content: text}, ""},
		{"stored", zipEntry{content: text, stored: true}, ""},
		{"empty", zipEntry{}, ""},
		{"descriptor", zipEntry{content: text, descriptor: 's'}, ""},
		{"two blocks", zipEntry{content: "ab", packed: []byte("\x00\x01\x00\xfe\xffa\x01\x01\x00\xfe\xffb")}, ""},

		{"checksum", zipEntry{content: text, dir: add32(16, 1), local: add32(14, 1)}, "has another checksum than the directory says"},
		{"checksum of a stored entry", zipEntry{content: text, stored: true, dir: add32(16, 1), local: add32(14, 1)}, "has another checksum than the directory says"},
		{"longer", zipEntry{content: text, dir: add32(24, 0xFFFFFFFF), local: add32(22, 0xFFFFFFFF)}, "is longer than the directory says"},
		{"shorter", zipEntry{content: text, dir: add32(24, 1), local: add32(22, 1)}, "is shorter than the directory says"},
		{"more behind the end", zipEntry{content: text, packed: append(slices.Clone(packed), "hidden"...)}, "is followed by bytes that belong to no entry"},
		{"cut off", zipEntry{content: text, packed: packed[:len(packed)-3]}, "is damaged: it does not inflate"},
		{"no deflate", zipEntry{content: "text", packed: []byte("this is no deflate")}, "is damaged: it does not inflate"},
		{"nearly nothing", zipEntry{content: "text", packed: []byte{0}}, "is damaged: it does not inflate"},
		{"bomb", zipEntry{content: "0123456789", packed: deflated(t, make([]byte, 64<<20))}, "is longer than the directory says"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.entry.name = "content/a.txt"
			content := packageWith(c.entry, zipEntry{name: "content/b.txt", content: "after it"}).bytes(t)
			a, err := check(content, Limits{})
			if err != nil {
				t.Fatal(err)
			}
			opened, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
			if err != nil {
				t.Fatal(err)
			}
			code, want := CodeArchive, m15+"the entry content/a.txt "+c.why+"."
			if c.why == "" {
				code, want = "", ""
			}
			wantProblem(t, a.Inflate(t.Context()), code, want)
			wantProblem(t, opened.Inflate(t.Context()), code, want)
			read, err := opened.ReadFile("content/a.txt", 1<<20)
			wantProblem(t, err, code, want)
			if err == nil && string(read) != c.entry.content {
				t.Errorf("read %d bytes, want %d", len(read), len(c.entry.content))
			}
		})
	}
}

// Memory does not grow with the size of an entry.
func TestInflateMemory(t *testing.T) {
	a, err := check(packageWith(zipEntry{name: "zeros", content: strings.Repeat("\x00", 16<<20)}).bytes(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := a.Inflate(t.Context()); err != nil {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

func TestInflateStops(t *testing.T) {
	a, err := check(packageWith(zipEntry{name: "a", content: strings.Repeat("x", 1<<20)}).bytes(t), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := a.Inflate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A fault of the disk is no fault of the package.
func TestArchiveReadErrors(t *testing.T) {
	content := packageWith(zipEntry{name: "a", content: strings.Repeat("x", 1<<20), stored: true}).bytes(t)
	for good := int64(0); good < 40; good++ {
		r := &failingReader{content: content, good: good}
		a, err := CheckArchive(r, int64(len(content)), Limits{Now: testNow})
		if err == nil {
			err = a.Inflate(t.Context())
		}
		if err == nil {
			if good < 10 {
				t.Errorf("only %d reads are enough", good)
			}
			break
		}
		if !errors.Is(err, errDisk) {
			t.Errorf("after %d reads: %v", good, err)
		}
	}
	_, err := CheckArchive(bytes.NewReader(content[:100]), int64(len(content)), Limits{})
	if _, ok := errors.AsType[*Problem](err); ok || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file shorter than it was said to be gives %v", err)
	}
}

type failingReader struct {
	content []byte
	good    int64
}

func (r *failingReader) ReadAt(p []byte, offset int64) (int, error) {
	if r.good--; r.good < 0 {
		return 0, errDisk
	}
	return bytes.NewReader(r.content).ReadAt(p, offset)
}

func TestReadFile(t *testing.T) {
	content := packageWith(
		zipEntry{name: "docs/Read me.md", content: "# Read"},
		zipEntry{name: `images\icon.png`, content: "PNG"},
		zipEntry{name: "a%2Bb.txt", content: "plus"},
		zipEntry{name: "docs/caf\u00e9.md", content: "coffee"},
		zipEntry{name: "zeros", content: strings.Repeat("\x00", 1<<20)},
		zipEntry{name: "folder/"},
	).bytes(t)
	a, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"docs/Read me.md":      "# Read",
		`docs\read%20ME.md`:    "# Read",
		"./docs//Read me.md":   "# Read",
		"images/icon.png":      "PNG",
		`Images\Icon.PNG`:      "PNG",
		"a+b.txt":              "plus",
		"a%2bb.txt":            "plus",
		"docs/CAF\u00c9.md":    "coffee",
		"Contoso.Tools.nuspec": goodNuspec,
	} {
		if got, err := a.ReadFile(name, int64(len(want))); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
		if _, err := a.ReadFile(name, int64(len(want))-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: above the limit: %v", name, err)
		}
	}
	for _, name := range []string{"", "/", "docs", "folder/", "folder", "../docs/Read me.md", "Read me.md", "docs/Read me.md/x"} {
		if got, err := a.ReadFile(name, 1<<20); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: got %q, %v", name, got, err)
		}
	}
	_, err = a.ReadFile("zeros", 2<<20)
	wantProblem(t, err, CodeArchive, m15+"the entry zeros is compressed more than 200 times.")
}

func TestEntries(t *testing.T) {
	content := packageWith(
		zipEntry{name: "[Content_Types].xml"},
		zipEntry{name: "package/services/metadata/core-properties/1.psmdcp"},
		zipEntry{name: "content/"},
		zipEntry{name: `content\a%20b.txt`, content: "12345", date: 46<<9 | 2<<5 | 3},
		zipEntry{name: "content/.signature.p7s", date: 1},
		zipEntry{name: ".signature.p7s", stored: true},
	).bytes(t)
	a, err := check(content, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range a.Entries() {
		got = append(got, fmt.Sprintf("%s %d %v", e.Name, e.Size, e.OPC))
	}
	want := []string{
		"_rels/.rels 16 true", fmt.Sprintf("Contoso.Tools.nuspec %d false", len(goodNuspec)), "lib/net8.0/Contoso.Tools.dll 12 false",
		"[Content_Types].xml 0 true", "package/services/metadata/core-properties/1.psmdcp 0 true",
		"content/a b.txt 5 false", "content/.signature.p7s 0 false", ".signature.p7s 0 true",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	entries := a.Entries()
	if m := entries[5].Modified; !m.Equal(time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("modified %v", m)
	}
	if m := entries[6].Modified; !m.IsZero() {
		t.Errorf("no date, but modified %v", m)
	}
	if !a.Signed() {
		t.Error("not signed")
	}
	for _, name := range []string{".SIGNATURE.p7s", "x/.signature.p7s", ".signature.p7s.txt"} {
		if a, err := check(packageWith(zipEntry{name: name}).bytes(t), Limits{}); err != nil || a.Signed() {
			t.Errorf("%s: signed, or %v", name, err)
		}
	}
}

func TestFrameworks(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"lib/net45/a.dll lib/NET45/b.dll lib/net45/sub/c.dll", "net45 net8.0"},
		{"lib/a.dll", "any net8.0"},
		{"lib/", "any net8.0"},
		{"lib/net45/", "any net8.0"}, // a folder is no file in it
		{"lib/net45/_._", "net45 net8.0"},
		{"lib/portable-net40%2Bsl5%2Bwin8/a.dll", "net8.0 portable-net40+sl5+win8"},
		{"content/web.config tools/net6.0/any/x.dll", "any net6.0 net8.0"},
		{"lib/nonsense/a.dll", "any net8.0"},
		{"ref/net45/a.dll runtimes/win/lib/net46/a.dll analyzers/cs/a.dll buildTransitive/net5.0/Contoso.Tools.props", "net8.0"},
		{"build/net462/Contoso.Tools.targets build/net472/other.targets build/contoso.tools.PROPS", "any net462 net8.0"},
		{"build/net45/_._ build/net40/_._ build/net40/other.targets Build/native/net46/_._", "native net45 net8.0"}, // nothing for net45 and native, on purpose
		{"build/net45/_._ build/net45/Contoso.Tools.props build/net45/x.txt", "net45 net8.0"},
		{`lib\net48\a.dll Lib/net481/a.dll`, "net48 net481 net8.0"},
		{"lib", "net8.0"},
	} {
		var entries []zipEntry
		for name := range strings.FieldsSeq(c.names) {
			entries = append(entries, zipEntry{name: name})
		}
		content := zipFile{entries: append(entries, packageWith().entries...)}.bytes(t)
		a, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range a.Frameworks() {
			got = append(got, f.String())
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", c.names, got, c.want)
		}
	}
}

// OpenArchive must not fall over what CheckArchive would have refused.
func TestOpenArchiveHostile(t *testing.T) {
	for _, e := range []zipEntry{
		{name: "a.txt", dir: set32(42, 1<<30)},
		{name: "a.txt", dir: set32(20, 1<<30)},
		{name: "a.txt", local: func(b []byte) { put16(b[26:], 0xFFFF, 0xFFFF) }},
		{name: "a.txt", local: func(b []byte) { b[0] = 'x' }},
	} {
		content := packageWith(e).bytes(t)
		a, err := OpenArchive(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.ReadFile("a.txt", 1<<31)
		wantProblem(t, err, CodeArchive, m15+"the entry a.txt is not where the directory says.")
	}
}
