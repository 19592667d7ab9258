package hunt

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// listen notes by which words each test failed when a detector knew the cause,
// those of numbered trials first: a failure that says the same, and of which the
// wire shows nothing, is of that too.
func (h *hunter) listen() {
	h.heard = map[finding.FailureKey][]harness.Class{}
	for _, numbered := range []bool{true, false} {
		for _, t := range h.trials {
			if summary.Counted(t.Arm) != numbered {
				continue
			}
			for _, o := range t.Outcomes {
				if o.Verdict != harness.Failed || o.Failure == nil || o.Cause == "" || len(o.Blocked) > 0 {
					continue
				}
				if w := (finding.FailureKey{Test: o.Test.Name, Failure: o.Failure.Fingerprint}); !slices.Contains(h.heard[w], o.Cause) {
					h.heard[w] = append(h.heard[w], o.Cause)
				}
			}
		}
	}
}

// dropDoubts takes out of the findings what was provoked and not proven, if the
// test is known to say the same of a cause that it has: with several at work in
// one test, no schedule can tell them apart.
func (h *hunter) dropDoubts() {
	all := h.found.All()
	for _, f := range all {
		if f.Class != harness.Unattributed || f.Natural.K > 0 {
			continue
		}
		if !slices.ContainsFunc(f.Tests, func(test string) bool { return !h.known(all, test, f.Failure.Fingerprint) }) {
			h.found.Drop(f.Fingerprint)
		}
	}
}

// known reports whether one of the findings explains a failure of the test that
// says so.
func (h *hunter) known(all []harness.Finding, test, failure string) bool {
	heard := h.heard[finding.FailureKey{Test: test, Failure: failure}]
	return slices.ContainsFunc(all, func(f harness.Finding) bool {
		return f.Class != harness.Unattributed && slices.Contains(heard, f.Class) && slices.Contains(f.Tests, test)
	})
}
