package sim_test

import (
	"flag"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/scenarios"
)

var proveOn = flag.String("sim-prove", "auto", "the real Redis on which findings are proved: container, server or auto")

// real is a pool over a real Redis; nil if this machine has none.
func realPool(t *testing.T, defects ...fixtures.Defect) *hunt.Pool {
	p, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: *proveOn})
	require.NoError(t, err)
	on := fixtures.Defects{}
	for _, d := range defects {
		on[d] = true
	}
	pool := hunt.NewPool(hunt.PoolConfig{
		Provider: p, Workers: 6, Runner: inprocess.New(scenarios.All(), scenarios.Config{Defects: on, Waits: scenarios.FixedWaits}),
	})
	t.Cleanup(func() { assert.NoError(t, pool.Close()) })
	return pool
}

// defects says of each defect when it was found first, and what a real Redis
// says of all that was found.
func defects(t *testing.T) {
	total, confirmed := 0, 0
	for _, d := range fixtures.AllDefects() {
		target := shipped(string(d))
		target.Waits = "fixed"
		e := executor(t, sim.Config{Target: target})
		var first time.Duration
		start := time.Now()
		list, stats, err := sim.Search(t.Context(), sim.SearchConfig{Executor: e, Seed: 1, Seeds: 32, Progress: func(s sim.Stats) {
			if s.Findings > 0 && first == 0 {
				first = time.Since(start)
			}
		}})
		require.NoError(t, err)
		t.Logf("%s: first found after %v; %d findings in %d trials, %d orders, %v",
			d, first.Round(time.Millisecond), len(list), stats.Trials, stats.Orders, stats.Took.Round(time.Millisecond))
		proofs, err := e.ProveAll(t.Context(), realPool(t, d), list, 3, nil)
		require.NoError(t, err)
		for _, p := range proofs {
			total++
			if p.Confirmed.K > 0 {
				confirmed++
			}
			t.Logf("  %s %s: %s: %s %v", p.Finding.ID, p.Finding.Class, p.Finding.Title, p, p.Finding.Schedule.Decisions)
		}
		require.NoError(t, e.Close())
	}
	t.Logf("confirmed %d of %d", confirmed, total)
}
