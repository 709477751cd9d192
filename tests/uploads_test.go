package tests

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nougat/internal/pack"
)

const (
	formHead = "--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: form-data; name=package; filename=package.nupkg\r\n\r\n"
	formTail = "\r\n--b--\r\n"
)

// pushHead is the head of a push without its last empty line.
func pushHead(c *siteClient) string {
	return "PUT /v3/package/ HTTP/1.1\r\nHost: " + strings.TrimPrefix(c.base, "http://") + "\r\nX-NuGet-ApiKey: " + c.key + "\r\nContent-Type: multipart/form-data; boundary=b\r\n"
}

// TestUploadsCutOff: a package that did not come whole is refused, if there is
// still somebody to tell, and leaves nothing behind.
func TestUploadsCutOff(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	whole := formHead + string(pack.Nupkg(pack.Spec{ID: "Contoso.Cut", Version: "1.0.0", Files: []pack.File{{Name: "x", Data: bytes.Repeat([]byte("0123456789abcdef"), 1<<14), Stored: true}}})) + formTail
	cuts := []int{0, 1, len(formHead) - 1, len(formHead), len(whole) / 2, len(whole) - len(formTail), len(whole) - 3}
	for _, cut := range cuts {
		// The connection goes without a word; or ends, and can be answered.
		for _, head := range []string{fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(whole), whole[:cut]), fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s", len(whole), whole[:cut])} {
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(conn, pushHead(c)+head)
			_ = conn.(*net.TCPConn).SetLinger(0) // a reset
			conn.Close()
			if conn, err = net.Dial("tcp", p.addr); err != nil {
				t.Fatal(err)
			}
			_ = conn.SetDeadline(time.Now().Add(patience))
			io.WriteString(conn, pushHead(c)+head)
			_ = conn.(*net.TCPConn).CloseWrite()
			line, err := bufio.NewReader(conn).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 400 The upload ended before the package was complete.") {
				t.Errorf("cut at %d: answered %q, %v", cut, line, err)
			}
			conn.Close()
		}
		// As if it were whole, but without the last boundary.
		if cut < len(whole)-len("\r\n") {
			r := p.raw(t, fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", pushHead(c), cut, whole[:cut]))
			if r.status != http.StatusBadRequest || !strings.HasPrefix(r.reason, "The upload is not a complete multipart form: ") {
				t.Errorf("cut at %d, with that length: %v", cut, r)
			}
		}
	}
	// A package that was cut off itself.
	content := whole[len(formHead) : len(whole)-len(formTail)]
	for _, cut := range []int{0, 1, len(content) / 2, len(content) - 1} {
		r := c.push(t, []byte(content[:cut]))
		if r.status != http.StatusBadRequest || !strings.HasPrefix(r.reason, "This is not a readable .nupkg file: ") {
			t.Errorf("a package of %d bytes: %v", cut, r)
		}
	}
	waitFor(t, "the uploads to be dropped", func() bool {
		left, err := os.ReadDir(filepath.Join(data, "tmp"))
		return err == nil && len(left) == 0
	})
	c.get(t, http.StatusNotFound, "/v3/flat/contoso.cut/index.json")
	if r := c.push(t, []byte(content)); r.status != http.StatusCreated {
		t.Errorf("the whole package: %v", r)
	}
	p.end(t, data)
	verbOutput(t, "", "verify", "--data", data)
}

// TestUploadTooLarge sends 251 MiB on and on, as NuGet's clients do, and then
// must find the reason. The program's memory does not notice.
func TestUploadTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends 753 MiB")
	}
	t.Parallel()
	p, c := wholeProgram(t)
	const size = 251 << 20
	zeros := make([]byte, 1<<20)
	for name, send := range map[string]func(w *bufio.Writer){
		"with a length": func(w *bufio.Writer) {
			fmt.Fprintf(w, "%sContent-Length: %d\r\n\r\n%s", pushHead(c), len(formHead)+size+len(formTail), formHead)
			for range size / len(zeros) {
				w.Write(zeros)
			}
			w.WriteString(formTail)
		},
		"chunked": func(w *bufio.Writer) {
			fmt.Fprintf(w, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", pushHead(c), len(formHead), formHead)
			for range size / len(zeros) {
				fmt.Fprintf(w, "%x\r\n", len(zeros))
				w.Write(zeros)
				w.WriteString("\r\n")
			}
			fmt.Fprintf(w, "%x\r\n%s\r\n0\r\n\r\n", len(formTail), formTail)
		},
		"without a right": func(w *bufio.Writer) {
			fmt.Fprintf(w, "%sContent-Length: %d\r\n\r\n", strings.Replace(pushHead(c), c.key, "nobody's", 1), size)
			for range size / len(zeros) {
				w.Write(zeros)
			}
		},
	} {
		memory := watchMemory(p)
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(10 * patience)) // it sends 251 MiB
		w := bufio.NewWriter(conn)
		send(w)
		if err := w.Flush(); err != nil {
			t.Fatalf("%s: the connection was cut before all was sent: %v", name, err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodPut})
		if err != nil {
			t.Fatalf("%s: no answer: %v", name, err)
		}
		r, err := readReply(res)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		status, want := http.StatusRequestEntityTooLarge, "The package is larger than 250 MB."
		if name == "without a right" {
			status, want = http.StatusForbidden, "This API key is not known here, was revoked, or has expired."
		}
		if r.status != status || r.reason != want || r.header.Get("X-NuGet-Warning") != want {
			t.Errorf("%s: %v", name, r)
		}
		memory.grewAtMost(t, 16<<20)
	}
}

// largePackage writes a package of about that size without having it in memory.
func largePackage(id, version string, size int) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		z := zip.NewWriter(w)
		err := func() error {
			spec, err := z.CreateHeader(&zip.FileHeader{Name: id + ".nuspec", Method: zip.Deflate, Modified: pack.Date})
			if err != nil {
				return err
			}
			if _, err := io.WriteString(spec, pack.Nuspec(pack.Spec{ID: id, Version: version, Bare: true})); err != nil {
				return err
			}
			large, err := z.CreateHeader(&zip.FileHeader{Name: "content/large.bin", Method: zip.Store, Modified: pack.Date})
			if err != nil {
				return err
			}
			zeros := make([]byte, 128<<10)
			for left := size; left > 0; {
				n, err := large.Write(zeros[:min(left, len(zeros))])
				if err != nil {
					return err
				}
				left -= n
			}
			return z.Close()
		}()
		w.CloseWithError(err)
	}()
	return r
}

// TestLargeUploads holds the bar of memory: one push of 249 MB may take 16 MiB
// more than the idle program has, four at once 32 MiB (PERF-5.14).
func TestLargeUploads(t *testing.T) {
	if testing.Short() {
		t.Skip("it pushes 1.2 GB")
	}
	t.Parallel()
	p, c := wholeProgram(t)
	c.http.Timeout = 10 * patience // it sends a gigabyte
	push := func(i int) {
		large := largePackage(fmt.Sprintf("Contoso.Large%d", i), "1.0.0", 249_000_000)
		defer large.Close()
		body := io.MultiReader(strings.NewReader(formHead), large, strings.NewReader(formTail))
		r, err := c.try(http.MethodPut, "/v3/package/", body, "Content-Type", "multipart/form-data; boundary=b", "X-NuGet-ApiKey", c.key)
		if err != nil || r.status != http.StatusCreated {
			t.Errorf("the push of a large package: %v, %v", r, err)
		}
	}
	memory := watchMemory(p)
	push(0)
	memory.grewAtMost(t, 16<<20)
	memory = watchMemory(p)
	together(4, func(i int) { push(i + 1) })
	memory.grewAtMost(t, 32<<20)
}

// TestSameVersionTwice pushes one version from several clients at once: one of
// them gets 201 and the others 409, and what is served is what that one sent.
func TestSameVersionTwice(t *testing.T) {
	t.Parallel()
	_, c := wholeProgram(t)
	for round := range 30 {
		id, version := fmt.Sprintf("Contoso.Race%d", round%3), fmt.Sprintf("1.0.%d", round)
		clients := 2 + round%3
		contents, replies := make([][]byte, clients), make([]*reply, clients)
		for i := range contents {
			s := pack.Spec{ID: id, Version: version}
			if round%2 > 0 { // not the same bytes
				s.Version += strings.Repeat(".0", i%2) + []string{"", "+build"}[i/2%2]
				s.Description = fmt.Sprintf("This is number %d.", i)
			}
			contents[i] = pack.Nupkg(s)
		}
		together(clients, func(i int) { replies[i] = c.push(t, contents[i]) })
		winner := -1
		for i, r := range replies {
			switch {
			case r.status == http.StatusCreated && winner < 0:
				winner = i
			case r.status != http.StatusConflict || !strings.Contains(r.reason, " is already here and cannot be replaced") && !strings.Contains(r.reason, " only in build metadata"):
				t.Errorf("%s %s, client %d of %d: %v", id, version, i, clients, r)
			}
		}
		if winner < 0 {
			t.Fatalf("nobody's push of %s %s was taken", id, version)
		}
		if r := c.get(t, http.StatusOK, nupkgPath(id, version)); !bytes.Equal(r.body, contents[winner]) {
			t.Errorf("%s %s has not the bytes of the push that was taken", id, version)
		}
	}
}
