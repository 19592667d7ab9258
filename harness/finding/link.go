package finding

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Link connects a test with its findings and its smallest margin.
func Link(t *harness.TestResult, findings []harness.Finding, margins []harness.Margin) {
	for _, f := range findings {
		if slices.Contains(f.Tests, t.Name) && f.Standing != harness.Latent {
			linkOne(t, f)
		}
	}
	for i := range margins {
		if m := margins[i]; m.Test == t.Name && !m.Ordered && (t.Margin == nil || m.Size < t.Margin.Size) {
			t.Margin = &m
		}
	}
}

func linkOne(t *harness.TestResult, f harness.Finding) {
	t.Findings = append(t.Findings, f.ID)
	if t.Cause == "" || t.Cause == harness.Unattributed {
		t.Cause = f.Class
	}
	for i := range t.Groups {
		if g := &t.Groups[i]; g.Finding == "" && (g.Cause == f.Class || g.Fingerprint == f.Failure.Fingerprint) {
			g.Finding = f.ID
		}
	}
	if (t.Status == harness.Stable || t.Status == harness.Undecided) && (f.Standing == harness.Provoked || f.Standing == harness.Natural) {
		t.Status = harness.Flaky
	}
}

// ClearUnproven lets a test count as stable that failed only under delays that
// were aimed at it and of which nothing was proven: the delay may have hit a
// deadline of the test's own, or the time ran out. Link comes before.
func ClearUnproven(t *harness.TestResult) {
	if t.Status != harness.Flaky || t.Runs == 0 || t.Failures > 0 || len(t.Findings) > 0 {
		return
	}
	t.Status = harness.Stable
	t.Warnings = append(t.Warnings, fmt.Sprintf("failed %d of %d times under delays that were aimed at it, but no cause was proven: it counts as stable", t.Provoked.K, t.Provoked.N))
}
