package summary

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func outcome(name string, v harness.Verdict, message string) harness.Outcome {
	o := harness.Outcome{Test: harness.TestID{Name: name, Suite: "smoke"}, Verdict: v, Duration: harness.Duration(time.Millisecond)}
	if message != "" {
		o.Failure = &harness.Failure{Kind: harness.AssertionFailure, Message: message}
	}
	return o
}

func trial(i int, arm harness.Arm, out ...harness.Outcome) harness.Trial {
	return harness.Trial{Index: i, Suite: "smoke", Arm: arm, Outcomes: out}
}

func TestCountsAndStatus(t *testing.T) {
	blocked := outcome("guarded", harness.Failed, "held")
	blocked.Blocked = []harness.Point{{Role: "kv", Verb: "SET"}}
	got := Tests([]harness.Trial{
		trial(1, harness.Survey, outcome("flaky", harness.Passed, ""), outcome("ok", harness.Passed, ""), outcome("bad", harness.Failed, "no"),
			outcome("guarded", harness.Passed, ""), outcome("skipped", harness.Skipped, ""), outcome("down", harness.Infrastructure, "")),
		trial(2, harness.Explore, outcome("flaky", harness.Failed, "got 1 message"), outcome("ok", harness.Passed, ""), outcome("bad", harness.Failed, "no"), blocked),
		trial(3, harness.Direct, outcome("flaky", harness.Failed, "got 2 message"), outcome("ok", harness.Infrastructure, "")),
		trial(4, harness.Provoke, outcome("provoked", harness.Failed, "lost")),
		trial(5, harness.Confirm, outcome("provoked", harness.Failed, "lost")),
		trial(6, harness.Counterfactual, outcome("provoked", harness.Passed, "")),
		trial(7, harness.Survey, outcome("provoked", harness.Passed, "")),
	})
	by := map[string]harness.TestResult{}
	var order []string
	for _, r := range got {
		by[r.Name] = r
		order = append(order, r.Name)
	}
	assert.Equal(t, []string{"flaky", "ok", "bad", "guarded", "skipped", "down", "provoked"}, order)

	f := by["flaky"]
	assert.Equal(t, harness.Flaky, f.Status)
	assert.Equal(t, 3, f.Runs)
	assert.Equal(t, 2, f.Failures)
	assert.Equal(t, ".FF", f.Strip)
	assert.InDelta(t, 2.0/3, f.Rate, 1e-12)
	assert.Less(t, f.RateLo, f.Rate)
	assert.Zero(t, f.Excludes)
	require.Len(t, f.Groups, 1, "1 and 2 are volatile")
	assert.Equal(t, 2, f.Groups[0].Count)
	assert.Equal(t, []int{2, 3}, f.Groups[0].Trials)
	assert.Equal(t, harness.Explore, f.Groups[0].Arm)

	assert.Equal(t, harness.Stable, by["ok"].Status)
	assert.Equal(t, 2, by["ok"].Runs, "infrastructure is not a run")
	assert.Equal(t, 1, by["ok"].Infra)
	assert.InDelta(t, 0.7764, by["ok"].Excludes, 1e-4)
	assert.Equal(t, harness.Broken, by["bad"].Status)
	assert.Equal(t, harness.Stable, by["guarded"].Status, "a failure under an order that the program forbids says nothing")
	assert.Equal(t, 1, by["guarded"].Runs)
	assert.Equal(t, harness.StatusSkipped, by["skipped"].Status)
	assert.Equal(t, harness.StatusInfra, by["down"].Status)

	p := by["provoked"]
	assert.Equal(t, harness.Flaky, p.Status, "fails when provoked, passes when not")
	assert.Equal(t, harness.Count{K: 2, N: 2}, p.Provoked, "a counterfactual is not a provocation")
	assert.Equal(t, 1, p.Runs)
	assert.Zero(t, p.Failures)
}

func TestTwentyCleanRunsSayWhatTheyExclude(t *testing.T) {
	var trials []harness.Trial
	for i := range 20 {
		trials = append(trials, trial(i+1, harness.Survey, outcome("ok", harness.Passed, "")))
	}
	r := Tests(trials)[0]
	assert.Equal(t, harness.Stable, r.Status)
	assert.InDelta(t, 0.1391, r.Excludes, 1e-4)
	assert.Empty(t, r.Warnings)
}

func TestOrderOfTrialsDoesNotMatter(t *testing.T) {
	var trials []harness.Trial
	for i := range 30 {
		v, m := harness.Passed, ""
		if i%7 == 3 {
			v, m = harness.Failed, "lost"
		}
		trials = append(trials, trial(i+1, harness.Survey, outcome("a", v, m), outcome("b", harness.Passed, "")))
	}
	want := Tests(trials)
	r := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		r.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
		assert.Empty(t, cmp.Diff(want, Tests(trials)))
	}
}

func TestNothingGivesNothing(t *testing.T) {
	assert.Empty(t, Tests(nil))
	assert.Empty(t, Tests([]harness.Trial{{Index: 1}}))
}

func TestQuantileIsTheNearestRank(t *testing.T) {
	d := make([]harness.Duration, 100)
	for i := range d {
		d[i] = harness.Duration(i + 1)
	}
	assert.Equal(t, harness.Duration(50), quantile(d, 0.5))
	assert.Equal(t, harness.Duration(99), quantile(d, 0.99))
	assert.Equal(t, harness.Duration(1), quantile(d[:1], 0.99))
}
