package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// A test that is aimed at gets ten times what it took by itself, however long
// its suite takes, and its command time to start.
func TestTrialTimeout(t *testing.T) {
	trial := func(suite string, arm harness.Arm, took time.Duration, tests ...string) harness.Trial {
		x := harness.Trial{Suite: suite, Arm: arm, Duration: harness.Duration(took)}
		for _, name := range tests {
			x.Outcomes = append(x.Outcomes, harness.Outcome{Test: harness.TestID{Name: name, Suite: suite}})
		}
		return x
	}
	trials := []harness.Trial{
		trial("go", harness.Survey, time.Hour, "slow", "quick"),
		trial("go"+triallog.AloneSuite, harness.Survey, 7*time.Second, "slow"),
		trial("go"+triallog.AloneSuite, harness.Survey, 6*time.Second, "slow"),
		trial("go"+triallog.AloneSuite, harness.Survey, 10*time.Millisecond, "quick"),
		trial("go"+triallog.AloneSuite, harness.Provoke, time.Hour, "quick"),
	}
	for test, want := range map[string]time.Duration{"slow": 70 * time.Second, "quick": 30 * time.Second, "never by itself": 0} {
		require.Equal(t, want, trialTimeout(triallog.LongestAlone(trials, test)), test)
	}
	for kind, want := range map[harness.TargetKind]time.Duration{harness.GoTestTarget: 70 * time.Second, harness.ShippedTarget: 0} {
		h := &hunt{Config: &Config{Target: harness.Target{Kind: kind}}, log: triallog.New(nil, nil)}
		for _, x := range trials {
			h.log.Add(x)
		}
		require.Equal(t, want, h.aimAt(t.Context(), harness.TestID{Name: "slow"}).aim.Timeout, kind)
	}
}
