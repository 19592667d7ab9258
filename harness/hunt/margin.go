package hunt

import (
	"context"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
)

const (
	// punctual is how late this machine's timers may run in a trial whose margin
	// counts in full: the test's own sleeps are late by as much.
	punctual = 2 * time.Millisecond
	// fewest is how many trials a typical margin rests on, if there are so many;
	// of those that were late, the least late are taken.
	fewestSamples = 5
	// doubted is how many trials that the wire does not explain it takes to give
	// the wire's margin up.
	doubted = 2
	// askedAgain is how often one end of a margin is asked about at most.
	askedAgain = 4
)

// sample is what one trial says of a margin.
type sample struct {
	margin time.Duration // how long before it was due the late frame came
	kept   time.Duration // how long it was kept
	late   time.Duration // how late this machine's timers ran meanwhile
	failed bool
}

// explained reports whether the trial ended as its own margin says it must,
// within what the wire cannot tell apart.
func (s sample) explained() bool {
	return (s.kept > s.margin) == s.failed || (s.kept-s.margin).Abs() < 500*time.Microsecond
}

// sampleOf takes from a trial what the wire says of the candidate's margin.
func sampleOf(c near.Candidate, t *detect.Trace) (s sample, ok bool) {
	if c.Due == nil {
		return s, false
	}
	due, ok := c.Due(t)
	if !ok {
		return s, false
	}
	late := c.Late()
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Point == late {
			s = sample{margin: due - ev.In, late: time.Duration(t.Outcome.Lateness), failed: t.Outcome.Verdict == harness.Failed}
			if ev.Out > ev.In && ev.Action != harness.Pass {
				s.kept = ev.Out - ev.In
			}
			return s, true
		}
	}
	return s, false
}

// typical is the median margin of the trials whose timers were on time; false if
// there is none.
func typical(samples []sample) (time.Duration, bool) {
	if len(samples) == 0 {
		return 0, false
	}
	list := slices.Clone(samples)
	slices.SortStableFunc(list, func(a, b sample) int { return int(a.late - b.late) })
	n := min(fewestSamples, len(list))
	for n < len(list) && list[n].late <= punctual {
		n++
	}
	margins := make([]time.Duration, n)
	for i, s := range list[:n] {
		margins[i] = s.margin
	}
	slices.Sort(margins)
	return (margins[(n-1)/2] + margins[n/2]) / 2, true
}

// fromWire measures the margin of the candidate by what came when, in the
// trials that were done of it, and confirms it: a little less delay passes, a
// little more fails. It reports false where the wire does not say, or says
// something else than the trials do.
func (p *pursuit) fromWire(ctx context.Context, c near.Candidate) (m harness.Margin, ok bool) {
	size, ok := typical(p.samples)
	if !ok || size <= 0 {
		return m, false
	}
	step := resolution(size)
	lo := time.Duration(0)
	if size > step {
		if lo, ok = p.ends(ctx, c, size-step, false); !ok {
			return m, false
		}
	}
	hi, ok := p.ends(ctx, c, size+step, true)
	if !ok || hi <= lo {
		return m, false
	}
	if again, _ := typical(p.samples); again > lo && again < hi {
		size = again
	}
	if size <= lo || size >= hi {
		size = (lo + hi) / 2
	}
	return p.margin(c.Late(), size, lo, hi), true
}

// ends asks whether a delay of the late frame fails the test, or passes, as the
// wire's margin says. It returns for how long the frame was kept. A trial that
// went the other way since everything else was late in it is done again.
func (p *pursuit) ends(ctx context.Context, c near.Candidate, d time.Duration, fails bool) (kept time.Duration, ok bool) {
	unexplained := 0
	for range askedAgain {
		if p.over() || ctx.Err() != nil {
			return 0, false
		}
		before := len(p.samples)
		o, done := p.run(ctx, harness.Reduce, p.delayed(c.Late(), d))
		if o == nil || len(o.Blocked) > 0 {
			return 0, false
		}
		if kept := keptFor(done.Events[p.test.Name], c.Late()); (o.Verdict == harness.Failed) == fails {
			return kept, kept > 0
		}
		if len(p.samples) == before || !p.samples[before].explained() {
			if unexplained++; unexplained == doubted {
				return 0, false
			}
		}
	}
	return 0, false
}

// delayed makes one frame late by d.
func (p *pursuit) delayed(at harness.Point, d time.Duration) harness.Schedule {
	return p.schedule(harness.Decision{At: at, Action: harness.Delay, Delay: harness.Duration(d)})
}

// margin says that a delay of lo passed, and one of hi failed.
func (p *pursuit) margin(at harness.Point, size, lo, hi time.Duration) harness.Margin {
	return harness.Margin{
		Test: p.test.Name, Edge: at.Verb + " " + at.Key, At: at,
		Size: harness.Duration(size), Lo: harness.Duration(lo), Hi: harness.Duration(hi),
	}
}
