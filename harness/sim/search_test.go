package sim_test

import (
	"flag"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

var proveOn = flag.String("sim-prove", "auto", "the real Redis on which findings are proved: container, server or auto")

// real is a pool over a real Redis; nil if this machine has none.
func realPool(t *testing.T, defects ...fixtures.Defect) *trial.Pool {
	p, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: *proveOn})
	require.NoError(t, err)
	on := fixtures.Defects{}
	for _, d := range defects {
		on[d] = true
	}
	pool := trial.NewPool(trial.PoolConfig{
		Provider: p, Workers: 6, Runner: inprocess.New(scenarios.All(), scenarios.Config{Defects: on, Waits: scenarios.FixedWaits}),
	})
	t.Cleanup(func() { assert.NoError(t, pool.Close()) })
	return pool
}

// exposing is a pattern for the tests that declare to expose a defect.
func exposing(d fixtures.Defect) string {
	var names []string
	for _, sc := range scenarios.All() {
		if slices.Contains(sc.Exposes, d) {
			names = append(names, regexp.QuoteMeta(sc.Name))
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// Each defect is found, as a finding that claims no more than simulation: by
// the tests that expose it, and one of them among all tests.
func TestSearchFindsEachDefect(t *testing.T) {
	open := quick(t)
	for _, d := range fixtures.AllDefects() {
		t.Run(string(d), func(t *testing.T) {
			target := shipped(string(d))
			target.Waits = "fixed"
			least := 66
			if d != fixtures.MultiSubscriber {
				target.Run, least = exposing(d), 1
			}
			e := open(t, sim.Config{Target: target})
			list, stats, err := sim.Search(t.Context(), sim.SearchConfig{Executor: e, Seed: 1, Seeds: 1})
			require.NoError(t, err)
			require.NotEmpty(t, list)
			for _, f := range list {
				assert.Equal(t, harness.Simulated, f.Standing)
				assert.NotEmpty(t, f.Tests)
				assert.NotEmpty(t, f.Timeline)
			}
			assert.Greater(t, stats.Trials, least)
		})
	}
}

// A finding is one of the real Redis only once that has failed too.
func TestProve(t *testing.T) {
	target := shipped(string(fixtures.TTLLate))
	target.Waits, target.Run = "fixed", "session-expires"
	e := executor(t, sim.Config{Target: target})
	list, _, err := sim.Search(t.Context(), sim.SearchConfig{Executor: e, Seed: 1, Seeds: 1})
	require.NoError(t, err)
	require.Len(t, list, 1)

	mended := list[0]
	p, err := e.Prove(t.Context(), realPool(t), &mended, 1) // without the defect
	require.NoError(t, err)
	assert.Equal(t, harness.Simulated, mended.Standing)
	assert.Contains(t, p.String(), "simulated only: ")
	assert.NotEmpty(t, p.Divergence)
	assert.Contains(t, mended.Warnings[len(mended.Warnings)-1], "simulated only")

	proofs, err := e.ProveAll(t.Context(), realPool(t, fixtures.TTLLate), list, 3, nil)
	require.NoError(t, err)
	require.Len(t, proofs, 1)
	if list[0].Redis.Real {
		assert.Equal(t, harness.Provoked, list[0].Standing)
		assert.Contains(t, proofs[0].String(), "confirmed ")
	} else {
		assert.Equal(t, harness.Simulated, list[0].Standing, "an imitation proves nothing")
	}

	r := &harness.Result{Findings: []harness.Finding{mended}, Tests: []harness.TestResult{
		{TestID: harness.TestID{Name: mended.Tests[0]}, Status: harness.Flaky}, {TestID: harness.TestID{Name: "x"}, Status: harness.Stable},
	}}
	sim.ApplyProofs(r)
	assert.Equal(t, harness.Undecided, r.Tests[0].Status)
	assert.Equal(t, harness.Stable, r.Tests[1].Status)
	r.Findings[0].Standing = harness.Provoked
	sim.ApplyProofs(r)
	assert.Equal(t, harness.Flaky, r.Tests[0].Status)
}

// A search with a time limit uses it.
func TestSearchUsesItsTime(t *testing.T) {
	target := shipped()
	target.Run = "smoke/kv/"
	e := executor(t, sim.Config{Target: target})
	start := time.Now()
	list, stats, err := sim.Search(t.Context(), sim.SearchConfig{Executor: e, Seed: 1, For: 2 * time.Second})
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.GreaterOrEqual(t, time.Since(start), 2*time.Second)
	assert.Positive(t, stats.Trials)
}
