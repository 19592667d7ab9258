package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
)

// A test that is aimed at gets ten times what it took by itself, however long
// its suite takes, and its command time to start.
func TestPatience(t *testing.T) {
	trial := func(suite string, arm harness.Arm, took time.Duration, tests ...string) harness.Trial {
		x := harness.Trial{Suite: suite, Arm: arm, Duration: harness.Duration(took)}
		for _, name := range tests {
			x.Outcomes = append(x.Outcomes, harness.Outcome{Test: harness.TestID{Name: name, Suite: suite}})
		}
		return x
	}
	h := &hunter{Config: Config{Target: harness.Target{Kind: harness.GoTestTarget}}, found: finding.NewCatalogue(), trials: []harness.Trial{
		trial("go", harness.Survey, time.Hour, "slow", "quick"),
		trial("go"+aloneSuite, harness.Survey, 7*time.Second, "slow"),
		trial("go"+aloneSuite, harness.Survey, 6*time.Second, "slow"),
		trial("go"+aloneSuite, harness.Survey, 10*time.Millisecond, "quick"),
		trial("go"+aloneSuite, harness.Provoke, time.Hour, "quick"),
	}}
	require.Equal(t, 70*time.Second, h.patience("slow"))
	require.Equal(t, 30*time.Second, h.patience("quick"))
	require.Zero(t, h.patience("never by itself"))
	h.Target.Kind = harness.ShippedTarget
	require.Zero(t, h.patience("slow"))
}
