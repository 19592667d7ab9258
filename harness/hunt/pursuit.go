package hunt

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
)

const (
	// confirmations is how often a failing schedule is run again, and its
	// counterfactual too, before a cause is given.
	confirmations = 3
	// provocations is how often a candidate is tried before it counts as tolerated.
	provocations = 1
)

// pursuit is the work on one test.
type pursuit struct {
	h       *hunter
	test    harness.TestID
	budget  int // aimed trials left for provoking; what proves a failure is not bounded by it
	known   near.Known
	both    int
	blocked int
	margins []harness.Margin
}

// run does one aimed trial of the test alone and records it. A nil outcome
// means that there is none that counts.
func (p *pursuit) run(ctx context.Context, arm harness.Arm, s harness.Schedule) (*harness.Outcome, *Done) {
	p.h.mu.Lock()
	p.h.active++
	index := p.h.Trials + p.h.active
	p.h.mu.Unlock()
	d, err := p.h.Executor.Do(ctx, Job{
		Index: index, Suite: p.test.Suite, Tests: []string{p.test.Name}, Arm: arm,
		Seed: Mix(p.h.Seed, index), Plan: replay(s), Keep: true, Urgent: true,
	})
	if err != nil {
		if ctx.Err() == nil {
			p.h.failInfra(p.test.Suite, index, err)
		}
		return nil, nil
	}
	if err := p.h.keep(d); err != nil {
		p.h.failInfra(p.test.Suite, index, err)
		return nil, nil
	}
	return d.Outcome(p.test.Name), d
}

// count runs a schedule n times and counts failures that are like the one in
// question. Trials in which a hold could not be kept, and failures of another
// kind, say nothing about it and are left out.
func (p *pursuit) count(ctx context.Context, arm harness.Arm, s harness.Schedule, n int, like func(*harness.Outcome) bool) harness.Count {
	var c harness.Count
	for range n {
		o, _ := p.run(ctx, arm, s)
		switch {
		case o == nil || len(o.Blocked) > 0:
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

// try provokes one candidate.
func (p *pursuit) try(ctx context.Context, c near.Candidate) {
	for range provocations {
		o, d := p.run(ctx, harness.Provoke, c.Provoke)
		p.budget--
		if o == nil {
			return
		}
		if len(o.Blocked) > 0 {
			p.known.Block(c.First, c.Then)
			p.blocked++
			p.taught(c, false)
			return
		}
		if o.Verdict == harness.Failed {
			p.taught(c, p.prove(ctx, c, o, d))
			return
		}
		p.tolerated(c, d)
	}
	p.both++
	p.taught(c, false)
}

// tolerated keeps what a provocation that passed says of the margin: where the
// frame was kept for longer than the history predicted, the program itself must
// be what keeps the order.
func (p *pursuit) tolerated(c near.Candidate, d *Done) {
	if c.Margin == nil {
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

// prove asks whether the candidate is the cause of the failure that its
// schedule made: the schedule must fail again, and the same without the guilty
// decision must pass.
func (p *pursuit) prove(ctx context.Context, c near.Candidate, o *harness.Outcome, d *Done) bool {
	first := *o
	events := d.Events[p.test.Name]
	class, title, text := c.Class, c.Title, ""
	for _, m := range detect.Run(detect.NewTrace(events, first)) {
		if m.Class == harness.TimeoutClient {
			// Our own delay tripped a deadline: that shows only that there is one.
			p.h.warn("%s: a client-side deadline was hit by a delay of ours (%s)", p.test.Name, c.Title)
			return false
		}
		if c.Explains(m.Class) {
			class, title, text = m.Class, m.Title, m.Explanation
			break
		}
	}
	like := alike(c, &first)
	again := p.count(ctx, harness.Confirm, c.Provoke, confirmations-1, like)
	again.K++
	again.N++
	counter := p.count(ctx, harness.Counterfactual, c.Counter, confirmations, like)
	if ctx.Err() != nil || counter.N == 0 || counter.K == counter.N {
		return false // it fails whatever we do: not this
	}
	if counter.K > 0 || again.K < 2 {
		class = harness.Unattributed
		title = fmt.Sprintf("fails under %q, but not only then", c.Title)
	}
	fp := Fingerprint(class, c.First, c.Then)
	f := harness.Finding{
		Version: harness.FindingVersion, ID: FindingID(fp), Fingerprint: fp,
		Class: class, Standing: harness.Provoked, Title: title, Explanation: text,
		Tests: []string{p.test.Name}, Target: p.h.Target,
		Schedule: c.Provoke, Seed: p.h.Seed, Failure: *first.Failure,
		Provoked: again, Counter: counter, Timeline: first.Wire,
		Found: time.Now().UTC(),
	}
	if class != harness.Unattributed {
		p.reduce(ctx, c, &f, events)
	}
	if p.h.found.add(f) {
		p.h.note("%s  %s  %s", f.ID, f.Class, f.Title)
	}
	return class != harness.Unattributed
}

// warn records why to doubt a number.
func (h *hunter) warn(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.warnings = append(h.warnings, fmt.Sprintf(format, args...))
}
