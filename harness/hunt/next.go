package hunt

import (
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// afterProof is how many more aimed trials a foreign test gets once a cause is
// proven: what else fails it in the same way is most often the same race, met at
// another frame.
const afterProof = 3

// next gives the likeliest candidate that was not tried: what tells failing
// histories from passing ones comes before what passing ones predict.
func (h *hunt) next(test string, r *testReport) (near.Candidate, bool) {
	list := untried(h.contrasts(test), r.tried)
	if len(list) == 0 {
		list = untried(h.candidates(test, r.known), r.tried)
	}
	if len(list) == 0 {
		return near.Candidate{}, false
	}
	return list[0], true
}

// tryCandidate investigates one.
func (h *hunt) tryCandidate(a *aim, c near.Candidate, sim *simulated, r *testReport) {
	r.tried = append(r.tried, c)
	in := a.investigate(c, !h.NoMargins, h.log.Traces(a.test.Name))
	if known := sim.take(a.test.Name, c); known != nil {
		h.measure(in, known, r)
		return
	}
	h.conclude(in.all(), r)
	r.spent += in.provoked
	if h.foreign() && r.proven {
		r.budget = min(r.budget, r.spent+afterProof)
	}
}

// passes reports whether a foreign test ever passes by itself: it is run a few
// times more if it never did.
func (h *hunt) passes(a *aim) bool {
	for range aloneAgain {
		if len(h.log.Histories(a.test.Name).Passing) > 0 {
			return true
		}
		if a.ended() {
			return false
		}
		h.alone(a.ctx, a.test, 1)
	}
	return len(h.log.Histories(a.test.Name).Passing) > 0
}

// naturalFailures gives the fingerprints of the failures of a test with nothing injected.
func (l *Log) naturalFailures(test string) map[string]bool {
	out := map[string]bool{}
	for _, t := range l.Trials() {
		if !t.Arm.Natural() {
			continue
		}
		for i := range t.Outcomes {
			if o := &t.Outcomes[i]; o.Test.Name == test && o.Failure != nil && finding.Read(o) == finding.Failed {
				out[o.Failure.Fingerprint] = true
			}
		}
	}
	return out
}
