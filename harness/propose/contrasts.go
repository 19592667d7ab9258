package propose

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/contrast"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// leastFailing is how many failing histories of one kind contrast begins with: of
// fewer, chance tells as much as the cause.
const leastFailing = 2

// MostContrasts is how many of the predicates that tell a failure from passes are
// forced, the best first.
const MostContrasts = 4

const (
	// mostClues is how many clues a finding without a cause is given.
	mostClues = 3
	// weakClue is the chance, for one look alone, above which a clue is none.
	weakClue = 0.2
)

// Contrasts gives candidates of what tells failing histories from passing ones,
// the best first: of the failure that was seen most often.
func Contrasts(seen triallog.Histories) []nearmiss.Candidate {
	failure, n := commonest(seen.Failing)
	if n < leastFailing || len(seen.Passing) < leastFailing {
		return nil
	}
	var out []nearmiss.Candidate
	for _, p := range contrast.Rank(Runs(seen), failure).Predicates {
		if p.Try != nil && p.Tells() && len(out) < MostContrasts {
			out = append(out, *p.Try)
		}
	}
	return out
}

// commonest is the failure that most of the histories have, and of how many.
func commonest(failing []triallog.History) (failure string, n int) {
	count := map[string]int{}
	for _, f := range failing {
		count[f.Failure()]++
		if c := count[f.Failure()]; c > n {
			failure, n = f.Failure(), c
		}
	}
	return failure, n
}

// Runs makes of a test's histories what contrast compares.
func Runs(seen triallog.Histories) []contrast.Run {
	var out []contrast.Run
	for _, list := range [][]triallog.History{seen.Failing, seen.Passing} {
		for _, r := range list {
			run := contrast.Run{Trace: r.Trace, Failed: r.Trace.Outcome.Verdict == harness.Failed, Failure: r.Failure(), Arm: r.Arm}
			if r.Schedule != nil {
				run.Decisions = r.Schedule.Decisions
			}
			out = append(out, run)
		}
	}
	return out
}

// Clues says what goes with a failure most often, in the histories that are left.
func Clues(seen triallog.Histories, failure string) (list []string) {
	if len(seen.Failing) < leastFailing || len(seen.Passing) < leastFailing {
		return nil
	}
	for _, p := range contrast.Rank(Runs(seen), failure).Predicates {
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
