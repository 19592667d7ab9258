package summary

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// CountRuns completes the counts of a finding: of how many runs of its tests it
// was seen in. Under none and directed those runs had nothing injected. What only
// failed in virtual time was seen in none.
func CountRuns(f *harness.Finding, tests []harness.TestResult, strategy string) {
	if f.Standing == harness.Simulated {
		return
	}
	n := 0
	for _, t := range tests {
		if slices.Contains(f.Tests, t.Name) {
			n += t.Runs
		}
	}
	switch {
	case strategy == "none" || strategy == "directed":
		f.Natural.N = n
		if why := Doubt(f); why != "" {
			f.Warnings = append(f.Warnings, why)
		}
	case len(f.Schedule.Decisions) == 0:
		f.Provoked.N = max(f.Provoked.N, n)
	}
}

// alpha is from which p-value on a difference counts: three failures of three
// against none of three give 0.05.
const alpha = 0.05 + 1e-9

// Doubt says why a finding's schedule may not be needed for its failure: without
// any of it the test fails about as often, by Fisher's exact test.
func Doubt(f *harness.Finding) string {
	if len(f.Schedule.Decisions) == 0 || f.Natural.N == 0 || f.Provoked.N == 0 {
		return ""
	}
	p := stats.Fisher(f.Provoked.K, f.Provoked.N, f.Natural.K, f.Natural.N, stats.Greater)
	if p <= alpha {
		return ""
	}
	return fmt.Sprintf("with the schedule it failed %d of %d times, without it %d of %d: that is no certain difference (p = %.2g)",
		f.Provoked.K, f.Provoked.N, f.Natural.K, f.Natural.N, p)
}
