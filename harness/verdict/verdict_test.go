package verdict_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		name string
		in   verdict.Counts
		want harness.Status
	}{
		{"passed and failed", verdict.Counts{Runs: 20, Failures: 1}, harness.Flaky},
		{"failed every time", verdict.Counts{Runs: 20, Failures: 20}, harness.Broken},
		{"failed every time, and infrastructure", verdict.Counts{Runs: 2, Failures: 2, Infra: 5}, harness.Broken},
		{"failed under aim alone", verdict.Counts{Runs: 20, Provoked: harness.Count{K: 3, N: 3}}, harness.Flaky},
		{"never failed", verdict.Counts{Runs: 20, Provoked: harness.Count{N: 9}}, harness.Stable},
		{"aimed trials alone, both ways", verdict.Counts{Provoked: harness.Count{K: 1, N: 2}}, harness.Flaky},
		{"aimed trials alone, all failed", verdict.Counts{Provoked: harness.Count{K: 2, N: 2}}, harness.Broken},
		{"aimed trials alone, none failed", verdict.Counts{Provoked: harness.Count{N: 2}}, harness.Undecided},
		{"infrastructure alone", verdict.Counts{Infra: 1, Skips: 1}, harness.StatusInfra},
		{"skipped", verdict.Counts{Skips: 3}, harness.StatusSkipped},
		{"nothing", verdict.Counts{}, harness.Undecided},
	} {
		require.Equal(t, c.want, verdict.Status(c.in), c.name)
	}
}

func TestWithFindings(t *testing.T) {
	of := func(s harness.Standing) []harness.Finding { return []harness.Finding{{Standing: s}} }
	require.Equal(t, harness.Flaky, verdict.WithFindings(harness.Stable, of(harness.Provoked)))
	require.Equal(t, harness.Flaky, verdict.WithFindings(harness.Undecided, of(harness.Natural)))
	require.Equal(t, harness.Stable, verdict.WithFindings(harness.Stable, of(harness.Latent)))
	require.Equal(t, harness.Stable, verdict.WithFindings(harness.Stable, of(harness.Simulated)))
	require.Equal(t, harness.Broken, verdict.WithFindings(harness.Broken, of(harness.Provoked)))
}

func TestExit(t *testing.T) {
	tests := func(s ...harness.Status) []harness.TestResult {
		var out []harness.TestResult
		for _, x := range s {
			out = append(out, harness.TestResult{Status: x})
		}
		return out
	}
	undecided := []harness.TestResult{{Status: harness.Undecided, Decided: "undecided after 5"}}
	died := []harness.InfraFailure{{What: "redis died"}}
	for _, c := range []struct {
		name string
		r    harness.Result
		err  error
		want int
	}{
		{"clean", harness.Result{Tests: tests(harness.Stable), TrialsAsked: 20, TrialsDone: 20}, nil, 0},
		{"a flake", harness.Result{Tests: tests(harness.Stable, harness.Flaky), Infra: died}, errors.New("x"), 1},
		{"broken", harness.Result{Tests: tests(harness.Broken)}, nil, 1},
		{"interrupted, with a flake", harness.Result{Interrupted: true, Tests: tests(harness.Flaky)}, nil, 130},
		{"Redis died after one trial of thirty", harness.Result{Tests: tests(harness.Stable), Infra: died, TrialsDone: 1, TrialsAsked: 30}, nil, 3},
		{"a trial was lost and done again", harness.Result{Tests: tests(harness.Stable), Infra: died, TrialsDone: 30, TrialsAsked: 30}, nil, 0},
		{"nothing was done in the time", harness.Result{Infra: died}, nil, 3},
		{"the harness failed", harness.Result{Tests: tests(harness.Stable)}, errors.New("x"), 3},
		{"one test could not be judged", harness.Result{Tests: tests(harness.Stable, harness.StatusInfra), Infra: died, TrialsDone: 30, TrialsAsked: 30}, nil, 3},
		{"undecided, and asked to decide", harness.Result{Tests: undecided}, nil, 4},
		{"undecided, and not asked", harness.Result{Tests: tests(harness.Undecided)}, nil, 0},
	} {
		require.Equal(t, c.want, verdict.Exit(&c.r, c.err), c.name)
	}
}

func TestMerge(t *testing.T) {
	hold := harness.Schedule{Decisions: []harness.Decision{{Action: harness.Hold}}}
	proven := harness.Finding{Standing: harness.Provoked, Schedule: hold, Tests: []string{"a"}, Provoked: harness.Count{K: 3, N: 3}, Counter: harness.Count{N: 3}}
	natural := harness.Finding{Standing: harness.Natural, Tests: []string{"b", "a"}, Natural: harness.Count{K: 6, N: 6}}
	latent := harness.Finding{Standing: harness.Latent, Tests: []string{"c"}, Schedule: hold}

	m := verdict.Merge(natural, proven)
	require.Equal(t, harness.Natural, m.Standing, "it also failed with nothing injected")
	require.Equal(t, hold, m.Schedule)
	require.Equal(t, []string{"a", "b"}, m.Tests)
	require.Equal(t, 6, m.Natural.K)
	require.Equal(t, 12, verdict.Merge(natural, natural).Natural.K, "the failures of both count")
	require.Equal(t, []string{"a"}, verdict.Merge(latent, proven).Tests, "nothing failed in the predicted one")
	require.Equal(t, []string{"a"}, proven.Tests, "the parts are not changed")
}

func finding(t *rapid.T, label string) harness.Finding {
	small := rapid.IntRange(0, 3)
	f := harness.Finding{
		Standing: rapid.SampledFrom([]harness.Standing{harness.Natural, harness.Provoked, harness.Latent, harness.Simulated}).Draw(t, label+" standing"),
		Provoked: harness.Count{K: small.Draw(t, label+" provoked")},
		Natural:  harness.Count{K: small.Draw(t, label+" natural")},
		Counter:  harness.Count{N: small.Draw(t, label+" counter")},
		Found:    time.Unix(int64(small.Draw(t, label+" found")), 0).UTC(),
		Seed:     uint64(small.Draw(t, label+" seed")),
		Tests:    []string{rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, label+" test")},
	}
	for range small.Draw(t, label+" decisions") {
		f.Schedule.Decisions = append(f.Schedule.Decisions, harness.Decision{Action: harness.Hold})
	}
	return f
}

// Two parts may come in either order.
func TestMergeDoesNotDependOnTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := finding(t, "a"), finding(t, "b")
		if verdict.Compare(a, b) == 0 {
			return
		}
		if d := cmp.Diff(verdict.Merge(a, b), verdict.Merge(b, a)); d != "" {
			t.Fatal(d)
		}
		if verdict.Compare(a, b) != -verdict.Compare(b, a) {
			t.Fatalf("not antisymmetric: %+v %+v", a, b)
		}
	})
}
