package hunt

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

// TestTimeIsUsedForProvokingToo: a hunt with a time and no number of trials does
// not survey until its time is over, but goes on surveying when it has provoked.
func TestTimeIsUsedForProvokingToo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := real(t, []scenarios.Scenario{counting("smoke/t/count", 60*time.Millisecond)}, fixtures.LostUpdate)
	cfg.For, cfg.Trials = 2*time.Minute, 2 // ended below; 2 is no limit
	cfg.Progress = func(p Progress) {
		if p.Findings > 0 && p.Done > 10 {
			cancel()
		}
	}
	r, err := Run(ctx, cfg)
	require.NoError(t, err)
	assert.Equal(t, harness.Provoked, find(t, r, harness.RaceLostUpdate).Standing)
	assert.Greater(t, r.TrialsDone, 2)
	assert.Zero(t, r.TrialsAsked)
}

// TestEarlyEndKeepsFailures: what failed before a hunt was ended is a finding.
func TestEarlyEndKeepsFailures(t *testing.T) {
	for _, strategy := range []string{"none", "directed"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		f := endedAt(3, harness.Failed, cancel)
		r, err := Run(ctx, Config{Runner: f, Executor: f, Strategy: strategy, Budget: Budget{Trials: 50}})
		require.NoError(t, err)
		assert.True(t, r.Interrupted)
		assert.NotEmpty(t, r.Findings, strategy)
	}
}

// TestDecidedEndsATimedHunt: when every test is decided there is nothing to use
// the rest of the time for.
func TestDecidedEndsATimedHunt(t *testing.T) {
	f := &fake{tests: twoSuites, do: func(context.Context, trial.Job) (harness.Verdict, error) { return harness.Failed, nil }}
	start := time.Now()
	r, err := Run(t.Context(), Config{Runner: f, Executor: f, Strategy: "none", Budget: Budget{For: time.Hour, Until: &stats.Rule{}}})
	require.NoError(t, err)
	assert.False(t, r.Interrupted)
	assert.Positive(t, r.TrialsDone)
	assert.Less(t, time.Since(start), time.Hour/2)
}
