package proxy

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// maxWaiting is how many bytes may wait in a pipe before the sender has to:
// what a network would do, too.
const maxWaiting = 8 << 20

// link drives one session over two net.Conn: a goroutine reads each direction
// and writes at once what may go at once; a second one, started when it is
// first needed, writes what had to wait.
type link struct {
	p      *Proxy
	s      *session
	client net.Conn
	server net.Conn
	up     portableLane
	down   portableLane
	done   chan struct{}
}

// portableLane is one direction of a link.
type portableLane struct {
	l       *link
	p       *pipe
	other   *portableLane
	src     net.Conn
	dst     net.Conn
	wake    chan struct{} // ready may have changed
	room    chan struct{} // bytes were written
	writing bool          // the second goroutine has been started
	abort   bool          // the source ended by an error, not in good order
}

// link takes over both connections, unless there was a DropConnections since the client
// came, and returns when it has started.
func (p *Proxy) link(client, server net.Conn, drops int) {
	l := &link{p: p, client: client, server: server, done: make(chan struct{})}
	c := p.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if drops != c.drops {
		client.Close()
		server.Close()
		return
	}
	l.s = c.newSession(l)
	l.s.port = portOf(client.RemoteAddr())
	l.up = newPortableLane(l, &l.s.up, client, server)
	l.down = newPortableLane(l, &l.s.down, server, client)
	l.up.other, l.down.other = &l.down, &l.up
	p.wg.Go(l.up.reads)
	p.wg.Go(l.down.reads)
}

func newPortableLane(l *link, p *pipe, src, dst net.Conn) portableLane {
	return portableLane{l: l, p: p, src: src, dst: dst, wake: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// wake is part of driver.
func (l *link) wake(p *pipe) {
	n := &l.up
	if p.dir == harness.ToClient {
		n = &l.down
	}
	poke(n.wake)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// end is part of driver.
func (l *link) end(reset bool) {
	if l.s.over {
		return
	}
	l.s.finish(l.s.c.now())
	close(l.done)
	if reset {
		abortive(l.client)
	}
	// Closing TLS may wait for the peer, and the lock is held.
	for _, conn := range []net.Conn{l.client, l.server} {
		if _, ok := conn.(*tls.Conn); ok {
			l.p.wg.Go(func() { conn.Close() })
		} else {
			conn.Close()
		}
	}
}

// abortive makes closing a TCP connection send RST.
func abortive(conn net.Conn) {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0) // it fails only when the connection is gone already
	}
}

// reads moves bytes from the source until it ends.
func (n *portableLane) reads() {
	c := n.l.s.c
	buf := make([]byte, 2<<10) // grows as there is more: most connections carry little
	for {
		k, err := n.src.Read(buf)
		chunk := buf[:k]
		if k == len(buf) && k < 32<<10 {
			buf = make([]byte, 4*k)
		}
		c.mu.Lock()
		if n.l.s.over {
			c.mu.Unlock()
			return
		}
		if k > 0 && !n.take(chunk) || err != nil {
			if err != nil {
				n.abort = !errors.Is(err, io.EOF)
				n.p.end(c.now())
				n.passEnd()
			}
			c.mu.Unlock()
			return
		}
		for n.p.waiting() > maxWaiting && !n.l.s.over {
			c.mu.Unlock()
			select {
			case <-n.room:
			case <-n.l.done:
			}
			c.mu.Lock()
		}
		c.mu.Unlock()
	}
}

// take handles one chunk, with the lock held: it writes it through when
// nothing keeps it, and leaves it to writes otherwise. It reports false when
// the link has ended.
func (n *portableLane) take(chunk []byte) bool {
	c, p := n.l.s.c, n.p
	now := c.now()
	idle := p.waiting() == 0
	p.feed(now, chunk)
	if p.broken {
		p.drop(now)
		return true
	}
	if idle {
		if upto, _, end := p.ready(now); end == nil && upto == p.read {
			k, err := c.unlocked(func() (int, error) { return n.dst.Write(chunk) })
			if n.l.s.over {
				return false
			}
			p.advance(c.now(), k)
			if err != nil {
				n.fail()
			}
			return !n.l.s.over
		}
	}
	p.park(chunk)
	if !n.writing {
		n.writing = true
		n.l.p.wg.Go(n.writes)
	}
	poke(n.wake)
	return true
}

// writes moves what had to wait, until the link ends.
func (n *portableLane) writes() {
	c, p := n.l.s.c, n.p
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !n.l.s.over {
		now := c.now()
		upto, again, end := p.ready(now)
		if k := int(upto - p.wrote); k > 0 && len(p.buf) > p.from {
			data := p.buf[p.from : p.from+k]
			k, err := c.unlocked(func() (int, error) { return n.dst.Write(data) })
			if n.l.s.over {
				return
			}
			p.advance(c.now(), k)
			poke(n.room)
			if err != nil {
				n.fail()
			}
			continue
		}
		if end != nil {
			n.l.end(end.Reset)
			return
		}
		n.passEnd()
		if n.l.s.over {
			return
		}
		wait := time.Hour
		if again > 0 {
			wait = again - now
		}
		timer.Reset(wait)
		c.mu.Unlock()
		select {
		case <-n.wake:
		case <-timer.C:
		case <-n.l.done:
		}
		c.mu.Lock()
	}
}

// passEnd passes the end of the source on once all before it has been written.
func (n *portableLane) passEnd() {
	p := n.p
	if !p.drained() || p.closed {
		return
	}
	p.closed = true
	half, ok := n.dst.(interface{ CloseWrite() error })
	if n.abort || !ok || n.other.p.closed || n.other.p.broken {
		n.l.end(n.abort)
		return
	}
	if err := half.CloseWrite(); err != nil {
		n.l.end(false)
	}
}

// fail is called when the destination takes nothing any more. What is on its
// way in the other direction may still arrive.
func (n *portableLane) fail() {
	n.p.drop(n.l.s.c.now())
	n.p.broken = true
	if n.other.p.waiting() == 0 {
		n.l.end(false)
	}
}
