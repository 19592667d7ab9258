package investigate

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// provocations is how often a candidate is tried at most before it counts as
// tolerated. Once is enough on a machine that is on time.
const provocations = 3

// shown is how many trials are done at most for one that the report can show.
const shown = 2

// Investigation asks whether one candidate fails its test, whether it is the
// cause, what of its schedule that needs, and by which margin. It knows nothing
// of findings.
type Investigation struct {
	*Aim
	c        nearmiss.Candidate
	margins  bool                        // what is proven is reduced and measured
	Provoked int                         // trials that provoked
	like     func(*harness.Outcome) bool // failures of the kind in question; nil: any
	samples  []sample                    // what its trials, and the passing ones before, say of its margin
	refuted  bool                        // trials say something else of the margin than the wire does
	passing  *evidence.PassingRun        // a counterfactual trial that passed
	shrunk   bool                        // the schedule is made of the delays that stalled holds were
}

// Investigate begins one. The traces are of trials in which the test passed.
func (a *Aim) Investigate(c nearmiss.Candidate, margins bool, passing []*detect.Trace) *Investigation {
	in := &Investigation{Aim: a, c: c, margins: margins}
	for _, t := range passing {
		if s, ok := sampleOf(c, t); ok {
			in.samples = append(in.samples, s)
		}
	}
	return in
}

// Run does one trial, and takes from it what it says of the margin.
func (in *Investigation) Run(arm harness.Arm, s harness.Schedule) Played {
	r := in.Aim.Run(arm, s)
	if arm == harness.Counterfactual && r.Reading == evidence.Passed {
		in.passing = &evidence.PassingRun{Trial: r.Trial, Arm: arm, Trace: detect.NewTrace(r.Events, *r.Outcome)}
	}
	if r.Outcome != nil && in.c.Due != nil && arm != harness.Counterfactual {
		if s, ok := sampleOf(in.c, detect.NewTrace(r.Events, *r.Outcome)); ok {
			in.samples = append(in.samples, s)
		}
	}
	return r
}

// All provokes, confirms, counters, reduces and measures, as far as each step
// bears the next.
func (in *Investigation) All() *evidence.Evidence {
	r := in.provoke()
	if r.Reading == evidence.Stalled && r.Outcome.Verdict == harness.Failed {
		if late := in.asDelays(r); late.Reading == evidence.Failed {
			r = late
		}
	}
	if r.Reading == evidence.Failed && in.applied(r) {
		return in.Prove(r)
	}
	e := &evidence.Evidence{Candidate: in.c, Test: in.Test, Reading: r.Reading}
	if r.Reading == evidence.Passed {
		e.Kept = keptFor(r.Events, in.c.LateFrame())
	}
	return e
}

// provoke runs the candidate's schedule. A pass is asked for again while this
// machine's timers are late.
func (in *Investigation) provoke() (r Played) {
	for try := 1; try <= provocations; try++ {
		r = in.Run(harness.Provoke, in.c.Provoke)
		in.Provoked++
		if r.Reading != evidence.Passed || r.timerLag() <= MaxTimerLag {
			break
		}
	}
	return r
}

// Prove asks whether the candidate is the cause of a failure that its schedule
// made: the schedule must fail again, and with the order forced the right way, or
// without the guilty delay, the test must pass. Where other pairs of the same kind
// fail the test too, all of them are forced.
func (in *Investigation) Prove(first Played) *evidence.Evidence {
	c := in.c
	e := &evidence.Evidence{Candidate: c, Test: in.Test, Reading: evidence.Failed, Failure: first.Outcome}
	e.Cause = in.cause(first)
	if e.OwnDelay = e.Cause.Class == harness.TimeoutClient && longestKept(first.Events) > in.Longest+in.Longest/4; e.OwnDelay {
		return e
	}
	in.like = func(o *harness.Outcome) bool { // they say the same, or a detector does
		return o.Failure.Fingerprint == first.Outcome.Failure.Fingerprint || c.Explains(o.Cause)
	}
	n := Confirmations
	e.Again = harness.Count{K: 1, N: 1}
	if e.Natural = in.Natural[first.Outcome.Failure.Fingerprint]; e.Natural {
		n = evidence.NaturalProof
		for e.Again.K == e.Again.N && e.Again.N < n && !in.Over() {
			e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, 1, in.like))
		}
		if e.Ended = e.Again.K < n; e.Ended {
			return e // a failure that comes without the schedule too says nothing of it
		}
	} else {
		e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, n-1, in.like))
		if in.Strict { // twenty candidates are tried of a test that may fail by itself at times
			e.Need = Confirmations
			if e.Again.K == e.Again.N-1 && e.Again.N == n {
				e.Again = plus(e.Again, in.repeat(harness.Confirm, c.Provoke, 2, in.like))
				e.Need, n = e.Need+1, e.Again.N
			}
		}
	}
	counter := c.Counter
	if in.shrunk { // the candidate's own holds could not be kept
		counter = in.Schedule()
	}
	e.Counter = in.repeat(harness.Counterfactual, counter, n, in.like)
	if (e.Counter.K > 0 || e.Counter.N == 0) && len(c.CounterAll.Decisions) > 0 {
		e.Counter = in.repeat(harness.Counterfactual, c.CounterAll, n, in.like)
	}
	if e.Counter.K == 0 && e.Counter.N == 0 && len(c.Counter.Decisions) > 0 {
		// The right order cannot be forced either: without the delay it comes by itself.
		e.Counter = in.repeat(harness.Counterfactual, in.Schedule(), n, in.like)
	}
	persist(in, e, counter)
	placebo(in, e, first)
	e.Ended, e.Passing = in.Ended(), in.passing
	if e.Proven() && !e.Exact && in.margins {
		r := in.Reduce(c.Provoke, first.Events)
		e.Schedule, e.Original, e.Margin, e.Warnings = &r.Schedule, r.Original, r.Margin, r.Warnings
		if !beforeExpiry(in, e) {
			in.show(e)
		}
	}
	return e
}

// persist goes on with a schedule that fails a foreign test at times only, once a
// test: which of several like connections a decision meets may be chance. A cause it
// is if the failures and the passes without it differ by Fisher's exact test.
func persist(in *Investigation, e *evidence.Evidence, counter harness.Schedule) {
	if !in.Strict || e.Natural || in.persisted || e.Proven() || e.Again.K < leastPersist || e.Counter.K > 0 || e.Counter.N == 0 {
		return
	}
	in.persisted = true
	for !in.Over() && e.Counter.K == 0 {
		// The first failure is left out: without it there would be nothing to ask about.
		e.Exact = stats.Fisher(e.Again.K-1, e.Again.N-1, e.Counter.K, e.Counter.N, stats.Greater) <= persistLevel
		if e.Exact || e.Again.N >= persistMost || e.Again.N >= persistMost/2 && 3*e.Again.K < e.Again.N {
			return
		}
		more := in.Count(func() Played { return in.Run(harness.Confirm, in.c.Provoke) }, false, persistStep, in.like)
		if more.N == 0 {
			break
		}
		e.Again = plus(e.Again, more)
		e.Counter = plus(e.Counter, in.repeat(harness.Counterfactual, counter, e.Again.N-e.Counter.N, in.like))
	}
	e.Exact = false
}

// beforeExpiry looks again at a cause by expiry where the test fails long before the
// key expires: with a delay between its margin and the expiry. It reports whether the
// failure has another cause then, which it notes.
func beforeExpiry(in *Investigation, e *evidence.Evidence) bool {
	m := e.Margin
	if e.Cause.Class != harness.TTLExpiredEarly || m == nil || m.Predicted || len(in.c.Provoke.Decisions) != 1 || time.Duration(m.Hi)*5/4 >= in.c.Gap {
		return false
	}
	s := in.c.Provoke
	s.Decisions = slices.Clone(s.Decisions)
	s.Decisions[0].Delay = (m.Hi + harness.Duration(in.c.Gap)) / 2
	r := in.Run(harness.Confirm, s)
	if !in.fails(r) {
		return false
	}
	e.Cause, e.Failure, e.Schedule = causeOf(in, detect.NewTrace(r.Events, *r.Outcome), false), r.Outcome, &s
	return true
}

// show takes for the finding a trial under the schedule that it tells, so that
// its words, its timeline and its schedule are of one trial.
func (in *Investigation) show(e *evidence.Evidence) {
	if e.Original == nil {
		return // the first failure was one
	}
	for range shown {
		if in.Ended() {
			break
		}
		r := in.Run(harness.Confirm, *e.Schedule)
		if in.fails(r) {
			e.Failure = r.Outcome
			if m := in.cause(r); m.Class == e.Cause.Class {
				e.Cause = m
			}
			return
		}
	}
	e.Warnings = append(e.Warnings, "its timeline is of a trial under the schedule before that was reduced")
}

// repeat counts failures under a schedule.
func (in *Investigation) repeat(arm harness.Arm, s harness.Schedule, n int, like func(*harness.Outcome) bool) harness.Count {
	return in.Count(func() Played { return in.Run(arm, s) }, arm != harness.Counterfactual, n, like)
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
func (in *Investigation) fails(r Played) bool {
	return r.Reading == evidence.Failed && (in.like == nil || in.like(r.Outcome))
}

// applied reports whether a decision of the candidate's met its frame. A failure
// without any says nothing of the candidate.
func (in *Investigation) applied(r Played) bool {
	return len(r.Outcome.Missed) < max(1, len(in.c.Provoke.Decisions))
}

// asDelays plays the delays that holds were which could not be kept: a network
// can be as slow. From then on they are the candidate's schedule.
func (in *Investigation) asDelays(stalled Played) Played {
	s := in.c.Provoke
	s.Decisions = explore.AsDelays(in.Test.Name, s.Decisions, stalled.Outcome.Kept)
	for i := range s.Decisions {
		if s.Decisions[i].Delay > harness.Duration(in.Longest) {
			s.Decisions[i].Delay = harness.Duration(in.Longest)
		}
	}
	r := in.Run(harness.Provoke, s)
	in.Provoked++
	if r.Reading == evidence.Failed {
		in.c.Provoke, in.shrunk = s, true
	}
	return r
}

// turned reports whether the candidate's first frame came after the second, or not
// at all.
func turned(events []harness.Event, c nearmiss.Candidate) bool {
	var first, then time.Duration
	for _, e := range events {
		switch e.Point {
		case c.First:
			first = max(e.Out, e.In)
			if e.Out == 0 {
				return true // it never went
			}
		case c.Then:
			then = max(e.Out, e.In)
		}
	}
	return then > 0 && first > then
}

// cause names the cause that a failing trial shows: of what detectors make of it,
// what passing histories of the test have too is none.
func (in *Investigation) cause(failed Played) detect.Match {
	trace := detect.NewTrace(failed.Events, *failed.Outcome)
	asPredicted := !in.shrunk || turned(failed.Events, in.c)
	switch {
	case in.c.Shape == nearmiss.PoolShape:
		asPredicted = !came(failed.Events, in.c.Then) && !detect.SameCaller(trace, in.c.First, in.c.Then)
	case in.c.Class == harness.TTLExpiredEarly:
		asPredicted = asPredicted && !detect.OtherKeys(trace, in.c.First, in.c.Then)
	}
	return causeOf(in, trace, asPredicted)
}

// causeOf is cause, where it is known whether the candidate came true.
func causeOf(in *Investigation, trace *detect.Trace, asPredicted bool) detect.Match {
	passing := in.lab.Passing(in.Test.Name)
	if !came(trace.Events, in.c.Then) { // the test did not get there: the pair is not to blame
		if early, ok := detect.ClosedEarly(trace, passing); ok {
			return early
		}
	}
	matches := detect.Differential(trace, nil, passing)
	m := evidence.CauseOf(in.c, matches, asPredicted)
	if in.c.Shape == nearmiss.PoolShape {
		if other, ok := evidence.NoPool(trace, passing); ok {
			return other
		}
	}
	if m.Class == harness.Unattributed {
		m = evidence.WhatChanged(m, in.c.LateFrame(), trace, passing, in.TellsTime)
	}
	return m
}

// came reports whether a frame was seen.
func came(events []harness.Event, p harness.Point) bool {
	return slices.ContainsFunc(events, func(e harness.Event) bool { return e.Point == p })
}
