package finding

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/history"
)

// Beside gives f the passing run that a reader compares its timeline with: of
// those whose frames are surely the test's own, if there are any, the newest with
// nothing injected, else the newest counterfactual one, else the newest. Frames of the pair are marked, or those that
// are marked in the failing run.
func Beside(f *harness.Finding, passed []evidence.PassingRun) {
	if f.Standing == harness.Latent || f.Passing != nil || len(passed) == 0 || len(f.Timeline) == 0 {
		return
	}
	best := passed[0]
	for _, p := range passed[1:] {
		if rank(p) >= rank(best) {
			best = p
		}
	}
	points := slices.Clone(f.Pair)
	for _, l := range f.Timeline {
		if len(f.Pair) == 0 && l.Suspect && !l.Point.IsZero() {
			points = append(points, l.Point)
		}
	}
	f.Passing = &harness.Passing{
		Trial: best.Trial, Arm: best.Arm, Boundary: best.Trace.Outcome.Boundary,
		Timeline: history.Lines(best.Trace.Events, frames(best.Trace, points...)),
	}
}

// rank prefers frames that are surely the test's own, then runs with nothing
// injected, then those that differ from the failing one by the guilty delay alone.
func rank(p evidence.PassingRun) int {
	r := 0
	if p.Trace.Outcome.Boundary.Exact() {
		r += 4
	}
	switch {
	case p.Arm.Natural():
		r += 2
	case p.Arm == harness.Counterfactual:
		r++
	}
	return r
}

// pair lists the frames of a pair that are known.
func pair(points ...harness.Point) []harness.Point {
	return slices.DeleteFunc(points, harness.Point.IsZero)
}
