package finding

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/history"
)

// Predicted makes a latent finding of a candidate. why says what the histories
// show, empty: the candidate's own words. The trace is one in which the test
// passed, nil if there is none. Nothing has failed.
func Predicted(c nearmiss.Candidate, why string, t *detect.Trace, by Origin) harness.Finding {
	fp := by.fingerprint(c.Class, c.First, c.Then, harness.TestID{Name: c.Test}, nil)
	if why == "" {
		why = c.Explanation
	}
	f := harness.Finding{
		Version: harness.FindingVersion, ID: ID(fp), Fingerprint: fp, Class: c.Class, Standing: harness.Latent,
		Title: c.Title, Explanation: "Predicted from passing histories and not provoked: nothing has failed. " + why,
		Tests: []string{c.Test}, Target: by.Target, Schedule: c.Provoke, Seed: by.Seed, Margin: c.Margin, Found: by.found(),
		Pair: pair(c.First, c.Then),
	}
	if t != nil {
		f.Timeline = history.Lines(t.Events, frames(t, c.First, c.Then))
		f.Boundary = t.Outcome.Boundary
	}
	return f
}

// frames gives the sequence numbers of the frames at the points.
func frames(t *detect.Trace, points ...harness.Point) []uint64 {
	var out []uint64
	for i := range t.Events {
		if slices.Contains(points, t.Events[i].Point) {
			out = append(out, t.Events[i].Seq)
		}
	}
	return out
}

// SimulatedOnly lists simulated findings that no replay showed, without those
// whose cause, or failure, something else showed here.
func SimulatedOnly(simulated, shown []harness.Finding) []harness.Finding {
	var list []harness.Finding
	for _, f := range simulated {
		same := func(g harness.Finding) bool {
			return g.Fingerprint == f.Fingerprint || g.Standing != harness.Latent && slices.Contains(g.Tests, f.Tests[0]) &&
				(f.Class == harness.Unattributed || g.Failure.Fingerprint == f.Failure.Fingerprint)
		}
		if !slices.ContainsFunc(shown, same) && !slices.ContainsFunc(list, same) {
			list = append(list, f)
		}
	}
	return list
}
