package finding

import (
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// Judge makes of evidence a finding, a margin, both or neither. The finding is
// unattributed where the test was provoked and the cause is not proven.
func Judge(e *evidence.Evidence, by Origin) (*harness.Finding, *harness.Margin) {
	switch {
	case e.Reading == evidence.Stalled:
		return nil, enforced(e)
	case e.Reading == evidence.Passed:
		return nil, tolerated(e)
	case !e.Provoked():
		return nil, nil
	}
	c := e.Candidate
	class, title, text := e.Cause.Class, e.Cause.Title, e.Cause.Explanation
	first, then := c.First, c.Then
	if class == harness.Unattributed || e.Slow() {
		first, then = harness.Point{}, harness.Point{}
	}
	if !e.Proven() {
		text = fmt.Sprintf("It failed under %q, but that is not proven to be the cause: it failed %d of %d times under that schedule, and %d of %d times with the order forced the right way. %s",
			c.Title, e.Again.K, e.Again.N, e.Counter.K, e.Counter.N, suspicion(class, title))
		class, title = harness.Unattributed, firstLine(e.Failure.Failure.Message)
		first, then = harness.Point{}, harness.Point{}
	}
	fp := by.fingerprint(class, first, then, e.Test, e.Failure.Failure)
	if !onlyDelays(c.Provoke) {
		text += " It takes a lost connection: flakehunt ended one, as --faults asked for. A delay alone does not do it."
	}
	f := &harness.Finding{
		Version: harness.FindingVersion, ID: ID(fp), Fingerprint: fp,
		Class: class, Standing: harness.Provoked, Title: title, Explanation: text,
		Tests: []string{e.Test.Name}, Target: by.Target,
		Schedule: c.Provoke, Original: e.Original, Seed: by.Seed, Failure: *e.Failure.Failure,
		Provoked: e.Again, Counter: e.Counter, Timeline: e.Failure.Wire, Boundary: e.Failure.Boundary,
		Pair: pair(c.First, c.Then), Margin: e.Margin, Warnings: e.Warnings, Found: by.found(),
	}
	if e.Schedule != nil {
		f.Schedule = *e.Schedule
	}
	if e.Slow() {
		f.Pair = nil
	}
	if e.Passing != nil {
		Beside(f, []evidence.PassingRun{*e.Passing})
	}
	return f, e.Margin
}

// enforced is the margin of an order that the program itself enforces.
func enforced(e *evidence.Evidence) *harness.Margin {
	if e.Candidate.Margin != nil {
		m := *e.Candidate.Margin
		m.Ordered = true
		return &m
	}
	at := e.Candidate.LateFrame()
	return &harness.Margin{
		Test: e.Test.Name, Edge: at.Verb + " " + at.Key, At: at, Predicted: true, Ordered: true,
		Size: harness.Duration(e.Candidate.Gap), Hi: harness.Duration(e.Candidate.Gap),
	}
}

// tolerated is what a provocation that passed says of the predicted margin: where
// the frame was kept for longer, the program itself must enforce the order.
func tolerated(e *evidence.Evidence) *harness.Margin {
	if e.Candidate.Margin == nil {
		return nil
	}
	m := *e.Candidate.Margin
	if e.Kept > time.Duration(m.Size) {
		m.Ordered, m.Lo = true, harness.Duration(e.Kept)
	}
	return &m
}

// onlyDelays reports whether a schedule does what a slow network does, and no more.
func onlyDelays(s harness.Schedule) bool {
	return !slices.ContainsFunc(s.Decisions, func(d harness.Decision) bool { return !d.OnlyDelays() })
}
