package verdict_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

func TestEnded(t *testing.T) {
	died := []harness.InfraFailure{{What: "redis died"}}
	stable := []harness.TestResult{{Status: harness.Stable, Runs: 1}}
	for _, c := range []struct {
		name   string
		r      harness.Result
		want   verdict.Ending
		judged bool // the first test
	}{
		{"clean", harness.Result{Tests: stable, TrialsAsked: 1, TrialsDone: 1}, verdict.Complete, true},
		{"Redis died after one trial of thirty", harness.Result{Tests: stable, Infra: died, TrialsAsked: 30, TrialsDone: 1}, verdict.BrokenOff, false},
		{"the same, by its reason", harness.Result{Tests: stable, Stopped: "no Redis", TrialsAsked: 30, TrialsDone: 1}, verdict.BrokenOff, false},
		{"the same, by its exit code", harness.Result{Tests: stable, Exit: verdict.ExitHarness}, verdict.BrokenOff, false},
		{"broken off after this test's last trial", harness.Result{Tests: stable, Stopped: "no Redis", TrialsAsked: 1}, verdict.BrokenOff, true},
		{"a shard that lost nothing of its part", harness.Result{Tests: stable, Infra: died, Shard: "2/3", TrialsAsked: 30, TrialsDone: 10}, verdict.Complete, true},
		{"a shard that lost a trial", harness.Result{Tests: stable, Infra: died, Shard: "2/3", TrialsAsked: 30, TrialsDone: 9}, verdict.BrokenOff, false},
		{"interrupted", harness.Result{Tests: stable, Interrupted: true, TrialsAsked: 30, TrialsDone: 1}, verdict.Interrupted, false},
		{"interrupted, a flake stays one", harness.Result{Tests: []harness.TestResult{{Status: harness.Flaky, Runs: 1}}, Interrupted: true, TrialsAsked: 30}, verdict.Interrupted, true},
		{"interrupted within a time", harness.Result{Tests: stable, Interrupted: true}, verdict.Interrupted, false},
		{"nothing", harness.Result{Tests: nil}, verdict.Nothing, false},
		{"undecided", harness.Result{Tests: []harness.TestResult{{Status: harness.Undecided, Decided: "undecided after 5"}}}, verdict.Open, false},
	} {
		require.Equal(t, c.want, verdict.Ended(&c.r), c.name)
		if len(c.r.Tests) > 0 {
			require.Equal(t, c.judged, verdict.Judged(&c.r, &c.r.Tests[0]), c.name)
		}
	}
}

func TestShare(t *testing.T) {
	for shard, want := range map[string]int{"": 20, "1/3": 7, "2/3": 7, "3/3": 6, "x": 20, "4/3": 20} {
		require.Equal(t, want, verdict.Share(&harness.Result{TrialsAsked: 20, Shard: shard}), shard)
	}
}
