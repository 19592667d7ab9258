package hunt

import (
	"context"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
)

const (
	// leastTime is how much time the aimed trials of one test may take at least.
	leastTime = 40 * time.Second
	// leastTimeout is what any aimed trial may take: its command has to start too.
	leastTimeout = 30 * time.Second
	// slowTest times what a test takes is how long its aimed trials may take together.
	slowTest = 20
	// slower is by how much one may take longer than the test did by itself.
	slower = 10
)

// testReport is what the aimed trials of one test came to.
type testReport struct {
	budget, spent int // aimed trials that provoke
	arms          int // of them, under undirected schedules

	tried, left   []near.Candidate
	known         near.Known
	both, blocked int // candidates whose order was turned round, or is the program's own
	margins       []harness.Margin
	tolerated     map[harness.Point]bool // frames that were late without any margin being used up
	doubt         *harness.Finding       // the first failure that was provoked and not proven
	proven        bool
	shown         map[string]bool // fingerprints of the failures that have a proven cause
}

// investigateTest tries the candidates of one test, one after the other, within
// the test's share of the budget, as many aimed trials as it has numbered ones;
// what is left when candidates are spent goes to undirected arms.
func (h *hunt) investigateTest(ctx context.Context, test harness.TestID, sim *simulated) *testReport {
	a := h.aim(ctx, test)
	r := &testReport{budget: h.Trials}
	if h.foreign() && !h.passes(a) {
		r.budget = 0 // it fails whatever is done
	} else if h.foreign() {
		h.watchScripts(a)
	}
	for r.spent < r.budget && !a.over() {
		if c, ok := h.next(test.Name, r); ok {
			h.tryCandidate(a, c, sim, r)
		} else if r.proven || !h.tryArm(a, r) {
			break
		}
	}
	h.enterDoubt(r)
	r.left = untried(h.candidates(test.Name, r.known), r.tried)
	r.predict(h.log.Traces(test.Name))
	return r
}

// aim begins aimed trials of a test. A slow test has time enough to be provoked,
// proven and measured once. One trial of a foreign suite's test is limited: a frame
// that came late may leave the test waiting for ever.
func (h *hunt) aim(ctx context.Context, test harness.TestID) *aim {
	a := &aim{ctx: ctx, lab: h.lab, test: test, limit: leastTime, longest: h.MaxDelay, natural: h.log.naturalFailures(test.Name)}
	for _, t := range h.log.Traces(test.Name) {
		a.limit = max(a.limit, slowTest*time.Duration(t.Outcome.Duration))
	}
	if a.strict = h.foreign(); a.strict {
		alone := longestAlone(h.log.Trials(), test.Name)
		a.timeout, a.limit = trialTimeout(alone), max(a.limit, time.Duration(2*h.Trials)*alone)
	}
	return a
}

// trialTimeout is how long an aimed trial may take, by how long the test took by
// itself; 0: as long as the runner lets it.
func trialTimeout(alone time.Duration) time.Duration {
	if alone == 0 {
		return 0
	}
	return max(leastTimeout, slower*alone)
}

// conclude enters what an investigation showed.
func (h *hunt) conclude(e *finding.Evidence, r *testReport) {
	f, m := finding.Judge(e, h.origin())
	if m != nil {
		r.margins = append(r.margins, *m)
	}
	switch {
	case e.Reading == finding.NoTrial:
		return
	case e.Reading == finding.Stalled:
		r.known.Block(e.Candidate.First, e.Candidate.Then)
		r.blocked++
	case e.Reading == finding.Passed:
		r.both++
		if m == nil {
			r.tolerate(e.Candidate.Late()) // late enough to turn the order round
		}
	case e.OwnDelay:
		h.log.warn("%s: a client-side deadline was hit by a delay of ours that exceeds --max-delay %s (%s)", e.Test.Name, h.MaxDelay, e.Candidate.Title)
	}
	hit := f != nil && f.Class != harness.Unattributed
	if hit && r.shown[f.Failure.Fingerprint] {
		h.taught(e.Candidate, false)
		return // the same failure of the same test: most often the same race, met at another frame
	}
	if hit {
		r.proven = true
		if r.shown == nil {
			r.shown = map[string]bool{}
		}
		r.shown[f.Failure.Fingerprint] = true
		h.enter(*f)
	} else if f != nil && r.doubt == nil {
		r.doubt = f
	}
	h.taught(e.Candidate, hit)
}

// enter enters a finding into the catalogue.
func (h *hunt) enter(f harness.Finding) {
	if h.Proven != nil && f.Class != harness.Unattributed {
		h.proving.Lock()
		h.Proven(f)
		h.proving.Unlock()
	}
	if h.found.Add(f) {
		h.progress.note("%s  %s  %s", f.ID, f.Class, f.Title)
	}
}

// enterDoubt enters what remained without a proven cause, once, and only if
// nothing was proven of the test.
func (h *hunt) enterDoubt(r *testReport) {
	if !r.proven && r.doubt != nil {
		h.enter(*r.doubt)
	}
}

func (r *testReport) tolerate(p harness.Point) {
	if r.tolerated == nil {
		r.tolerated = map[harness.Point]bool{}
	}
	r.tolerated[p] = true
}

// predict adds the margins that passing histories tell of commands about which no
// trial has told more. Those of candidates that were left untried are none: it is
// not known whether the program itself keeps that order.
func (r *testReport) predict(passing []*detect.Trace) {
	seen := map[harness.Point]bool{}
	for p := range r.tolerated {
		seen[p] = true
	}
	for _, m := range r.margins {
		seen[m.At] = true
	}
	for _, c := range r.left {
		seen[c.Late()], seen[c.First] = true, true
	}
	for _, m := range near.Margins(passing) {
		if !seen[m.At] {
			r.margins = append(r.margins, m)
		}
	}
}
