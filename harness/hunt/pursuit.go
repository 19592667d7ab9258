package hunt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
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
	h       *hunter
	test    harness.TestID
	budget  int           // aimed trials left for provoking; what proves a failure is not bounded by it
	limit   time.Duration // of the time that trials of the test may take; 0: none
	spent   time.Duration // by them so far
	known   near.Known
	proven  bool
	doubts  []harness.Finding // failures that were provoked, but whose cause was not proven
	both    int
	blocked int
	margins []harness.Margin
	late    map[harness.Point]bool // frames that may be late without any margin being used up
	aim     near.Candidate         // what is tried now
	samples []sample               // what its trials, and the passing ones before, say of its margin
}

// over reports whether the test has had its share of the time: one that fails
// only at its deadline would otherwise hold up the whole hunt.
func (p *pursuit) over() bool { return p.limit > 0 && p.spent > p.limit }

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
func (p *pursuit) count(ctx context.Context, arm harness.Arm, s harness.Schedule, n int, like func(*harness.Outcome) bool) harness.Count {
	var c harness.Count
	for i := 0; i < 2*n && c.N < n && ctx.Err() == nil; i++ {
		o, _ := p.run(ctx, arm, s)
		if o != nil && len(o.Blocked) > 0 && i+1 >= n && c.N == 0 {
			return c // the program forbids it
		}
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

// aimAt begins the work on one candidate.
func (p *pursuit) aimAt(c near.Candidate) {
	p.aim, p.samples = c, nil
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
func (p *pursuit) tolerated(c near.Candidate, d *Done) {
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

// judge names the cause that the failing history shows, among those that the
// candidate explains. ours means that a delay of ours hit a deadline: that shows
// only that there is one.
func judge(c near.Candidate, t *detect.Trace) (m detect.Match, ours bool) {
	m = detect.Match{Class: c.Class, Title: c.Title}
	found := false
	for _, o := range detect.Run(t) {
		switch {
		case !found && o.Class == harness.TimeoutClient:
			return o, true
		case !found && c.Explains(o.Class):
			m, found = o, true
		case found && o.Class == c.Class && m.Class != c.Class && o.Score >= m.Score-likeness:
			return o, false // as good, and what was predicted
		}
	}
	return m, false
}

// prove asks whether the candidate is the cause of the failure that its
// schedule made: the schedule must fail again, and the same with the order
// forced the right way, or without the guilty delay, must pass. Where other
// pairs of the same kind fail the test too, all of them are forced.
func (p *pursuit) prove(ctx context.Context, c near.Candidate, o *harness.Outcome, events []harness.Event) bool {
	first := *o
	m, ours := judge(c, detect.NewTrace(events, first))
	if ours {
		p.h.warn("%s: a client-side deadline was hit by a delay of ours (%s)", p.test.Name, c.Title)
		return false
	}
	class, title, text := m.Class, m.Title, m.Explanation
	like := alike(c, &first)
	again := p.count(ctx, harness.Confirm, c.Provoke, confirmations-1, like)
	again.K++
	again.N++
	counter := p.count(ctx, harness.Counterfactual, c.Counter, confirmations, like)
	if (counter.K > 0 || counter.N == 0) && len(c.Wide.Decisions) > 0 {
		counter = p.count(ctx, harness.Counterfactual, c.Wide, confirmations, like)
	}
	if ctx.Err() != nil || counter.N == 0 || counter.K == counter.N {
		return false // it fails whatever we do: not this
	}
	fp := Fingerprint(class, c.First, c.Then)
	if counter.K > 0 || counter.N < leastProof || again.K < leastProof {
		text = fmt.Sprintf("It failed under %q, but that is not proven to be the cause: it failed %d of %d times under that schedule, and %d of %d times with the order forced the right way. %s",
			c.Title, again.K, again.N, counter.K, counter.N, suspicion(class, title))
		class, title = harness.Unattributed, firstLine(first.Failure.Message)
		fp = Fingerprint(class, harness.Point{Verb: first.Failure.Fingerprint}, harness.Point{})
	}
	if !onlyDelays(c.Provoke) {
		text += " It takes a lost connection: flakehunt ended one, as --faults asked for. A delay alone does not do it."
	}
	f := harness.Finding{
		Version: harness.FindingVersion, ID: FindingID(fp), Fingerprint: fp,
		Class: class, Standing: harness.Provoked, Title: title, Explanation: text,
		Tests: []string{p.test.Name}, Target: p.h.Target,
		Schedule: c.Provoke, Seed: p.h.Seed, Failure: *first.Failure,
		Provoked: again, Counter: counter, Timeline: first.Wire, Boundary: first.Boundary,
		Found: time.Now().UTC(),
	}
	if class == harness.Unattributed {
		p.doubts = append(p.doubts, f)
		return false
	}
	p.reduce(ctx, c, &f, events)
	p.proven = true
	p.add(f)
	return true
}

// onlyDelays reports whether a schedule does what a slow network does, and no more.
func onlyDelays(s harness.Schedule) bool {
	return !slices.ContainsFunc(s.Decisions, func(d harness.Decision) bool { return !d.OnlyDelays() })
}

// suspicion says what a detector thinks of a failure whose cause is not proven.
func suspicion(class harness.Class, title string) string {
	if class == "" || class == harness.Unattributed {
		return ""
	}
	return fmt.Sprintf("Suspected: %s (%s).", title, class)
}

// add enters a finding into the catalogue.
func (p *pursuit) add(f harness.Finding) {
	if p.h.found.add(f) {
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
