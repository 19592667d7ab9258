package proxy

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// faultTable is what harness.Faults lists, by action.
func faultTable() map[harness.Action]*harness.Fault {
	table := map[harness.Action]*harness.Fault{}
	for _, f := range harness.Faults() {
		table[f.Action] = &f
	}
	return table
}

// action is a decision being carried out; it is the fault's harness.Wire. Its
// gate is asked only when the frame is the first of its pipe, so a frame can
// never pass another.
type action struct {
	harness.Passage
	fault  *harness.Fault
	c      *core
	p      *pipe
	run    *run
	hold   *hold      // of Await
	paused pauseState // of Pause
	kept   bool       // it kept its frame back
}

// begin carries the decision out on a frame that has just arrived.
func (a *action) begin(c *core, p *pipe, f *frame, fault *harness.Fault, d harness.Decision) {
	*a = action{fault: fault, c: c, p: p, run: f.run}
	a.Passage = harness.Passage{Decision: d, In: f.in, Size: f.size, Sent: max(0, p.wrote-(f.end-f.size)), Wire: a}
	if fault.Start != nil {
		fault.Start(&a.Passage)
	}
}

func (a *action) gate(now time.Duration, f *frame) harness.Gate {
	v := a.fault.Gate(&a.Passage, now)
	if v.Bytes < f.size && !v.End && !a.kept {
		a.kept = true
		a.c.keeping(now, +1)
	}
	return v
}

// gone notes that the frame left the pipe, forwarded or not.
func (a *action) gone(c *core, now time.Duration) {
	if a.hold != nil {
		a.hold.release(now, harness.Dropped)
	}
	if a.kept {
		a.kept = false
		c.keeping(now, -1)
	}
}

// Spaced is part of harness.Wire.
func (a *action) Spaced(d time.Duration) time.Duration {
	if s := a.c.cfg.Spacing; s > 0 {
		return a.p.left + d%s
	}
	return 0
}

// Phase is part of harness.Wire. It asks the wall clock itself, which may have
// been set since the trial began.
func (a *action) Phase(now, period time.Duration) time.Duration {
	t := time.Now()
	unix := t.UnixNano() - int64(t.Sub(a.c.epoch)-now)
	return time.Duration(unix) % period
}

// Await is part of harness.Wire.
func (a *action) Await(p *harness.Passage) { a.hold = a.c.newHold(a.p, p.Decision, a.run, p.In) }

// Held is part of harness.Wire.
func (a *action) Held(now time.Duration) (over bool, again time.Duration) {
	if a.hold.check(now) {
		return true, 0
	}
	return false, a.hold.wake()
}
