// Package connset keeps account of the connections that a Redis handed out, so
// that they can all be closed when it is made as new.
//
// It must never look at what they carry.
package connset

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// Set knows the connections that an instance handed out, until each is
// closed. The zero value is ready.
type Set struct {
	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	closed bool
}

// Add takes note of c, and gives the connection to be used in its place; after
// End it closes c instead and fails.
func (s *Set) Add(c net.Conn) (net.Conn, error) {
	t := &trackedConn{Conn: c, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = c.Close()
		return nil, net.ErrClosed
	}
	if s.open == nil {
		s.open = map[*trackedConn]struct{}{}
	}
	s.open[t] = struct{}{}
	return t, nil
}

// Drop closes all connections that are still open.
func (s *Set) Drop() {
	s.mu.Lock()
	open := make([]*trackedConn, 0, len(s.open))
	for c := range s.open {
		open = append(open, c)
	}
	s.mu.Unlock()
	for _, c := range open {
		_ = c.Close()
	}
}

// End drops all and admits no more; it reports whether it was the first to do so.
func (s *Set) End() bool {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	s.Drop()
	return first
}

// trackedConn is a connection that its set knows of until it is closed.
type trackedConn struct {
	net.Conn
	set *Set
}

func (t *trackedConn) Close() error {
	t.set.mu.Lock()
	delete(t.set.open, t)
	t.set.mu.Unlock()
	return t.Conn.Close()
}

// SyscallConn lets the proxy read and write the socket itself, where there is one.
func (t *trackedConn) SyscallConn() (syscall.RawConn, error) {
	if c, ok := t.Conn.(syscall.Conn); ok {
		return c.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// CloseWrite passes a half-close on, for those who look for it.
func (t *trackedConn) CloseWrite() error {
	if c, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return t.Close()
}
