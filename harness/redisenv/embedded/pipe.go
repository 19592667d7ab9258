package embedded

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
func Pipe() (client, server *Conn) {
	c := &struct{ up, down stream }{}
	c.up.change.L, c.down.change.L = &c.up.mu, &c.down.mu
	return &Conn{in: &c.down, out: &c.up, name: "client"}, &Conn{in: &c.up, out: &c.down, name: "server"}
}

// stream is one direction. Its waits are on a condition, which a synctest
// bubble counts as durably blocked.
type stream struct {
	mu       sync.Mutex
	change   sync.Cond
	buf      []byte
	from     int  // buf[from:] has not been read
	ended    bool // the writer closed: what is left may be read
	dropped  bool // the reader closed
	deadline time.Time

	// A deadline is set for every command and met by hardly any, so a timer runs
	// only while a reader waits, and one that fires too early sets itself anew.
	timer *time.Timer
	fires time.Time // zero: it does not run

	take func(p []byte) // nil: readers read
	bye  func()
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
		case len(s.buf) > s.from:
			n := copy(p, s.buf[s.from:])
			if s.from += n; s.from == len(s.buf) {
				s.from, s.buf = 0, s.buf[:0]
				if cap(s.buf) > 1<<16 {
					s.buf = nil
				}
			}
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		if !s.deadline.IsZero() && (s.fires.IsZero() || s.fires.After(s.deadline)) {
			s.fires = s.deadline
			if d := time.Until(s.deadline); s.timer == nil {
				s.timer = time.AfterFunc(d, s.fired)
			} else {
				s.timer.Reset(d)
			}
		}
		s.change.Wait()
	}
}

// fired has the reader look at its deadline.
func (s *stream) fired() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fires = time.Time{}
	s.change.Broadcast()
}

func (s *stream) write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return 0, net.ErrClosed
	case s.dropped:
		return 0, errPeerClosed
	case s.take != nil:
		s.mu.Unlock()
		s.take(p)
		s.mu.Lock()
		return len(p), nil
	}
	if s.from > 1<<12 && s.from > len(s.buf)/2 {
		s.buf = s.buf[:copy(s.buf, s.buf[s.from:])]
		s.from = 0
	}
	s.buf = append(s.buf, p...)
	s.change.Broadcast()
	return len(p), nil
}

// errPeerClosed is what a write meets when nobody will ever read it.
var errPeerClosed = errors.New("broken pipe: the other end is closed")

// finish ends the stream from the reader's side or the writer's.
func (s *stream) finish(reader bool) {
	s.mu.Lock()
	first := !s.ended
	if reader {
		s.dropped = true
		if s.timer != nil {
			s.timer.Stop()
		}
	} else {
		s.ended = true
	}
	s.change.Broadcast()
	bye := s.bye
	s.mu.Unlock()
	if bye != nil && !reader && first {
		bye()
	}
}

func (s *stream) setDeadline(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	s.change.Broadcast()
}

// receive hands what has come and what will to take, and the end to bye.
func (s *stream) receive(take func(p []byte), bye func()) {
	s.mu.Lock()
	waiting, ended := s.buf[s.from:], s.ended
	s.buf, s.from, s.take, s.bye = nil, 0, take, bye
	s.mu.Unlock()
	if len(waiting) > 0 {
		take(waiting)
	}
	if ended {
		bye()
	}
}

// Conn is one end of a Pipe.
type Conn struct {
	in, out *stream
	name    string
}

func (c *Conn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *Conn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions.
func (c *Conn) Close() error {
	c.in.finish(true)
	c.out.finish(false)
	return nil
}

// CloseWrite tells the other end that no more will come; reading goes on.
func (c *Conn) CloseWrite() error {
	c.out.finish(false)
	return nil
}

// Receive has take called with what the other end writes, in its goroutine, and
// ended, once, when it closes; nothing may be read any more.
func (c *Conn) Receive(take func(p []byte), ended func()) { c.in.receive(take, ended) }

func (c *Conn) LocalAddr() net.Addr  { return memAddr(c.name) }
func (c *Conn) RemoteAddr() net.Addr { return memAddr("memory") }

func (c *Conn) SetDeadline(t time.Time) error     { return c.SetReadDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error { c.in.setDeadline(t); return nil }

// SetWriteDeadline has nothing to bound: a write never waits.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

type memAddr string

func (memAddr) Network() string  { return "memory" }
func (a memAddr) String() string { return string(a) }
