package hunt

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/near"
)

// contrasts gives candidates of what tells failing histories from passing ones.
func (h *hunt) contrasts(string) []near.Candidate { return nil }

// tryArm does a trial under an undirected schedule; false: there is none that
// would pay.
func (h *hunt) tryArm(a *aim, r *testReport) bool {
	arm, ok := h.nextArm(h.log.Histories(a.test.Name), r.spent)
	if !ok {
		return false
	}
	r.spent++
	if got := a.run(harness.Provoke, arm); got.done != nil {
		h.log.suspect(got.done)
	}
	return true
}
