package investigate

import (
	"context"
	"errors"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// Confirmations is how often a failing schedule is run again, and its
	// counterfactual too, before a cause is given.
	Confirmations = 3
	// MaxTimerLag is the lateness of this machine's timers from which a trial that
	// passed proves nothing: what was to come too early may have been late too.
	MaxTimerLag = 20 * time.Millisecond
)

// Of a schedule that failed leastPersist times but not every time, up to persistMost
// trials are done, persistStep at a time, and as many of its counterfactual. At
// persistLevel chance proves one of 200 candidates that come so far.
const (
	leastPersist = 2
	persistStep  = 3
	persistMost  = 20
	persistLevel = 0.005
)

// errNoTrial ends a search whose trials can no longer be done.
var errNoTrial = errors.New("no trial could be done")

// Lab plays schedules on tests, and knows how they pass.
type Lab interface {
	// Aimed runs a schedule on one test alone, for no longer than timeout (0: as
	// the runner has it). The zero Played: it could not be done.
	Aimed(ctx context.Context, test harness.TestID, arm harness.Arm, s harness.Schedule, timeout time.Duration) Played
	// Passing gives histories of runs of the test that passed.
	Passing(test string) []*detect.Trace
}

// Played is what one aimed trial came to.
type Played struct {
	evidence.Reading
	Outcome *harness.Outcome
	Events  []harness.Event
	Matches []detect.Match // of a failure: what detectors say
	Took    time.Duration
	Trial   int // its index
}

// PlayedOf is what a trial came to for the test.
func PlayedOf(d *trial.Done, test string) Played {
	o := d.Outcome(test)
	return Played{evidence.Read(o), o, d.Events[test], d.Matches[test], time.Duration(d.Trial.Duration), d.Trial.Index}
}

// Terms are what the aimed trials of one test may take, and what their failures
// must differ from.
type Terms struct {
	Limit   time.Duration   // of the time that trials may take; 0: none
	Timeout time.Duration   // of one of them; 0: the runner's
	Longest time.Duration   // delay of one frame that counts as a slow network
	Strict  bool            // a failure must come again each time, or four times of five
	Natural map[string]bool // fingerprints of failures with nothing injected
	Seed    uint64          // is written into schedules
	// TellsTime is the first command from a moment on that holds the present time;
	// nil: there is none, or nobody knows.
	TellsTime func(t *detect.Trace, from time.Duration) *detect.Command
}

// Aim does aimed trials of one test, within the test's share of the time. It
// lives as long as ctx.
type Aim struct {
	Terms
	Test  harness.TestID
	ctx   context.Context
	lab   Lab
	spent time.Duration // by trials so far

	persisted bool // a schedule that fails at times was gone on with
}

// At aims at a test.
func At(ctx context.Context, lab Lab, test harness.TestID, t Terms) *Aim {
	return &Aim{Terms: t, Test: test, ctx: ctx, lab: lab}
}

// timerLag is how late this machine's timers ran meanwhile.
func (r Played) timerLag() time.Duration { return time.Duration(r.Outcome.TimerLag) }

// Ended reports whether the hunt is over.
func (a *Aim) Ended() bool { return a.ctx.Err() != nil }

// Over reports whether the hunt is, or the test has had its share of the time:
// one that fails only at its deadline would otherwise hold up the whole hunt.
func (a *Aim) Over() bool { return a.Ended() || a.Limit > 0 && a.spent > a.Limit }

// Run does one trial.
func (a *Aim) Run(arm harness.Arm, s harness.Schedule) Played {
	p := a.lab.Aimed(a.ctx, a.Test, arm, s, a.Timeout)
	a.spent += p.Took
	return p
}

// Count runs a schedule until n runs count, but at most 2n times, and counts the
// failures that are like the one in question. Stalled trials and failures of
// another kind are left out. One in two may go the other way than it should while
// this machine's timers were late, but no more, lest chance prove something.
func (a *Aim) Count(run func() Played, shouldFail bool, n int, like func(*harness.Outcome) bool) harness.Count {
	var c harness.Count
	forgiven := 0
	for i := 0; i < 2*n && c.N < n && !a.Ended(); i++ {
		r := run()
		switch {
		case r.Reading == evidence.Stalled && i+1 >= n && c.N == 0:
			return c // the program forbids it
		case r.Reading == evidence.NoTrial || r.Reading == evidence.Stalled:
		case r.timerLag() > MaxTimerLag && (r.Reading == evidence.Failed) != shouldFail && forgiven < n/2:
			forgiven++
		case r.Reading == evidence.Passed:
			c.N++
		case like(r.Outcome):
			c.K++
			c.N++
		}
	}
	return c
}

// Schedule makes one of decisions that hold in the test.
func (a *Aim) Schedule(list ...harness.Decision) harness.Schedule {
	s := harness.ReplaySchedule(a.Test.Name, list...)
	s.Seed = a.Seed
	return s
}

// delayed makes one frame late by d.
func (a *Aim) delayed(at harness.Point, d time.Duration) harness.Schedule {
	return a.Schedule(harness.Decision{At: at, Action: harness.Delay, Delay: harness.Duration(d)})
}

// Replays runs a schedule a few times, and gives a trial that failed alike and
// what passed on the wire of one that did not. One failure ends a schedule that
// injects nothing.
func (a *Aim) Replays(s harness.Schedule, like func(*harness.Outcome) bool) (n harness.Count, failed Played, passed []harness.Event) {
	for range Confirmations {
		r := a.Run(harness.Confirm, s)
		switch {
		case r.Reading == evidence.NoTrial || r.Reading == evidence.Stalled:
		case r.Reading == evidence.Failed && like(r.Outcome):
			n.K++
			n.N++
			failed = r
			if len(s.Decisions) == 0 {
				return n, failed, passed
			}
		default:
			n.N++
			passed = r.Events
		}
	}
	return n, failed, passed
}

// Context is what the aim lives as long as.
func (a *Aim) Context() context.Context { return a.ctx }
