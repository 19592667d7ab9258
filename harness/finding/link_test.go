package finding

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

// TestLink: what a test gets of its findings and margins.
func TestLink(t *testing.T) {
	of := func(id string, standing harness.Standing, class harness.Class, says string, tests ...string) harness.Finding {
		f := findingOf(id, class, says, tests...)
		f.Standing = standing
		return f
	}
	margin := func(test string, size int64, ordered bool) harness.Margin {
		return harness.Margin{Test: test, Size: harness.Duration(size), Ordered: ordered}
	}
	const lost = harness.RaceLostUpdate
	for _, c := range []struct {
		name     string
		status   harness.Status
		cause    harness.Class
		findings []harness.Finding
		margins  []harness.Margin
		ids      []string
		want     harness.Status
		wants    harness.Class
		size     int64 // of its margin; 0: none
	}{
		{"nothing", harness.Stable, "", nil, nil, nil, harness.Stable, "", 0},
		{"a provoked finding makes it flaky", harness.Stable, "", []harness.Finding{of("x", harness.Provoked, lost, "", "a")}, nil, []string{"x"}, harness.Flaky, lost, 0},
		{"an undecided one too", harness.Undecided, "", []harness.Finding{of("x", harness.Natural, lost, "", "a")}, nil, []string{"x"}, harness.Flaky, lost, 0},
		{"a broken one stays broken", harness.Broken, "", []harness.Finding{of("x", harness.Provoked, lost, "", "a")}, nil, []string{"x"}, harness.Broken, lost, 0},
		{"what only failed in virtual time makes it nothing", harness.Stable, "", []harness.Finding{of("x", harness.Simulated, lost, "", "a")}, nil, []string{"x"}, harness.Stable, lost, 0},
		{"a prediction is not the test's", harness.Stable, "", []harness.Finding{of("x", harness.Latent, lost, "", "a")}, nil, nil, harness.Stable, "", 0},
		{"nor is a finding of another test", harness.Stable, "", []harness.Finding{of("x", harness.Provoked, lost, "", "b")}, nil, nil, harness.Stable, "", 0},
		{"a cause replaces none", harness.Flaky, harness.Unattributed, []harness.Finding{of("x", harness.Provoked, lost, "", "a")}, nil, []string{"x"}, harness.Flaky, lost, 0},
		{"the first cause stays", harness.Flaky, "", []harness.Finding{of("x", harness.Provoked, lost, "", "a"), of("y", harness.Provoked, harness.OrderCommands, "", "a")}, nil, []string{"x", "y"}, harness.Flaky, lost, 0},
		{"its smallest margin", harness.Stable, "", nil, []harness.Margin{margin("a", 9, false), margin("a", 5, false), margin("b", 1, false)}, nil, harness.Stable, "", 5},
		{"an order that the program keeps is no margin", harness.Stable, "", nil, []harness.Margin{margin("a", 1, true), margin("a", 9, false)}, nil, harness.Stable, "", 9},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := harness.TestResult{TestID: harness.TestID{Name: "a"}, Status: c.status, Cause: c.cause}
			Link(&r, c.findings, c.margins)
			assert.Equal(t, c.ids, r.Findings)
			assert.Equal(t, c.want, r.Status)
			assert.Equal(t, c.wants, r.Cause)
			if c.size == 0 {
				assert.Nil(t, r.Margin)
			} else if assert.NotNil(t, r.Margin) {
				assert.Equal(t, harness.Duration(c.size), r.Margin.Size)
			}
		})
	}
}

// TestLinkGroups: a group of failures bears the first finding of its cause or words.
func TestLinkGroups(t *testing.T) {
	r := harness.TestResult{TestID: harness.TestID{Name: "a"}, Groups: []harness.FailureGroup{
		{Failure: harness.Failure{Fingerprint: "boom"}}, {Failure: harness.Failure{Fingerprint: "other"}, Cause: harness.RaceLostUpdate}, {Failure: harness.Failure{Fingerprint: "unknown"}},
	}}
	x, y := findingOf("x", harness.RaceLostUpdate, "boom", "a"), findingOf("y", harness.OrderCommands, "boom", "a")
	Link(&r, []harness.Finding{x, y}, nil)
	var got []string
	for _, g := range r.Groups {
		got = append(got, g.Finding)
	}
	assert.Equal(t, []string{"x", "x", ""}, got)
}

// TestClearUnproven: only what failed under aimed delays alone, without a finding,
// counts as stable.
func TestClearUnproven(t *testing.T) {
	for _, c := range []struct {
		name string
		r    harness.TestResult
		want harness.Status
	}{
		{"failed under aimed delays alone", harness.TestResult{Status: harness.Flaky, Runs: 4, Provoked: harness.Count{K: 1, N: 3}}, harness.Stable},
		{"failed by itself", harness.TestResult{Status: harness.Flaky, Runs: 4, Failures: 1}, harness.Flaky},
		{"has a finding", harness.TestResult{Status: harness.Flaky, Runs: 4, Findings: []string{"x"}}, harness.Flaky},
		{"never ran in its suite", harness.TestResult{Status: harness.Flaky}, harness.Flaky},
		{"broken", harness.TestResult{Status: harness.Broken, Runs: 4}, harness.Broken},
		{"undecided", harness.TestResult{Status: harness.Undecided, Runs: 4}, harness.Undecided},
	} {
		before := c.r.Status
		ClearUnproven(&c.r)
		assert.Equal(t, c.want, c.r.Status, c.name)
		assert.Equal(t, before != c.want, len(c.r.Warnings) > 0, c.name)
	}
}
