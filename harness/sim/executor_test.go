package sim_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// crashEnv names a file: the worker that can make it soon ends by a panic.
const crashEnv = "FLAKEHUNT_SIM_TEST_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
			f.Close()
			time.AfterFunc(200*time.Millisecond, func() { panic("of a goroutine that nobody can recover") })
		}
	}
	sim.Main()
	os.Exit(m.Run())
}

func shipped(defects ...string) harness.Target {
	return harness.Target{Kind: harness.ShippedTarget, Variant: "hardened", Waits: "hardened", Defects: defects}
}

func executor(t testing.TB, cfg sim.Config) *sim.Executor {
	t.Helper()
	e, err := sim.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, e.Close()) })
	return e
}

// quick makes executors whose workers lack the race detector, under which a trial
// takes ten times as long. What is found, and how often, is the same; other tests
// play each suite under the detector.
func quick(t *testing.T) func(testing.TB, sim.Config) *sim.Executor {
	t.Helper()
	path := filepath.Join(t.TempDir(), "worker.exe")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-race=false", "-o", path, "./testdata/worker").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return func(t testing.TB, cfg sim.Config) *sim.Executor {
		e := executor(t, cfg)
		e.StartWith(path)
		return e
	}
}

// A whole suite passes, its waits cost nothing, and what a kept trial returns
// is what a trial in real time returns.
func TestDoPlaysASuite(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped(), Workers: 1})
	begun := time.Now()
	d, err := e.Do(t.Context(), trial.Job{Index: 1, Suite: "smoke", Arm: harness.Survey, Seed: 7, Keep: true})
	require.NoError(t, err)
	assert.Len(t, d.Trial.Outcomes, 66)
	for _, o := range d.Trial.Outcomes {
		assert.Equal(t, harness.Passed, o.Verdict, o.Test.Name)
		if len(d.Events[o.Test.Name]) < 2 {
			t.Errorf("%s: no history", o.Test.Name)
		}
	}
	assert.Greater(t, time.Duration(d.Trial.Duration), 5*time.Second, "virtual time")
	assert.WithinDuration(t, begun, d.Trial.Start, time.Minute, "when it was really played")
	info := e.Info()
	assert.Equal(t, "sim", info.Provider)
	assert.False(t, info.Real)
}

// A panic that nothing can recover ends a worker; the run goes on in another,
// and no trial is lost or counted twice.
func TestPlayOutlivesACrash(t *testing.T) {
	const crashTrials = 600 // longer than the 200 ms after which the worker crashes
	path := filepath.Join(t.TempDir(), "crashed")
	t.Setenv(crashEnv, path)
	e := executor(t, sim.Config{Target: shipped(), Workers: 1})
	p, err := e.Play(t.Context(), sim.Batch{Tests: []string{"smoke/kv/set-then-get"}, Seed: 1, First: 1, Count: crashTrials, Digests: true})
	require.NoError(t, err)
	require.FileExists(t, path)
	assert.Equal(t, 1, p.Crashes)
	assert.Equal(t, crashTrials, p.Trials)
	seen := map[int]bool{}
	for _, d := range p.Digests {
		assert.False(t, seen[d.Trial], "trial %d twice", d.Trial)
		seen[d.Trial] = true
		assert.Equal(t, harness.Passed, d.Verdict)
	}
	assert.Len(t, seen, crashTrials)
	assert.Empty(t, p.Failed)
}

func TestCancelEndsABatchAtOnce(t *testing.T) {
	e := executor(t, sim.Config{Target: shipped(), Workers: 1})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	start := time.Now()
	_, err := e.Play(ctx, sim.Batch{Seed: 1, First: 1, Count: 1 << 30})
	require.ErrorIs(t, err, context.Canceled)
	assert.Less(t, time.Since(start), 30*time.Second)
	_, err = e.Do(t.Context(), trial.Job{Index: 1, Tests: []string{"smoke/kv/set-then-get"}, Seed: 1})
	assert.NoError(t, err, "the executor can be used on")
}

// What the undirected strategies inject by default fails no sound test: each
// delay is within what the suites wait for. The seed decides all of it.
func TestHardenedPassesUndirected(t *testing.T) {
	open := quick(t)
	for _, strategy := range []string{"random", "pct", "skew"} {
		e := open(t, sim.Config{Target: shipped()})
		suites, err := inprocess.ForTarget(shipped())
		require.NoError(t, err)
		r, err := hunt.Run(t.Context(), hunt.Config{Target: shipped(), Runner: suites, Executor: e, Strategy: strategy, Seed: 1, Budget: hunt.Budget{Trials: 20}})
		require.NoError(t, err)
		assert.Empty(t, r.Findings, strategy)
		for _, res := range r.Tests {
			assert.Equal(t, 20, res.Runs, res.Name)
			assert.Zero(t, res.Failures, "%s under %s", res.Name, strategy)
		}
	}
}

func TestBadTargetsAreSaid(t *testing.T) {
	_, err := sim.New(sim.Config{Target: harness.Target{Kind: harness.GoTestTarget}})
	assert.ErrorContains(t, err, "package simtest")
	_, err = sim.New(sim.Config{Target: harness.Target{Kind: harness.ShippedTarget, Run: "nothing-like-it"}})
	assert.ErrorContains(t, err, "no test matches")
	_, err = sim.New(sim.Config{Target: shipped("no-such-defect")})
	assert.ErrorContains(t, err, "no-such-defect")
	t.Setenv("FLAKEHUNT_SIM_WORKER", "1")
	_, err = sim.New(sim.Config{Target: shipped()})
	assert.ErrorContains(t, err, "sim.Main must be called first")
}
