package history

import (
	"bytes"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// encoder turns events into records, appended to a buffer that its user drains.
type encoder struct {
	payload int
	strings map[string]uint64
	points  map[harness.Point]uint64 // without ordinal
	seq     uint64                   // of the event before
	in      int64
	body    []byte // scratch
	last    written

	// Recent answers: frames repeat their test and points, and comparing strings
	// that share their bytes is cheaper than hashing them.
	lastTest  string
	lastTestN uint64
	recent    [recentPoints]recentPoint
}

// written is the event before, as far as the next one may be like it. Its seq
// and time are the encoder's.
type written struct {
	repeatable bool // there is one, and nothing was decided about it
	kind       harness.Kind
	flags      byte
	conn       uint32
	test       uint64
	point      uint64
	n          int
	size       int
	replyTo    uint64
	took       time.Duration

	// Where its payload is in what has been written, as long as that was not taken
	// away: then it ends elsewhere.
	end, rawFrom, rawTo int
}

const recentPoints = 64 // a power of two

type recentPoint struct {
	p harness.Point
	n uint64 // 0: none
}

// slot is the one place in recent where p may be.
func slot(p *harness.Point) uint {
	h := 34*uint(len(p.Key)) + uint(p.Dir&1) + 7*uint(len(p.Verb))
	if last := len(p.Key) - 1; last >= 0 {
		h += 31*uint(p.Key[0]) + 2*uint(p.Key[last])
	}
	return h % recentPoints
}

// idle are encoders of closed buffers: in virtual time a trial is shorter than
// it takes to grow the tables.
var idle sync.Pool

func newEncoder(payload int) *encoder {
	if payload <= 0 {
		payload = DefaultPayload
	}
	e, ok := idle.Get().(*encoder)
	if !ok {
		e = &encoder{strings: map[string]uint64{}, points: map[harness.Point]uint64{}}
		e.forget()
	}
	e.payload = payload
	return e
}

// done gives the encoder to whoever needs one next.
func (e *encoder) done() {
	const most = 1 << 10
	if len(e.strings) <= most && cap(e.body) <= 1<<16 {
		e.forget()
		idle.Put(e)
	}
}

func (e *encoder) forget() {
	clear(e.strings)
	clear(e.points)
	e.seq, e.in = 0, 0
	e.last.repeatable = false
	e.lastTest, e.lastTestN = "", 0
	clear(e.recent[:]) // assigned, the array would first be made on the stack, of whoever records
}

func header() []byte { return append([]byte(magic), version) }

// record appends a record that holds e.body.
func (e *encoder) record(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(e.body)))
	return append(b, e.body...)
}

// str returns the number of s, and writes it to b if it is new.
func (e *encoder) str(b []byte, s string) ([]byte, uint64) {
	if s == "" {
		return b, 0
	}
	if n, ok := e.strings[s]; ok {
		return b, n
	}
	e.body = append(append(e.body[:0], recordString), s...)
	b = e.record(b)
	n := uint64(len(e.strings) + 1)
	e.strings[s] = n
	return b, n
}

// point returns the number of p without its ordinal, and writes it if it is new.
func (e *encoder) point(b []byte, at *harness.Point) ([]byte, uint64) {
	r := &e.recent[slot(at)]
	if r.n != 0 && r.p.Key == at.Key && r.p.Verb == at.Verb && r.p.Role == at.Role && r.p.Dir == at.Dir {
		return b, r.n
	}
	p := *at
	p.N = 0
	if p.IsZero() {
		return b, 0
	}
	if n, ok := e.points[p]; ok {
		*r = recentPoint{p, n}
		return b, n
	}
	b, role := e.str(b, p.Role)
	b, verb := e.str(b, p.Verb)
	b, key := e.str(b, p.Key)
	e.body = append(e.body[:0], recordPoint)
	e.body = binary.AppendUvarint(e.body, role)
	e.body = binary.AppendUvarint(e.body, verb)
	e.body = binary.AppendUvarint(e.body, key)
	e.body = append(e.body, byte(p.Dir))
	b = e.record(b)
	n := uint64(len(e.points) + 1)
	e.points[p] = n
	return b, n
}

// event appends ev to b, with what it needs.
func (e *encoder) event(b []byte, ev *harness.Event) []byte {
	if len(e.strings)+4 > maxInterned || len(e.points)+1 > maxInterned {
		e.forget()
		e.body = append(e.body[:0], recordReset)
		b = e.record(b)
	}
	test := e.lastTestN
	if ev.Test != e.lastTest {
		b, test = e.str(b, ev.Test)
		e.lastTest, e.lastTestN = ev.Test, test
	}
	b, point := e.point(b, &ev.Point)
	action := uint64(0)
	if ev.Action != harness.Pass {
		b, action = e.str(b, string(ev.Action))
	}

	var flags byte
	if ev.IsError {
		flags |= flagError
	}
	if ev.InMulti {
		flags |= flagMulti
	}
	if ev.Blocking {
		flags |= flagBlocking
	}
	if ev.Out != 0 {
		flags |= flagSent
	}
	decided := ev.Action != harness.Pass || ev.Asked != 0 || ev.Ending != harness.Forwarded
	if decided {
		flags |= flagDecided
	}
	payload := e.payload
	if ev.Kind == harness.Request {
		payload += harness.MaxKeys // it was shortened so that its keys are whole
	}
	raw := ev.Raw[:min(len(ev.Raw), payload)]
	took := time.Duration(0)
	if ev.Out != 0 {
		took = ev.Out - ev.In
	}
	l := &e.last
	if l.repeatable && int64(ev.In) == e.in && ev.Seq == e.seq+1 && !decided && took == l.took &&
		ev.Kind == l.kind && flags == l.flags && ev.Conn == l.conn && test == l.test && point == l.point &&
		l.n >= 0 && ev.Point.N == l.n+1 && ev.Size == l.size && (ev.ReplyTo == 0 && l.replyTo == 0 || l.replyTo > 0 && ev.ReplyTo == l.replyTo+1) {
		e.seq, l.n, l.replyTo = ev.Seq, ev.Point.N, ev.ReplyTo
		if len(b) == l.end && bytes.Equal(raw, b[l.rawFrom:l.rawTo]) {
			l.end += 2
			return append(b, 1, recordSame)
		}
		b = append(append(binary.AppendUvarint(b, uint64(1+len(raw))), recordAgain), raw...)
		l.end, l.rawFrom, l.rawTo = len(b), len(b)-len(raw), len(b)
		return b
	}
	l.repeatable, l.kind, l.flags, l.conn, l.test, l.point = !decided, ev.Kind, flags, ev.Conn, test, point
	l.n, l.size, l.replyTo, l.took = ev.Point.N, ev.Size, ev.ReplyTo, took

	// In place, behind the length, which has two bytes whatever it is: most events
	// are shorter than a copy of them is worth. A longer one is moved.
	const head, most = 2, 3 + 12*binary.MaxVarintLen64
	b = slices.Grow(b, head+most+len(raw))
	d := b[len(b):cap(b)]
	d[head], d[head+1], d[head+2] = recordEvent, byte(ev.Kind), flags
	i := head + 3
	i = putVarint(d, i, int64(ev.Seq-e.seq))
	i = putVarint(d, i, int64(ev.In)-e.in)
	i = putUvarint(d, i, test)
	i = putUvarint(d, i, uint64(ev.Conn))
	i = putUvarint(d, i, point)
	i = putUvarint(d, i, uint64(max(ev.Point.N, 0)))
	i = putUvarint(d, i, ev.ReplyTo)
	i = putUvarint(d, i, uint64(max(ev.Size, 0)))
	if ev.Out != 0 {
		i = putVarint(d, i, int64(took))
	}
	if decided {
		i = putUvarint(d, i, action)
		i = putVarint(d, i, int64(ev.Asked))
		d[i] = byte(ev.Ending)
		i++
	}
	i += copy(d[i:], raw)
	e.seq, e.in = ev.Seq, int64(ev.In)
	if n := uint64(i - head); n < 1<<14 {
		d[0], d[1] = byte(n)|0x80, byte(n>>7)
		b = b[:len(b)+i]
	} else {
		e.body = append(e.body[:0], d[head:i]...)
		b = e.record(b)
	}
	l.end, l.rawFrom, l.rawTo = len(b), len(b)-len(raw), len(b)
	return b
}

// putUvarint and putVarint write a number at d[i] and return where the next
// begins; d must have room.
func putUvarint(d []byte, i int, v uint64) int {
	if v < 0x80 {
		d[i] = byte(v)
		return i + 1
	}
	return i + binary.PutUvarint(d[i:], v)
}

func putVarint(d []byte, i int, v int64) int {
	return putUvarint(d, i, uint64(v)<<1^uint64(v>>63))
}
