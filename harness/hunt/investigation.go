package hunt

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// provocations is how often a candidate is tried at most before it counts as
// tolerated. Once is enough on a machine that is on time.
const provocations = 3

// shown is how many trials are done at most for one that the report can show.
const shown = 2

// investigation asks whether one candidate fails its test, whether it is the
// cause, what of its schedule that needs, and by which margin. It knows nothing
// of findings.
type investigation struct {
	*aim
	c        near.Candidate
	margins  bool                        // what is proven is reduced and measured
	provoked int                         // trials that provoked
	like     func(*harness.Outcome) bool // failures of the kind in question; nil: any
	samples  []sample                    // what its trials, and the passing ones before, say of its margin
	refuted  bool                        // trials say something else of the margin than the wire does
	passing  *finding.PassingRun         // a counterfactual trial that passed
	shrunk   bool                        // the schedule is made of the delays that stalled holds were
}

// investigate begins one. The traces are of trials in which the test passed.
func (a *aim) investigate(c near.Candidate, margins bool, passing []*detect.Trace) *investigation {
	in := &investigation{aim: a, c: c, margins: margins}
	for _, t := range passing {
		if s, ok := sampleOf(c, t); ok {
			in.samples = append(in.samples, s)
		}
	}
	return in
}

// run does one trial, and takes from it what it says of the margin.
func (in *investigation) run(arm harness.Arm, s harness.Schedule) played {
	r := in.aim.run(arm, s)
	if arm == harness.Counterfactual && r.Reading == finding.Passed {
		in.passing = &finding.PassingRun{Trial: r.done.Trial.Index, Arm: arm, Trace: detect.NewTrace(r.events, *r.outcome)}
	}
	if r.outcome != nil && in.c.Due != nil && arm != harness.Counterfactual {
		if s, ok := sampleOf(in.c, detect.NewTrace(r.events, *r.outcome)); ok {
			in.samples = append(in.samples, s)
		}
	}
	return r
}

// all provokes, confirms, counters, reduces and measures, as far as each step
// bears the next.
func (in *investigation) all() *finding.Evidence {
	r := in.provoke()
	if r.Reading == finding.Stalled && r.outcome.Verdict == harness.Failed {
		if late := in.asDelays(r); late.Reading == finding.Failed {
			r = late
		}
	}
	if r.Reading == finding.Failed && in.applied(r) {
		return in.prove(r)
	}
	e := &finding.Evidence{Candidate: in.c, Test: in.test, Reading: r.Reading}
	if r.Reading == finding.Passed {
		e.Kept = keptFor(r.events, in.c.Late())
	}
	return e
}

// provoke runs the candidate's schedule. A pass is asked for again while this
// machine's timers are late.
func (in *investigation) provoke() (r played) {
	for try := 1; try <= provocations; try++ {
		r = in.run(harness.Provoke, in.c.Provoke)
		in.provoked++
		if r.Reading != finding.Passed || r.lateness() <= lateTimers {
			break
		}
	}
	return r
}

// prove asks whether the candidate is the cause of a failure that its schedule
// made: the schedule must fail again, and with the order forced the right way, or
// without the guilty delay, the test must pass. Where other pairs of the same kind
// fail the test too, all of them are forced.
func (in *investigation) prove(first played) *finding.Evidence {
	c := in.c
	e := &finding.Evidence{Candidate: c, Test: in.test, Reading: finding.Failed, Failure: first.outcome}
	e.Cause = finding.CauseOf(c, in.differential(first))
	if e.OwnDelay = e.Cause.Class == harness.TimeoutClient && longestKept(first.events) > in.longest+in.longest/4; e.OwnDelay {
		return e
	}
	in.like = func(o *harness.Outcome) bool { // they say the same, or a detector does
		return o.Failure.Fingerprint == first.outcome.Failure.Fingerprint || c.Explains(o.Cause)
	}
	n := confirmations
	e.Again = harness.Count{K: 1, N: 1}
	if e.Natural = in.natural[first.outcome.Failure.Fingerprint]; e.Natural {
		n = finding.NaturalProof
		for e.Again.K == e.Again.N && e.Again.N < n && !in.over() {
			e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, 1, in.like))
		}
		if e.Ended = e.Again.K < n; e.Ended {
			return e // a failure that comes without the schedule too says nothing of it
		}
	} else {
		e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, n-1, in.like))
		if in.strict { // twenty candidates are tried of a test that may fail by itself at times
			e.Need = confirmations
			if e.Again.K == e.Again.N-1 && e.Again.N == n {
				e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, 2, in.like))
				e.Need, n = e.Need+1, e.Again.N
			}
		}
	}
	counter := c.Counter
	if in.shrunk { // the candidate's own holds could not be kept
		counter = in.schedule()
	}
	e.Counter = in.repeat(harness.Counterfactual, counter, n, in.like)
	if (e.Counter.K > 0 || e.Counter.N == 0) && len(c.Wide.Decisions) > 0 {
		e.Counter = in.repeat(harness.Counterfactual, c.Wide, n, in.like)
	}
	if e.Counter.K == 0 && e.Counter.N == 0 && len(c.Counter.Decisions) > 0 {
		// The right order cannot be forced either: without the delay it comes by itself.
		e.Counter = in.repeat(harness.Counterfactual, in.schedule(), n, in.like)
	}
	e.Ended, e.Passing = in.ended(), in.passing
	if e.Proven() && in.margins {
		r := in.reduce(c.Provoke, first.events)
		e.Schedule, e.Original, e.Margin, e.Warnings = &r.schedule, r.original, r.margin, r.warnings
		in.show(e)
	}
	return e
}

// show takes for the finding a trial under the schedule that it tells, so that
// its words, its timeline and its schedule are of one trial.
func (in *investigation) show(e *finding.Evidence) {
	if e.Original == nil {
		return // the first failure was one
	}
	for range shown {
		if in.ended() {
			break
		}
		r := in.run(harness.Confirm, *e.Schedule)
		if in.fails(r) {
			e.Failure = r.outcome
			if m := finding.CauseOf(in.c, in.differential(r)); m.Class == e.Cause.Class {
				e.Cause = m
			}
			return
		}
	}
	e.Warnings = append(e.Warnings, "its timeline is of a trial under the schedule before that was reduced")
}

// repeat counts failures under a schedule.
func (in *investigation) repeat(arm harness.Arm, s harness.Schedule, n int, like func(*harness.Outcome) bool) harness.Count {
	return in.count(func() played { return in.run(arm, s) }, arm != harness.Counterfactual, n, like)
}

// keptFor says how long the proxy kept the frame at p.
func keptFor(events []harness.Event, p harness.Point) time.Duration {
	for _, e := range events {
		if e.Point == p && e.Out > e.In {
			return e.Out - e.In
		}
	}
	return 0
}

func plus(a, b harness.Count) harness.Count { return harness.Count{K: a.K + b.K, N: a.N + b.N} }

// longestKept says for how long the proxy kept the frame that it kept longest.
func longestKept(events []harness.Event) time.Duration {
	longest := time.Duration(0)
	for i := range events {
		if e := &events[i]; e.Action != harness.Pass && e.Out > e.In {
			longest = max(longest, e.Out-e.In)
		}
	}
	return longest
}

// fails reports whether a trial failed in the way in question.
func (in *investigation) fails(r played) bool {
	return r.Reading == finding.Failed && (in.like == nil || in.like(r.outcome))
}

// applied reports whether a decision of the candidate's met its frame. A failure
// without any says nothing of the candidate.
func (in *investigation) applied(r played) bool {
	return len(r.outcome.Missed) < max(1, len(in.c.Provoke.Decisions))
}

// asDelays plays the delays that holds were which could not be kept: a network
// can be as slow. From then on they are the candidate's schedule.
func (in *investigation) asDelays(stalled played) played {
	s := in.c.Provoke
	s.Decisions = explore.AsDelays(in.test.Name, s.Decisions, stalled.outcome.Kept)
	for i := range s.Decisions {
		if s.Decisions[i].Delay > harness.Duration(in.longest) {
			s.Decisions[i].Delay = harness.Duration(in.longest)
		}
	}
	r := in.run(harness.Provoke, s)
	in.provoked++
	if r.Reading == finding.Failed {
		in.c.Provoke, in.shrunk = s, true
	}
	return r
}

// differential says what detectors make of a failing trial beside the passing
// histories of the test: what these have too is no cause.
func (in *investigation) differential(failed played) []detect.Match {
	passing := tracesOf(in.lab.log.Histories(in.test.Name).Passing, "")
	return detect.Differential(detect.NewTrace(failed.events, *failed.outcome), nil, passing)
}
