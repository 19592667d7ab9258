package hunt

import (
	"context"
	"errors"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// confirmations is how often a failing schedule is run again, and its
	// counterfactual too, before a cause is given.
	confirmations = 3
	// lateTimers is the lateness of this machine's timers from which a trial that
	// passed proves nothing: what was to come too early may have been late too.
	lateTimers = 20 * time.Millisecond
)

// errNoTrial ends a search whose trials can no longer be done.
var errNoTrial = errors.New("no trial could be done")

// aim does aimed trials of one test, within the test's share of the time. It
// lives as long as ctx.
type aim struct {
	ctx     context.Context
	lab     *Lab
	test    harness.TestID
	limit   time.Duration   // of the time that trials may take; 0: none
	spent   time.Duration   // by them so far
	timeout time.Duration   // of one of them; 0: the runner's
	longest time.Duration   // delay of one frame that counts as a slow network
	strict  bool            // a failure must come again each time, or four times of five
	natural map[string]bool // fingerprints of failures with nothing injected
}

// played is what one aimed trial came to.
type played struct {
	finding.Reading
	outcome *harness.Outcome
	events  []harness.Event
	done    *trial.Done
}

// lateness is how late this machine's timers ran meanwhile.
func (r played) lateness() time.Duration { return time.Duration(r.outcome.Lateness) }

// ended reports whether the hunt is over.
func (a *aim) ended() bool { return a.ctx.Err() != nil }

// over reports whether the hunt is, or the test has had its share of the time:
// one that fails only at its deadline would otherwise hold up the whole hunt.
func (a *aim) over() bool { return a.ended() || a.limit > 0 && a.spent > a.limit }

// run does one trial.
func (a *aim) run(arm harness.Arm, s harness.Schedule) played {
	d := a.lab.aimed(a.ctx, a.test, arm, s, a.timeout)
	if d == nil {
		return played{}
	}
	a.spent += time.Duration(d.Trial.Duration)
	o := d.Outcome(a.test.Name)
	return played{finding.Read(o), o, d.Events[a.test.Name], d}
}

// count runs a schedule until n runs count, but at most 2n times, and counts the
// failures that are like the one in question. Stalled trials and failures of
// another kind are left out. One in two may go the other way than it should while
// this machine's timers were late, but no more, lest chance prove something.
func (a *aim) count(run func() played, shouldFail bool, n int, like func(*harness.Outcome) bool) harness.Count {
	var c harness.Count
	forgiven := 0
	for i := 0; i < 2*n && c.N < n && !a.ended(); i++ {
		r := run()
		switch {
		case r.Reading == finding.Stalled && i+1 >= n && c.N == 0:
			return c // the program forbids it
		case r.Reading == finding.NoTrial || r.Reading == finding.Stalled:
		case r.lateness() > lateTimers && (r.Reading == finding.Failed) != shouldFail && forgiven < n/2:
			forgiven++
		case r.Reading == finding.Passed:
			c.N++
		case like(r.outcome):
			c.K++
			c.N++
		}
	}
	return c
}

// schedule makes one of decisions that hold in the test.
func (a *aim) schedule(list ...harness.Decision) harness.Schedule {
	for i := range list {
		list[i].Test = a.test.Name
	}
	return harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Seed: a.lab.seed, Decisions: list}
}

// delayed makes one frame late by d.
func (a *aim) delayed(at harness.Point, d time.Duration) harness.Schedule {
	return a.schedule(harness.Decision{At: at, Action: harness.Delay, Delay: harness.Duration(d)})
}
