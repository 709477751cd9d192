package cli

import (
	"bytes"
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
	"sync"
	"time"

	"nougat/gallery"
)

// The control socket carries the administrator's verbs into a running server:
// HTTP over a Unix socket in the data folder, which only its owner may open. A
// verb is the same function on both sides (site.run); where no server runs, the
// verb opens the data itself.
//
//	POST /run    a request, answered with a response or a refusal
//	POST /stop   stops the server; the connection ends when the process does

const (
	socketName     = "control.sock"
	maxSocketPath  = 100 // bytes; the systems' own limits begin at 104
	controlTimeout = 5 * time.Second
	controlPause   = 50 * time.Millisecond
	maxRequest     = 1 << 20 // bytes of a request
)

var (
	// errNobody means that no server answers on the control socket.
	errNobody = errors.New("no server runs on the data")
	// errLeaving means that the server that answered is stopping.
	errLeaving = errors.New("the server is stopping")
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

// listenControl opens the control socket. Whoever calls it holds the lock of the
// data, so that a socket that is there already is a dead one.
func listenControl(data string, s *site, stop func(), log *slog.Logger) (*control, error) {
	var failed error
	for _, path := range socketPaths(data) {
		l, err := listenSocket(path)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		c := &control{listener: l}
		c.ctx, c.cancel = context.WithCancel(context.Background())
		mux := http.NewServeMux()
		mux.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) { c.handleRun(w, r, s) })
		mux.HandleFunc("POST /stop", func(w http.ResponseWriter, r *http.Request) { c.handleStop(w, stop) })
		c.http = &http.Server{Handler: mux, ReadHeaderTimeout: controlTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
		go c.http.Serve(l)
		return c, nil
	}
	return nil, failed
}

// listenSocket replaces a dead socket at path and opens it to its owner alone.
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
	full := shown(data)
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

func (c *control) handleRun(w http.ResponseWriter, r *http.Request, s *site) {
	if !c.begin() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer c.end()
	var req request
	if err := json.NewDecoder(io.LimitReader(r.Body, maxRequest)).Decode(&req); err != nil {
		http.Error(w, "The request is not JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	resp, err := s.run(ctx, req)
	if errors.Is(err, context.Canceled) && c.ctx.Err() != nil { // nothing was done: it is tried again where the data is then
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusConflict)
		json.NewEncoder(w).Encode(refusal{gallery.KindOf(err), explain(err)})
		return
	}
	json.NewEncoder(w).Encode(resp)
}

func (c *control) handleStop(w http.ResponseWriter, stop func()) {
	w.WriteHeader(http.StatusOK)
	http.NewResponseController(w).Flush()
	stop()
	select {} // the end of the process ends the answer
}

// dialControl connects to the server that runs on the data, or says errNobody.
func dialControl(ctx context.Context, data string) (net.Conn, error) {
	for _, path := range socketPaths(data) {
		if folder := filepath.Dir(path); folder == userFolder() && ownFolder(folder) != nil {
			continue
		}
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "unix", path); err == nil {
			return conn, nil
		} else if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, errNobody
}

// post sends a request through the control socket. Whoever gets no error closes
// the body of the answer.
func post(ctx context.Context, data, path string, body any) (*http.Response, error) {
	conn, err := dialControl(ctx, data)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	used := false
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		if used {
			return nil, errNobody
		}
		used = true
		return conn, nil
	}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(r)
}

// askServer runs req in the server that runs on the data. It returns errNobody
// or errLeaving where the data can be opened instead, now or soon.
func askServer(ctx context.Context, data string, req request) (response, error) {
	var resp response
	answer, err := post(ctx, data, "/run", req)
	if err != nil {
		if errors.Is(err, errNobody) || ctx.Err() != nil {
			return resp, err
		}
		return resp, fmt.Errorf("The server that runs on the data did not answer: %w", err)
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		err = json.NewDecoder(answer.Body).Decode(&resp)
	case http.StatusConflict:
		var no refusal
		if err = json.NewDecoder(answer.Body).Decode(&no); err == nil {
			return resp, &gallery.Error{Kind: no.Kind, Msg: no.Message}
		}
	case http.StatusServiceUnavailable:
		return resp, errLeaving
	default:
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return resp, fmt.Errorf("The server that runs on the data is another version of nougat: %s", bytes.TrimSpace(text))
	}
	if err != nil {
		return resp, fmt.Errorf("The server's answer was cut off: %w", err)
	}
	return resp, nil
}

// errInterrupted is the answer to a Ctrl-C.
var errInterrupted = errors.New("Interrupted before the answer came.")

// reach does something where the data is: inside the server that holds it, or
// here once nobody does. It goes on trying for five seconds, so that a server
// that starts or stops right now is no error.
func reach(ctx context.Context, data string, inside, here func() error) (err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errInterrupted
		}
	}()
	for until := time.Now().Add(controlTimeout); ; {
		err := inside()
		if !errors.Is(err, errNobody) && !errors.Is(err, errLeaving) {
			return err
		}
		if err := here(); !errors.Is(err, errHeld) {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("Another process holds the data in %s and does not answer on its control socket.", shown(data))
		}
		select {
		case <-time.After(controlPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ask runs req in the server that holds the data, else here.
func (s *run) ask(req request, absent absence) (response, error) {
	ctx, stop := interruptible()
	defer stop()
	c, _, err := s.layers.Merge()
	if err != nil {
		return response{}, err
	}
	var resp response
	err = reach(ctx, c.Data, func() (err error) {
		resp, err = askServer(ctx, c.Data, req)
		return err
	}, func() error {
		st, err := openSite(ctx, s.layers, absent, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		resp, err = st.run(ctx, req)
		return errors.Join(err, st.close(context.WithoutCancel(ctx)))
	})
	return resp, err
}
