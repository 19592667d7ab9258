package proxy

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// frame is one frame on its way through a pipe.
type frame struct {
	end      int64 // offset in the stream after its last byte
	size     int64
	g        *group // nil: not named
	n        int
	run      *run
	seq      uint64
	replyTo  uint64
	in       time.Duration
	raw      []byte // beginning, credentials gone; in the reader's buffer until parked
	act      *action
	kind     harness.Kind
	isError  bool
	inMulti  bool
	blocking bool
	reveals  bool // a request whose reply may hold a credential
	refused  bool // a reply: the command did not run, and is to be sent again
	queued   bool // a reply: the command runs at EXEC
	execs    bool // EXEC, or its reply
}

// pipe is one direction of one connection: bytes wait here, in order, until
// the frames before and around them may go.
//
// It holds frames that have not been forwarded; their bytes are in buf, or
// still in the reader's buffer while the driver writes from there.
type pipe struct {
	s      *session
	dir    harness.Direction
	framer *resp.Framer
	read   int64 // offset in the stream after the last byte that arrived
	wrote  int64 // offset after the last byte handed to the kernel
	buf    []byte
	from   int     // buf[from:] are the bytes [wrote, read), once they are here
	q      []frame // q[qhead:] are not forwarded, in order
	qhead  int
	acted  int           // how many of them have an action
	parked int           // q[qhead:parked] have their raw copied
	eof    bool          // nothing will arrive any more
	closed bool          // the end was passed on
	left   time.Duration // when bytes were last written
	broken bool          // the destination takes nothing any more; what arrives is dropped
	seen   int64         // confined: offset after the last command that was looked at
	loose  bool          // confined: the command under way was looked at
	masked []byte        // confined: the refused command under way, its credentials gone; nil: it has none
	first  harness.Point // of the frames that arrived in one read with the last; Verb "": none yet
}

// feed takes what was read. The frames' raw points into chunk until park.
func (p *pipe) feed(now time.Duration, chunk []byte) {
	s := p.s
	in := newChunk(p, chunk)
	s.c.moved = now
	p.first = harness.Point{}
	if s.opaque {
		p.read += int64(len(chunk))
		return
	}
	for len(chunk) > 0 {
		n, ok, err := p.framer.Next(chunk)
		if err != nil {
			p.read += int64(len(chunk))
			s.surrender(now, p.dir, err)
			return
		}
		p.read += int64(n)
		chunk = chunk[n:]
		if !ok {
			if p.confined() {
				p.hold(&in)
			}
			return
		}
		f := p.push()
		f.end, f.size, f.in = p.read, p.framer.Size, now
		if p.dir == harness.ToServer {
			p.asks(&in, f)
		} else {
			s.reply(f)
		}
		if f.g != nil {
			s.c.decide(p, f)
		}
		if s.opaque {
			p.read += int64(len(chunk))
			return
		}
	}
}

// carrier says how the frame that has just arrived travels.
func (p *pipe) carrier(f *frame) harness.Carrier {
	s := p.s
	if s.carriedIn != s.c.run {
		s.c.run.carriers++
		s.carriedIn, s.carrier = s.c.run, s.c.run.carriers
	}
	if p.first.Verb == "" {
		p.first = f.g.point
		p.first.Dir, p.first.N = p.dir, f.n
	}
	return harness.Carrier{Conn: s.carrier, Lead: p.first}
}

// push makes room for a frame; in place, for a frame is large and copies count.
func (p *pipe) push() *frame {
	if len(p.q) == cap(p.q) {
		p.q = append(p.q, frame{})
	} else {
		p.q = p.q[:len(p.q)+1]
	}
	f := &p.q[len(p.q)-1]
	*f = frame{}
	return f
}

// ready says up to which offset of the stream bytes may be written now, and
// when to ask again if that is not all (0: when woken). end says that the
// connection is to be ended as soon as those bytes are written.
func (p *pipe) ready(now time.Duration) (upto int64, again time.Duration, end *action) {
	if p.acted == 0 {
		return p.limit(), 0, nil
	}
	start := p.wrote
	for i := p.qhead; i < len(p.q); i++ {
		f := &p.q[i]
		if f.act != nil {
			v := f.act.gate(now, f)
			if v.End {
				return start, 0, f.act
			}
			if v.Bytes < f.size {
				// What of it went before it was complete is gone; the rest keeps its place.
				return max(start, f.end-f.size+v.Bytes), v.Again, nil
			}
		}
		start = f.end
		if p.s.c.cfg.Spacing > 0 {
			return start, 0, nil // the driver asks again for the next
		}
	}
	return p.limit(), 0, nil
}

// advance notes that the n bytes at the front were handed to the kernel.
func (p *pipe) advance(now time.Duration, n int) {
	if n == 0 {
		return
	}
	p.wrote += int64(n)
	if p.from < len(p.buf) {
		if p.from += n; p.from >= len(p.buf) {
			p.from, p.buf = 0, p.buf[:0]
			if cap(p.buf) > 1<<20 {
				p.buf = nil
			}
		} else if p.from > 1<<16 && p.from > len(p.buf)/2 {
			p.buf = p.buf[:copy(p.buf, p.buf[p.from:])]
			p.from = 0
		}
	}
	c := p.s.c
	c.moved, p.left = now, now
	for p.qhead < len(p.q) && p.q[p.qhead].end <= p.wrote {
		f := &p.q[p.qhead]
		p.qhead++
		if f.act != nil {
			p.acted--
			f.act.gone(c, now)
		}
		if f.g != nil {
			c.forwarded(p, f, now)
		}
		if f.act != nil && len(c.acts) < maxActs {
			c.acts, f.act = append(c.acts, f.act), nil
		}
	}
	p.trim()
}

// trim gives back the room of frames that are gone.
func (p *pipe) trim() {
	p.parked = max(p.parked, p.qhead)
	switch n := len(p.q); {
	case p.qhead == n:
		p.q, p.qhead, p.parked = p.q[:0], 0, 0
		if cap(p.q) > 1<<12 {
			p.q = nil
		}
	case p.qhead > 256 && p.qhead > n/2:
		m := copy(p.q, p.q[p.qhead:])
		clear(p.q[m:])
		p.parked -= p.qhead
		p.q, p.qhead = p.q[:m], 0
	}
}

// park copies what would be lost when the reader reuses its buffer: rest, the
// bytes at the end of the chunk that were not written, and the frames' raw.
func (p *pipe) park(rest []byte) {
	p.buf = append(p.buf, rest...)
	if p.s.c.journal.rec == nil {
		return
	}
	for i := max(p.parked, p.qhead); i < len(p.q); i++ {
		f := &p.q[i]
		f.raw = p.s.c.journal.keep(f.raw)
	}
	p.parked = len(p.q)
}

// drop gives up what has not been forwarded.
func (p *pipe) drop(now time.Duration) {
	c := p.s.c
	for ; p.qhead < len(p.q); p.qhead++ {
		f := &p.q[p.qhead]
		if f.act != nil {
			p.acted--
			f.act.gone(c, now)
		}
		if f.g != nil {
			c.record(p, f, 0, harness.Dropped)
		}
	}
	p.wrote = p.read
	p.buf, p.from = p.buf[:0], 0
	p.trim()
}

// waiting is how many bytes wait in the pipe.
func (p *pipe) waiting() int { return int(p.read - p.wrote) }

// drained reports whether all there will ever be has been written.
func (p *pipe) drained() bool { return p.eof && p.read == p.wrote }
