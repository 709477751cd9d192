package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A wire is what feedbench cannot ask: addresses of one's own making, such as
// queries that were never asked before, with any status for an answer.
type wire struct {
	status int // of every answer
	path   func(i int64) string
}

const wireClients = 32

// cost asks p for d over kept connections, each client again as soon as it is
// answered, and returns the server's processor time a request in microseconds.
// next goes on counting from one call to the next.
func (w *wire) cost(p *process, url string, next *atomic.Int64, d time.Duration) (float64, error) {
	addr := strings.TrimPrefix(url, "http://")
	if _, err := w.ask(addr, next, d/4); err != nil { // to warm up
		return 0, err
	}
	before := p.cpu()
	n, err := w.ask(addr, next, d)
	if err != nil {
		return 0, err
	}
	return float64((p.cpu() - before).Microseconds()) / float64(n), nil
}

func (w *wire) ask(addr string, next *atomic.Int64, d time.Duration) (asked int64, err error) {
	end := time.Now().Add(d)
	var total atomic.Int64
	errs := make(chan error, wireClients)
	var clients sync.WaitGroup
	for range wireClients {
		clients.Go(func() {
			n, err := w.client(addr, next, end)
			total.Add(n)
			if err != nil {
				errs <- err
			}
		})
	}
	clients.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
		return total.Load(), nil
	}
}

func (w *wire) client(addr string, next *atomic.Int64, end time.Time) (n int64, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	conn.SetDeadline(end.Add(30 * time.Second))
	in := bufio.NewReaderSize(conn, 64<<10)
	var request []byte
	for ; time.Now().Before(end); n++ {
		path := w.path(next.Add(1))
		request = fmt.Appendf(request[:0], "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: NuGet Command Line/7.3.0 (Linux)\r\nX-NuGet-Client-Version: 7.3.0\r\nX-NuGet-Session-Id: 5b0c1b0e-7e46-4bd0-8b1e-6f1c7ad4a9a1\r\nAccept-Language: en-US\r\nAccept-Encoding: gzip, deflate\r\n\r\n", path, addr)
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		status, err := answer(in)
		if err != nil {
			return n, err
		}
		if status != w.status {
			return n, fmt.Errorf("%s%s: status %d and not %d", addr, path, status, w.status)
		}
	}
	return n, nil
}

// answer reads one answer that says its length.
func answer(in *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if first {
			if len(line) < len("HTTP/1.1 200") {
				return 0, fmt.Errorf("%q is no status line", line)
			}
			status, err = strconv.Atoi(string(line[9:12]))
		} else if name, value, _ := bytes.Cut(line, []byte(": ")); bytes.EqualFold(name, []byte("Content-Length")) {
			length, err = strconv.Atoi(string(value))
		}
		if err != nil {
			return 0, err
		}
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return status, err
}
