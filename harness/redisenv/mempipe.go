package redisenv

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Pipe gives the two ends of a connection that never leaves memory. Each
// direction has a buffer without bound, as a socket has one of some size:
// net.Pipe has none, so a client that writes a long pipeline before it reads
// would wait for a server that waits for the client.
func Pipe() (client, server net.Conn) {
	up, down := newStream(), newStream()
	return &memConn{in: down, out: up, name: "client"}, &memConn{in: up, out: down, name: "server"}
}

// stream is one direction. Its waits are on a condition, which a synctest
// bubble counts as durably blocked.
type stream struct {
	mu       sync.Mutex
	change   *sync.Cond
	data     []byte
	ended    bool // the writer closed: what is left may be read
	dropped  bool // the reader closed
	deadline time.Time
	timer    *time.Timer
}

func newStream() *stream {
	s := &stream{}
	s.change = sync.NewCond(&s.mu)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.dropped:
			return 0, net.ErrClosed
		case !s.deadline.IsZero() && !time.Now().Before(s.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.data) > 0:
			n := copy(p, s.data)
			if s.data = s.data[n:]; len(s.data) == 0 {
				s.data = nil
			}
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.change.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return 0, net.ErrClosed
	}
	if s.dropped {
		return 0, errPeerClosed
	}
	s.data = append(s.data, p...)
	s.change.Broadcast()
	return len(p), nil
}

// errPeerClosed is what a write meets when nobody will ever read it.
var errPeerClosed = errors.New("broken pipe: the other end is closed")

func (s *stream) finish(reader bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reader {
		s.dropped = true
		if s.timer != nil {
			s.timer.Stop()
		}
	} else {
		s.ended = true
	}
	s.change.Broadcast()
}

func (s *stream) setDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !t.IsZero() && !s.dropped {
		s.timer = time.AfterFunc(time.Until(t), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.change.Broadcast()
		})
	}
	s.change.Broadcast()
}

// memConn is one end of a Pipe.
type memConn struct {
	in, out *stream
	name    string
}

func (c *memConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memConn) Write(p []byte) (int, error) { return c.out.write(p) }

func (c *memConn) Close() error {
	c.in.finish(true)
	c.out.finish(false)
	return nil
}

// CloseWrite tells the other end that no more will come; reading goes on.
func (c *memConn) CloseWrite() error {
	c.out.finish(false)
	return nil
}

func (c *memConn) LocalAddr() net.Addr  { return memAddr(c.name) }
func (c *memConn) RemoteAddr() net.Addr { return memAddr("memory") }

func (c *memConn) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (c *memConn) SetReadDeadline(t time.Time) error { c.in.setDeadline(t); return nil }

// SetWriteDeadline has nothing to bound: a write never waits.
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

type memAddr string

func (memAddr) Network() string  { return "memory" }
func (a memAddr) String() string { return string(a) }
