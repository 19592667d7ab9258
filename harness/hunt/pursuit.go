package hunt

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// confirmations is how often a failing schedule is run again, and its
	// counterfactual too, before a cause is given.
	confirmations = 3
	// likeness is how much less a detector may make of the predicted cause than
	// of another that the candidate explains, for the predicted one to be named.
	likeness = 0.2
	// leastProof is how many failures with the schedule, and passes without, a
	// cause takes.
	leastProof = 2
	// provocations is how often a candidate is tried at most before it counts as
	// tolerated. Once is enough on a machine that is on time.
	provocations = 3
	// lateTimers is the lateness of this machine's timers from which a trial that
	// passed proves nothing: what was to come too early may have been late too.
	lateTimers = 20 * time.Millisecond
)

// pursuit is the work on one test.
type pursuit struct {
	h        *hunter
	test     harness.TestID
	budget   int           // aimed trials left for provoking; what proves a failure is not bounded by it
	limit    time.Duration // of the time that trials of the test may take; 0: none
	spent    time.Duration // by them so far
	patience time.Duration // of one of them; 0: the runner's
	known    near.Known
	proven   bool
	doubts   []harness.Finding // failures that were provoked, but whose cause was not proven
	both     int
	blocked  int
	margins  []harness.Margin
	late     map[harness.Point]bool // frames that may be late without any margin being used up
	aim      near.Candidate         // what is tried now
	samples  []sample               // what its trials, and the passing ones before, say of its margin
	refuted  bool                   // trials say something else of it than the wire does
}

// over reports whether the test has had its share of the time: one that fails
// only at its deadline would otherwise hold up the whole hunt.
func (p *pursuit) over() bool { return p.limit > 0 && p.spent > p.limit }

// run does one aimed trial of the test alone and records it. A nil outcome
// means that there is none that counts.
func (p *pursuit) run(ctx context.Context, arm harness.Arm, s harness.Schedule) (*harness.Outcome, *trial.Done) {
	p.h.mu.Lock()
	p.h.active++
	index := p.h.Trials + p.h.active
	p.h.mu.Unlock()
	d, err := p.h.Executor.Do(ctx, trial.Job{
		Index: index, Suite: p.test.Suite, Tests: []string{p.test.Name}, Arm: arm,
		Seed: trial.Mix(p.h.Seed, index), Plan: trial.PlanOf(s), Keep: true, Urgent: true, Deadline: p.patience,
	})
	if err != nil {
		if ctx.Err() == nil {
			p.h.failInfra(p.test.Suite, index, err)
		}
		return nil, nil
	}
	p.spent += time.Duration(d.Trial.Duration)
	if err := p.h.keep(d); err != nil {
		p.h.failInfra(p.test.Suite, index, err)
		return nil, nil
	}
	o := d.Outcome(p.test.Name)
	if o != nil && p.aim.Due != nil && arm != harness.Counterfactual {
		if s, ok := sampleOf(p.aim, detect.NewTrace(d.Events[p.test.Name], *o)); ok {
			p.samples = append(p.samples, s)
		}
	}
	return o, d
}

// count runs a schedule until n runs count, but at most 2n times, and counts
// failures that are like the one in question. Trials in which a hold could not
// be kept, and failures of another kind, say nothing about it and are left out.
// One in two may go the other way than it should while this machine's own timers
// were late; that is forgiven too, but no more, lest chance prove something.
func (p *pursuit) count(ctx context.Context, arm harness.Arm, s harness.Schedule, n int, like func(*harness.Outcome) bool) harness.Count {
	var c harness.Count
	fails, forgiven := arm != harness.Counterfactual, 0 // fails: what it should do
	for i := 0; i < 2*n && c.N < n && ctx.Err() == nil; i++ {
		o, _ := p.run(ctx, arm, s)
		if o != nil && len(o.Blocked) > 0 && i+1 >= n && c.N == 0 {
			return c // the program forbids it
		}
		switch {
		case o == nil || len(o.Blocked) > 0:
		case time.Duration(o.Lateness) > lateTimers && (o.Verdict == harness.Failed) != fails && forgiven < n/2:
			forgiven++
		case o.Verdict != harness.Failed:
			c.N++
		case like(o):
			c.K++
			c.N++
		}
	}
	return c
}

// alike tells failures of one cause: they say the same, or a detector does.
func alike(c near.Candidate, first *harness.Outcome) func(*harness.Outcome) bool {
	return func(o *harness.Outcome) bool {
		return o.Failure.Fingerprint == first.Failure.Fingerprint || c.Explains(o.Cause)
	}
}

// aimAt begins the work on one candidate.
func (p *pursuit) aimAt(c near.Candidate) {
	p.aim, p.samples, p.refuted = c, nil, false
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	for _, t := range p.h.events[p.test.Name] {
		if s, ok := sampleOf(c, t); ok {
			p.samples = append(p.samples, s)
		}
	}
}

// try provokes one candidate.
func (p *pursuit) try(ctx context.Context, c near.Candidate) {
	p.aimAt(c)
	for try := 1; try <= provocations; try++ {
		o, d := p.run(ctx, harness.Provoke, c.Provoke)
		p.budget--
		if o == nil {
			return
		}
		if len(o.Blocked) > 0 {
			p.known.Block(c.First, c.Then)
			p.blocked++
			p.margins = append(p.margins, p.kept(c))
			p.taught(c, false)
			return
		}
		if o.Verdict == harness.Failed {
			p.taught(c, p.prove(ctx, c, o, d.Events[p.test.Name]))
			return
		}
		if try < provocations && time.Duration(o.Lateness) > lateTimers {
			continue
		}
		p.tolerated(c, d)
		break
	}
	p.both++
	p.taught(c, false)
}

// kept is the margin of an order that the program itself enforces.
func (p *pursuit) kept(c near.Candidate) harness.Margin {
	if c.Margin != nil {
		m := *c.Margin
		m.Ordered = true
		return m
	}
	at := c.Late()
	return harness.Margin{
		Test: p.test.Name, Edge: at.Verb + " " + at.Key, At: at, Predicted: true, Ordered: true,
		Size: harness.Duration(c.Gap), Hi: harness.Duration(c.Gap),
	}
}

// predicted adds the margins that passing histories tell of commands about
// which no trial has told more. Those of candidates that were left untried are
// none: whether the program itself keeps that order is not known.
func (p *pursuit) predicted(traces []*detect.Trace, untried []near.Candidate) {
	seen := maps.Clone(p.late)
	if seen == nil {
		seen = map[harness.Point]bool{}
	}
	for _, m := range p.margins {
		seen[m.At] = true
	}
	for _, c := range untried {
		seen[c.Late()], seen[c.First] = true, true
	}
	for _, m := range near.Margins(traces) {
		if !seen[m.At] {
			p.margins = append(p.margins, m)
		}
	}
}

// tolerated keeps what a provocation that passed says of the margin: where the
// frame was kept for longer than the history predicted, the program itself must
// be what keeps the order.
func (p *pursuit) tolerated(c near.Candidate, d *trial.Done) {
	if c.Margin == nil {
		if p.late == nil {
			p.late = map[harness.Point]bool{}
		}
		p.late[c.Late()] = true // late enough to turn the order round, and it passed
		return
	}
	m := *c.Margin
	if kept := keptFor(d.Events[p.test.Name], c.Late()); kept > time.Duration(m.Size) {
		m.Ordered, m.Lo = true, harness.Duration(kept)
	}
	p.margins = append(p.margins, m)
}

func (p *pursuit) taught(c near.Candidate, hit bool) {
	if p.h.Learned != nil {
		p.h.Learned.Learn(c.Kind(), hit)
	}
}

// add enters a finding into the catalogue.
func (p *pursuit) add(f harness.Finding) {
	if p.h.Proven != nil && f.Class != harness.Unattributed {
		p.h.proving.Lock()
		p.h.Proven(f)
		p.h.proving.Unlock()
	}
	if p.h.found.Add(f) {
		p.h.note("%s  %s  %s", f.ID, f.Class, f.Title)
	}
}

// conclude reports what remained without a proven cause, once, and only if
// nothing was proven of the test.
func (p *pursuit) conclude() {
	if !p.proven && len(p.doubts) > 0 {
		p.add(p.doubts[0])
	}
}

// warn records why to doubt a number.
func (h *hunter) warn(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings = append(h.warnings, fmt.Sprintf(format, args...))
}
