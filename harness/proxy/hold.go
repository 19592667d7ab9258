package proxy

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// hold keeps a frame until another one has been forwarded:
//
//	At arrives ────────────► Until forwarded ─► At may go          Fulfilled
//	At arrives ── no frame moves for StallAfter ─► At may go       Stalled
//	At arrives ── Timeout, or the test ends ─────► At may go       TimedOut
//
// A hold whose decision has a timeout of its own is not subject to StallAfter:
// whoever set it knows how long the test sleeps. When it expires and nothing
// had moved for StallAfter, it counts as Stalled all the same.
type hold struct {
	c        *core
	p        *pipe
	at       harness.Point
	until    harness.Point
	g        *group // of until
	run      *run
	since    time.Duration
	deadline time.Duration
	patient  bool // not subject to StallAfter
	over     bool
	ending   harness.Ending
}

// holding is the fault; the hold is its state.
type holding struct{}

func (holding) gate(a *action, now time.Duration, f *frame) verdict {
	if h := a.hold; !h.check(now) {
		return verdict{again: h.wake()}
	}
	return verdict{bytes: f.size}
}

// newHold begins a hold; it may be over at once.
func (c *core) newHold(p *pipe, d harness.Decision, r *run, now time.Duration) *hold {
	h := &hold{c: c, p: p, at: d.At, until: d.Until, run: r, since: now, patient: d.Timeout > 0}
	h.deadline = now + c.cfg.HoldTimeout
	if h.patient {
		h.deadline = now + time.Duration(d.Timeout)
	}
	h.g = c.names.group(d.Until.Role, d.Until.Verb, d.Until.Key)
	if c.hasPassed(h.g, d.Until) {
		h.over, h.ending = true, harness.Fulfilled
		return h
	}
	h.g.waiters[d.Until.Dir] = append(h.g.waiters[d.Until.Dir], h)
	c.holds = append(c.holds, h)
	return h
}

// check ends the hold if its time has come and reports whether it is over.
func (h *hold) check(now time.Duration) bool {
	if h.over {
		return true
	}
	still := now-max(h.since, h.c.moved) >= h.c.cfg.StallAfter
	switch {
	case still && (!h.patient || now >= h.deadline):
		h.release(now, harness.Stalled)
	case now >= h.deadline:
		h.release(now, harness.TimedOut)
	}
	return h.over
}

// wake is when check may find something new.
func (h *hold) wake() time.Duration {
	if h.patient {
		return h.deadline
	}
	return min(h.deadline, max(h.since, h.c.moved)+h.c.cfg.StallAfter)
}

// release ends the hold; the pipe's driver is told to look again.
func (h *hold) release(now time.Duration, e harness.Ending) {
	if h.over {
		return
	}
	h.over, h.ending = true, e
	same := func(o *hold) bool { return o == h }
	h.g.waiters[h.until.Dir] = slices.DeleteFunc(h.g.waiters[h.until.Dir], same)
	h.c.holds = slices.DeleteFunc(h.c.holds, same)
	if e == harness.Stalled || e == harness.TimedOut {
		h.run.blocked = append(h.run.blocked, h.at)
	}
	h.c.moved = max(h.c.moved, now)
	if e != harness.Dropped {
		h.p.s.driver.wake(h.p)
	}
}
