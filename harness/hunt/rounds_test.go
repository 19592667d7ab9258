package hunt

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
)

func fingerprintOf(c nearmiss.Candidate) string { return finding.Of(c) }

// roundsOf are those of a hunt of two suites.
func roundsOf(t *testing.T, change func(*Config)) *rounds {
	t.Helper()
	f := &fake{tests: twoSuites, do: passing}
	cfg := Config{Runner: f, Executor: f, Seed: 3, Budget: Budget{Trials: 7}}
	if change != nil {
		change(&cfg)
	}
	h, err := prepare(t.Context(), cfg)
	require.NoError(t, err)
	return h.rounds
}

// TestHowManyRounds: by number, by shard, or by time.
func TestHowManyRounds(t *testing.T) {
	for _, c := range []struct {
		name        string
		change      func(*Config)
		total, last int
	}{
		{"all trials of both suites", nil, 14, 7},
		{"a third of them", func(c *Config) { c.Shard = shard.Shard{I: 1, N: 3} }, 6, 7},
		{"another third", func(c *Config) { c.Shard = shard.Shard{I: 3, N: 3} }, 4, 7},
		{"by time", func(c *Config) { c.For = time.Hour }, 0, endless},
		{"one suite", func(c *Config) { c.Match = func(test string) bool { return test == "a/1" } }, 7, 7},
		{"as many as nobody said", func(c *Config) { c.Trials = 0 }, 40, 20},
	} {
		r := roundsOf(t, c.change)
		assert.Equal(t, c.total, r.total(), c.name)
		assert.Equal(t, c.last, r.last(), c.name)
	}
}

// TestOneSurveyTrialInFourIsDirect: the third, the seventh and so on, unless the
// suite's address leads to the proxy.
func TestOneSurveyTrialInFourIsDirect(t *testing.T) {
	direct := func(r *rounds) (list []int) {
		for i := 1; i <= 12; i++ {
			j := r.survey("a", i)
			require.Equal(t, []string{"a/1"}, j.Tests)
			require.Equal(t, i <= firstLook, j.Urgent)
			if j.Arm == harness.Direct {
				list = append(list, i)
			}
		}
		return list
	}
	assert.Equal(t, []int{3, 7, 11}, direct(roundsOf(t, nil)))
	assert.Empty(t, direct(roundsOf(t, func(c *Config) { c.NoDirect = true })))
}

// TestForeignSuitesAreRunWhole: as the user runs them, unless some tests are left out.
func TestForeignSuitesAreRunWhole(t *testing.T) {
	foreign := func(c *Config) {
		c.Target.Kind = harness.GoTestTarget
		c.Runner = &fake{tests: twoSuites[:1], do: passing}
	}
	assert.Nil(t, roundsOf(t, foreign).names("a"))
	assert.Equal(t, []string{"a/1"}, roundsOf(t, func(c *Config) { foreign(c); c.Match = func(string) bool { return true } }).names("a"))
	assert.Equal(t, []string{"a/1"}, roundsOf(t, func(c *Config) { foreign(c); c.Until = &stats.Rule{} }).names("a"))
}

// TestNothingIsDoneTwice: trials that are in the log, and tests that are decided.
func TestNothingIsDoneTwice(t *testing.T) {
	r := roundsOf(t, func(c *Config) { c.Until = &stats.Rule{} })
	require.False(t, r.allDecided())
	for i := 1; i <= 200 && !r.allDecided(); i++ {
		for _, id := range twoSuites {
			r.log.Add(harness.Trial{Index: i, Suite: id.Suite, Arm: harness.Survey, Outcomes: []harness.Outcome{{Test: id, Arm: harness.Survey, Verdict: harness.Failed}}})
		}
	}
	require.True(t, r.allDecided(), "200 failures in a row")
	require.True(t, r.log.Done("a", 1))
	require.False(t, r.log.Done("c", 1))
	require.Empty(t, r.names("a"))
	require.Equal(t, harness.Broken, r.log.Decision("a/1").Status)
	require.Equal(t, harness.Undecided, r.log.Decision("nobody").Status)
	calls := 0
	require.NoError(t, r.each(t.Context(), 1, 300, func(suite string, index int) trial.Job { calls++; return r.survey(suite, index) }))
	require.Zero(t, calls)
}

// TestSlots: as many as there are, and none once the context has ended.
func TestSlots(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newSlots(1)
	require.True(t, s.take(ctx))
	s.give()
	require.True(t, s.take(ctx))
	cancel()
	require.False(t, s.take(ctx), "none is free, and nobody waits for ever")
	require.Equal(t, 1, cap(newSlots(0)), "one at least")
}

// TestTimeLeavesAFifthForProof: the search ends before the hunt's time does.
func TestTimeLeavesAFifthForProof(t *testing.T) {
	r := roundsOf(t, func(c *Config) { c.For = 100 * time.Minute })
	ctx, cancel := r.most(t.Context())
	defer cancel()
	at, ok := ctx.Deadline()
	require.True(t, ok)
	require.Equal(t, 80*time.Minute, at.Sub(r.started))
	ctx, cancel = roundsOf(t, nil).most(t.Context())
	defer cancel()
	_, ok = ctx.Deadline()
	require.False(t, ok)
	ctx, cancel = until(t.Context(), 0)
	defer cancel()
	_, ok = ctx.Deadline()
	require.False(t, ok)
}

// TestSettings: what a strategy gets for one trial, and what it does not.
func TestSettings(t *testing.T) {
	size := explore.Survey{Frames: 64, Tests: 2, Roles: 4, Duration: time.Second}
	given := map[string]string{"budget": "5"}
	for _, c := range []struct {
		strategy    string
		trial, most string
	}{{"latency", "", ""}, {"skew", "9", MaxDelay.String()}, {"random", "", MaxDelay.String()}, {"pct", "", MaxDelay.String()}} {
		p := settings(c.strategy, given, 9, explore.Survey{})
		assert.Equal(t, "5", p["budget"], c.strategy)
		assert.Equal(t, c.trial, p["trial"], c.strategy)
		assert.Equal(t, c.most, p["max"], c.strategy)
	}
	assert.Equal(t, "7ms", settings("random", map[string]string{"max": "7ms"}, 1, size)["max"], "what was asked for stays")
	assert.Greater(t, len(settings("random", nil, 1, size)), 1)
	assert.Equal(t, map[string]string{"budget": "5"}, given)
}

// TestEnlarge: sizes are coarse, so that a suite gives the same in the next run.
func TestEnlarge(t *testing.T) {
	of := func(points int, took time.Duration) explore.Survey {
		return enlarge(explore.Survey{}, harness.Trial{Points: points, Duration: harness.Duration(took), Outcomes: make([]harness.Outcome, 3)})
	}
	assert.Zero(t, of(0, time.Second), "nothing was seen")
	assert.Equal(t, of(70, 900*time.Millisecond), of(120, 1200*time.Millisecond))
	assert.Equal(t, 3, of(70, time.Second).Tests)
	large := of(1000, 10*time.Second)
	assert.Equal(t, large, enlarge(large, harness.Trial{Points: 1, Duration: 1}), "the largest counts")
}
