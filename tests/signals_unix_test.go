//go:build unix

package tests

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"

	"nougat/internal/pack"
)

// TestHangUp: the end of the terminal stops the server as a first signal does,
// unless it was started by nohup.
func TestHangUp(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	// When this test itself was started by nohup, the program would inherit what
	// is ignored; of a signal that is caught it inherits nothing.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGHUP)
	defer signal.Stop(caught)
	p := startProgram(t, data)
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	if err := p.exit(t); err != nil {
		t.Errorf("after SIGHUP: %v\n%s", err, p.errs)
	}
	nohup, err := exec.LookPath("nohup")
	if err != nil {
		t.Skip("there is no nohup")
	}
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	p = startCommand(t, exec.Command(nohup, path, "serve", "--data", data, "--listen", "127.0.0.1:0"))
	_ = p.cmd.Process.Signal(syscall.SIGHUP)
	p.client(t, key).pushed(t, pack.Spec{ID: "Contoso.Alive", Version: "1.0.0"})
	p.end(t, data)
}

// TestNobodyReadsTheLog: a server whose standard error has lost its reader goes
// on.
func TestNobodyReadsTheLog(t *testing.T) {
	t.Parallel()
	data, key := newGallery(t)
	path, err := exec.LookPath("nougat")
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--data", data, "--listen", "127.0.0.1:0")
	cmd.Stderr = write
	p := startCommand(t, cmd)
	if err := errors.Join(read.Close(), write.Close()); err != nil {
		t.Fatal(err)
	}
	c := p.client(t, key)
	for _, version := range []string{"1.0.0", "2.0.0"} {
		c.pushed(t, pack.Spec{ID: "Contoso.Unheard", Version: version}) // each is a line of the log
	}
	p.end(t, data)
}
