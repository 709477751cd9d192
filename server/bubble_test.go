package server

import (
	"net"
	"sync"
	"testing"
	"testing/synctest"
)

// inBubble runs f with a site in a bubble of testing/synctest, whose clock moves
// when nobody can do anything but wait: what is to happen after 30 seconds
// happens after 30 seconds, on every machine and at once. Its connections
// (testSite.connect) are pipes, since a bubble cannot see who waits for a socket.
func inBubble(t *testing.T, f func(t *testing.T, s *testSite), change ...siteOptions) {
	synctest.Test(t, func(t *testing.T) {
		f(t, start(t, append(change, siteOptions{listener: newPipeListener()})...))
	})
}

// connect opens a connection to the site.
func (s *testSite) connect(t testing.TB) net.Conn {
	t.Helper()
	var c net.Conn
	if l, ok := s.listener.(*pipeListener); ok {
		c = l.dial()
	} else {
		var err error
		if c, err = net.Dial("tcp", s.addr); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A pipeListener accepts the other ends of the pipes that dial returns.
type pipeListener struct {
	conns chan net.Conn
	end   chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), end: make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	here, there := net.Pipe()
	l.conns <- there
	return here
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return remote{c}, nil
	case <-l.end:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.end) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5000} }

// A remote is a pipe whose other end has an address, as the rules want it.
type remote struct{ net.Conn }

func (remote) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000} }
