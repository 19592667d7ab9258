package proxy

import (
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// maxBacklog bounds the payload bytes that wait in a journal; beyond it events
// wait without their payload.
const maxBacklog = 32 << 20

// journal hands events to the recorder in order of arrival, although it learns
// how a frame ended only when it has been forwarded: events that are complete
// wait for those before them.
type journal struct {
	rec     harness.Recorder
	last    uint64 // Seq given last
	base    uint64 // Seq to be recorded next
	waiting []slot // waiting[head+i] is Seq base+i
	head    int
	bytes   int
	slab    []byte
	ev      harness.Event // reused, lest each event be allocated
}

type slot struct {
	ev   harness.Event
	done bool
}

func (j *journal) reset(rec harness.Recorder) {
	clear(j.waiting)
	*j = journal{rec: rec, base: 1, waiting: j.waiting[:0], slab: j.slab[len(j.slab):]}
}

// rooms is where journals of closed proxies leave the room of their slots: in
// virtual time there is a new proxy every half of a millisecond.
var rooms sync.Pool

// furnish gives a journal the room that another one left.
func (j *journal) furnish() {
	if room, ok := rooms.Get().(*[]slot); ok {
		j.waiting = *room
	} else {
		j.waiting = make([]slot, 0, 64)
	}
}

// vacate leaves the room to another journal; nothing is recorded after it.
func (j *journal) vacate() {
	room := j.waiting[:cap(j.waiting)]
	clear(room)
	*j = journal{base: 1}
	if len(room) > 0 && len(room) <= 1<<10 {
		room = room[:0]
		rooms.Put(&room)
	}
}

// stamp gives the next Seq.
func (j *journal) stamp() uint64 {
	j.last++
	return j.last
}

// put takes a complete event. Raw need be valid only during the call.
func (j *journal) put(ev *harness.Event) {
	if j.rec == nil {
		return
	}
	if ev.Seq == j.base && j.head == len(j.waiting) {
		j.rec.Record(ev)
		j.base++
		return
	}
	at := j.head + int(ev.Seq-j.base)
	for len(j.waiting) <= at {
		j.waiting = append(j.waiting, slot{})
	}
	s := &j.waiting[at]
	s.ev, s.done = *ev, true
	if j.bytes+len(ev.Raw) > maxBacklog {
		s.ev.Raw = nil
	}
	s.ev.Raw = j.keep(s.ev.Raw)
	j.bytes += len(s.ev.Raw)
	for j.head < len(j.waiting) && j.waiting[j.head].done {
		s := &j.waiting[j.head]
		j.rec.Record(&s.ev)
		j.bytes -= len(s.ev.Raw)
		*s = slot{}
		j.head++
		j.base++
	}
	switch n := len(j.waiting); {
	case j.head == n:
		j.head, j.waiting = 0, j.waiting[:0]
		if cap(j.waiting) > 1<<16 {
			j.waiting = nil
		}
	case j.head > 1024 && j.head > n/2:
		m := copy(j.waiting, j.waiting[j.head:])
		clear(j.waiting[m:])
		j.head, j.waiting = 0, j.waiting[:m]
	}
}

// keep copies bytes that must outlive the buffer they were read into.
func (j *journal) keep(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	// Small at first: most trials of one test alone fill no more.
	const least, most = 4 << 10, 32 << 10
	if len(j.slab)+len(b) > cap(j.slab) {
		j.slab = make([]byte, 0, max(least, min(2*cap(j.slab), most), len(b)))
	}
	from := len(j.slab)
	j.slab = append(j.slab, b...)
	return j.slab[from:len(j.slab):len(j.slab)]
}

// mark records an event that is no frame.
func (j *journal) mark(kind harness.Kind, now time.Duration, conn uint32, test, text string) {
	j.ev = harness.Event{
		Seq: j.stamp(), Kind: kind, Conn: conn, Test: test, In: now, Out: now,
		Size: len(text), Raw: []byte(text),
	}
	j.put(&j.ev)
}
