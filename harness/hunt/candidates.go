package hunt

import (
	"cmp"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// lateAlone is by how much one late frame is less likely tried than a pair: an
// order that fails the test says more than a wait that a long delay broke.
const lateAlone = 0.4

// candidates tells from the log how the test could fail, likeliest first, without
// pairs that the test's own trials refuted.
func (h *hunt) candidates(test string, known near.Known) []near.Candidate {
	traces := h.log.Traces(test)
	list := predict.Candidates(traces, known, predict.Facts{Scripts: h.scripts.snapshot(), MaxDelay: h.MaxDelay})
	if slices.Contains(h.Faults, harness.Disconnect) {
		list = append(list, near.Latent(traces)...)
	}
	slices.SortStableFunc(list, func(a, b near.Candidate) int { return cmp.Compare(h.weight(b), h.weight(a)) })
	return list
}

// weight is how likely a candidate comes true, by its kind's record too.
func (h *hunt) weight(c near.Candidate) float64 {
	w := c.Likelihood
	if c.Class == harness.TimeoutClient {
		w *= lateAlone // a frame that is late for long breaks waits too, which hides the order that is to blame
	}
	if h.Learned != nil {
		w *= h.Learned.Weight(c.Kind())
	}
	return w
}

// taught records whether a candidate came true.
func (h *hunt) taught(c near.Candidate, hit bool) {
	if h.Learned != nil {
		h.Learned.Learn(c.Kind(), hit)
	}
}

// likeliestFirst sorts tests by their likeliest candidate, as far as histories
// tell by now.
func (h *hunt) likeliestFirst(tests []harness.TestID) {
	best := map[string]float64{}
	for _, t := range tests {
		if list := h.candidates(t.Name, near.Known{}); len(list) > 0 {
			best[t.Name] = h.weight(list[0])
		}
	}
	slices.SortStableFunc(tests, func(a, b harness.TestID) int { return cmp.Compare(best[b.Name], best[a.Name]) })
}

// untried leaves out the candidates that were tried.
func untried(list, tried []near.Candidate) []near.Candidate {
	return slices.DeleteFunc(list, func(c near.Candidate) bool {
		return slices.ContainsFunc(tried, func(t near.Candidate) bool { return t.Key() == c.Key() })
	})
}
