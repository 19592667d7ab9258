package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

// TestDirectedFindsProvesAndMeasures: the race is found, both proofs hold, its
// margin is measured, and the tests beside it are not suspected.
func TestDirectedFindsProvesAndMeasures(t *testing.T) {
	const gap = 60 * time.Millisecond
	cfg := real(t, []scenarios.Scenario{
		counting("smoke/t/count", gap), steady("smoke/t/steady"),
		{Name: "smoke/t/broken", Suite: "smoke", NoRedis: true, Run: func(t scenarios.T, _ *scenarios.Env) { t.Errorf("two and two are five") }},
	}, fixtures.LostUpdate)
	var told []string
	var last Progress
	cfg.Progress = func(p Progress) { // one call at a time
		if told, last = append(told, p.Note+p.Detail), p; p.Note != "" && p.Detail != "" {
			t.Errorf("told at once: %q and %q", p.Note, p.Detail)
		}
	}
	r, err := Run(t.Context(), cfg)
	require.NoError(t, err)

	f := find(t, r, harness.RaceLostUpdate)
	for _, want := range []string{
		"found " + f.ID + ", race/lost-update: ", "trial 1, survey of smoke: 3 tests, 1 failed, ",
		"try smoke/t/count (0 of ", "provoke: smoke/t/count: 1 decision, failed, ", "counterfactual: smoke/t/count: ", "smoke/t/count: ", ": proven: failed ",
	} {
		assert.True(t, slices.ContainsFunc(told, func(s string) bool { return strings.Contains(s, want) }), "nothing says %q in %q", want, told)
	}
	assert.Equal(t, 3, last.Tests)
	assert.Equal(t, 3, last.Looked)
	assert.Equal(t, []string{"smoke/t/count"}, f.Tests)
	assert.Equal(t, harness.Provoked, f.Standing)
	assert.GreaterOrEqual(t, f.Provoked.K, 2)
	assert.Zero(t, f.Counter.K)
	assert.Positive(t, f.Counter.N)
	assert.Len(t, f.Schedule.Decisions, 1)
	require.NotNil(t, f.Margin)
	// A timer that runs late only ever makes the margin larger.
	assert.GreaterOrEqual(t, time.Duration(f.Margin.Hi), gap-5*time.Millisecond)

	assert.Equal(t, harness.Flaky, result(r, "smoke/t/count").Status)
	assert.Equal(t, harness.Stable, result(r, "smoke/t/steady").Status)
	broken := result(r, "smoke/t/broken")
	assert.Equal(t, harness.Broken, broken.Status)
	assert.Equal(t, 4, broken.Failures)
	assert.Equal(t, harness.NotRedis, find(t, r, harness.NotRedis).Class)
	assert.Len(t, r.Findings, 2)
	require.NotNil(t, r.Coverage)
	assert.Positive(t, r.Coverage.Both+r.Coverage.Blocked)
	assert.Equal(t, 4, r.TrialsDone)
	assert.False(t, r.Interrupted)
}

// TestNothingIsFoundInSoundCode: the same tests without the defect.
func TestNothingIsFoundInSoundCode(t *testing.T) {
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{counting("smoke/t/count", 5*time.Millisecond), steady("smoke/t/steady")}))
	require.NoError(t, err)
	assert.Empty(t, r.Findings)
}

// TestUndirectedFailuresAreProven: what a strategy hits by chance gets a
// schedule of its own and both proofs, or no cause. On a machine with ten times
// the work that it can do, 1 of 25 hunts could not prove it; that six in a row
// cannot has odds below 1e-8.
func TestUndirectedFailuresAreProven(t *testing.T) {
	cfg := real(t, []scenarios.Scenario{counting("smoke/t/count", 4*time.Millisecond)}, fixtures.LostUpdate)
	cfg.Strategy, cfg.Trials = "latency", 10
	cfg.Params = map[string]string{"latency": "20ms", "jitter": "20ms", "distribution": "uniform"}
	var r *harness.Result
	for cfg.Seed = 1; cfg.Seed <= 6; cfg.Seed++ {
		var err error
		r, err = Run(t.Context(), cfg)
		require.NoError(t, err)
		require.Positive(t, result(r, "smoke/t/count").Failures, "20 ± 20 ms did not turn 4 ms round in 10 trials")
		if slices.ContainsFunc(r.Findings, func(f harness.Finding) bool { return f.Class == harness.RaceLostUpdate }) {
			break
		}
	}
	f := find(t, r, harness.RaceLostUpdate)
	assert.NotEmpty(t, f.Schedule.Decisions)
	assert.Less(t, len(f.Schedule.Decisions), 10)
	assert.Zero(t, f.Counter.K)
	for _, f := range r.Findings {
		if f.Class != harness.Unattributed && f.Class != harness.RaceLostUpdate {
			assert.Positive(t, f.Counter.N, "%s was given without proof", f.Class)
		}
	}
}

// mortal is a provider whose instances a test can end.
type mortal struct {
	redisenv.Provider
	mu   sync.Mutex
	last redisenv.Instance
}

func (m *mortal) Start(ctx context.Context) (redisenv.Instance, error) {
	i, err := m.Provider.Start(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = i
	return i, err
}

func (m *mortal) kill(t scenarios.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.last.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Logf("close: %v", err)
	}
}

// TestDeadRedisIsNoFlake: a trial during which Redis died is begun again, and
// counted nowhere as a failure of the test.
func TestDeadRedisIsNoFlake(t *testing.T) {
	p, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	m := &mortal{Provider: p}
	for name, deaths := range map[string]int64{"once": 1, "always": 1 << 40} {
		t.Run(name, func(t *testing.T) {
			left := atomic.Int64{}
			left.Store(deaths)
			list := []scenarios.Scenario{scenario("smoke/t/dies", func(t scenarios.T, env *scenarios.Env) {
				if left.Add(-1) >= 0 {
					m.kill(t)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				if err := env.KV.Set(ctx, "k", 1, 0); err != nil {
					t.Errorf("set: %v", err)
				}
			})}
			cfg := on(t, m, list, 1)
			cfg.Strategy, cfg.Trials = "none", 2
			r, err := Run(t.Context(), cfg)
			require.NotNil(t, r)
			assert.Empty(t, r.Findings)
			got := result(r, "smoke/t/dies")
			assert.Zero(t, got.Failures)
			if name == "once" {
				require.NoError(t, err)
				assert.Equal(t, 2, got.Runs)
				assert.Empty(t, r.Infra)
			} else {
				require.Error(t, err)
				assert.Zero(t, got.Runs)
				assert.NotEmpty(t, r.Infra)
			}
		})
	}
}

func TestResumeDoesOnlyWhatIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), trial.JournalName)
	run := func(trials int) (*fake, *harness.Result) {
		f := &fake{tests: twoSuites, do: passing}
		old, err := os.Open(path)
		var done []harness.Trial
		if err == nil {
			read, err := trial.ReadJournal(old)
			require.NoError(t, err)
			done = read.Trials
			require.NoError(t, old.Close())
		}
		j, err := trial.OpenJournal(path)
		require.NoError(t, err)
		r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Seed: 7, Budget: Budget{Trials: trials}, Journal: j, Before: Before{Resume: done}})
		require.NoError(t, err)
		require.NoError(t, j.Close())
		return f, r
	}
	first, _ := run(3)
	assert.Equal(t, []int{1, 2, 3}, first.indices("a"))
	second, r := run(5)
	assert.Equal(t, []int{4, 5}, second.indices("a"))
	assert.Equal(t, []int{4, 5}, second.indices("b"))
	assert.Equal(t, 5, r.TrialsDone)
	assert.Equal(t, 5, result(r, "a/1").Runs)
}

func TestShardsShareTheTrials(t *testing.T) {
	seen := map[int]int{}
	for i := 1; i <= 3; i++ {
		f := &fake{tests: twoSuites, do: passing}
		r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{Trials: 7}, Shard: shard.Shard{I: i, N: 3}})
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("%d/3", i), r.Shard)
		assert.Equal(t, f.indices("a"), f.indices("b"))
		for _, n := range f.indices("a") {
			seen[n]++
		}
	}
	assert.Equal(t, map[int]int{1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1}, seen)
}

// TestSeedsDoNotDependOnTheShard: trial 5 is the same whoever does it.
func TestSeedsDoNotDependOnTheShard(t *testing.T) {
	seed := func(s shard.Shard) uint64 {
		f := &fake{tests: twoSuites, do: passing}
		_, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{Trials: 6}, Seed: 99, Shard: s})
		require.NoError(t, err)
		for _, j := range f.jobs {
			if j.Index == 5 {
				return j.Seed
			}
		}
		t.Fatal("trial 5 was not done")
		return 0
	}
	assert.Equal(t, seed(shard.Shard{}), seed(shard.Shard{I: 2, N: 3}))
}

func TestInterruptKeepsWhatThereIs(t *testing.T) {
	for _, strategy := range []string{"none", "directed"} {
		t.Run(strategy, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f := endedAt(4, harness.Passed, cancel)
			r, err := Run(ctx, Config{Runner: f, Executor: f, Strategy: strategy, Budget: Budget{Trials: 50}})
			require.NoError(t, err)
			assert.True(t, r.Interrupted)
			assert.GreaterOrEqual(t, r.TrialsDone, 2)
			assert.Less(t, r.TrialsDone, 50)
			assert.Empty(t, r.Infra)
		})
	}
}

func TestTimeBudgetIsNoInterrupt(t *testing.T) {
	f := &fake{tests: twoSuites, do: func(ctx context.Context, j trial.Job) (harness.Verdict, error) {
		if j.Index > 3 {
			<-ctx.Done()
			return "", ctx.Err()
		}
		return harness.Passed, nil
	}}
	r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{For: 100 * time.Millisecond}})
	require.NoError(t, err)
	assert.False(t, r.Interrupted)
	assert.Equal(t, 3, r.TrialsDone)
}

func TestNaturalFailuresWithoutEvidenceStayUnattributed(t *testing.T) {
	f := &fake{tests: twoSuites, do: func(_ context.Context, j trial.Job) (harness.Verdict, error) {
		if j.Index%2 == 0 {
			return harness.Failed, nil
		}
		return harness.Passed, nil
	}}
	r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{Trials: 6}})
	require.NoError(t, err)
	require.Len(t, r.Findings, 1) // one kind of failure, in two tests
	got := r.Findings[0]
	assert.Equal(t, harness.Unattributed, got.Class)
	assert.Equal(t, harness.Natural, got.Standing)
	assert.ElementsMatch(t, []string{"a/1", "b/1"}, got.Tests)
	assert.Equal(t, harness.Count{K: 6, N: 12}, got.Natural)
}

func TestHarnessFailuresAreReported(t *testing.T) {
	broken := errors.New("the proxy has no port")
	f := &fake{tests: twoSuites, do: func(context.Context, trial.Job) (harness.Verdict, error) { return "", broken }}
	r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{Trials: 3}})
	require.ErrorIs(t, err, broken)
	assert.NotEmpty(t, r.Infra)
	assert.Zero(t, r.TrialsDone)

	none := &fake{do: passing}
	_, err = Run(t.Context(), Config{Runner: none, Executor: none, Target: harness.Target{Kind: harness.ShippedTarget}})
	assert.ErrorContains(t, err, "no tests that match")
}
