package hunt

import (
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/history"
)

// likelyEnough is from which likelihood on a near miss for which there was no
// trial left is worth a line. Of those below, which most programs keep in order
// themselves, the coverage tells how many there were.
const likelyEnough = 0.5

// outlook is what passing histories say could fail and no trial has shown.
type outlook struct {
	untried []near.Candidate // since the budget was used up
	settled map[string]bool  // fingerprints of those of which at least one was tried
}

// pursued notes which near misses of a test were tried and which were not.
func (h *hunter) pursued(tried, left []near.Candidate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.outlook.settled == nil {
		h.outlook.settled = map[string]bool{}
	}
	for _, c := range tried {
		h.outlook.settled[fingerprintOf(c)] = true
	}
	h.outlook.untried = append(h.outlook.untried, left...)
}

// latent adds to the findings what could fail by the word of passing histories
// alone: what takes a fault that nobody asked for, what depends on the order of
// the tests, and the likely near misses for which the budget had no trial. One
// of which the like was tried is none: what that one taught holds for it as a
// rule. Nothing that it adds is a failure.
func (h *hunter) latent() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range h.tests {
		for _, c := range near.Latent(h.events[id.Name]) {
			if !h.outlook.settled[fingerprintOf(c)] {
				h.foretell(c, "")
			}
		}
	}
	for _, trial := range h.passed {
		for _, c := range near.Leaks(trial) {
			h.foretell(c, "")
		}
	}
	for _, c := range h.outlook.untried {
		if c.Likelihood >= likelyEnough && !h.outlook.settled[fingerprintOf(c)] {
			h.foretell(c, fmt.Sprintf("In the histories of passing runs %s came %s before %s, and nothing seems to keep that order. "+
				"It was not tried: the %d aimed trials that the test has went into likelier ones, or the hunt ended before. `flakehunt repro` tries it now.",
				c.First, c.Gap.Round(10*time.Microsecond), c.Then, h.Trials))
		}
	}
}

// foretell enters a latent finding; h.mu is held.
func (h *hunter) foretell(c near.Candidate, why string) {
	fp := fingerprintOf(c)
	if why == "" {
		why = c.Explanation
	}
	f := harness.Finding{
		Version: harness.FindingVersion, ID: finding.ID(fp), Fingerprint: fp, Class: c.Class, Standing: harness.Latent,
		Title: c.Title, Explanation: "Predicted from passing histories and not provoked: nothing has failed. " + why,
		Tests: []string{c.Test}, Target: h.Target, Schedule: c.Provoke, Seed: h.Seed, Margin: c.Margin, Found: time.Now().UTC(),
	}
	if traces := h.events[c.Test]; len(traces) > 0 {
		f.Timeline = history.Lines(traces[0].Events, frames(traces[0], c.First, c.Then))
		f.Boundary = traces[0].Outcome.Boundary
	}
	h.found.Add(f)
}

// frames gives the sequence numbers of the frames that are named.
func frames(t *detect.Trace, points ...harness.Point) []uint64 {
	var out []uint64
	for i := range t.Events {
		if slices.Contains(points, t.Events[i].Point) {
			out = append(out, t.Events[i].Seq)
		}
	}
	return out
}

// fingerprintOf is the fingerprint that a finding of the candidate has.
func fingerprintOf(c near.Candidate) string { return finding.Fingerprint(c.Class, c.First, c.Then) }
