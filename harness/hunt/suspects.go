package hunt

import (
	"context"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// mostSuspects is how many suspicions of one run are looked into.
const mostSuspects = 24

// proveSuspects looks for the proof of what detectors suspect in failures that
// nobody aimed at, so that they too get a cause, and a schedule that shows it.
func (h *hunt) proveSuspects(ctx context.Context) {
	var open []triallog.Suspect
	for _, s := range h.log.Suspects() {
		if h.Aimed != nil && !h.Aimed(s.Outcome.Test) {
			continue
		}
		if len(open) < mostSuspects && h.found.Provable(&s.Outcome, nil) {
			open = append(open, s)
		}
	}
	if len(open) == 0 || ctx.Err() != nil {
		return
	}
	h.progress.phase("prove", 0)
	reports := make([]*testReport, len(open))
	var wg sync.WaitGroup
	for i, s := range open {
		wg.Go(func() {
			t := h.aimAt(ctx, s.Outcome.Test)
			t.aim.Limit = leastTime
			t.proveSuspect(s)
			t.enterDoubt()
			reports[i] = t.testReport
		})
	}
	wg.Wait()
	for _, r := range reports {
		h.margins = append(h.margins, r.margins...)
	}
}

// proveSuspect makes a candidate of a suspicion and tries it: the delays of the
// failing trial, as few as it takes, or the suspected pair turned round.
func (t *testHunt) proveSuspect(s triallog.Suspect) {
	a, at := t.aim, s.Outcome.Suspect
	c := nearmiss.Candidate{
		Class: s.Outcome.Cause, Shape: "suspected", Title: at.Title, First: at.First, Then: at.Then,
		Counter: a.Schedule(),
	}
	if list := investigate.Injected(s.Events, a.Test.Name); len(list) > 0 {
		if failed, fewer := a.Smaller(list, s.Outcome); failed.Reading == evidence.Failed {
			c.Provoke = a.Schedule(fewer...)
			t.conclude(t.investigate(c, nil).Prove(failed))
			if t.proven {
				return
			}
		}
	}
	if at.First.IsZero() || at.Then.IsZero() || at.First == at.Then || a.Ended() {
		return
	}
	c.Provoke = a.Schedule(harness.Decision{At: at.First, Action: harness.Hold, Until: at.Then.Reply()})
	c.Counter = a.Schedule(harness.Decision{At: at.Then, Action: harness.Hold, Until: at.First.Reply()})
	t.conclude(t.investigate(c, nil).All())
}
