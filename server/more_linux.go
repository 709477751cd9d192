package server

import (
	"net"
	"syscall"
)

// writeMore writes p and tells the kernel to wait with the last packet of it for
// what follows: 200 ms, when nothing does.
func writeMore(c net.Conn, p []byte) (n int, err error) {
	socket, ok := c.(syscall.Conn)
	if !ok {
		return c.Write(p)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	var sendErr error
	err = raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			sent, err := syscall.SendmsgN(int(fd), p[n:], nil, nil, syscall.MSG_MORE|syscall.MSG_NOSIGNAL)
			switch err {
			case nil:
				n += sent
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false // until there is room
			default:
				sendErr = &net.OpError{Op: "write", Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
				return true
			}
		}
		return true
	})
	if err == nil {
		err = sendErr
	}
	return n, err
}
