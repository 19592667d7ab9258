package verdict

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Counts is how often a test passed and failed.
type Counts struct {
	Runs     int           // counted trials that passed or failed
	Failures int           // of them
	Provoked harness.Count // aimed trials: k failed of n
	Skips    int
	Infra    int
}

// Status says what counts alone say of a test. A test that failed only when
// provoked has passed in the like conditions of a quiet machine: it is flaky.
func Status(c Counts) harness.Status {
	switch {
	case c.Failures > 0 && c.Failures < c.Runs:
		return harness.Flaky
	case c.Failures > 0:
		return harness.Broken
	case c.Runs > 0 && c.Provoked.K > 0:
		return harness.Flaky
	case c.Runs > 0:
		return harness.Stable
	case c.Provoked.K > 0 && c.Provoked.K < c.Provoked.N:
		return harness.Flaky
	case c.Provoked.K > 0:
		return harness.Broken
	case c.Provoked.N > 0:
		return harness.Undecided
	case c.Infra > 0:
		return harness.StatusInfra
	case c.Skips > 0:
		return harness.StatusSkipped
	}
	return harness.Undecided
}

// Shown reports whether a finding was seen to fail on a real Redis: predictions
// and what failed in virtual time alone were not.
func Shown(f harness.Finding) bool {
	return f.Standing == harness.Natural || f.Standing == harness.Provoked
}

// WithFindings is the status of a test that has these findings: one that was
// shown makes a test flaky that its counts call stable or undecided.
func WithFindings(s harness.Status, findings []harness.Finding) harness.Status {
	if (s == harness.Stable || s == harness.Undecided) && slices.ContainsFunc(findings, Shown) {
		return harness.Flaky
	}
	return s
}

// Fails reports whether a test of this status fails a run.
func Fails(s harness.Status) bool { return s == harness.Flaky || s == harness.Broken }
