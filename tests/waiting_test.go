package tests

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestSlowClients waits for the real limits of Q-32: a client that says nothing
// for 30 seconds, one that brings less than 64 KiB in a minute, one that does not
// finish the head of its request in 15 seconds.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a minute")
	}
	t.Parallel()
	p, c := wholeProgram(t)
	const slow = "HTTP/1.1 408 The upload was too slow"
	clients := []struct {
		name, request, want string
		trickle             bool
		least               time.Duration
	}{
		{"silent", pushHead(c) + "Content-Length: 100000\r\n\r\n" + formHead, slow, false, 30 * time.Second},
		{"trickling", pushHead(c) + "Content-Length: 100000\r\n\r\n" + formHead, slow, true, 30 * time.Second},
		{"silent before its head is complete", "GET / HTTP/1.1\r\nHost: a\r\n", "", false, 15 * time.Second},
		{"trickling its head", "GET / HTTP/1.1\r\nHost: a\r\nX-Long: ", "", true, 15 * time.Second},
	}
	together(len(clients), func(i int) {
		client := clients[i]
		begin := time.Now()
		conn, err := net.Dial("tcp", p.addr)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		// Nobody is sent away early, on whatever machine; that somebody is at all
		// is waited for much longer than it takes.
		_ = conn.SetDeadline(begin.Add(10 * patience))
		io.WriteString(conn, client.request)
		if client.trickle {
			go func() {
				for {
					time.Sleep(time.Second)
					if _, err := io.WriteString(conn, "x"); err != nil {
						return
					}
				}
			}()
		}
		got, err := io.ReadAll(conn)
		if took := time.Since(begin); took < client.least {
			t.Errorf("a client that is %s is sent away after %v", client.name, took)
		}
		if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
			t.Errorf("a client that is %s is not sent away", client.name)
		}
		if !strings.HasPrefix(string(got), client.want) {
			t.Errorf("a client that is %s is answered %.200q, %v", client.name, got, err)
		}
	})
}
