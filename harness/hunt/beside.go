package hunt

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/contrast"
	"github.com/flakehunt/flakehunt/harness/finding"
)

const (
	// mostClues is how many clues a finding without a cause is given.
	mostClues = 3
	// weakClue is the chance, for one look alone, above which a clue is none.
	weakClue = 0.2
)

// beside completes findings by what passing runs of their tests tell: one to be
// read beside the failing one, and of a failure without a cause what goes with it.
func (h *hunt) beside(findings []harness.Finding) {
	for i := range findings {
		f := &findings[i]
		if len(f.Tests) == 0 || f.Standing == harness.Latent {
			continue
		}
		seen := h.log.Histories(f.Tests[0])
		var passed []finding.PassingRun
		for _, p := range seen.Passing {
			passed = append(passed, finding.PassingRun{Trial: p.Index, Arm: p.Arm, Trace: p.Trace})
		}
		finding.Beside(f, passed)
		if f.Class == harness.Unattributed {
			f.Clues = clues(seen, f.Failure.Fingerprint)
		}
	}
}

// clues says what goes with a failure most often, in the histories that are left.
func clues(seen Histories, failure string) (list []string) {
	if len(seen.Failing) < leastFailing || len(seen.Passing) < leastFailing {
		return nil
	}
	for _, p := range contrast.Rank(runsOf(seen), failure).Predicates {
		if len(list) == mostClues || p.P > weakClue || p.With.K == 0 {
			break
		}
		s := fmt.Sprintf("%s: %d of %d runs with it failed, %d of %d without", p.Text, p.With.K, p.With.N, p.Without.K, p.Without.N)
		if p.Changed != "" {
			s += " (" + p.Changed + ")"
		}
		list = append(list, s)
	}
	return list
}
