package hunt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// judge names the cause that the failing history shows, among those that the
// candidate explains. ours means that a delay of ours hit a deadline: that shows
// only that there is one.
func judge(c near.Candidate, t *detect.Trace) (m detect.Match, ours bool) {
	m = detect.Match{Class: c.Class, Title: c.Title, Explanation: c.Why}
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
	fp := finding.Fingerprint(class, c.First, c.Then)
	if counter.K > 0 || counter.N < leastProof || again.K < leastProof {
		text = fmt.Sprintf("It failed under %q, but that is not proven to be the cause: it failed %d of %d times under that schedule, and %d of %d times with the order forced the right way. %s",
			c.Title, again.K, again.N, counter.K, counter.N, suspicion(class, title))
		class, title = harness.Unattributed, firstLine(first.Failure.Message)
		fp = finding.Fingerprint(class, harness.Point{Verb: first.Failure.Fingerprint}, harness.Point{})
	}
	if !onlyDelays(c.Provoke) {
		text += " It takes a lost connection: flakehunt ended one, as --faults asked for. A delay alone does not do it."
	}
	f := harness.Finding{
		Version: harness.FindingVersion, ID: finding.ID(fp), Fingerprint: fp,
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
	if !p.h.NoMargins {
		p.reduce(ctx, c, &f, events)
	}
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
