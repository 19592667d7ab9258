package trial

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// mostMissing is how many frames that never came are named.
const mostMissing = 3

// notApplied says in the outcome of a trial of one test which frames of its
// schedule never came: what was to happen to them did not, and the verdict says
// nothing of it.
func notApplied(s harness.Scheduler, outcomes []harness.Outcome) {
	r, ok := s.(interface{ Missing() []harness.Point })
	if !ok || len(outcomes) != 1 {
		return
	}
	missing := r.Missing()
	for _, at := range missing[:min(mostMissing, len(missing))] {
		outcomes[0].Warnings = append(outcomes[0].Warnings, fmt.Sprintf("decision not applied: %s was not seen", at))
	}
}

// missed reports whether a frame of the schedule never came.
func missed(s harness.Scheduler) bool {
	r, ok := s.(interface{ Missing() []harness.Point })
	return ok && len(r.Missing()) > 0
}
