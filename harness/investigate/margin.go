package investigate

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/minimize"
)

const (
	// punctual is how late this machine's timers may run in a trial whose margin
	// counts in full: the test's own sleeps are late by as much.
	punctual = 2 * time.Millisecond
	// fewestSamples is how many trials a typical margin rests on, if there are so
	// many; of those that were late, the least late are taken.
	fewestSamples = 5
	// fewestGood is how many of them should have been on time; more trials are
	// done until there are so many, but no more than fewestSamples.
	fewestGood = 3
	// rounds is how often a margin is confirmed anew that further trials moved.
	rounds = 3
	// doubted is how many trials that the wire does not explain it takes to give
	// the wire's margin up.
	doubted = 2
	// askedAgain is how often one end of a margin is asked about at most.
	askedAgain = 4
)

// sample is what one trial says of a margin.
type sample struct {
	margin   time.Duration // how long before it was due the late frame came
	kept     time.Duration // how long it was kept
	timerLag time.Duration // how late this machine's timers ran meanwhile
	failed   bool
}

// explained reports whether the trial ended as its own margin says it must,
// within what the wire cannot tell apart.
func (s sample) explained() bool {
	return (s.kept > s.margin) == s.failed || (s.kept-s.margin).Abs() < 500*time.Microsecond
}

// sampleOf takes from a trial what the wire says of the candidate's margin.
func sampleOf(c nearmiss.Candidate, t *detect.Trace) (s sample, ok bool) {
	if c.Due == nil {
		return s, false
	}
	due, ok := c.Due(t)
	if !ok {
		return s, false
	}
	late := c.LateFrame()
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Point == late {
			s = sample{margin: due - ev.In, timerLag: time.Duration(t.Outcome.TimerLag), failed: t.Outcome.Verdict == harness.Failed}
			if ev.Out > ev.In && ev.Action != harness.Pass {
				s.kept = ev.Out - ev.In
			}
			return s, true
		}
	}
	return s, false
}

// punctualFor is how late timers may run in a trial for its margin to count in full.
func punctualFor(size time.Duration) time.Duration { return max(punctual, size/25) }

// typical is the median margin of the trials whose timers were on time, and how
// many these were. Of too few it takes the least late others too; it is 0 of none.
func typical(samples []sample) (size time.Duration, good int) {
	if len(samples) == 0 {
		return 0, 0
	}
	list := slices.Clone(samples)
	slices.SortStableFunc(list, func(a, b sample) int { return cmp.Compare(a.timerLag, b.timerLag) })
	limit := punctualFor(list[0].margin)
	for good < len(list) && list[good].timerLag <= limit {
		good++
	}
	n := max(good, min(fewestSamples, len(list)))
	margins := make([]time.Duration, n)
	for i, s := range list[:n] {
		margins[i] = s.margin
	}
	slices.Sort(margins)
	return (margins[(n-1)/2] + margins[n/2]) / 2, good
}

// fromWire measures the margin of the candidate by what came when, in the
// trials that were done of it, and confirms it: a little less delay passes, a
// little more fails. It reports false where the wire does not say, or says
// something else than the trials do.
func (in *Investigation) fromWire() (m harness.Margin, ok bool) {
	if len(in.samples) == 0 {
		return m, false
	}
	for range rounds {
		size, ok := in.enoughSamples()
		if !ok {
			return m, false
		}
		step := minimize.Resolution(size)
		lo := time.Duration(0)
		if size > step {
			if lo, ok = in.ends(size, size-step); !ok {
				return m, false
			}
		}
		hi, ok := in.ends(size, size+step)
		if !ok {
			return m, false
		}
		if size, _ = typical(in.samples); lo < size && size < hi {
			return in.marginOf(in.c.LateFrame(), size, lo, hi), true
		}
	}
	return m, false
}

// enoughSamples gives the typical margin, after some more trials if this machine was
// late in most of those so far.
func (in *Investigation) enoughSamples() (time.Duration, bool) {
	size, good := typical(in.samples)
	for more := 0; more < fewestSamples && good < fewestGood && size > 0; more++ {
		if in.Over() {
			break
		}
		if r := in.Run(harness.Reduce, in.delayed(in.c.LateFrame(), size+minimize.Resolution(size))); r.Reading == evidence.NoTrial {
			break
		}
		size, good = typical(in.samples)
	}
	return size, size > 0
}

// ends asks whether a delay of the late frame by d fails the test, as it should
// if it is more than size, and passes if it is less. It returns for how long the
// frame was kept. A trial that went the other way since everything else was late
// in it, or that was not like the others, is done again.
func (in *Investigation) ends(size, d time.Duration) (kept time.Duration, ok bool) {
	unexplained := 0
	for range askedAgain {
		if in.Over() {
			return 0, false
		}
		before := len(in.samples)
		r := in.Run(harness.Reduce, in.delayed(in.c.LateFrame(), d))
		if r.Reading == evidence.NoTrial || r.Reading == evidence.Stalled {
			return 0, false
		}
		kept := keptFor(r.Events, in.c.LateFrame())
		said := len(in.samples) > before
		switch {
		case said && (in.samples[before].margin-size).Abs() > minimize.Resolution(size):
		case in.fails(r) == (d > size) && kept > 0:
			return kept, true
		case said && in.samples[before].explained():
		default:
			if unexplained++; unexplained == doubted {
				in.refuted = true
				return 0, false
			}
		}
	}
	return 0, false
}

// unconfirmed is the wire's word where there was no time to ask about it, or this
// machine was too late to: between the longest delay that passed and the
// shortest that failed, if these agree with it.
func (in *Investigation) unconfirmed() (m harness.Margin, ok bool) {
	size, _ := typical(in.samples)
	var lo, hi time.Duration
	for _, s := range in.samples {
		switch {
		case s.failed && s.kept > 0 && (hi == 0 || s.kept < hi):
			hi = s.kept
		case !s.failed && s.kept > lo:
			lo = s.kept
		}
	}
	if size <= lo || size >= hi {
		return m, false
	}
	return in.marginOf(in.c.LateFrame(), size, lo, hi), true
}

// marginOf says that a delay of lo passed, and one of hi failed.
func (in *Investigation) marginOf(at harness.Point, size, lo, hi time.Duration) harness.Margin {
	return harness.Margin{
		Test: in.Test.Name, Edge: at.Verb + " " + at.Key, At: at,
		Size: harness.Duration(size), Lo: harness.Duration(lo), Hi: harness.Duration(hi),
	}
}
