package reports

import "github.com/flakehunt/flakehunt/harness"

// tally counts tests by status.
type tally struct {
	Tests, Stable, Flaky, Broken, Undecided, Skipped, Infra int
	Runs, Failures                                          int // executions that count
}

func (t *tally) add(x *harness.TestResult) {
	t.Tests++
	t.Runs += x.Runs
	t.Failures += x.Failures
	switch x.Status {
	case harness.Stable:
		t.Stable++
	case harness.Flaky:
		t.Flaky++
	case harness.Broken:
		t.Broken++
	case harness.StatusSkipped:
		t.Skipped++
	case harness.StatusInfra:
		t.Infra++
	default:
		t.Undecided++
	}
}

func tallyOf(tests []harness.TestResult) tally {
	var t tally
	for i := range tests {
		t.add(&tests[i])
	}
	return t
}

func (t tally) passRate() string {
	if t.Runs == 0 {
		return "–"
	}
	return percent(1 - float64(t.Failures)/float64(t.Runs))
}
