package investigate

import (
	"context"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/minimize"
)

// headroom is by how much at least a finding's delay exceeds its margin.
const headroom = 60 * time.Millisecond

// Reduction is what of a proven schedule the failure needs.
type Reduction struct {
	Schedule harness.Schedule
	Original *harness.Schedule // nil: nothing was changed
	Margin   *harness.Margin   // nil: it could not be measured
	Warnings []string
}

// Reduce makes the schedule of a proven failure minimal and measures the timing
// margin: the shortest delay of the late frame that fails the test.
func (in *Investigation) Reduce(whole harness.Schedule, events []harness.Event) Reduction {
	r := Reduction{Schedule: whole}
	if len(whole.Decisions) > 1 {
		in.fewest(&r)
		if err := in.oneMinimal(&r); err != nil {
			r.Warnings = append(r.Warnings, "it was not checked that each of its decisions is needed")
		}
	}
	m, ok := in.fromWire()
	if !ok {
		m, ok = in.fromTrials(in.c.LateFrame(), keptFor(events, in.c.LateFrame()))
	}
	if !ok && !in.refuted {
		m, ok = in.unconfirmed()
	}
	if !ok {
		return r
	}
	r.Margin = &m
	if list := r.Schedule.Decisions; len(list) == 1 && list[0].Action == harness.Delay {
		// Replays must fail on a busier machine too, which runs the rest of the
		// test late and so takes from the delay: well above the threshold.
		provoke, hi := in.c.Provoke, time.Duration(m.Hi)
		r.Original, r.Schedule = &provoke, provoke
		r.Schedule.Decisions = []harness.Decision{list[0]}
		r.Schedule.Decisions[0].Delay = min(list[0].Delay, harness.Duration((hi + max(hi/2, headroom)).Round(time.Millisecond)))
	}
	return r
}

// fromTrials measures the margin of one frame by trials alone: the least delay
// that fails, between nothing and a little more than what did.
func (in *Investigation) fromTrials(late harness.Point, held time.Duration) (m harness.Margin, ok bool) {
	if held == 0 {
		return m, false
	}
	fails := func(d time.Duration) (bool, error) { return in.steady(in.delayed(late, d), d) }
	hi := held + held/5 + 2*time.Millisecond
	for {
		failed, err := fails(hi)
		if err != nil {
			return m, false
		}
		if failed {
			break
		}
		if hi *= 2; hi > 2*in.Longest {
			return m, false // a delay of this frame alone does not do it: the hold stays
		}
	}
	lo, hi, err := bracket(in.ctx, hi, fails)
	if err != nil {
		return m, false
	}
	return in.marginOf(late, (lo+hi)/2, lo, hi), true
}

// steady asks whether the test fails under a schedule that makes one frame late
// by d. A trial during which this machine's own timers ran late by an amount
// that matters beside d is done again, twice at most.
func (in *Investigation) steady(s harness.Schedule, d time.Duration) (bool, error) {
	for again := 2; ; again-- {
		if in.Over() {
			return false, errNoTrial
		}
		r := in.Run(harness.Reduce, s)
		if r.Reading == evidence.NoTrial {
			return false, errNoTrial
		}
		if again == 0 || r.timerLag() <= max(punctual, d/25) {
			return in.fails(r), nil
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
func (in *Investigation) fewest(r *Reduction) {
	whole := r.Schedule
	list, err := minimize.Reduce(in.ctx, whole.Decisions, func(_ context.Context, list []harness.Decision) (bool, error) {
		s := whole
		s.Decisions = list
		return in.fails(in.Run(harness.Reduce, s)), nil
	})
	if err == nil && len(list) < len(whole.Decisions) {
		r.Original = &whole
		r.Schedule.Decisions = list
	}
}

// oneMinimal takes away decisions, one at a time, until the failure needs each
// that is left: without it the test fails in at most one of three runs.
func (in *Investigation) oneMinimal(r *Reduction) error {
	whole := r.Schedule
	fails := minimize.Repeat(func(_ context.Context, list []harness.Decision) (bool, error) {
		s := whole
		s.Decisions = list
		got := in.Run(harness.Reduce, s)
		if got.Reading == evidence.NoTrial {
			return false, errNoTrial
		}
		return in.fails(got), nil
	}, 2, Confirmations)
	for len(r.Schedule.Decisions) > 1 {
		list := r.Schedule.Decisions
		minimal, spare, err := minimize.OneMinimal(in.ctx, list, fails)
		if err != nil || minimal {
			return err
		}
		if spare < 0 {
			r.Warnings = append(r.Warnings, "the reduced schedule does not fail every time")
			return nil
		}
		r.Original = &whole
		r.Schedule.Decisions = append(append([]harness.Decision(nil), list[:spare]...), list[spare+1:]...)
	}
	return nil
}
