package hunt

import (
	"context"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/minimize"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// mostSettled is how many suspicions of one run are looked into.
	mostSettled = 24
	// settleBudget is how many trials may go into making one failing schedule
	// smaller; with the proof that follows it stays below 25.
	settleBudget = 10
)

// suspect is a failure that nobody aimed at, and what a detector says of it.
type suspect struct {
	outcome harness.Outcome
	events  []harness.Event
}

func (s suspect) key() string { return s.outcome.Test.Name + "\n" + string(s.outcome.Cause) }

// remember keeps the first failing history of each test and suspected cause.
func (h *hunter) remember(d *trial.Done) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, o := range d.Trial.Outcomes {
		events := d.Events[o.Test.Name]
		if o.Verdict != harness.Failed || o.Failure == nil || len(o.Blocked) > 0 || len(events) == 0 || o.Suspect == nil {
			continue
		}
		s := suspect{o, events}
		if _, ok := h.suspects[s.key()]; !ok {
			h.suspects[s.key()] = s
			h.order = append(h.order, s.key())
		}
	}
}

// settle looks for the proof of what detectors suspect in failures that nobody
// aimed at, so that they too get a cause, and a schedule that shows it.
func (h *hunter) settle(ctx context.Context) {
	h.mu.Lock()
	var open []suspect
	for _, key := range h.order {
		s := h.suspects[key]
		if c := s.outcome.Cause; len(open) < mostSettled && !content(c) && c != harness.NotRedis && c != harness.TimeoutClient && h.home(s.outcome) == nil {
			open = append(open, s)
		}
	}
	h.mu.Unlock()
	if len(open) == 0 || ctx.Err() != nil {
		return
	}
	h.phase("prove", 0)
	var wg sync.WaitGroup
	for _, s := range open {
		wg.Go(func() {
			p := &pursuit{h: h, test: s.outcome.Test, budget: 1, limit: leastTime, patience: h.patience(s.outcome.Test.Name)}
			p.settle(ctx, s)
			p.conclude()
			h.mu.Lock()
			h.margins = append(h.margins, p.margins...)
			h.mu.Unlock()
		})
	}
	wg.Wait()
}

// settle makes a candidate of a suspicion and tries it: the delays of the
// failing trial, as few as it takes, or the suspected pair turned round.
func (p *pursuit) settle(ctx context.Context, s suspect) {
	at := s.outcome.Suspect
	c := near.Candidate{
		Class: s.outcome.Cause, Shape: "suspected", Title: at.Title, First: at.First, Then: at.Then,
		Counter: p.schedule(),
	}
	if injected := delays(s.events, p.test.Name); len(injected) > 0 {
		if o, events, list := p.smaller(ctx, injected, s.outcome); o != nil {
			c.Provoke = p.schedule(list...)
			if p.prove(ctx, c, o, events) {
				return
			}
		}
	}
	if at.First.IsZero() || at.Then.IsZero() || at.First == at.Then || ctx.Err() != nil {
		return
	}
	c.Provoke = p.schedule(harness.Decision{At: at.First, Action: harness.Hold, Until: at.Then.Reply()})
	c.Counter = p.schedule(harness.Decision{At: at.Then, Action: harness.Hold, Until: at.First.Reply()})
	p.try(ctx, c)
}

// schedule makes one of decisions that hold in the test.
func (p *pursuit) schedule(list ...harness.Decision) harness.Schedule {
	for i := range list {
		list[i].Test = p.test.Name
	}
	return harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Seed: p.h.Seed, Decisions: list}
}

// delays names what an undirected strategy did to each frame.
func delays(events []harness.Event, test string) []harness.Decision {
	var list []harness.Decision
	for _, e := range events {
		if e.Action == harness.Delay && e.Asked > 0 && e.Test == test {
			list = append(list, harness.Decision{At: e.Point, Action: harness.Delay, Delay: harness.Duration(e.Asked)})
		}
	}
	return list
}

// smaller runs the delays of a failing trial again, on the test alone, and takes
// away those that the failure does not need. It returns the last failure and
// the delays that made it; nothing if they do not fail the test again.
func (p *pursuit) smaller(ctx context.Context, list []harness.Decision, was harness.Outcome) (*harness.Outcome, []harness.Event, []harness.Decision) {
	var o *harness.Outcome
	var events []harness.Event
	var kept []harness.Decision
	fails := func(ctx context.Context, list []harness.Decision) (bool, error) {
		got, d := p.run(ctx, harness.Reduce, p.schedule(list...))
		if got == nil {
			return false, errNoTrial
		}
		bad := got.Verdict == harness.Failed && len(got.Blocked) == 0 &&
			(got.Cause == was.Cause || got.Failure.Fingerprint == was.Failure.Fingerprint)
		if bad {
			o, events, kept = got, d.Events[p.test.Name], list
		}
		return bad, nil
	}
	for range 2 {
		if bad, err := fails(ctx, list); err != nil {
			return nil, nil, nil
		} else if bad {
			// What a bounded search ends with fails, whether it is minimal or not.
			_, _ = minimize.DDMin(ctx, list, fails, minimize.Config{Sure: true, Budget: settleBudget})
			return o, events, kept
		}
	}
	return nil, nil, nil
}
