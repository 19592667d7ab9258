package proxy

import (
	"context"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Memory is a connection that never leaves memory, as Config.InMemory needs it:
// no method of it ever waits, but for Read.
type Memory interface {
	net.Conn
	// Receive is called instead of Read: from now on each Write of the other end
	// calls take, and its Close or CloseWrite calls ended, once, both in the
	// goroutine that writes or closes. What take is given is valid during the call.
	Receive(take func(p []byte), ended func())
	// CloseWrite tells the other end that no more will come.
	CloseWrite() error
}

// direct drives one session over two connections in memory. Where link has
// four goroutines, it has none: whoever writes also frames and decides, and what
// has to wait is written when its timer fires. That is a quarter of the work,
// and leaves less to the Go scheduler, whose choices no seed can repeat.
type direct struct {
	p    *Proxy
	s    *session
	up   directLane
	down directLane
}

// directLane is one direction of a direct link.
type directLane struct {
	d     *direct
	p     *pipe
	src   Memory
	dst   Memory
	other *directLane
	timer *time.Timer // calls flush; nil: nothing has had to wait yet
}

// join connects an in-memory client to Redis before it returns, and reports
// whether it could: both ends must be Memory.
func (p *Proxy) join(conn net.Conn) bool {
	client, ok := conn.(Memory)
	if !ok {
		return false
	}
	upstream, err := p.cfg.Dial(context.Background())
	if err != nil {
		p.core.mu.Lock()
		p.core.unreachable(err)
		p.core.mu.Unlock()
		client.Close()
		return true
	}
	server, ok := upstream.(Memory)
	if !ok {
		upstream.Close()
		return false
	}
	d := &direct{p: p}
	p.core.mu.Lock()
	d.s = p.core.newSession(d)
	d.up = directLane{d: d, p: &d.s.up, src: client, dst: server, other: &d.down}
	d.down = directLane{d: d, p: &d.s.down, src: server, dst: client, other: &d.up}
	p.core.mu.Unlock()
	client.Receive(d.up.take, d.up.ended)
	server.Receive(d.down.take, d.down.ended)
	return true
}

// take handles what was written at the path's source.
func (n *directLane) take(chunk []byte) {
	c := n.d.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.d.s.over || n.p.eof {
		return
	}
	now := c.now()
	n.p.feed(now, chunk)
	if n.p.broken {
		n.p.drop(now)
		return
	}
	n.p.park(chunk)
	n.flush()
}

// ended handles the end of the path's source.
func (n *directLane) ended() {
	c := n.d.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if n.d.s.over || n.p.eof {
		return
	}
	n.p.end(c.now())
	n.passEnd()
}

// due is flush when a timer fires, or when something has changed.
func (n *directLane) due() {
	c := n.d.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	n.flush()
}

// flush writes what may go now, and sets the timer for the rest. The lock is
// held, also while it writes: that does not wait.
func (n *directLane) flush() {
	c, p := n.d.s.c, n.p
	for !n.d.s.over {
		now := c.now()
		upto, again, end := p.ready(now)
		if k := int(upto - p.wrote); k > 0 && len(p.buf) > p.from {
			k, err := n.dst.Write(p.buf[p.from : p.from+k])
			p.advance(now, k)
			if err != nil {
				n.fail()
			}
			continue
		}
		if end != nil {
			n.d.end(end.Reset)
			return
		}
		n.passEnd()
		if again > 0 && !n.d.s.over {
			n.at(again - now)
		}
		return
	}
}

// at has flush called after d.
func (n *directLane) at(d time.Duration) {
	if n.timer == nil {
		n.timer = time.AfterFunc(d, n.due)
		return
	}
	n.timer.Reset(d)
}

// passEnd passes the end of the source on once all before it has been written.
func (n *directLane) passEnd() {
	if !n.p.drained() || n.p.closed {
		return
	}
	n.p.closed = true
	if n.other.p.closed || n.other.p.broken || n.dst.CloseWrite() != nil {
		n.d.end(false)
	}
}

// fail is called when the destination takes nothing any more. What is on its
// way in the other direction may still arrive.
func (n *directLane) fail() {
	n.p.drop(n.d.s.c.now())
	n.p.broken = true
	if n.other.p.waiting() == 0 {
		n.d.end(false)
	}
}

// wake is part of driver. It is called in the middle of the engine's work,
// also on this very path: another goroutine looks.
func (d *direct) wake(p *pipe) {
	n := &d.up
	if p.dir == harness.ToClient {
		n = &d.down
	}
	go n.due()
}

// end is part of driver. A connection in memory knows no RST.
func (d *direct) end(bool) {
	if d.s.over {
		return
	}
	d.s.finish(d.s.c.now())
	for _, n := range []*directLane{&d.up, &d.down} {
		if n.timer != nil {
			n.timer.Stop()
		}
		n.src.Close()
	}
}
