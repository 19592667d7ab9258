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
	if len(outcomes) != 1 {
		return
	}
	never := missing(s)
	for _, at := range never[:min(mostMissing, len(never))] {
		outcomes[0].Warnings = append(outcomes[0].Warnings, fmt.Sprintf("decision not applied: %s was not seen", at))
	}
}

// missing gives the frames of the schedule that never came.
func missing(s harness.Scheduler) []harness.Point {
	if r, ok := s.(interface{ Missing() []harness.Point }); ok {
		return r.Missing()
	}
	return nil
}
