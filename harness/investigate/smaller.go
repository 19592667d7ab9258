package investigate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/minimize"
)

// smallerBudget is how many trials may go into making one failing schedule
// smaller; with the proof that follows it stays below 25.
const smallerBudget = 10

// Smaller runs the delays of a failing trial again, on the test alone, and takes
// away those that the failure does not need. It gives the last failure and the
// delays that made it, or nothing if they do not fail the test again.
func (a *Aim) Smaller(list []harness.Decision, was harness.Outcome) (failed Played, kept []harness.Decision) {
	fails := func(_ context.Context, list []harness.Decision) (bool, error) {
		r := a.Run(harness.Reduce, a.Schedule(list...))
		if r.Reading == evidence.NoTrial {
			return false, errNoTrial
		}
		same := r.Reading == evidence.Failed &&
			(r.Outcome.Cause == was.Cause || r.Outcome.Failure.Fingerprint == was.Failure.Fingerprint)
		if same {
			failed, kept = r, list
		}
		return same, nil
	}
	for range 2 {
		if same, err := fails(a.ctx, list); err != nil {
			return Played{}, nil
		} else if same {
			// What a bounded search ends with fails, whether it is minimal or not.
			_, _ = minimize.DDMin(a.ctx, list, fails, minimize.Config{Sure: true, Budget: smallerBudget})
			return failed, kept
		}
	}
	return Played{}, nil
}

// Injected names what an undirected strategy did to each frame.
func Injected(events []harness.Event, test string) []harness.Decision {
	var list []harness.Decision
	for i := range events {
		e := &events[i]
		if e.Test == test && e.Asked > 0 && (e.Action == harness.Delay || e.Action == harness.Pause) {
			list = append(list, harness.Decision{At: e.Point, Action: e.Action, Delay: harness.Duration(e.Asked)})
		}
	}
	return list
}

// Delayed says which frames come late, the longest delays first.
func Delayed(list []harness.Decision) string {
	const most = 3
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b harness.Decision) int { return cmp.Compare(b.Delay, a.Delay) })
	s := ""
	for i, d := range list {
		if i == most {
			return s + fmt.Sprintf(" and %d more", len(list)-most)
		}
		if i > 0 {
			s += ", "
		}
		s += fmt.Sprintf("%s comes %s late", d.At, time.Duration(d.Delay).Round(time.Millisecond/10))
	}
	return s
}
