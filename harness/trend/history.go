package trend

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Meta says where a run came from. It holds nothing of the host, the person or
// any credential.
type Meta struct {
	Commit      string // full hash; empty if unknown
	Branch      string // the source branch of a pull request
	CI          string // "github", "gitlab", "buildkite", "circleci", "jenkins"; empty: not in CI
	CIRun       string // the CI system's name of its run, attempt included
	URL         string // of the CI run; without user and password
	PullRequest string // its number
	Dirty       bool   // the working tree differed from Commit
}

// Map gives what is known, by the keys of harness.Result's Meta.
func (m Meta) Map() map[string]string {
	out := map[string]string{}
	for k, v := range map[string]string{"commit": m.Commit, "branch": m.Branch, "ci": m.CI, "ci_run": m.CIRun,
		"ci_url": m.URL, "pull_request": m.PullRequest} {
		if v != "" {
			out[k] = v
		}
	}
	if m.Dirty {
		out["dirty"] = "true"
	}
	return out
}

// MetaOf reads what Map gave.
func MetaOf(m map[string]string) Meta {
	return Meta{Commit: m["commit"], Branch: m["branch"], CI: m["ci"], CIRun: m["ci_run"],
		URL: m["ci_url"], PullRequest: m["pull_request"], Dirty: m["dirty"] == "true"}
}

// Run is one recorded run.
type Run struct {
	ID      string
	Started time.Time
	Meta
	Source     string // "flakehunt", or "junit" for an imported file
	Conditions string // see ConditionsOf: only runs of equal conditions compare
	Trials     int
	Seed       uint64
	Found      []Found // causes that failed in it, by themselves or provoked
}

// Found is a cause of failures, as one run saw it.
type Found struct {
	ID       string // the same in each run
	Class    harness.Class
	Standing harness.Standing
	Title    string
}

// Label names the run for a person: its commit, else its CI run, else its time.
func (r Run) Label() string {
	switch {
	case r.Commit != "":
		c := r.Commit[:min(len(r.Commit), 9)]
		if r.Dirty {
			c += "+"
		}
		return c
	case r.CIRun != "":
		return r.CIRun
	}
	return r.Started.UTC().Format("2006-01-02 15:04")
}

// Cell is what one run says of one test.
type Cell struct {
	Run       int32            // index into History.Runs
	Runs      int32            // executions that count
	Failures  int32            // of these
	Skips     int32            // beside these
	P50       harness.Duration // the median execution; 0: not known
	HasMargin bool
	Margin    harness.Duration // the smallest; only if HasMargin
}

// Test is the history of one test, oldest run first.
type Test struct {
	harness.TestID
	Cells   []Cell
	Skipped []int32 // runs that only skipped it; indices into History.Runs
	Causes  []Found // of its failures in these runs, the one found last first
}

// Counts gives the test's cells as counts.
func (t Test) Counts() []harness.Count {
	out := make([]harness.Count, len(t.Cells))
	for i, c := range t.Cells {
		out[i] = harness.Count{K: int(c.Failures), N: int(c.Runs)}
	}
	return out
}

// Total adds the cells up.
func (t Test) Total() harness.Count {
	var total harness.Count
	for _, c := range t.Cells {
		total.K += int(c.Failures)
		total.N += int(c.Runs)
	}
	return total
}

// History is what a store knows of the past, runs oldest first, tests by name.
type History struct {
	Runs    []Run
	Tests   []Test
	Skipped []SkippedTest // those that every run skipped
}

// SkippedTest is a test that ran in no run, since all skipped it.
type SkippedTest struct {
	harness.TestID
	Runs int     // that skipped it
	In   []int32 // which: indices into History.Runs
}

// Find gives the test of that name, nil if there is none.
func (h *History) Find(name string) *Test {
	for i := range h.Tests {
		if h.Tests[i].Name == name {
			return &h.Tests[i]
		}
	}
	return nil
}

// Seen says when a failure was seen.
type Seen struct {
	First, Last time.Time
	Count       int
	Message     string
}
