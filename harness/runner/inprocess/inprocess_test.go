package inprocess_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/scenarios"
)

func scenario(name string, run func(scenarios.T, *scenarios.Env)) scenarios.Scenario {
	return scenarios.Scenario{Name: name, Suite: "smoke", Category: "c", File: "f.go", Line: 1, Run: run}
}

// Each scenario's failure, panic or hang is its own; the others run as ever.
func TestEachScenarioCostsOnlyItself(t *testing.T) {
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close(context.Background())) })

	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	cleaned := false
	list := []scenarios.Scenario{
		scenario("own/c/passes", func(t scenarios.T, _ *scenarios.Env) { t.Cleanup(func() { cleaned = true }) }),
		scenario("own/c/fails", func(t scenarios.T, _ *scenarios.Env) {
			t.Logf("about to compare")
			assert.Equal(t, 1, 2, "counting")
			require.Fail(t, "second")
			panic("not reached")
		}),
		scenario("own/c/panics", func(scenarios.T, *scenarios.Env) { panic("boom") }),
		scenario("own/c/hangs", func(scenarios.T, *scenarios.Env) { <-release }),
		scenario("own/c/late", func(t scenarios.T, _ *scenarios.Env) { <-t.Context().Done() }),
		scenario("own/c/cleanup-panics", func(t scenarios.T, _ *scenarios.Env) { t.Cleanup(func() { panic("in cleanup") }) }),
		scenario("own/c/still-passes", func(scenarios.T, *scenarios.Env) {}),
	}
	r := inprocess.New(list, scenarios.Config{})
	var marks []string
	out, err := r.Run(t.Context(), runner.Exec{
		Trial: 3, Seed: 9, Arm: harness.Survey, Worker: 2, Deadline: 300 * time.Millisecond,
		Redis: runner.Endpoint{Addr: inst.Addr()},
		Begin: func(test string) { marks = append(marks, "+"+test) },
		End:   func(test string) { marks = append(marks, "-"+test) },
	})
	require.NoError(t, err)
	require.Len(t, out, len(list))
	got := map[string]harness.Outcome{}
	for _, o := range out {
		got[o.Test.Name] = o
		require.Equal(t, 3, o.Trial)
		require.EqualValues(t, 9, o.Seed)
	}
	require.True(t, cleaned)
	require.Equal(t, harness.Passed, got["own/c/passes"].Verdict)
	require.Equal(t, harness.Passed, got["own/c/still-passes"].Verdict)

	f := got["own/c/fails"]
	require.Equal(t, harness.Failed, f.Verdict)
	require.Equal(t, harness.AssertionFailure, f.Failure.Kind)
	require.Contains(t, f.Failure.Message, "counting: Not equal", "the first failure explains")
	require.Contains(t, f.Output, "about to compare")
	require.Contains(t, f.Output, "1 more failed assertion")
	require.NotEmpty(t, f.Failure.Fingerprint)

	require.Equal(t, harness.PanicFailure, got["own/c/panics"].Failure.Kind)
	require.Contains(t, got["own/c/panics"].Failure.Stack, "inprocess_test.go")
	require.Equal(t, harness.PanicFailure, got["own/c/cleanup-panics"].Failure.Kind)
	require.Equal(t, harness.TimeoutFailure, got["own/c/hangs"].Failure.Kind)
	require.Contains(t, got["own/c/hangs"].Failure.Message, "left behind")
	require.Equal(t, harness.TimeoutFailure, got["own/c/late"].Failure.Kind)
	require.Contains(t, got["own/c/late"].Failure.Message, "ended late")
	require.Equal(t, "+smoke/set-up", marks[0])
	require.Len(t, marks, 2*(len(list)+2), "one more set-up after the one that hung")
}

func TestOnlyWhatIsAskedFor(t *testing.T) {
	inst, err := redisenv.Start(t.Context(), redisenv.Spec{Provider: "embedded"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, inst.Close(context.Background())) })
	none := func(scenarios.T, *scenarios.Env) {}
	r := inprocess.New([]scenarios.Scenario{scenario("own/c/a", none), scenario("own/c/b", none)}, scenarios.Config{})
	out, err := r.Run(t.Context(), runner.Exec{Tests: []string{"own/c/b"}, Redis: runner.Endpoint{Addr: inst.Addr()}})
	require.NoError(t, err)
	require.Len(t, out, 1)
	require.Equal(t, "own/c/b", out[0].Test.Name)
}

// A Redis that is not there is the harness's failure, not a test's.
func TestNoRedisIsAnError(t *testing.T) {
	r := inprocess.New([]scenarios.Scenario{scenario("own/c/a", func(scenarios.T, *scenarios.Env) {})}, scenarios.Config{})
	out, err := r.Run(t.Context(), runner.Exec{Deadline: time.Second, Redis: runner.Endpoint{Addr: "127.0.0.1:1"}})
	require.ErrorContains(t, err, "set up suite smoke")
	require.Empty(t, out)
}
