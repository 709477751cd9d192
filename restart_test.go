package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"nougat/internal/pack"
)

// TestStopLetsEverythingEnd stops the program while one client reads a large
// package and another sends one: both come to their end, and the download that
// ended last is counted.
func TestStopLetsEverythingEnd(t *testing.T) {
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	large := pack.Spec{ID: "Contoso.Large", Version: "1.0.0", Files: []pack.File{{Name: "x.bin", Data: noise(1, 16<<20)}}}
	c.pushed(t, large)
	c.http.CloseIdleConnections()

	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", nupkgPath(large.ID, large.Version), p.addr)
	download, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	finish := halfPush(t, p.addr, key, "Contoso.Late")
	waitFor(t, "the upload to be seen", func() bool { return len(leftIn(t, data, "tmp")) > 0 })

	stopped := make(chan string, 1)
	if runtime.GOOS == "windows" {
		go func() { stopped <- verbOutput(t, "", "stop", "--data", data) }()
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		stopped <- ""
	}
	waitFor(t, "new connections to be refused", func() bool {
		conn, err := net.Dial("tcp", p.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if status, err := finish(); err != nil || !strings.Contains(status, " 201 ") {
		t.Errorf("the push that ran: %q, %v", status, err)
	}
	if content, err := io.ReadAll(download.Body); err != nil || !bytes.Equal(content, pack.Nupkg(large)) {
		t.Errorf("the download that ran ended after %d bytes with %v", len(content), err)
	}
	if err := p.exit(t); err != nil {
		t.Errorf("exit: %v\n%s", err, p.errs)
	}
	<-stopped
	p.loggedNoError(t)

	p = startProgram(t, data)
	c = p.client(t, key)
	c.get(t, http.StatusOK, nupkgPath("Contoso.Late", "1.0.0"))
	hits := document[struct {
		Data []struct{ TotalDownloads int }
	}](t, c, "/v3/query?q=packageid:contoso.large")
	if len(hits.Data) != 1 || hits.Data[0].TotalDownloads != 1 {
		t.Errorf("after the restart the search says %+v", hits)
	}
	p.end(t, data)
	verbOutput(t, "", "verify", "--data", data)
}

// TestStartAfterPowerCut starts on what a program leaves that had no time: half
// uploads, a dead control socket, and a package whose record was never written.
func TestStartAfterPowerCut(t *testing.T) {
	data, key := newGallery(t)
	p := startProgram(t, data)
	c := p.client(t, key)
	c.pushed(t, pack.Spec{ID: "Contoso.Before", Version: "1.0.0"})
	for i := range 5 {
		halfPush(t, p.addr, key, fmt.Sprintf("Contoso.Half%d", i))
	}
	waitFor(t, "the uploads to be seen", func() bool { return len(leftIn(t, data, "tmp")) == 5 })
	p.kill(t)
	if len(leftIn(t, data, "tmp")) != 5 {
		t.Fatal("the half uploads are not there any more")
	}
	if runtime.GOOS != "windows" && len(leftIn(t, data, "control.*")) != 1 {
		t.Error("there is no dead control socket")
	}
	// Of the push below this would be there after a crash between file and record.
	orphan := pack.Nupkg(pack.Spec{ID: "Contoso.Orphan", Version: "1.0.0"})
	other, k := newGallery(t)
	q := startProgram(t, other)
	if r := q.client(t, k).push(t, orphan); r.status != http.StatusCreated {
		t.Fatal(r)
	}
	q.end(t, other)
	for _, path := range leftIn(t, other, filepath.Join("blobs", "*", "*")) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rel, _ := filepath.Rel(other, path)
		if err := os.WriteFile(filepath.Join(data, rel), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}

	p = startProgram(t, data)
	if left := leftIn(t, data, "tmp"); len(left) > 0 {
		t.Errorf("tmp/ still holds %q", left)
	}
	c = p.client(t, key)
	c.get(t, http.StatusOK, nupkgPath("Contoso.Before", "1.0.0"))
	for i := range 5 {
		id := fmt.Sprintf("Contoso.Half%d", i)
		c.get(t, http.StatusNotFound, "/v3/flat/"+strings.ToLower(id)+"/index.json")
		c.pushed(t, pack.Spec{ID: id, Version: "1.0.0"})
	}
	verbOutput(t, "", "verify", "--data", data)
	c.get(t, http.StatusNotFound, nupkgPath("Contoso.Orphan", "1.0.0"))
	if r := c.push(t, orphan); r.status != http.StatusCreated {
		t.Errorf("the push whose file was there: %v", r)
	}
	c.get(t, http.StatusOK, nupkgPath("Contoso.Orphan", "1.0.0"))
	p.end(t, data)
	p.loggedNoError(t)
	verbOutput(t, "", "verify", "--data", data)
}

// leftIn lists a folder of the data, or what a pattern matches there.
func leftIn(t *testing.T, data, pattern string) []string {
	t.Helper()
	if !strings.Contains(pattern, "*") {
		pattern = filepath.Join(pattern, "*")
	}
	found, err := filepath.Glob(filepath.Join(data, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
