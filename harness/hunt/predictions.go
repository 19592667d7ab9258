package hunt

import (
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// likelyEnough is from which likelihood on a near miss for which there was no
// trial left is worth a line. Of those below, which most programs keep in order
// themselves, the coverage tells how many there were.
const likelyEnough = 0.5

// predictions are what could fail by the word of passing histories alone: what
// takes a fault that nobody asked for, what depends on the order of the tests, and
// likely near misses for which the budget had no trial. One of which the like was
// tried is none: what that one taught holds for it as a rule. Nothing of it failed.
func predictions(log *triallog.Log, reports []*testReport, trials int, by finding.Origin) (list []harness.Finding) {
	tried := map[string]bool{}
	var left []nearmiss.Candidate
	for _, r := range reports {
		for _, c := range r.tried {
			tried[finding.Of(c)] = true
		}
		left = append(left, r.left...)
	}
	add := func(c nearmiss.Candidate, why string) {
		traces := append(slices.Clip(log.Traces(c.Test)), nil)
		list = append(list, finding.Predicted(c, why, traces[0], by))
	}
	for _, id := range log.Tests() {
		for _, c := range nearmiss.Latent(log.Traces(id.Name)) {
			if !tried[finding.Of(c)] {
				add(c, "")
			}
		}
	}
	for _, run := range log.Runs() {
		sure := slices.DeleteFunc(slices.Clone(run), func(t *detect.Trace) bool { return t.Outcome.Boundary != harness.BoundaryMarked })
		for _, c := range nearmiss.Leaks(sure) {
			add(c, "")
		}
	}
	for _, c := range left {
		if c.Likelihood >= likelyEnough && !tried[finding.Of(c)] {
			add(c, fmt.Sprintf("In the histories of passing runs %s came %s before %s, and nothing seems to keep that order. "+
				"It was not tried: the %d aimed trials that the test has went into likelier ones, or the hunt ended before. `flakehunt repro` tries it now.",
				c.First, c.Gap.Round(10*time.Microsecond), c.Then, trials))
		}
	}
	return list
}
