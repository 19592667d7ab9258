package hunt

import (
	"context"
	"errors"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/minimize"
)

// headroom is by how much at least a finding's delay exceeds its margin.
const headroom = 60 * time.Millisecond

// reduce makes the finding's schedule minimal and measures the timing margin:
// the shortest delay of the late frame that fails the test.
func (p *pursuit) reduce(ctx context.Context, c near.Candidate, f *harness.Finding, events []harness.Event) {
	if len(f.Schedule.Decisions) > 1 {
		p.fewest(ctx, f)
		if err := p.oneMinimal(ctx, f); err != nil {
			f.Warnings = append(f.Warnings, "it was not checked that each of its decisions is needed")
		}
	}
	m, ok := p.fromWire(ctx, c)
	if !ok {
		m, ok = p.fromTrials(ctx, c.Late(), keptFor(events, c.Late()))
	}
	if !ok && !p.refuted {
		m, ok = p.unconfirmed(c)
	}
	if !ok {
		return
	}
	f.Margin = &m
	p.margins = append(p.margins, m)
	if len(f.Schedule.Decisions) == 1 && f.Schedule.Decisions[0].Action == harness.Delay {
		// Replays must fail on a busier machine too, which runs the rest of the
		// test late and so takes from the delay: well above the threshold.
		f.Original = &c.Provoke
		s, hi := c.Provoke, time.Duration(m.Hi)
		s.Decisions = []harness.Decision{f.Schedule.Decisions[0]}
		s.Decisions[0].Delay = min(s.Decisions[0].Delay, harness.Duration((hi + max(hi/2, headroom)).Round(time.Millisecond)))
		f.Schedule = s
	}
}

// fromTrials measures the margin of one frame by trials alone: the least delay
// that fails, between nothing and a little more than what did.
func (p *pursuit) fromTrials(ctx context.Context, late harness.Point, held time.Duration) (m harness.Margin, ok bool) {
	if held == 0 {
		return m, false
	}
	fails := func(d time.Duration) (bool, error) { return p.steady(ctx, p.delayed(late, d), d) }
	hi := held + held/5 + 2*time.Millisecond
	for {
		failed, err := fails(hi)
		if err != nil {
			return m, false
		}
		if failed {
			break
		}
		if hi *= 2; hi > 2*MaxDelay {
			return m, false // a delay of this frame alone does not do it: the hold stays
		}
	}
	lo, hi, err := bracket(ctx, hi, fails)
	if err != nil {
		return m, false
	}
	return p.margin(late, (lo+hi)/2, lo, hi), true
}

// steady asks whether the test fails under a schedule that makes one frame late
// by d. A trial during which this machine's own timers ran late by an amount
// that matters beside d is done again, twice at most.
func (p *pursuit) steady(ctx context.Context, s harness.Schedule, d time.Duration) (bool, error) {
	for again := 2; ; again-- {
		if p.over() {
			return false, errNoTrial
		}
		o, _ := p.run(ctx, harness.Reduce, s)
		if o == nil {
			return false, errNoTrial
		}
		if again == 0 || time.Duration(o.Lateness) <= max(punctual, d/25) {
			return o.Verdict == harness.Failed, nil
		}
	}
}

// bracket finds the shortest delay that fails, up to hi, which does. On a busy
// machine any one answer may be wrong, and bisection never asks twice: so both
// ends are asked about again, and one that is refuted is looked for beyond it.
func bracket(ctx context.Context, hi time.Duration, fails func(time.Duration) (bool, error)) (time.Duration, time.Duration, error) {
	top := hi
	lo, hi, err := minimize.Threshold(ctx, 0, hi, minimize.Resolution, fails)
	if err != nil {
		return lo, hi, err
	}
	if lo > 0 {
		if bad, err := fails(lo); err != nil {
			return lo, hi, err
		} else if bad { // it had passed since the machine was late elsewhere
			below := max(lo-4*minimize.Resolution(lo), 0)
			if bad, err := fails(below); err != nil || bad {
				lo, below = below, 0
			}
			return minimize.Threshold(ctx, below, lo, minimize.Resolution, fails)
		}
	}
	if bad, err := fails(hi); err != nil || bad || hi >= top {
		return lo, hi, err
	}
	above := min(hi+4*minimize.Resolution(hi), top)
	if bad, err := fails(above); err != nil || !bad {
		hi, above = above, top
	}
	return minimize.Threshold(ctx, hi, above, minimize.Resolution, fails)
}

// fewest takes away decisions that the failure does not need.
func (p *pursuit) fewest(ctx context.Context, f *harness.Finding) {
	whole := f.Schedule
	with := func(list []harness.Decision) harness.Schedule {
		s := whole
		s.Decisions = list
		return s
	}
	list, err := minimize.Reduce(ctx, whole.Decisions, func(ctx context.Context, list []harness.Decision) (bool, error) {
		o, _ := p.run(ctx, harness.Reduce, with(list))
		return o != nil && o.Verdict == harness.Failed && len(o.Blocked) == 0, nil
	})
	if err == nil && len(list) < len(whole.Decisions) {
		f.Original = &whole
		f.Schedule = with(list)
	}
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

// errNoTrial ends a search whose trials can no longer be done.
var errNoTrial = errors.New("no trial could be done")
