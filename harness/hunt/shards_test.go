package hunt

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// TestShardsMergedAreOneRun: whatever the number of shards, their parts merged say
// what one run says, field by field, but for what a machine is.
func TestShardsMergedAreOneRun(t *testing.T) {
	patterns := map[string]func(j trial.Job) harness.Verdict{
		"all pass":          func(trial.Job) harness.Verdict { return harness.Passed },
		"every third fails": func(j trial.Job) harness.Verdict { return verdictIf(j.Index%3 == 0) },
		"one suite fails":   func(j trial.Job) harness.Verdict { return verdictIf(j.Suite == "b" && j.Index%2 == 0) },
		"all fail":          func(trial.Job) harness.Verdict { return harness.Failed },
	}
	for _, strategy := range []string{"none", "latency", "directed"} {
		for name, verdict := range patterns {
			whole, _ := partOf(t, strategy, verdict, shard.Shard{})
			for _, n := range []int{2, 3, 5} {
				t.Run(fmt.Sprintf("%s, %s, %d shards", strategy, name, n), func(t *testing.T) {
					var parts []shard.Part
					for i := 1; i <= n; i++ {
						r, trials := partOf(t, strategy, verdict, shard.Shard{I: i, N: n})
						parts = append(parts, shard.Part{Name: r.Shard, Result: r, Trials: trials})
					}
					merged, _, err := shard.Merge(parts)
					require.NoError(t, err)
					if diff := cmp.Diff(whole, merged,
						cmpopts.IgnoreFields(harness.Result{}, "Started", "Finished", "Workers", "Exit"),
						cmpopts.IgnoreFields(harness.Finding{}, "Found"),
						cmpopts.EquateEmpty(),
					); diff != "" {
						t.Errorf("one run (-), shards merged (+):\n%s", diff)
					}
				})
			}
		}
	}
}

func verdictIf(failed bool) harness.Verdict {
	if failed {
		return harness.Failed
	}
	return harness.Passed
}

// partOf hunts a shard of 10 trials of two suites, and gives its result and trials.
func partOf(t *testing.T, strategy string, verdict func(trial.Job) harness.Verdict, s shard.Shard) (*harness.Result, []harness.Trial) {
	t.Helper()
	keep := &keeping{fake: &fake{tests: twoSuites, do: func(_ context.Context, j trial.Job) (harness.Verdict, error) { return verdict(j), nil }}}
	r, err := Run(t.Context(), Config{
		Runner: keep.fake, Executor: keep, Strategy: strategy, Seed: 5, Shard: s, Budget: Budget{Trials: 10},
		Params: map[string]string{"latency": "1ms", "jitter": "1ms", "distribution": "uniform"},
	})
	require.NoError(t, err)
	return r, keep.trials
}

// keeping is a fake that keeps its trials, and their schedules.
type keeping struct {
	*fake
	trials []harness.Trial
}

func (k *keeping) Do(ctx context.Context, j trial.Job) (*trial.Done, error) {
	d, err := k.fake.Do(ctx, j)
	if err != nil {
		return nil, err
	}
	if j.Plan != nil {
		if d.Scheduler, d.Trial.Schedule, err = j.Plan(); err != nil {
			return nil, err
		}
	}
	d.Trial.Start = time.Unix(int64(j.Index), int64(len(j.Suite)+int(j.Suite[0])))
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trials = append(k.trials, d.Trial)
	return d, nil
}
