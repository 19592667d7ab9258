package proxy

import (
	"container/heap"
	"time"

	"golang.org/x/sys/unix"

	"github.com/flakehunt/flakehunt/harness"
)

// readTurns is how many chunks are read from one connection before others have
// their turn.
const readTurns = 4

// socketPair drives one session over two raw sockets.
type socketPair struct {
	e      *epoll
	s      *session
	client int
	server int
	slot   int32
	up     epollLane
	down   epollLane
}

// epollLane is one direction of a socketPair.
type epollLane struct {
	l      *socketPair
	p      *pipe
	other  *epollLane
	src    int
	dst    int
	due    time.Duration // in timers: when to flush
	at     int           // place in timers, from 1; 0: not there
	full   bool          // the destination's buffer is full: an event will tell when it is not
	paused bool          // too much waits: the source is not read
	listed bool          // in unread
	poked  bool          // in woken
	hup    bool          // the source has ended; there may be bytes before the end
	abort  bool          // it ended by an error
}

// readFrom reads what a source has.
func (e *epoll) readFrom(now time.Duration, n *epollLane) time.Duration {
	p := n.p
	if p.eof {
		return now
	}
	for range readTurns {
		if p.waiting() > maxWaiting {
			n.paused = true
			return now
		}
		k, at, errno := e.read(now, n.src)
		switch {
		case errno == unix.EINTR:
			continue
		case errno == unix.EAGAIN:
			return now
		case errno != 0 || k == 0:
			n.abort = errno != 0
			p.end(now)
			e.passEnd(n)
			return now
		}
		chunk := e.buf[:k]
		p.feed(at, chunk)
		if p.broken {
			p.drop(now)
		} else {
			now = e.flush(now, n, chunk)
		}
		if n.l.s.over || k < len(e.buf) && !n.hup {
			return now
		}
	}
	e.readLater(n)
	return now
}

func (e *epoll) readLater(n *epollLane) {
	if !n.listed {
		n.listed = true
		e.unread = append(e.unread, n)
	}
}

// flush writes what may be written. chunk is what was just fed and is not
// parked yet. It returns the time.
func (e *epoll) flush(now time.Duration, n *epollLane, chunk []byte) time.Duration {
	p := n.p
	if n.l.s.over {
		return now
	}
	if len(chunk) > 0 && p.waiting() > len(chunk) {
		p.park(chunk)
		chunk = nil
	}
	upto, again, end := p.ready(now)
	before := p.wrote
	if k := int(upto - p.wrote); k > 0 && !n.full {
		data := chunk
		if data == nil {
			data = p.buf[p.from:]
		}
		w, errno := rawWrite(n.dst, data[:k])
		if errno != 0 && errno != unix.EAGAIN {
			e.fail(n)
			return now
		}
		n.full = w < k
		now = e.c.now()
		p.advance(now, w)
		if chunk != nil {
			chunk = chunk[w:]
		}
	}
	if len(chunk) > 0 {
		p.park(chunk)
	}
	if n.full {
		return now
	}
	if end != nil {
		n.l.end(end.Reset)
		return now
	}
	if again != n.due {
		e.setTimer(n, again)
	}
	if again == 0 && upto < p.read && before < upto && p.wrote == upto {
		return e.flush(now, n, nil) // Spacing: one frame at a time
	}
	if n.paused && p.waiting() < maxWaiting/2 {
		n.paused = false
		e.readLater(n)
	}
	if p.eof {
		e.passEnd(n)
	}
	return now
}

// passEnd passes the end of the source on once all before it has been written.
func (e *epoll) passEnd(n *epollLane) {
	p := n.p
	if !p.drained() || p.closed {
		return
	}
	p.closed = true
	if n.abort || n.other.p.closed || n.other.p.broken || unix.Shutdown(n.dst, unix.SHUT_WR) != nil {
		n.l.end(n.abort)
	}
}

// fail is called when a destination takes nothing any more.
func (e *epoll) fail(n *epollLane) {
	n.p.drop(e.c.now())
	n.p.broken = true
	e.setTimer(n, 0)
	if n.other.p.waiting() == 0 {
		n.l.end(false)
	}
}

// wake is part of driver.
func (l *socketPair) wake(p *pipe) {
	n := &l.up
	if p.dir == harness.ToClient {
		n = &l.down
	}
	if !n.poked {
		n.poked = true
		l.e.woken = append(l.e.woken, n)
	}
	l.e.poke()
}

// end is part of driver.
func (l *socketPair) end(reset bool) {
	if l.s.over {
		return
	}
	e := l.e
	l.s.finish(e.c.now())
	e.setTimer(&l.up, 0)
	e.setTimer(&l.down, 0)
	if reset {
		_ = unix.SetsockoptLinger(l.client, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	unix.Close(l.client)
	unix.Close(l.server)
	e.slots[l.slot] = nil
	e.free = append(e.free, l.slot)
}

// setTimer has n flushed at due; 0: not by itself.
func (e *epoll) setTimer(n *epollLane, due time.Duration) {
	n.due = due
	switch {
	case due == 0 && n.at > 0:
		heap.Remove(&e.timers, n.at-1)
	case due == 0:
	case n.at > 0:
		heap.Fix(&e.timers, n.at-1)
	default:
		heap.Push(&e.timers, n)
	}
}

// laneHeap orders lanes by due time.
type laneHeap []*epollLane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].due < h[j].due }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i+1, j+1
}
func (h *laneHeap) Push(x any) {
	n := x.(*epollLane)
	*h = append(*h, n)
	n.at = len(*h)
}
func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	n.at = 0
	return n
}
