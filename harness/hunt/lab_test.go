package hunt

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/triallog"
	"github.com/flakehunt/flakehunt/scenarios"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scenario makes one of a body.
func scenario(name string, run func(scenarios.T, *scenarios.Env)) scenarios.Scenario {
	return scenarios.Scenario{Name: name, Suite: "smoke", Run: run}
}

// counting has two workers count a visit each, gap apart: with the defect
// lost-update it tolerates that the first one's SET is gap late.
func counting(name string, gap time.Duration) scenarios.Scenario {
	return scenario(name, func(t scenarios.T, env *scenarios.Env) {
		if err := env.KV.Set(t.Context(), "visits", 0, 0); err != nil {
			t.Errorf("set: %v", err)
		}
		env.Both(t, gap, func(ctx context.Context, _ int) error {
			_, err := env.KV.Incr(ctx, "visits")
			return err
		})
		var total int
		if _, err := env.KV.Get(t.Context(), "visits", &total); err != nil || total != 2 {
			t.Errorf("2 visits were counted, and the counter says %d (%v)", total, err)
		}
	})
}

func steady(name string) scenarios.Scenario {
	return scenario(name, func(t scenarios.T, env *scenarios.Env) {
		if err := env.KV.Set(t.Context(), "color", "green", 0); err != nil {
			t.Errorf("set: %v", err)
		}
		env.ExpectPresent(t, "color", "right after it was set")
	})
}

// real is a hunt of scenarios on an embedded Redis.
func real(t *testing.T, list []scenarios.Scenario, defects ...fixtures.Defect) Config {
	t.Helper()
	p, _, err := redisenv.Resolve(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	return on(t, p, list, 2, defects...)
}

func on(t *testing.T, p redisenv.Provider, list []scenarios.Scenario, workers int, defects ...fixtures.Defect) Config {
	t.Helper()
	set := fixtures.Defects{}
	for _, d := range defects {
		set[d] = true
	}
	r := inprocess.New(list, scenarios.Config{Defects: set})
	pool := trial.NewPool(trial.PoolConfig{Provider: p, Runner: r, Workers: workers, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return Config{Runner: r, Executor: pool, Seed: 1, Budget: Budget{Trials: 4}, Target: harness.Target{Kind: harness.ShippedTarget}}
}

// endedAt is a hunt whose trials end with v, until one from index on calls end.
func endedAt(index int, v harness.Verdict, end func()) *fake {
	return &fake{tests: twoSuites, do: func(ctx context.Context, j trial.Job) (harness.Verdict, error) {
		if j.Index >= index {
			end()
			<-ctx.Done()
			return "", ctx.Err()
		}
		return v, nil
	}}
}

// fake is a runner and an executor of tests whose outcome is a function.
type fake struct {
	tests []harness.TestID
	do    func(ctx context.Context, j trial.Job) (harness.Verdict, error)

	mu   sync.Mutex
	jobs []trial.Job
}

func (f *fake) List(context.Context) ([]harness.TestID, error) { return f.tests, nil }

func (f *fake) Run(context.Context, runner.Exec) ([]harness.Outcome, error) {
	return nil, errors.New("the executor is asked, not the runner")
}

func (f *fake) Close() error            { return nil }
func (f *fake) Workers() int            { return 2 }
func (f *fake) Info() harness.RedisInfo { return harness.RedisInfo{Provider: "fake"} }

func (f *fake) Do(ctx context.Context, j trial.Job) (*trial.Done, error) {
	f.mu.Lock()
	f.jobs = append(f.jobs, j)
	f.mu.Unlock()
	verdict, err := f.do(ctx, j)
	if err != nil {
		return nil, err
	}
	d := &trial.Done{Trial: harness.Trial{Index: j.Index, Suite: j.Suite, Arm: j.Arm, Seed: j.Seed, Start: time.Unix(int64(j.Index), 0)}}
	for _, id := range f.tests {
		if id.Suite != j.Suite {
			continue
		}
		o := harness.Outcome{Test: id, Trial: j.Index, Arm: j.Arm, Verdict: verdict}
		if verdict == harness.Failed {
			o.Failure = &harness.Failure{Kind: harness.AssertionFailure, Message: "it failed", Fingerprint: "f1"}
		}
		d.Trial.Outcomes = append(d.Trial.Outcomes, o)
	}
	return d, nil
}

// indices lists the trials that were done of a suite, in order.
func (f *fake) indices(suite string) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []int
	for _, j := range f.jobs {
		if j.Suite == suite {
			list = append(list, j.Index)
		}
	}
	slices.Sort(list)
	return list
}

func passing(context.Context, trial.Job) (harness.Verdict, error) { return harness.Passed, nil }

var twoSuites = []harness.TestID{{Name: "a/1", Suite: "a"}, {Name: "b/1", Suite: "b"}}

// find returns the finding of a class, or fails the test.
func find(t *testing.T, r *harness.Result, class harness.Class) *harness.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f harness.Finding) bool { return f.Class == class })
	if i < 0 {
		for _, f := range r.Findings {
			t.Logf("%s %s: %s\n%s", f.Standing, f.Class, f.Title, f.Explanation)
		}
		t.Fatalf("no finding of %s among %d", class, len(r.Findings))
	}
	return &r.Findings[i]
}

func result(r *harness.Result, name string) harness.TestResult {
	for _, t := range r.Tests {
		if t.Name == name {
			return t
		}
	}
	return harness.TestResult{}
}

// TestAimedTrials: a failure is confirmed in a new process of the runner first, and
// the tests that a schedule names run before the one in question.
func TestAimedTrials(t *testing.T) {
	test := harness.TestID{Name: "smoke/a", Suite: "smoke"}
	verdict := harness.Passed
	f := &fake{tests: []harness.TestID{test}, do: func(context.Context, trial.Job) (harness.Verdict, error) { return verdict, nil }}
	log := triallog.New([]harness.TestID{test}, nil)
	l := &Lab{exec: f, log: log, progress: &progress{}, trials: 20, anew: map[anewKey]bool{}}
	late := harness.Schedule{Version: 1, Strategy: "replay", Before: []string{"smoke/z"}, Decisions: []harness.Decision{{Action: harness.Delay, Delay: 1}}}
	other := harness.Schedule{Version: 1, Strategy: "replay"}
	var warm []bool
	play := func(arm harness.Arm, s harness.Schedule, v harness.Verdict) {
		verdict = v
		l.Aimed(t.Context(), test, arm, s, 0)
		warm = append(warm, f.jobs[len(f.jobs)-1].Warm)
	}
	play(harness.Provoke, late, harness.Failed)
	play(harness.Confirm, late, harness.Passed) // in a new process it did not fail: it is asked again
	play(harness.Confirm, late, harness.Failed)
	play(harness.Confirm, late, harness.Failed)
	play(harness.Confirm, other, harness.Failed)
	play(harness.Counterfactual, other, harness.Passed)
	require.Equal(t, []bool{true, false, false, true, false, true}, warm)
	require.Equal(t, []string{"smoke/z", "smoke/a"}, f.jobs[0].Tests)
	require.Equal(t, []string{"smoke/a"}, f.jobs[5].Tests)
	require.Equal(t, []string{"smoke/z"}, late.Before, "the schedule stays as it is")
}

// TestAdmit: tests that --run leaves out count nowhere, and that it leaves out all
// that ran is an error.
func TestAdmit(t *testing.T) {
	l := &Lab{log: triallog.New(nil, func(test string) bool { return test == "a" })}
	done := func(names ...string) *trial.Done {
		d := &trial.Done{}
		for _, n := range names {
			d.Trial.Outcomes = append(d.Trial.Outcomes, harness.Outcome{Test: harness.TestID{Name: n}})
		}
		return d
	}
	d := done("a", "b")
	require.NoError(t, l.admit(d))
	require.Len(t, d.Trial.Outcomes, 1)
	require.NoError(t, l.admit(done()), "a trial in which nothing ran is judged elsewhere")
	require.ErrorContains(t, l.admit(done("b", "c")), "--run matches none of the 2 tests that ran")
}
