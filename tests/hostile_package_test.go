package tests

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode/utf16"

	"nougat/internal/pack"
)

// refusedAs holds a refusal against its status and the beginning of its text,
// which is one line of ASCII and in its three places.
func refusedAs(t *testing.T, name string, r *reply, status int, want string) {
	t.Helper()
	text := strings.SplitN(string(r.body), "\n", 2)[0]
	switch {
	case r.status != status || !strings.HasPrefix(r.reason, want):
		t.Errorf("%s: %v, want %d %s", name, r, status, want)
	case r.header.Get("X-NuGet-Warning") != r.reason || !strings.HasPrefix(text, want):
		t.Errorf("%s: the text is not the same in its three places: %v", name, r)
	}
	inOneLine(t, name, r)
}

// inOneLine fails the test when something of the request got out of its line.
func inOneLine(t *testing.T, name string, r *reply) {
	t.Helper()
	for _, line := range append(r.header["X-Nuget-Warning"], r.reason) {
		if len(line) > 200 || strings.ContainsFunc(line, func(c rune) bool { return c < ' ' || c > '~' }) {
			t.Errorf("%s: the line %q", name, line)
		}
	}
	for header := range r.header {
		if strings.HasPrefix(header, "X-Injected") {
			t.Errorf("%s: a header was injected: %v", name, r.header)
		}
	}
}

func utf16LE(text string, mark bool) string {
	var b []byte
	if mark {
		b = append(b, 0xff, 0xfe)
	}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

// TestHostileManifests pushes nuspecs with entities and other tricks of XML.
func TestHostileManifests(t *testing.T) {
	t.Parallel()
	p, c := wholeProgram(t)
	// Whoever resolves an external entity would ask here.
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer trap.Close()
	go func() {
		for {
			conn, err := trap.Accept()
			if err != nil {
				return
			}
			conn.Close()
			t.Error("an external entity was asked for")
		}
	}()
	nuspec := pack.Nuspec(pack.Spec{ID: "Contoso.Hostile", Version: "1.0.0", Bare: true})
	declaration, rest, _ := strings.Cut(nuspec, "\n")
	with := func(doctype, description string) string {
		return declaration + "\n" + doctype + "\n" + strings.Replace(rest, "The package Contoso.Hostile of a test.", description, 1)
	}
	var laughs strings.Builder
	laughs.WriteString(`<!DOCTYPE package [<!ENTITY l0 "lol">`)
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&laughs, `<!ENTITY l%d "%s">`, i, strings.Repeat(fmt.Sprintf("&l%d;", i-1), 10))
	}
	laughs.WriteString("]>")
	outside := "http://" + trap.Addr().String() + "/evil.dtd"
	const invalid = "The manifest is not valid: "
	memory := watchMemory(p)
	for name, text := range map[string]string{
		"billion laughs":           with(laughs.String(), "&l9;"),
		"quadratic blow-up":        with(`<!DOCTYPE package [<!ENTITY a "`+strings.Repeat("a", 50_000)+`">]>`, strings.Repeat("&a;", 5000)),
		"external entity, file":    with(`<!DOCTYPE package [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, "&x;"),
		"external entity, http":    with(`<!DOCTYPE package [<!ENTITY x SYSTEM "`+outside+`">]>`, "&x;"),
		"external DTD":             with(`<!DOCTYPE package SYSTEM "`+outside+`">`, "Text."),
		"parameter entity":         with(`<!DOCTYPE package [<!ENTITY % x SYSTEM "`+outside+`"> %x;]>`, "Text."),
		"DOCTYPE alone":            with("<!DOCTYPE package>", "Text."),
		"entity that is not there": with("", "&nbsp;"),
		"lower-case doctype":       with(`<!doctype package [<!ENTITY x "y">]>`, "&x;"),
		"UTF-16 with entities":     utf16LE(with(`<!DOCTYPE package [<!ENTITY x "y">]>`, "&x;"), true),
		"UTF-16 without its mark":  utf16LE(nuspec, false),
		"UTF-16 that is cut":       utf16LE(nuspec, true)[:501],
		"UTF-32":                   "\xff\xfe\x00\x00" + nuspec,
		"said to be UTF-7":         strings.Replace(nuspec, "utf-8", "utf-7", 1),
		"said to be UTF-16":        strings.Replace(nuspec, "utf-8", "utf-16", 1),
		"character zero":           with("", "&#0;"),
		"half a surrogate":         with("", "&#xD800;"),
		"not UTF-8":                with("", "\xff\xfe"),
		"100,000 levels":           with("", strings.Repeat("<a>", 100_000)),
		"100,000 elements":         strings.Replace(nuspec, "</metadata>", strings.Repeat("<a/>", 100_000)+"</metadata>", 1),
		"10,000 attributes":        strings.Replace(nuspec, "<metadata>", "<metadata "+manyAttributes(10_000)+">", 1),
		"an attribute twice":       strings.Replace(nuspec, "<metadata>", `<metadata a="1" a="2">`, 1),
		"a second root":            nuspec + "<package/>",
		"an ID twice":              strings.Replace(nuspec, "<version>", "<id>Other</id><version>", 1),
		"more than 1 MiB":          with("", strings.Repeat("x", 1<<20)),
		"nothing":                  "",
	} {
		r := c.push(t, pack.Zip(pack.File{Name: "x.nuspec", Data: []byte(text), Stored: true}))
		refusedAs(t, name, r, http.StatusBadRequest, invalid)
		if strings.Contains(r.String(), "root:") {
			t.Errorf("%s: the answer holds a file of this machine: %v", name, r)
		}
	}
	memory.grewAtMost(t, 64<<20)
	c.get(t, http.StatusNotFound, "/v3/flat/contoso.hostile/index.json")
	if r := c.push(t, pack.Zip(pack.File{Name: "x.nuspec", Data: []byte(utf16LE(strings.Replace(nuspec, "utf-8", "utf-16", 1), true))})); r.status != http.StatusCreated {
		t.Errorf("UTF-16 with its mark: %v", r)
	}
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%d="" `, i)
	}
	return b.String()
}

// TestHostileNames pushes IDs, versions and other words of a manifest that go
// into status lines, headers and addresses.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	_, c := wholeProgram(t)
	longest := strings.Repeat("a", 100)
	if r := c.push(t, pack.Nupkg(pack.Spec{ID: longest, Version: "1.0.0"})); r.status != http.StatusCreated {
		t.Errorf("an ID of 100 characters: %v", r)
	}
	c.get(t, http.StatusOK, nupkgPath(longest, "1.0.0"))
	c.get(t, http.StatusOK, "/packages/"+longest)
	for _, id := range []string{
		strings.Repeat("a", 101), strings.Repeat("a", 10_000), "", " ", ".", "..", "../x", "a..b", "a/b", `a\b`, ".a", "a.", "a b", "a%2fb", "$id$",
		"a&#13;&#10;X-Injected: yes", "a&#10;X-Injected: yes", "a\r\nX-Injected: yes", "a&#9;b", "a\u0085b", "a\u2028b", "\u00e4", "a\u202eb", "\uff41",
		"&lt;script&gt;alert(1)&lt;/script&gt;", "a'b", "a&quot;b", "a;b", "a,b", "a:b", "a?b", "a#b", "*", "a\U0001f4a9",
	} {
		r := c.push(t, pack.Zip(pack.File{Name: "x.nuspec", Data: []byte(pack.Nuspec(pack.Spec{ID: id, Version: "1.0.0", Bare: true}))}))
		want := "The ID "
		if strings.TrimSpace(id) == "" {
			want = "id is required."
		}
		refusedAs(t, fmt.Sprintf("the ID %.40q", id), r, http.StatusBadRequest, want)
	}
	for _, version := range []string{
		"", "x", "1.0.0-" + strings.Repeat("a", 60), "1.0.0.0.0", "99999999999.0", "1.0.0&#13;&#10;X-Injected: yes", "1.0.0-\u00e4", "1.0.0/../2.0.0", "1.0.0-a+b+c", "1.0.0-<!--x-->&lt;b&gt;", "[1.0.0]", "1.0.*",
	} {
		r := c.push(t, pack.Nupkg(pack.Spec{ID: "Contoso.Version", Version: version}))
		want := "The version "
		if version == "" {
			want = "version is required."
		}
		refusedAs(t, fmt.Sprintf("the version %.40q", version), r, http.StatusBadRequest, want)
	}
	// Text of a package in a refusal or a warning.
	const crlf = "&#13;&#10;X-Injected: yes&#13;&#10;&#13;&#10;\u00e4\u2028"
	n := 0
	for name, s := range map[string]pack.Spec{
		"licence expression":  {Metadata: `<license type="expression">MIT` + crlf + `</license>`, Bare: true},
		"licence type":        {Metadata: `<license type="` + crlf + `">x</license>`, Bare: true},
		"licence file":        {Metadata: `<license type="file">` + crlf + `</license>`, Bare: true},
		"licence reference":   {Metadata: `<license type="expression">LicenseRef-x` + crlf + `</license>`, Bare: true},
		"icon":                {Metadata: `<icon>` + crlf + `.png</icon>`},
		"readme":              {Metadata: `<readme>` + crlf + `.md</readme>`, Bare: true},
		"project address":     {Metadata: `<projectUrl>javascript:` + crlf + `</projectUrl>`},
		"dependency":          {Metadata: `<dependencies><dependency id="` + crlf + `" version="(1.0,)"/></dependencies>`},
		"range":               {Metadata: `<dependencies><dependency id="a" version="(1.0,` + crlf + `)"/></dependencies>`},
		"twice":               {Metadata: `<dependencies><dependency id="a"/><dependency id="a"/></dependencies><language>` + crlf + `</language>`},
		"framework":           {Metadata: `<dependencies><group targetFramework="` + crlf + `"><dependency id="a"/><dependency id="a"/></group></dependencies>`},
		"element":             {Metadata: `<x` + "\u00e4" + `>` + crlf + `</y>`},
		"repository":          {Metadata: `<repository type="` + crlf + `" url="` + crlf + `"/>`},
		"package type":        {Metadata: `<packageTypes><packageType name="` + crlf + `"/></packageTypes>`},
		"name of an entry":    {Files: []pack.File{{Name: "a\r\nX-Injected: yes"}}},
		"name in two letters": {Files: []pack.File{{Name: "\u00e4"}, {Name: "\u00c4"}}},
		"folder of lib":       {Files: []pack.File{{Name: "lib/\u00e4\u2028/x.dll"}}},
	} {
		s.ID, s.Version = "Contoso.Text", fmt.Sprintf("1.0.%d", n)
		n++
		r := c.push(t, pack.Nupkg(s))
		if name != "repository" { // which is taken, and its address not shown
			refusedAs(t, name, r, http.StatusBadRequest, "")
		} else if inOneLine(t, name, r); r.status != http.StatusCreated || len(r.header["X-Nuget-Warning"]) == 0 {
			t.Errorf("%s: %v", name, r)
		}
	}
	// What comes with the request itself.
	for _, value := range []string{"\u00e4\u2028", strings.Repeat("k", 10_000), "ngt_a b", `"`} {
		r := c.do(t, http.MethodPut, "/v3/package", strings.NewReader("x"), "X-NuGet-ApiKey", value)
		refusedAs(t, fmt.Sprintf("the key %.20q", value), r, http.StatusForbidden, "This API key is not known here")
	}
	for _, path := range []string{"%0d%0aX-Injected:%20yes/1.0.0", "a/1.0.0%0d%0aX-Injected:%20yes", "%c3%a4/%ff", "a%00b/1.0.0"} {
		r := c.do(t, http.MethodDelete, "/v3/package/"+path, nil, "X-NuGet-ApiKey", c.key)
		if r.status != http.StatusNotFound {
			t.Errorf("DELETE %s: %v", path, r)
		}
		inOneLine(t, path, r)
	}
}

// A zipEntry is an entry of an archive made by hand: what its headers say need
// not be so.
type zipEntry struct {
	name             string
	method           uint16
	flags            uint16
	packed           []byte // what stands in the file
	size, packedSize uint32 // what the headers say
	crc              uint32
	offset           int64 // where the directory says that it is; -1: where it is
}

func deflatedEntry(name string, content []byte) zipEntry {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	w.Write(content)
	w.Close()
	return zipEntry{name, 8, 0, b.Bytes(), uint32(len(content)), uint32(b.Len()), crc32.ChecksumIEEE(content), -1}
}

// zeros is an entry of mib MiB of zeros: about a thousandth of that in the file.
// Its checksum is not computed.
func zeros(name string, mib int) zipEntry {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression)
	chunk := make([]byte, 1<<20)
	w.Write(chunk)
	w.Flush()
	first := b.Len()
	w.Write(chunk)
	w.Flush()
	second := b.Bytes()[first:]
	packed := append([]byte(nil), b.Bytes()[:first]...)
	for range mib - 1 {
		packed = append(packed, second...)
	}
	packed = append(packed, 3, 0) // an empty last block
	return zipEntry{name, 8, 0, packed, uint32(mib << 20), uint32(len(packed)), 0, -1}
}

func makeZip(entries ...zipEntry) []byte {
	var out, directory []byte
	le := binary.LittleEndian
	for _, e := range entries {
		offset := e.offset
		common := le.AppendUint16(nil, 20)
		common = le.AppendUint16(common, e.flags)
		common = le.AppendUint16(common, e.method)
		common = le.AppendUint32(common, 0x58616000) // a day in March 2024
		common = le.AppendUint32(common, e.crc)
		common = le.AppendUint32(common, e.packedSize)
		common = le.AppendUint32(common, e.size)
		common = le.AppendUint16(common, uint16(len(e.name)))
		common = le.AppendUint16(common, 0)
		if offset < 0 {
			offset = int64(len(out))
			out = append(append(append(append(out, "PK\x03\x04"...), common...), e.name...), e.packed...)
		}
		directory = append(append(append(directory, "PK\x01\x02\x14\x00"...), common...), make([]byte, 10)...)
		directory = append(le.AppendUint32(directory, uint32(offset)), e.name...)
	}
	at := len(out)
	out = append(append(out, directory...), "PK\x05\x06\x00\x00\x00\x00"...)
	out = le.AppendUint16(out, uint16(len(entries)))
	out = le.AppendUint16(out, uint16(len(entries)))
	out = le.AppendUint32(out, uint32(len(directory)))
	out = le.AppendUint32(out, uint32(at))
	return le.AppendUint16(out, 0)
}

// TestHostileArchives pushes zip bombs and archives that lie. Memory stays where
// it is.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	p, c := wholeProgram(t)
	good := func(id string) zipEntry {
		return deflatedEntry(id+".nuspec", []byte(pack.Nuspec(pack.Spec{ID: id, Version: "1.0.0", Bare: true})))
	}
	changed := func(e zipEntry, change func(*zipEntry)) zipEntry { change(&e); return e }
	nuspec := good("Contoso.Bomb")
	bomb := zeros("content/zeros.bin", 100)
	many := []zipEntry{nuspec, deflatedEntry("content/0", bytes.Repeat([]byte("kernel"), 10_000))}
	for i := range 5000 { // one kernel, in the directory again and again
		many = append(many, changed(many[1], func(e *zipEntry) {
			e.name, e.offset = fmt.Sprintf("content/%d", i+1), int64(30+len(nuspec.name)+len(nuspec.packed))
		}))
	}
	named := func(name string) []byte { return makeZip(nuspec, deflatedEntry(name, []byte("x"))) }
	var twenty []zipEntry
	for i := range 21 {
		twenty = append(twenty, zeros(fmt.Sprintf("content/zeros%d.bin", i), 100))
	}
	memory := watchMemory(p)
	for name, content := range map[string][]byte{
		"entries that share bytes":     makeZip(many...),
		"more than 2 GiB":              makeZip(append(twenty, nuspec)...),
		"longer than it says":          makeZip(nuspec, changed(bomb, func(e *zipEntry) { e.size = 10 })),
		"longer than it says by one":   makeZip(nuspec, changed(deflatedEntry("x", []byte("12345")), func(e *zipEntry) { e.size-- })),
		"shorter than it says":         makeZip(nuspec, changed(deflatedEntry("x", []byte("12345")), func(e *zipEntry) { e.size++ })),
		"a wrong checksum":             makeZip(nuspec, changed(bomb, func(e *zipEntry) { e.crc = 1 })),
		"stored, with two sizes":       makeZip(nuspec, changed(deflatedEntry("x", []byte("12345")), func(e *zipEntry) { e.method = 0 })),
		"a nuspec like a bomb":         makeZip(changed(zeros("Contoso.Bomb.nuspec", 1), func(e *zipEntry) { e.crc = crc32.ChecksumIEEE(make([]byte, 1<<20)) })),
		"a nuspec of 100 MiB":          makeZip(zeros("Contoso.Bomb.nuspec", 100)),
		"a nuspec that lies":           makeZip(changed(zeros("Contoso.Bomb.nuspec", 100), func(e *zipEntry) { e.size = 1000 })),
		"encrypted":                    makeZip(nuspec, changed(deflatedEntry("x", []byte("x")), func(e *zipEntry) { e.flags = 1 })),
		"another method":               makeZip(nuspec, changed(deflatedEntry("x", []byte("x")), func(e *zipEntry) { e.method = 14 })),
		"two manifests":                makeZip(nuspec, good("Other")),
		"no manifest":                  makeZip(deflatedEntry("x", []byte("x"))),
		"a manifest in a folder":       makeZip(changed(nuspec, func(e *zipEntry) { e.name = "x/" + e.name })),
		"twice the same name":          makeZip(nuspec, deflatedEntry("x", []byte("x")), deflatedEntry("X", []byte("x"))),
		"something in front":           append([]byte("#!/bin/sh\n"), makeZip(nuspec)...),
		"something behind":             append(makeZip(nuspec), "more"...),
		"Zip64 in the end record":      zip64(makeZip(nuspec)),
		"up the tree":                  named("../../evil"),
		"up the tree, escaped":         named("%2e%2e/%2e%2e/evil"),
		"up the tree, on Windows":      named(`..\..\evil`),
		"absolute":                     named("/etc/cron.d/evil"),
		"a drive":                      named(`C:\evil`),
		"a stream of NTFS":             named("x:evil"),
		"a device":                     named("lib/AUX.txt"),
		"a zero in the name":           named("x\x00.txt"),
		"a name that is turned around": named("x\u202etxt.exe"),
		"not a zip":                    []byte("PK\x03\x04 and no more"),
		"a page":                       []byte("<!doctype html><title>no</title>"),
		"only an end record":           makeZip(),
	} {
		r := c.push(t, content)
		refusedAs(t, name, r, http.StatusBadRequest, "Th")
	}
	memory.grewAtMost(t, 64<<20)
	c.get(t, http.StatusNotFound, "/v3/flat/contoso.bomb/index.json")

	// Much air, but no lie, in a file that nobody opens: it is only counted.
	air := zeros("content/zeros.bin", 200)
	sum := crc32.NewIEEE()
	for range 200 {
		sum.Write(make([]byte, 1<<20))
	}
	air.crc = sum.Sum32()
	memory = watchMemory(p)
	if r := c.push(t, makeZip(good("Contoso.Air"), air)); r.status != http.StatusCreated {
		t.Errorf("200 MiB of zeros: %v", r)
	}
	memory.grewAtMost(t, 16<<20)

	// Files that the gallery itself opens.
	for name, s := range map[string]pack.Spec{
		"a readme like a bomb":        {Metadata: "<readme>r.md</readme>", Files: []pack.File{{Name: "r.md", Data: bytes.Repeat([]byte("a"), 1<<20)}}},
		"a readme of 2 MiB":           {Metadata: "<readme>r.md</readme>", Files: []pack.File{{Name: "r.md", Data: noise(1, 2<<20)}}},
		"a readme that is not there":  {Metadata: "<readme>../../../etc/passwd.md</readme>"},
		"a readme that is no text":    {Metadata: "<readme>r.md</readme>", Files: []pack.File{{Name: "r.md", Data: []byte("a\x00b")}}},
		"a licence like a bomb":       {Metadata: `<license type="file">l.txt</license>`, Files: []pack.File{{Name: "l.txt", Data: bytes.Repeat([]byte("a"), 1<<20)}}},
		"a licence that is a page":    {Metadata: `<license type="file">l.html</license>`, Files: []pack.File{{Name: "l.html", Data: []byte("<script>alert(1)</script>")}}},
		"an icon that is an SVG":      {Metadata: "<icon>i.svg</icon>", Files: []pack.File{{Name: "i.svg", Data: []byte(svg)}}},
		"an SVG named like a picture": {Metadata: "<icon>i.png</icon>", Files: []pack.File{{Name: "i.png", Data: []byte(svg)}}},
		"a page named like a picture": {Metadata: "<icon>i.jpg</icon>", Files: []pack.File{{Name: "i.jpg", Data: []byte("<html><script>alert(1)</script>")}}},
		"an icon of 2 MiB":            {Metadata: "<icon>i.png</icon>", Files: []pack.File{{Name: "i.png", Data: append([]byte("\x89PNG\r\n\x1a\n"), noise(1, 2<<20)...)}}},
		"an icon up the tree":         {Metadata: "<icon>../../i.png</icon>"},
	} {
		s.ID, s.Version, s.Bare = "Contoso.Files", "1.0.0", true
		refusedAs(t, name, c.push(t, pack.Nupkg(s)), http.StatusBadRequest, "Th")
	}
	c.get(t, http.StatusNotFound, "/v3/flat/contoso.files/index.json")
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>`

// zip64 puts Zip64's end records before the one of the archive.
func zip64(archive []byte) []byte {
	end := archive[len(archive)-22:]
	directory := binary.LittleEndian.Uint32(end[16:])
	record := append([]byte("PK\x06\x06"), make([]byte, 52)...)
	record[4] = 44
	record[24], record[32] = 1, 1
	binary.LittleEndian.PutUint64(record[40:], uint64(binary.LittleEndian.Uint32(end[12:])))
	binary.LittleEndian.PutUint64(record[48:], uint64(directory))
	locator := append([]byte("PK\x06\x07"), make([]byte, 16)...)
	binary.LittleEndian.PutUint64(locator[8:], uint64(len(archive)-22))
	locator[16] = 1
	out := append(append(append([]byte(nil), archive[:len(archive)-22]...), record...), locator...)
	return append(out, end...)
}
