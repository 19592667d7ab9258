package proxy

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// takeUpTime is how long after a request was handed to Redis it has surely been
// taken up there, if its reply does not say so sooner: a blocking command has
// none for long.
const takeUpTime = time.Millisecond

// hold keeps a frame until another one took effect:
//
//	At arrives ───► Until, a reply or push, forwarded ───────────► At may go   Fulfilled
//	At arrives ───► Until, a request, handed to Redis ─ taken up ► At may go   Fulfilled
//	At arrives ── no frame moves for StallAfter ─────────────────► At may go   Stalled
//	At arrives ── Timeout, or the test ends ─────────────────────► At may go   TimedOut
//
// A request is taken up when its reply arrives, or after takeUpTime. A command that
// was refused or queued took no effect: see aim.
//
// A hold whose decision has a timeout of its own is not subject to StallAfter:
// whoever set it knows how long the test sleeps. When it expires and nothing
// had moved for StallAfter, it counts as Stalled all the same.
//
// Frames behind the held one on its connection wait with it. A client with a
// pool takes another connection for its next command meanwhile.
type hold struct {
	c        *core
	p        *pipe
	at       harness.Point
	dir      harness.Direction // of until
	targets  []target
	run      *run
	since    time.Duration
	deadline time.Duration
	patient  bool          // not subject to StallAfter
	takenUp  time.Duration // when what was handed to Redis has been taken up; 0: nothing was handed
	by       uint64        // Seq of the request handed
	over     bool
	ending   harness.Ending
}

// newHold begins a hold; it may be over at once.
func (c *core) newHold(p *pipe, d harness.Decision, r *run, now time.Duration) *hold {
	h := &hold{c: c, p: p, at: d.At, dir: d.Until.Dir, run: r, since: now, patient: d.Timeout > 0}
	h.deadline = now + c.cfg.HoldTimeout
	if h.patient {
		h.deadline = now + time.Duration(d.Timeout)
	}
	passed := false
	if h.targets, passed = c.aim(c.targetOf(d.Until), h.dir, 0); passed {
		if h.by = c.inFlight(h, now); h.by == 0 {
			h.over, h.ending = true, harness.Fulfilled
			return h
		}
		h.takenUp = now + takeUpTime
	}
	c.holds = append(c.holds, h)
	return h
}

// check ends the hold if its time has come and reports whether it is over.
func (h *hold) check(now time.Duration) bool {
	if h.over {
		return true
	}
	if h.takenUp > 0 {
		if now >= h.takenUp {
			h.release(now, harness.Fulfilled)
		}
		return h.over
	}
	still := now-h.lastMove() >= h.c.cfg.StallAfter
	switch {
	case still && (!h.patient || now >= h.deadline):
		h.release(now, harness.Stalled)
	case now >= h.deadline:
		h.release(now, harness.TimedOut)
	}
	return h.over
}

// lastMove is since when a standstill may be the hold's doing.
func (h *hold) lastMove() time.Duration { return max(h.since, h.c.moved, h.c.still) }

// wake is when check may find something new.
func (h *hold) wake() time.Duration {
	switch {
	case h.takenUp > 0:
		return h.takenUp
	case h.patient:
		return h.deadline
	}
	return min(h.deadline, h.lastMove()+h.c.cfg.StallAfter)
}

// passed tells the hold that a frame that it waits for was forwarded.
func (h *hold) passed(p *pipe, f *frame, now time.Duration) {
	if h.dir == harness.ToClient || p.s.answered >= f.seq {
		h.release(now, harness.Fulfilled)
		return
	}
	if h.takenUp == 0 {
		h.takenUp, h.by = now+takeUpTime, f.seq
		h.p.s.driver.wake(h.p)
	}
}

// release ends the hold; the pipe's driver is told to look again.
func (h *hold) release(now time.Duration, e harness.Ending) {
	if h.over {
		return
	}
	h.over, h.ending = true, e
	h.c.holds = slices.DeleteFunc(h.c.holds, func(o *hold) bool { return o == h })
	if e == harness.Stalled || e == harness.TimedOut {
		h.run.kept = append(h.run.kept, harness.Kept{At: h.at, For: harness.Duration(now - h.since)})
	}
	h.c.moved = max(h.c.moved, now)
	if e != harness.Dropped {
		h.p.s.driver.wake(h.p)
	}
}
