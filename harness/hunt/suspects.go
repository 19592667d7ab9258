package hunt

import (
	"context"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/minimize"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// mostSuspects is how many suspicions of one run are looked into.
	mostSuspects = 24
	// smallerBudget is how many trials may go into making one failing schedule
	// smaller; with the proof that follows it stays below 25.
	smallerBudget = 10
)

// suspect is a failure that nobody aimed at, and what a detector says of it.
type suspect struct {
	outcome harness.Outcome
	events  []harness.Event
}

// suspect keeps the first failing history of each test and suspected cause.
func (l *Log) suspect(d *trial.Done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range d.Trial.Outcomes {
		events := d.Events[o.Test.Name]
		if finding.Read(&o) != finding.Failed || o.Failure == nil || len(events) == 0 || o.Suspect == nil {
			continue
		}
		known := func(s suspect) bool { return s.outcome.Test.Name == o.Test.Name && s.outcome.Cause == o.Cause }
		if !slices.ContainsFunc(l.suspects, known) {
			l.suspects = append(l.suspects, suspect{o, events})
		}
	}
}

// Suspects gives the failures that nobody aimed at, one of a kind.
func (l *Log) Suspects() []suspect {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.suspects)
}

// proveSuspects looks for the proof of what detectors suspect in failures that
// nobody aimed at, so that they too get a cause, and a schedule that shows it.
func (h *hunt) proveSuspects(ctx context.Context) {
	var open []suspect
	for _, s := range h.log.Suspects() {
		if len(open) < mostSuspects && h.found.Provable(&s.outcome, nil) {
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
			a := h.aim(ctx, s.outcome.Test)
			a.limit = leastTime
			reports[i] = &testReport{}
			h.proveSuspect(a, s, reports[i])
			h.enterDoubt(reports[i])
		})
	}
	wg.Wait()
	for _, r := range reports {
		h.margins = append(h.margins, r.margins...)
	}
}

// proveSuspect makes a candidate of a suspicion and tries it: the delays of the
// failing trial, as few as it takes, or the suspected pair turned round.
func (h *hunt) proveSuspect(a *aim, s suspect, r *testReport) {
	at := s.outcome.Suspect
	c := near.Candidate{
		Class: s.outcome.Cause, Shape: "suspected", Title: at.Title, First: at.First, Then: at.Then,
		Counter: a.schedule(),
	}
	if list := injected(s.events, a.test.Name); len(list) > 0 {
		if failed, fewer := a.smaller(list, s.outcome); failed.Reading == finding.Failed {
			c.Provoke = a.schedule(fewer...)
			h.conclude(a.investigate(c, !h.NoMargins, nil).prove(failed), r)
			if r.proven {
				return
			}
		}
	}
	if at.First.IsZero() || at.Then.IsZero() || at.First == at.Then || a.ended() {
		return
	}
	c.Provoke = a.schedule(harness.Decision{At: at.First, Action: harness.Hold, Until: at.Then.Reply()})
	c.Counter = a.schedule(harness.Decision{At: at.Then, Action: harness.Hold, Until: at.First.Reply()})
	h.conclude(a.investigate(c, !h.NoMargins, nil).all(), r)
}

// smaller runs the delays of a failing trial again, on the test alone, and takes
// away those that the failure does not need. It gives the last failure and the
// delays that made it, or nothing if they do not fail the test again.
func (a *aim) smaller(list []harness.Decision, was harness.Outcome) (failed played, kept []harness.Decision) {
	fails := func(_ context.Context, list []harness.Decision) (bool, error) {
		r := a.run(harness.Reduce, a.schedule(list...))
		if r.Reading == finding.NoTrial {
			return false, errNoTrial
		}
		same := r.Reading == finding.Failed &&
			(r.outcome.Cause == was.Cause || r.outcome.Failure.Fingerprint == was.Failure.Fingerprint)
		if same {
			failed, kept = r, list
		}
		return same, nil
	}
	for range 2 {
		if same, err := fails(a.ctx, list); err != nil {
			return played{}, nil
		} else if same {
			// What a bounded search ends with fails, whether it is minimal or not.
			_, _ = minimize.DDMin(a.ctx, list, fails, minimize.Config{Sure: true, Budget: smallerBudget})
			return failed, kept
		}
	}
	return played{}, nil
}
