package sim

import (
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// ApplyProofs has the tests of a result of a simulation say what was proved: a test
// is flaky if a finding of it was confirmed on a real Redis. One that failed in
// virtual time alone is undecided, which fails no run.
func ApplyProofs(r *harness.Result) {
	const why = "failed in simulation only"
	for i := range r.Tests {
		t := &r.Tests[i]
		var findings []string
		real := false
		for _, f := range r.Findings {
			if slices.Contains(f.Tests, t.Name) {
				findings = append(findings, f.ID)
				if f.Standing != harness.Simulated {
					real = true
					t.Cause = f.Class
				} else if t.Cause == "" {
					t.Cause = f.Class
				}
			}
		}
		t.Findings = findings
		switch failed := t.Status == harness.Flaky || t.Status == harness.Broken; {
		case real && !failed:
			t.Status = harness.Flaky
		case !real && (failed || len(findings) > 0):
			t.Status = harness.Undecided
			if !slices.Contains(t.Warnings, why) {
				t.Warnings = append(t.Warnings, why)
			}
		}
	}
}
