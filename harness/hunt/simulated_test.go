package hunt

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// simulatedOf is a simulated finding about a/1: its schedule delays one frame.
func simulatedOf(fingerprint string) Simulated {
	at := harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	return Simulated{
		Finding: harness.Finding{
			ID: finding.ID(fingerprint), Fingerprint: fingerprint, Class: harness.RaceLostUpdate, Standing: harness.Simulated,
			Tests: []string{"a/1", "b/1"}, Failure: harness.Failure{Fingerprint: "f1"},
			Schedule: harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Decisions: []harness.Decision{
				{Test: "a/1", At: at, Action: harness.Delay, Delay: 1e6},
			}},
			Provoked: harness.Count{K: 1, N: 1},
		},
		Divergence: func(context.Context, []harness.Event) string { return "SET came earlier" },
	}
}

// hunted hunts twoSuites with two simulated findings, of which a trial fails as fails says.
func hunted(t *testing.T, fails func(j trial.Job) bool) *harness.Result {
	t.Helper()
	f := &fake{tests: twoSuites, do: func(_ context.Context, j trial.Job) (harness.Verdict, error) {
		if fails(j) {
			return harness.Failed, nil
		}
		return harness.Passed, nil
	}}
	r, err := Run(t.Context(), Config{
		Runner: f, Executor: f, Seed: 1, Budget: Budget{Trials: 3}, Before: Before{Simulated: []Simulated{simulatedOf("0123456789abcdef"), {Finding: harness.Finding{Tests: []string{"c/1"}}}}},
	})
	require.NoError(t, err)
	require.NotNil(t, r.Simulation)
	assert.Equal(t, 2, r.Simulation.Findings)
	for _, res := range r.Tests {
		assert.Equal(t, 3, res.Runs, "what proves a simulated finding counts towards no rate")
	}
	return r
}

func status(r *harness.Result) []harness.Status {
	return []harness.Status{result(r, "a/1").Status, result(r, "b/1").Status}
}

func TestSimulatedFindingThatFailsHereIsProvoked(t *testing.T) {
	r := hunted(t, func(j trial.Job) bool { return j.Arm == harness.Confirm })
	f := find(t, r, harness.RaceLostUpdate)
	assert.Equal(t, harness.Provoked, f.Standing)
	assert.Equal(t, harness.Count{K: 3, N: 3}, f.Provoked)
	assert.Equal(t, harness.Count{K: 0, N: 2}, f.Counter)
	assert.Equal(t, []string{"a/1"}, f.Tests, "where it was proved")
	assert.Equal(t, "fake", f.Redis.Provider)
	assert.Contains(t, f.Warnings, "found in simulation, confirmed 3/3 on fake (redis )")
	assert.Equal(t, 1, r.Simulation.Confirmed)
	assert.Equal(t, harness.Flaky, status(r)[0])
	assert.NotEqual(t, harness.Flaky, status(r)[1])
}

func TestSimulatedFindingThatNeverFailsHereFailsNoTest(t *testing.T) {
	r := hunted(t, func(trial.Job) bool { return false })
	f := find(t, r, harness.RaceLostUpdate)
	assert.Equal(t, harness.Simulated, f.Standing)
	assert.Equal(t, harness.Count{K: 0, N: 3}, f.Provoked, "here, not in the simulation")
	require.Len(t, f.Warnings, 1)
	assert.Contains(t, f.Warnings[0], "simulated only, 0 of 3 replays failed on fake")
	assert.Equal(t, 1, r.Simulation.Only)
	for _, s := range status(r) {
		assert.NotContains(t, []harness.Status{harness.Flaky, harness.Broken}, s)
	}
	assert.Empty(t, result(r, "a/1").Findings)
}

func TestSimulatedFindingWhoseTestFailsWithoutItToo(t *testing.T) {
	r := hunted(t, func(j trial.Job) bool { return j.Suite == "a" })
	for _, f := range r.Findings {
		assert.NotEqual(t, harness.Provoked, f.Standing, "the delay is not to blame")
		assert.NotEqual(t, harness.Simulated, f.Standing)
	}
	assert.Equal(t, 0, r.Simulation.Confirmed)
	assert.Equal(t, harness.Broken, status(r)[0])
}
