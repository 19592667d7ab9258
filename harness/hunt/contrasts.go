package hunt

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/contrast"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// leastFailing is how many failing histories of one kind contrast begins with: of
// fewer, chance tells as much as the cause.
const leastFailing = 2

// contrasts gives candidates of what tells failing histories from passing ones,
// the best first: of the failure that was seen most often.
func (h *hunt) contrasts(test string) []near.Candidate {
	seen := h.log.Histories(test)
	failure, n := commonest(seen.Failing)
	if n < leastFailing || len(seen.Passing) < leastFailing {
		return nil
	}
	var out []near.Candidate
	for _, p := range contrast.Rank(runsOf(seen), failure).Predicates {
		if p.Try != nil && p.Tells() && len(out) < mostContrasts {
			out = append(out, *p.Try)
		}
	}
	return out
}

// commonest is the failure that most of the histories have, and of how many.
func commonest(failing []History) (failure string, n int) {
	count := map[string]int{}
	for _, f := range failing {
		count[f.Failure()]++
		if c := count[f.Failure()]; c > n {
			failure, n = f.Failure(), c
		}
	}
	return failure, n
}

// runsOf makes of a test's histories what contrast compares.
func runsOf(seen Histories) []contrast.Run {
	var out []contrast.Run
	for _, list := range [][]History{seen.Failing, seen.Passing} {
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

// explanations says of each failure of which a history is left what the passing
// histories of the same test leave of the detectors' word, best first. A failure
// that nothing on the wire tells from passes is not Redis's.
func (h *hunt) explanations() finding.Explanations {
	out := finding.Explanations{}
	for _, t := range h.log.Tests() {
		seen := h.log.Histories(t.Name)
		passing := tracesOf(seen.Passing, "")
		for _, f := range seen.Failing {
			key := finding.FailureKey{Test: t.Name, Failure: f.Failure()}
			if _, done := out[key]; done || !f.Arm.Natural() && !slices.ContainsFunc(seen.Failing, func(o History) bool { return o.Arm.Natural() && o.Failure() == f.Failure() }) {
				continue
			}
			matches := detect.Differential(f.Trace, tracesOf(seen.Failing, f.Failure()), passing)
			matches = slices.DeleteFunc(matches, func(m detect.Match) bool { return m.Score < detect.Named })
			if m, ok := contrast.NotRedis(runsOf(seen), f.Failure()); ok && len(matches) == 0 {
				matches = []detect.Match{m}
			}
			out[key] = matches
		}
	}
	return out
}

// tracesOf gives the traces of histories, of one failure or of all.
func tracesOf(list []History, failure string) []*detect.Trace {
	var out []*detect.Trace
	for _, r := range list {
		if failure == "" || r.Failure() == failure {
			out = append(out, r.Trace)
		}
	}
	return out
}
