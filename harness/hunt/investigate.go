package hunt

import (
	"context"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/predict"
	"github.com/flakehunt/flakehunt/harness/propose"
	"github.com/flakehunt/flakehunt/harness/triallog"
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

	tried, left   []nearmiss.Candidate
	known         nearmiss.Known
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
func (h *hunt) investigateTest(ctx context.Context, test harness.TestID) *testReport {
	t := h.aimAt(ctx, test)
	t.budget = h.Trials
	if h.Aimed != nil && !h.Aimed(test) {
		t.budget = 0
	} else if h.foreign() && !t.passes() {
		t.budget = 0 // it fails whatever is done
	} else if h.foreign() {
		t.watchScripts()
		t.before = predict.Leaks(h.log.Runs(), test.Name, h.MaxDelay)
	}
	for t.spent < t.budget && !t.aim.Over() {
		if c, ok := t.next(); ok {
			t.try(c)
		} else if t.proven || !t.tryArm() {
			break
		}
	}
	t.enterDoubt()
	t.left = propose.Untried(h.candidates(test.Name, t.known), t.tried)
	t.predict(h.log.Traces(test.Name))
	return t.testReport
}

// aimAt begins aimed trials of a test. A slow test has time enough to be provoked,
// proven and measured once. One trial of a foreign suite's test is limited: a frame
// that came late may leave the test waiting for ever.
func (h *hunt) aimAt(ctx context.Context, test harness.TestID) *testHunt {
	by := investigate.Terms{Limit: leastTime, Longest: h.MaxDelay, Natural: triallog.NaturalFailures(h.log.Trials(), test.Name), Seed: h.Seed, TellsTime: predict.TellsTime}
	for _, t := range h.log.Traces(test.Name) {
		by.Limit = max(by.Limit, slowTest*time.Duration(t.Outcome.Duration))
	}
	if by.Strict = h.foreign(); by.Strict {
		alone := triallog.LongestAlone(h.log.Trials(), test.Name)
		by.Timeout, by.Limit = trialTimeout(alone), max(by.Limit, time.Duration(2*h.Trials)*alone)
	}
	return &testHunt{testReport: &testReport{}, hunt: h, aim: investigate.At(ctx, h.lab, test, by)}
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
func (t *testHunt) conclude(e *evidence.Evidence) {
	h := t.hunt
	f, m := finding.Judge(e, h.origin())
	if m != nil {
		t.margins = append(t.margins, *m)
	}
	switch {
	case e.Reading == evidence.NoTrial:
		return
	case e.Reading == evidence.Stalled:
		t.known.Block(e.Candidate.First, e.Candidate.Then)
		t.blocked++
	case e.Reading == evidence.Passed:
		t.both++
		if m == nil {
			t.tolerate(e.Candidate.LateFrame()) // late enough to turn the order round
		}
	case e.OwnDelay:
		h.log.Warn("%s: a client-side deadline was hit by a delay of ours that exceeds --max-delay %s (%s)", e.Test.Name, h.MaxDelay, e.Candidate.Title)
	}
	h.progress.detail("%s: %s: %s", e.Test.Name, e.Candidate.Title, describeEvidence(e))
	hit := f != nil && f.Class != harness.Unattributed
	if hit && t.shown[f.Failure.Fingerprint] {
		h.learned.Learn(e.Candidate.Kind(), false)
		return // the same failure of the same test: most often the same race, met at another frame
	}
	if hit {
		t.proven = true
		if t.shown == nil {
			t.shown = map[string]bool{}
		}
		t.shown[f.Failure.Fingerprint] = true
		h.enter(*f)
	} else if f != nil && t.doubt == nil {
		t.doubt = f
	}
	h.learned.Learn(e.Candidate.Kind(), hit)
}

// describeEvidence says what an investigation came to.
func describeEvidence(e *evidence.Evidence) string {
	switch {
	case e.Reading == evidence.Stalled:
		return "the program itself keeps this order"
	case e.Reading == evidence.Passed:
		return "it passes all the same"
	case e.Proven():
		return fmt.Sprintf("proven: failed %d of %d with it, %d of %d without", e.Again.K, e.Again.N, e.Counter.K, e.Counter.N)
	}
	return fmt.Sprintf("not proven: failed %d of %d with it, %d of %d without", e.Again.K, e.Again.N, e.Counter.K, e.Counter.N)
}

// enter enters a finding into the catalogue.
func (h *hunt) enter(f harness.Finding) {
	if h.Proven != nil && f.Class != harness.Unattributed {
		h.proving.Lock()
		h.Proven(f)
		h.proving.Unlock()
	}
	if h.found.Add(f) {
		h.progress.note("found %s, %s: %s", f.ID, f.Class, f.Title)
	}
}

// enterDoubt enters what remained without a proven cause, once, and only if
// nothing was proven of the test.
func (t *testHunt) enterDoubt() {
	if !t.proven && t.doubt != nil {
		t.hunt.enter(*t.doubt)
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
		seen[c.LateFrame()], seen[c.First] = true, true
	}
	for _, m := range nearmiss.Margins(passing) {
		if !seen[m.At] {
			r.margins = append(r.margins, m)
		}
	}
}
