package sim_test

import (
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/sim"
)

var (
	detSeeds   = flag.Int("sim-seeds", 2, "how many seeds are compared")
	detRepeats = flag.Int("sim-repeats", 2, "how often each is played at each GOMAXPROCS")
)

// One seed, one outcome, one history: whatever the number of processors that
// the worker's goroutines run on, event by event.
func TestSameSeedSameHistory(t *testing.T) {
	target := harness.Target{Kind: harness.ShippedTarget, Variant: "as-described", Waits: "fixed"}
	// Under the race detector, if that is on, and without.
	t.Run("none", func(t *testing.T) { sameHistory(t, quick(t), target, "none") })
	t.Run("random", func(t *testing.T) { sameHistory(t, executor, target, "random") })
}

func sameHistory(t *testing.T, open func(testing.TB, sim.Config) *sim.Executor, target harness.Target, strategy string) {
	type key struct {
		trial int
		test  string
	}
	first := map[key]sim.Digest{}
	mixed, other, failed := map[string]int{}, map[string]int{}, 0
	for _, procs := range []int{1, 2, 4} {
		e := open(t, sim.Config{Target: target, Procs: procs})
		for range *detRepeats {
			p, err := e.Play(t.Context(), sim.Batch{Strategy: strategy, Seed: 1, First: 1, Count: *detSeeds, Digests: true})
			require.NoError(t, err)
			require.Equal(t, *detSeeds, p.Trials)
			for _, d := range p.Digests {
				k := key{d.Trial, d.Test}
				was, seen := first[k]
				switch {
				case !seen:
					first[k] = d
					if d.Verdict == harness.Failed {
						failed++
					}
				case was.Verdict != d.Verdict:
					mixed[fmt.Sprintf("procs %d: %s", procs, d.Test)]++
				case was.History != d.History:
					other[fmt.Sprintf("procs %d: %s", procs, d.Test)]++
				}
			}
		}
		require.NoError(t, e.Close())
	}
	t.Logf("%d seeds × %d repeats × 66 scenarios, GOMAXPROCS 1, 2, 4: %d executions failed, in each repeat the same", *detSeeds, *detRepeats, failed)
	require.Empty(t, mixed, "the outcome depends on more than the seed")
	require.Empty(t, other, "the history depends on more than the seed")
}
