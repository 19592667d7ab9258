package finding

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// Explanations says by test and failure what detectors make of it beside the
// passing histories of the test, the best first; none: nothing that differs.
type Explanations map[FailureKey][]detect.Match

// Apply gives the trials with the cause that each failure has by explanations,
// where there is one for it. What is not explained keeps what its own history
// says.
func (e Explanations) Apply(trials []harness.Trial) []harness.Trial {
	out := slices.Clone(trials)
	for i := range out {
		cloned := false
		for j := range out[i].Outcomes {
			o := &out[i].Outcomes[j]
			if o.Failure == nil {
				continue
			}
			matches, known := e[FailureKey{o.Test.Name, o.Failure.Fingerprint}]
			if !known {
				continue
			}
			if !cloned {
				out[i].Outcomes, cloned = slices.Clone(out[i].Outcomes), true
				o = &out[i].Outcomes[j]
			}
			o.Cause, o.Suspect = "", nil
			if len(matches) > 0 {
				m := matches[0]
				o.Cause = m.Class
				o.Suspect = &harness.Suspect{Title: m.Title, Explanation: m.Explanation, First: m.First, Then: m.Then}
			}
		}
	}
	return out
}
