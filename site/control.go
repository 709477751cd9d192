package site

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"nougat/gallery"
)

// The control socket carries verbs into a running server: HTTP over a Unix socket
// in the data folder, which only its owner may open. ask.go is the other end.
//
//	POST /run/{verb}   the verb's In, answered with its Out or a refusal; 404 for
//	                   a verb that this version does not know
//	POST /stop         stops the server; the connection ends when the process does

const (
	socketName     = "control.sock"
	maxSocketPath  = 100 // bytes; the systems' own limits begin at 104
	controlTimeout = 5 * time.Second
	controlPause   = 50 * time.Millisecond
	maxRequest     = 1 << 20 // bytes of a request
)

// A refusal is an error on its way through the socket.
type refusal struct {
	Kind    gallery.Kind `json:"kind"`
	Message string       `json:"message"`
}

// A control serves the socket of one site.
type control struct {
	listener net.Listener
	http     *http.Server
	ctx      context.Context // ends when the site is about to close
	cancel   context.CancelFunc

	mu      sync.Mutex
	running sync.WaitGroup
	leaving bool
}

// ListenControl opens the control socket of a server's site, which stop must tell
// to end. Without the socket the site works, but no verb and no Stop reaches it.
// It is called once at most; Close closes the socket.
func (s *Site) ListenControl(stop func()) error {
	var failed error
	for _, path := range socketPaths(s.Config().Data) {
		l, err := listenSocket(path)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		s.control = newControl(l, s, stop)
		go s.control.http.Serve(l)
		return nil
	}
	return failed
}

func newControl(l net.Listener, s *Site, stop func()) *control {
	c := &control{listener: l}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("POST /run/{verb}", func(w http.ResponseWriter, r *http.Request) { c.handleRun(w, r, s) })
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) { c.handleStop(w, stop) })
	c.http = &http.Server{Handler: mux, ReadHeaderTimeout: controlTimeout, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	return c
}

// listenSocket replaces a dead socket at path, which is what one is when the
// caller holds the lock of the data, and opens it to its owner alone.
func listenSocket(path string) (net.Listener, error) {
	if err := privateFolder(filepath.Dir(path)); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if runtime.GOOS == "windows" { // permissions there are the folder's
		return l, nil
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// socketPaths lists where the control socket of a data folder may be: in the
// folder, unless the path is too long for a socket, else, also where the file
// system of the data has no sockets, in a folder of this user's own under a name
// made from the data folder's.
func socketPaths(data string) []string {
	full := Shown(data)
	if real, err := filepath.EvalSymlinks(full); err == nil {
		full = real
	}
	var paths []string
	if path := filepath.Join(full, socketName); len(path) <= maxSocketPath {
		paths = append(paths, path)
	}
	sum := sha256.Sum256([]byte(full))
	return append(paths, filepath.Join(userFolder(), fmt.Sprintf("%x.sock", sum[:12])))
}

// begin enters a request, unless the site is closing; end must follow.
func (c *control) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.running.Add(1)
	}
	return !c.leaving
}

func (c *control) end() { c.running.Done() }

// drain takes no further requests and waits for those that run.
func (c *control) drain() {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	c.cancel()
	c.running.Wait()
}

// close removes the socket. Connections that asked the server to stop stay open
// until the process has gone: their end is the answer.
func (c *control) close() error { return c.listener.Close() }

func (c *control) handleRun(w http.ResponseWriter, r *http.Request, s *Site) {
	if !c.begin() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer c.end()
	i := slices.IndexFunc(verbs, func(v served) bool { return v.name() == r.PathValue("verb") })
	if i < 0 {
		http.NotFound(w, r)
		return
	}
	// Who sends or takes slowly must not keep the server from stopping (drain).
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(controlTimeout))
	run, err := verbs[i].read(io.LimitReader(r.Body, maxRequest))
	_ = rc.SetReadDeadline(time.Time{})
	if err != nil {
		http.Error(w, "The request cannot be read: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	out, err := run(ctx, s)
	if errors.Is(err, context.Canceled) && c.ctx.Err() != nil { // nothing was done: it is tried again where the data is then
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_ = rc.SetWriteDeadline(time.Now().Add(controlTimeout))
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusConflict)
		json.NewEncoder(w).Encode(refusal{gallery.KindOf(err), Explain(err)})
		return
	}
	json.NewEncoder(w).Encode(out)
}

func (c *control) handleStop(w http.ResponseWriter, stop func()) {
	w.WriteHeader(http.StatusOK)
	http.NewResponseController(w).Flush()
	stop()
	select {} // the end of the process ends the answer
}
