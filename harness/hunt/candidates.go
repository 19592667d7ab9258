package hunt

import (
	"cmp"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// lateAlone is by how much one late frame is less likely tried than a pair: an
// order that fails the test says more than a wait that a long delay broke.
const lateAlone = 0.4

// learned is a ranking that may be nil: then all weigh the same.
type learned struct{ Ranking }

func (l learned) Weight(kind string) float64 {
	if l.Ranking == nil {
		return 1
	}
	return l.Ranking.Weight(kind)
}

func (l learned) Learn(kind string, hit bool) {
	if l.Ranking != nil {
		l.Ranking.Learn(kind, hit)
	}
}

// of is how likely a candidate comes true, by its kind's record too.
func (l learned) of(c nearmiss.Candidate) float64 {
	w := c.Likelihood
	if c.Class == harness.TimeoutClient {
		w *= lateAlone // a frame that is late for long breaks waits too, which hides the order that is to blame
	}
	return w * l.Weight(c.Kind())
}

// candidates tells from the log how the test could fail, likeliest first, without
// pairs that the test's own trials refuted.
func (h *hunt) candidates(test string, known nearmiss.Known) []nearmiss.Candidate {
	traces := h.log.Traces(test)
	list := predict.Candidates(traces, known, predict.Facts{Scripts: h.scripts.Snapshot(), MaxDelay: h.MaxDelay})
	if slices.Contains(h.Faults, harness.Disconnect) {
		list = append(list, nearmiss.Latent(traces)...)
	}
	slices.SortStableFunc(list, func(a, b nearmiss.Candidate) int { return cmp.Compare(h.learned.of(b), h.learned.of(a)) })
	return list
}

// likeliestFirst sorts tests by their likeliest candidate, as far as histories
// tell by now.
func (h *hunt) likeliestFirst(tests []harness.TestID) {
	best := map[string]float64{}
	for _, t := range tests {
		if list := h.candidates(t.Name, nearmiss.Known{}); len(list) > 0 {
			best[t.Name] = h.learned.of(list[0])
		}
	}
	slices.SortStableFunc(tests, func(a, b harness.TestID) int { return cmp.Compare(best[b.Name], best[a.Name]) })
}
