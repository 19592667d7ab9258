package gate

import "github.com/flakehunt/flakehunt/harness"

const (
	// few executions of a test cannot tell a flake from a test that is broken, nor
	// one rate from another; history has to.
	few = 5
	// recent runs of the history, with the current one, are compared with those
	// before, where the current one has few executions.
	recent = 9
	// tried is how many of the newest runs a test must have passed once in to be a
	// flake and not broken.
	tried = 3
)

// flakyBefore reports whether a failure in few executions is that of a known
// flake: history knows it, and the test passed in one of the newest runs.
func (g *decision) flakyBefore(t *harness.TestResult, seen *bool) bool {
	if t.Runs >= few || seen == nil || !*seen || g.Baseline == nil {
		return false
	}
	past := g.Baseline.Find(t.Name)
	if past == nil {
		return false
	}
	for i := len(past.Cells) - 1; i >= max(0, len(past.Cells)-tried); i-- {
		if past.Cells[i].Failures < past.Cells[i].Runs {
			return true
		}
	}
	return false
}

// sides gives the counts of a test that are compared: those of the history and
// of the current run; of few executions now, the newest runs count as now too.
func (g *decision) sides(t *harness.TestResult) (before, now harness.Count, runs int) {
	now = harness.Count{K: t.Failures, N: t.Runs}
	runs = 1
	past := g.Baseline.Find(t.Name)
	cells := past.Cells
	if t.Runs < few && t.Failures > 0 {
		from := max(0, len(cells)-recent)
		for _, c := range cells[from:] {
			now.K, now.N = now.K+int(c.Failures), now.N+int(c.Runs)
			runs++
		}
		cells = cells[:from]
	}
	for _, c := range cells {
		before.K, before.N = before.K+int(c.Failures), before.N+int(c.Runs)
	}
	return before, now, runs
}
