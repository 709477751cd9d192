package nuget

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func check(content []byte, lim Limits) (*Archive, error) {
	if lim.Now.IsZero() {
		lim.Now = testNow
	}
	return CheckArchive(bytes.NewReader(content), int64(len(content)), lim)
}

// wantProblem holds an error against a code and a text; an empty code means
// that there must be none.
func wantProblem(t *testing.T, err error, code Code, text string) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Errorf("refused: %v", err)
		}
		return
	}
	p, ok := errors.AsType[*Problem](err)
	if problems, many := errors.AsType[Problems](err); many {
		p, ok = problems[0], true
	}
	if !ok {
		t.Errorf("got %v, want %s: %s", err, code, text)
		return
	}
	if p.Code != code || p.Text != text {
		t.Errorf("got  %s: %s\nwant %s: %s", p.Code, p.Text, code, text)
	}
	checkSentence(t, p)
}

// checkSentence holds for every problem there is.
func checkSentence(t *testing.T, p *Problem) {
	t.Helper()
	if len(p.Text) > maxText || !utf8.ValidString(p.Text) || strings.ContainsFunc(p.Text, func(c rune) bool { return c < ' ' || c == 0x7F || isBidiControl(c) }) {
		t.Errorf("not a printable line of at most %d bytes: %q", maxText, p.Text)
	}
	if p.Code == "" || !strings.HasSuffix(p.Text, ".") {
		t.Errorf("no code or no sentence: %q %q", p.Code, p.Text)
	}
}

const (
	m15 = "This is not a readable .nupkg file: "
	m19 = "The manifest is not valid: "
)

func TestCheckArchiveContainer(t *testing.T) {
	zip64 := []byte{1, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	other := []byte{0x0A, 0, 4, 0, 1, 2, 3, 4} // a field that some packers write
	file := func(e zipEntry) zipFile { e.name = "a.txt"; e.content = "some text"; return packageWith(e) }
	const zip64Text = "it uses Zip64, which NuGet cannot sign; pack it with sizes below 4 GiB and without Zip64."
	for _, c := range []struct {
		name string
		zip  zipFile
		code Code
		text string
	}{
		{"good", packageWith(), "", ""},
		{"stored", file(zipEntry{stored: true}), "", ""},
		{"comment", zipFile{entries: packageWith().entries, comment: "made by hand"}, "", ""},
		{"long comment", zipFile{entries: packageWith().entries, comment: strings.Repeat("x", 65535)}, "", ""},
		{"comment of an entry", file(zipEntry{dirComment: "hello"}), "", ""},
		{"extra fields", file(zipEntry{localExtra: other, dirExtra: other}), "", ""},
		{"extra field in one place", file(zipEntry{localExtra: other}), "", ""},
		{"damaged extra field", file(zipEntry{dirExtra: []byte{0x0A, 0, 200, 0, 1}}), "", ""},
		{"flags of deflate", file(zipEntry{flags: 6}), "", ""},
		{"descriptor", file(zipEntry{descriptor: 'n'}), "", ""},
		{"signed descriptor", file(zipEntry{descriptor: 's'}), "", ""},
		{"descriptor and sizes", file(zipEntry{descriptor: 's', local: set32(22, 9)}), "", ""},
		{"stored with descriptor", file(zipEntry{descriptor: 's', stored: true}), "", ""},
		{"order of the directory", zipFile{entries: []zipEntry{
			{name: "b.txt", dir: set32(42, 40)}, {name: "a.nuspec", content: goodNuspec, stored: true, dir: set32(42, 37+uint32(len(goodNuspec)))},
		}}, CodeArchive, m15 + "something stands before its first entry."},

		{"not a zip", zipFile{behind: strings.Repeat("x", 100)}, CodeArchive, m15 + "its comment is not as long as said, or something stands behind it."},
		{"empty zip", zipFile{}, CodeManifestCount, "The archive holds 0 manifests; there must be exactly one .nuspec at its root."},
		{"data behind", zipFile{entries: packageWith().entries, behind: "x"}, CodeArchive, m15 + "its comment is not as long as said, or something stands behind it."},
		{"comment longer than said", zipFile{entries: packageWith().entries, comment: "hello", end: add16(20, 0xFFFF)}, CodeArchive, m15 + "its comment is not as long as said, or something stands behind it."},
		{"comment shorter than said", zipFile{entries: packageWith().entries, comment: "hello", end: add16(20, 1)}, CodeArchive, m15 + "its comment is not as long as said, or something stands behind it."},
		{"end record in the comment", zipFile{entries: packageWith().entries, comment: "PK\x05\x06" + strings.Repeat("\x00", 18)}, CodeArchive, m15 + "its directory does not end where its end record begins."},
		{"directory record in the comment", zipFile{entries: packageWith().entries, comment: "PK\x01\x02"}, CodeArchive, m15 + "its comment holds records of an archive."},
		{"Zip64 record in the comment", zipFile{entries: packageWith().entries, comment: "see PK\x06\x06"}, CodeArchive, m15 + "its comment holds records of an archive."},
		{"data before", packageWithFirst(zipEntry{name: "a", gap: "MZ"}), CodeArchive, m15 + "something stands before its first entry."},
		{"data between", file(zipEntry{gap: "x"}), CodeArchive, m15 + "something stands between the entries lib/net8.0/Contoso.Tools.dll and a.txt."},
		{"data before the directory", zipFile{entries: packageWith().entries, before: "x"}, CodeArchive, m15 + "its directory does not begin where its last entry ends."},
		{"data behind the directory", zipFile{entries: packageWith().entries, dirOnly: func(uint32) []byte { return []byte("PK\x05\x05\x00\x00") }}, CodeArchive, m15 + "its directory holds more than the 3 entries that it is said to have."},
		{"fewer entries than said", zipFile{entries: packageWith().entries, end: func(b []byte) { add16(8, 1)(b); add16(10, 1)(b) }}, CodeArchive, m15 + "its directory ends in the middle of an entry."},
		{"many fewer entries than said", zipFile{entries: packageWith().entries, end: func(b []byte) { add16(8, 60000)(b); add16(10, 60000)(b) }}, CodeArchive, m15 + "its directory has no room for the 60003 entries that it is said to have."},
		{"several disks", zipFile{entries: packageWith().entries, end: add16(8, 1)}, CodeArchive, m15 + "it is one part of an archive of several files."},
		{"second disk", zipFile{entries: packageWith().entries, end: add16(4, 1)}, CodeArchive, m15 + "it is one part of an archive of several files."},
		{"directory elsewhere", zipFile{entries: packageWith().entries, end: add32(16, 1)}, CodeArchive, m15 + "its directory does not end where its end record begins."},
		{"damaged directory", file(zipEntry{dir: add16(0, 1)}), CodeArchive, m15 + "its directory is damaged."},
		{"another file's entry", file(zipEntry{dir: add16(34, 1)}), CodeArchive, m15 + "the entry a.txt lies in another file."},

		{"Zip64 count", zipFile{entries: packageWith().entries, end: func(b []byte) { add16(8, 0xFFFF-3)(b); add16(10, 0xFFFF-3)(b) }}, CodeArchive, m15 + zip64Text},
		{"Zip64 offset", zipFile{entries: packageWith().entries, end: set32(16, 0xFFFFFFFF)}, CodeArchive, m15 + zip64Text},
		{"Zip64 locator", file(zipEntry{dirComment: "PK\x06\x07" + strings.Repeat("\x00", 16)}), CodeArchive, m15 + zip64Text},
		{"Zip64 field of the directory", file(zipEntry{dirExtra: zip64}), CodeArchive, m15 + zip64Text},
		{"Zip64 field after another", file(zipEntry{dirExtra: slices.Concat(other, zip64)}), CodeArchive, m15 + zip64Text},
		{"Zip64 field of a local header", file(zipEntry{localExtra: zip64}), CodeArchive, m15 + zip64Text},
		{"Zip64 size", file(zipEntry{dir: set32(24, 0xFFFFFFFF)}), CodeArchive, m15 + zip64Text},
		{"Zip64 descriptor", file(zipEntry{descriptor: 'z'}), CodeArchive, m15 + "the entry a.txt has no data descriptor that says what the directory says."},

		{"encrypted", file(zipEntry{flags: 1}), CodeArchive, m15 + "the entry a.txt is encrypted."},
		{"strongly encrypted", file(zipEntry{flags: 1 << 6}), CodeArchive, m15 + "the entry a.txt is encrypted."},
		{"masked header", file(zipEntry{flags: 1 << 13}), CodeArchive, m15 + "the entry a.txt is encrypted."},
		{"patch", file(zipEntry{flags: 1 << 5}), CodeArchive, m15 + "the entry a.txt is a patch."},
		{"bzip2", file(zipEntry{local: add16(8, 4), dir: add16(10, 4)}), CodeArchive, m15 + "the entry a.txt is compressed by method 12; only stored (0) and deflate (8) are allowed."},
		{"two sizes", file(zipEntry{stored: true, dir: add32(24, 1), local: add32(22, 1)}), CodeArchive, m15 + "the entry a.txt is stored but is said to have two sizes."},
		{"other flags", file(zipEntry{local: add16(6, 2)}), CodeArchive, m15 + "the entry a.txt has another method or other flags in its own header than in the directory."},
		{"other method", file(zipEntry{stored: true, local: add16(8, 8)}), CodeArchive, m15 + "the entry a.txt has another method or other flags in its own header than in the directory."},
		{"other name", file(zipEntry{local: func(b []byte) { b[30] = 'b' }}), CodeArchive, m15 + "the entry a.txt has another name in its own header than in the directory."},
		{"other length of the name", file(zipEntry{local: add16(26, 0xFFFF)}), CodeArchive, m15 + "the entry a.txt has another name in its own header than in the directory."},
		{"other checksum", file(zipEntry{local: add32(14, 1)}), CodeArchive, m15 + "the entry a.txt has another size or checksum in its own header than in the directory."},
		{"other size", file(zipEntry{local: add32(22, 1)}), CodeArchive, m15 + "the entry a.txt has another size or checksum in its own header than in the directory."},
		{"no checksum", file(zipEntry{local: set32(14, 0)}), CodeArchive, m15 + "the entry a.txt has another size or checksum in its own header than in the directory."},
		{"other size before a descriptor", file(zipEntry{descriptor: 's', local: set32(22, 8)}), CodeArchive, m15 + "the entry a.txt has another size or checksum in its own header than in the directory."},
		{"descriptor missing", file(zipEntry{flags: flagDescriptor}), CodeArchive, m15 + "the entry a.txt has no data descriptor that says what the directory says."},
		{"descriptor lies", file(zipEntry{descriptor: 's', dir: add32(24, 1)}), CodeArchive, m15 + "the entry a.txt has no data descriptor that says what the directory says."},
		{"no local header", file(zipEntry{local: add16(0, 1)}), CodeArchive, m15 + "the entry a.txt is not where the directory says."},
		{"beyond the directory", file(zipEntry{dir: add32(20, 1000), local: add32(18, 1000)}), CodeArchive, m15 + "the entry a.txt is not where the directory says."},
		{"shared bytes", file(zipEntry{dir: set32(42, 0)}), CodeArchive, m15 + "the entries _rels/.rels and a.txt share bytes."},
		{"overlap", zipFile{entries: []zipEntry{
			{name: "a.nuspec", content: goodNuspec, stored: true, dir: add32(20, 4), local: add32(18, 4)}, {name: "b", stored: true},
		}}, CodeArchive, m15 + "the entry a.nuspec is stored but is said to have two sizes."},
		{"overlap of deflated entries", zipFile{entries: []zipEntry{
			{name: "a.nuspec", content: goodNuspec, dir: add32(20, 4), local: add32(18, 4)}, {name: "b", content: "text"},
		}}, CodeArchive, m15 + "the entries a.nuspec and b share bytes."},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := check(c.zip.bytes(t), Limits{})
			wantProblem(t, err, c.code, c.text)
		})
	}
}

// packageWithFirst puts an entry in front of a good package.
func packageWithFirst(e zipEntry) zipFile {
	return zipFile{entries: append([]zipEntry{e}, packageWith().entries...)}
}

// The standard library's writer puts sizes behind the content, and folders and
// extended time stamps into the archive.
func TestCheckArchiveOfAnotherWriter(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for name, content := range map[string]string{"a.nuspec": goodNuspec, "lib/": "", "lib/net8.0/": "", "lib/net8.0/café.dll": "MZ", "empty": ""} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: testNow})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.SetComment("by archive/zip"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a, err := check(out.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Inflate(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(a.Entries()); n != 3 || a.Entries()[0].Modified.Compare(testNow) != 0 {
		t.Errorf("%d entries, the first of %v", n, a.Entries()[0].Modified)
	}
}

func TestCheckArchiveTruncated(t *testing.T) {
	whole := packageWith().bytes(t)
	for n := range len(whole) {
		if _, err := check(whole[:n], Limits{}); err == nil {
			t.Fatalf("taken when only %d of %d bytes came", n, len(whole))
		}
	}
	_, err := check(nil, Limits{})
	wantProblem(t, err, CodeArchive, m15+"it is no zip archive, or its end is missing.")
}

func TestCheckArchiveNames(t *testing.T) {
	long := strings.Repeat("a/", 129)
	for _, c := range []struct {
		names []string
		why   string // after "The entry name X is not allowed ("
	}{
		{[]string{"content/a.txt"}, ""},
		{[]string{"content/.editorconfig", ".gitignore", "content/..hidden"}, ""},
		{[]string{`content\a.txt`}, ""},
		{[]string{"content/./a.txt", "./content/b.txt"}, ""},
		{[]string{"content//a.txt"}, ""},
		{[]string{"content/", "content/a/", "CONTENT/b.txt"}, ""},
		{[]string{"content/straße.txt", "content/日本語.txt", "content/a%20b.txt", "content/100%.txt", "content/%zz"}, ""},
		{[]string{"tools/console.exe", "tools/com.dll", "tools/com10.dll", "tools/auxiliary/x", "tools/lpt0"}, ""},
		{[]string{"templates/a/b.nuspec", "content/x.nuspec/readme.txt"}, ""}, // only the root's counts
		{[]string{long + "ab"}, ""},
		{[]string{"content/" + strings.Repeat("é", 252)}, ""}, // 260 characters, more bytes
		{[]string{strings.Repeat("%61", 86)}, ""},             // 258 bytes, 86 characters

		{[]string{""}, "it is empty"},
		{[]string{"./"}, "it names no file"},
		{[]string{long + "abc"}, "it is longer than 260 characters"},
		{[]string{"../a.txt"}, "it leads out of the package"},
		{[]string{"content/../../a.txt"}, "it leads out of the package"},
		{[]string{`content\..\a.txt`}, "it leads out of the package"},
		{[]string{"content/%2e%2e/a.txt"}, "it leads out of the package"},
		{[]string{"content/.%2E%5ca.txt"}, "it leads out of the package"},
		{[]string{"content%2f..%2fa.txt"}, "it leads out of the package"},
		{[]string{".."}, "it leads out of the package"},
		{[]string{"/a.txt"}, "it is an absolute path"},
		{[]string{`\a.txt`}, "it is an absolute path"},
		{[]string{"%2fa.txt"}, "it is an absolute path"},
		{[]string{`\\server\share`}, "it is an absolute path"},
		{[]string{`content\\a.txt`}, `it holds \\`},
		{[]string{"content%5C%5Ca.txt"}, `it holds \\`},
		{[]string{"C:/a.txt"}, "it holds a colon"},
		{[]string{"content/a.txt:stream"}, "it holds a colon"},
		{[]string{"content/a%3Ab"}, "it holds a colon"},
		{[]string{"content/a\x00.txt"}, "it holds the control character U+0000"},
		{[]string{"content/a%00.txt"}, "it holds the control character U+0000"},
		{[]string{"content/a\n.txt"}, "it holds the control character U+000A"},
		{[]string{"content/a\x7f"}, "it holds the control character U+007F"},
		{[]string{"content/a\u0085b"}, "it holds the control character U+0085"},
		{[]string{"content/a\u202Etxt.exe"}, "it holds U+202E, which changes the direction of text"},
		{[]string{"content/\u2066a"}, "it holds U+2066, which changes the direction of text"},
		{[]string{"content/%E2%80%8Fa"}, "it holds U+200F, which changes the direction of text"},
		{[]string{"content/\u061Ca"}, "it holds U+061C, which changes the direction of text"},
		{[]string{"content/a.txt."}, "a part of it ends in a dot or a blank"},
		{[]string{"content /a.txt"}, "a part of it ends in a dot or a blank"},
		{[]string{"content/.../a.txt"}, "a part of it ends in a dot or a blank"},
		{[]string{"content/a.txt%20"}, "a part of it ends in a dot or a blank"},
		{[]string{"content/a\u00A0"}, "a part of it ends in a dot or a blank"},
		{[]string{"content/con"}, "con is a device on Windows"},
		{[]string{"AUX/a.txt"}, "AUX is a device on Windows"},
		{[]string{"content/nul.tar.gz"}, "nul is a device on Windows"},
		{[]string{"content/Lpt9 .txt"}, "Lpt9 is a device on Windows"},
		{[]string{"content/com%31.txt"}, "com1 is a device on Windows"},
		{[]string{"content/com¹"}, "com¹ is a device on Windows"},
		{[]string{"prn.nuspec"}, "prn is a device on Windows"},

		{[]string{"a.txt", "a.txt"}, "a.txt is the same file where letter case, slashes and escapes do not count"},
		{[]string{"a.txt", "A.TXT"}, "a.txt is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/a.txt", `content\a.txt`}, "content/a.txt is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/a.txt", "content//a.txt"}, "content/a.txt is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/a.txt", "content/./a.txt"}, "content/a.txt is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/a b", "content/a%20b"}, "content/a b is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/\u00e9", "content/e\u0301"}, "content/\u00e9 is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/\u00c9", "content/e\u0301"}, "content/\u00c9 is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/k", "content/\u212a"}, "content/k is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/straße", "content/STRASSE"}, "content/straße is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/ς", "content/Σ"}, "content/ς is the same file where letter case, slashes and escapes do not count"},
		{[]string{"content/", "Content"}, "content/ is the same file where letter case, slashes and escapes do not count"},
		{[]string{".signature.p7s", ".signature.p7s"}, ".signature.p7s is the same file where letter case, slashes and escapes do not count"},
	} {
		for _, flags := range []uint16{0, flagUTF8} {
			var entries []zipEntry
			for _, name := range c.names {
				entries = append(entries, zipEntry{name: name, flags: flags})
			}
			_, err := check(packageWith(entries...).bytes(t), Limits{})
			if c.why == "" {
				wantProblem(t, err, "", "")
				continue
			}
			wantProblem(t, err, CodeEntryName, "The entry name "+quote(c.names[len(c.names)-1])+" is not allowed ("+c.why+").")
		}
	}
	_, err := check(packageWith(zipEntry{name: "content/a"}, zipEntry{name: "CONTENT/A/b/c.txt"}).bytes(t), Limits{})
	wantProblem(t, err, CodeEntryName, "The entry name content/a is not allowed (it is also the folder of CONTENT/A/b/c.txt).")

	// Without the flag, .NET replaces what is not UTF-8; with it, it is a lie.
	_, err = check(packageWith(zipEntry{name: "content/caf\xe9.txt"}).bytes(t), Limits{})
	wantProblem(t, err, "", "")
	_, err = check(packageWith(zipEntry{name: "content/caf\xe9.txt", flags: flagUTF8}).bytes(t), Limits{})
	wantProblem(t, err, CodeEntryName, "The entry name content/caf\uFFFD.txt is not allowed (it is not valid UTF-8).")
}

func TestCheckArchiveTimes(t *testing.T) {
	date := func(t time.Time) uint16 { return uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day()) }
	for _, c := range []struct {
		date uint16
		now  time.Time
		text string
	}{
		{date(testNow), testNow, ""},
		{date(testNow.AddDate(0, 0, 1)), testNow, ""}, // 12:00 of tomorrow, 24 hours ahead
		{date(testNow.AddDate(0, 0, 1)), testNow.Add(-time.Second), "The entry a.txt is dated in the future (2026-11-25)."},
		{date(testNow.AddDate(0, 0, 2)), testNow, "The entry a.txt is dated in the future (2026-11-26)."},
		{127<<9 | 12<<5 | 31, testNow, "The entry a.txt is dated in the future (2107-12-31)."},
		{127<<9 | 13<<5 | 31, testNow, ""}, // no date at all
		{1, testNow, ""},
	} {
		_, err := check(packageWith(zipEntry{name: "a.txt", date: c.date}).bytes(t), Limits{Now: c.now})
		code := CodeEntryFuture
		if c.text == "" {
			code = ""
		}
		wantProblem(t, err, code, c.text)
	}
}

func TestCheckArchiveLimits(t *testing.T) {
	big := strings.Repeat("0123456789", 1000)
	content := packageWith(zipEntry{name: "a.txt", content: big}).bytes(t)
	a, err := check(content, Limits{})
	wantProblem(t, err, "", "")
	var unpacked int64
	for _, e := range a.Entries() {
		unpacked += e.Size
	}
	_, err = check(content, Limits{Entries: 4, Unpacked: unpacked, Manifest: int64(len(goodNuspec))})
	wantProblem(t, err, "", "")
	_, err = check(content, Limits{Entries: 3})
	wantProblem(t, err, CodeArchive, m15+"it has 4 entries; at most 3 are allowed.")
	_, err = check(content, Limits{Unpacked: unpacked - 1})
	wantProblem(t, err, CodeArchive, fmt.Sprintf(m15+"it unpacks to %d bytes; at most %d are allowed.", unpacked, unpacked-1))
	_, err = check(content, Limits{Manifest: int64(len(goodNuspec)) - 1})
	wantProblem(t, err, CodeManifest, fmt.Sprintf(m19+"it is larger than %d bytes.", len(goodNuspec)-1))

	// Declared sizes are summed without overflow.
	huge := func(name string) zipEntry {
		return zipEntry{name: name, dir: set32(24, 0xFFFFFFFE), local: set32(22, 0xFFFFFFFE)}
	}
	_, err = check(packageWith(huge("a"), huge("b")).bytes(t), Limits{})
	wantProblem(t, err, CodeArchive, fmt.Sprintf(m15+"it unpacks to %d bytes; at most %d are allowed.", 2*int64(0xFFFFFFFE)+int64(len(goodNuspec)+28), 2<<30))

	padded := strings.Replace(goodNuspec, "Tools.</description>", strings.Repeat(" ", 200_000)+"</description>", 1)
	_, err = check(zipFile{entries: []zipEntry{{name: "a.nuspec", content: padded}}}.bytes(t), Limits{})
	wantProblem(t, err, CodeArchive, m15+"the entry a.nuspec is compressed more than 200 times.")
}

func TestCheckArchiveMostEntries(t *testing.T) {
	entries := []zipEntry{{name: "a.nuspec", content: goodNuspec}}
	for i := len(entries); i < 65534; i++ {
		entries = append(entries, zipEntry{name: fmt.Sprintf("content/%d", i), stored: true})
	}
	a, err := check(zipFile{entries: entries}.bytes(t), Limits{})
	wantProblem(t, err, "", "")
	if n := len(a.Entries()); n != 65534 {
		t.Errorf("%d entries", n)
	}
	_, err = check(zipFile{entries: append(entries, zipEntry{name: "x"})}.bytes(t), Limits{})
	wantProblem(t, err, CodeArchive, m15+"it uses Zip64, which NuGet cannot sign; pack it with sizes below 4 GiB and without Zip64.")
}

func TestCheckArchiveManifests(t *testing.T) {
	const none = "The archive holds 0 manifests; there must be exactly one .nuspec at its root."
	for _, c := range []struct {
		names []string
		text  string
	}{
		{[]string{"a.nuspec"}, ""},
		{[]string{"Other.NuSpec"}, ""}, // the name is not used for anything
		{[]string{".nuspec"}, ""},
		{[]string{"a%2Enuspec"}, ""},
		{[]string{"a.nuspec", "content/b.nuspec", `content\c.nuspec`}, ""},
		{nil, none},
		{[]string{"a.nuspec.xml", "nuspec", "lib/a.nuspec"}, none},
		{[]string{"./a.nuspec"}, none}, // clients do not find it
		{[]string{"a.nuspec/"}, none},
		{[]string{"a.nuspec", "b.nuspec"}, "The archive holds 2 manifests; there must be exactly one .nuspec at its root."},
		{[]string{"a.nuspec", "./b.nuspec"}, "The archive holds 2 manifests; there must be exactly one .nuspec at its root."},
		{[]string{"a.nuspec", "b.NUSPEC", "c%2enuspec"}, "The archive holds 3 manifests; there must be exactly one .nuspec at its root."},
	} {
		var z zipFile
		for _, name := range c.names {
			z.entries = append(z.entries, zipEntry{name: name, content: goodNuspec})
		}
		_, err := check(z.bytes(t), Limits{})
		code := CodeManifestCount
		if c.text == "" {
			code = ""
		}
		wantProblem(t, err, code, c.text)
	}
	_, err := check(zipFile{entries: []zipEntry{{name: "a.nuspec", content: "<package/>"}}}.bytes(t), Limits{})
	if problems, ok := errors.AsType[Problems](err); !ok || len(problems) != 1 {
		t.Errorf("a bad manifest gives %v", err)
	}
}

func TestCheckArchiveFolders(t *testing.T) {
	_, err := check(packageWith(zipEntry{name: "lib/portable-net45+win8/a.dll"}, zipEntry{name: "lib/nonsense/a.dll"}).bytes(t), Limits{})
	wantProblem(t, err, "", "")
	_, err = check(packageWith(zipEntry{name: "ref/portable-net40-client+win8/a.dll"}).bytes(t), Limits{})
	wantProblem(t, err, "", "")
	for _, name := range []string{"lib/portable-net40-client+win8/a.dll", "build/portable-net40-client+win8/a.txt"} {
		_, err = check(packageWith(zipEntry{name: name}).bytes(t), Limits{})
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Code != CodeFramework || !strings.HasPrefix(p.Text, "The folder of the entry "+name+" is no target framework: ") {
			t.Errorf("got %v", err)
		}
	}
}

func TestCheckArchiveMostFrameworks(t *testing.T) {
	var entries []zipEntry
	for i := range maxFrameworks - 1 { // and that of the manifest's assembly
		entries = append(entries, zipEntry{name: fmt.Sprintf("lib/net1.%d.%d/a.dll", i/10+1, i%10), stored: true})
	}
	a, err := check(packageWith(entries...).bytes(t), Limits{})
	wantProblem(t, err, "", "")
	if n := len(a.Frameworks()); n != maxFrameworks {
		t.Errorf("%d frameworks", n)
	}
	_, err = check(packageWith(append(entries, zipEntry{name: "lib/sl5/a.dll"})...).bytes(t), Limits{})
	const tooMany = "The package has files or assemblies for more than 128 target frameworks."
	wantProblem(t, err, CodeFramework, tooMany)
	var assemblies strings.Builder
	for i := range maxFrameworks + 1 {
		fmt.Fprintf(&assemblies, `<frameworkAssembly assemblyName="a" targetFramework="net1.%d.%d"/>`, i/10+1, i%10)
	}
	crowded := strings.Replace(goodNuspec, "</metadata>", "<frameworkAssemblies>"+assemblies.String()+"</frameworkAssemblies></metadata>", 1)
	_, err = check(zipFile{entries: []zipEntry{{name: "a.nuspec", content: crowded}}}.bytes(t), Limits{})
	wantProblem(t, err, CodeFramework, tooMany)
}

var errDisk = errors.New("disk on fire")

func FuzzCheckArchive(f *testing.F) {
	text := zipEntry{name: "content/a.txt", content: "some text, some more text, some text"}
	described, stored := text, text
	described.descriptor = 's'
	stored.stored = true
	for _, z := range []zipFile{
		{}, packageWith(), packageWith(text, zipEntry{name: "lib/"}), packageWith(described), packageWith(stored, zipEntry{name: ".signature.p7s", stored: true}),
		packageWith(zipEntry{name: `..\%2e%2e/x`}), {entries: packageWith().entries, comment: "hello"},
		packageWith(zipEntry{name: "a", dir: set32(42, 0)}), packageWith(zipEntry{name: "a", dirExtra: []byte{1, 0, 0, 0}}),
	} {
		f.Add(z.bytes(f))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		for _, p := range problemsOf(useArchive(t, content, true)) {
			checkSentence(t, p)
		}
		for _, p := range problemsOf(useArchive(t, content, false)) {
			checkSentence(t, p)
		}
	})
}

// useArchive does all that can be done with an archive, and fails the test
// when a package that was taken cannot be used.
func useArchive(t *testing.T, content []byte, checked bool) error {
	lim := Limits{Now: testNow, Unpacked: 1 << 24}
	var a *Archive
	var err error
	if checked {
		a, err = CheckArchive(bytes.NewReader(content), int64(len(content)), lim)
	} else {
		a, err = OpenArchive(bytes.NewReader(content), int64(len(content)))
	}
	if err != nil {
		return err
	}
	m, err := a.Manifest()
	if err != nil {
		if checked {
			t.Errorf("taken, but its manifest gives %v", err)
		}
		return err
	}
	m.IsSemVer2()
	a.Frameworks()
	if err := a.Inflate(t.Context()); err != nil {
		return err
	}
	for _, e := range a.Entries() {
		read, err := a.ReadFile(e.Name, 1<<20)
		if err == nil && checked && int64(len(read)) != e.Size {
			t.Errorf("%q: read %d bytes of %d", e.Name, len(read), e.Size)
		}
	}
	return nil
}

// What passes the rules must be a path that stays inside a folder.
func FuzzEntryName(f *testing.F) {
	for _, seed := range []string{"a.txt", "../a", `a\..\b`, "%2e%2e/%2e", "a//b/./c/", "C:a", "con.txt", "caf\xc3\xa9", "%e2%80%ae", "a%", "/", "./.", "lib/net8.0/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		name = string([]rune(name))
		clean := cleanName(name)
		if why := entryNameFault(name); why != "" {
			return
		}
		path := strings.TrimSuffix(clean, "/")
		if !fs.ValidPath(path) || path == "." || strings.ContainsAny(path, `\:`) {
			t.Errorf("%q is allowed and unpacked as %q", name, clean)
		}
		if foldName(clean) != foldName(cleanName(strings.ReplaceAll(clean, "%", "%25"))) {
			t.Errorf("%q: %q does not fold to the same name twice", name, clean)
		}
		for segment := range strings.SplitSeq(path, "/") {
			if strings.HasSuffix(segment, ".") || strings.HasSuffix(segment, " ") {
				t.Errorf("%q is allowed and unpacked as %q", name, clean)
			}
		}
	})
}

func problemsOf(err error) Problems {
	if problems, ok := errors.AsType[Problems](err); ok {
		return problems
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return Problems{p}
	}
	return nil
}
