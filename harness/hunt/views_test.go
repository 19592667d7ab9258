package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
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
		trial("go"+aloneSuite, harness.Survey, 7*time.Second, "slow"),
		trial("go"+aloneSuite, harness.Survey, 6*time.Second, "slow"),
		trial("go"+aloneSuite, harness.Survey, 10*time.Millisecond, "quick"),
		trial("go"+aloneSuite, harness.Provoke, time.Hour, "quick"),
	}
	for test, want := range map[string]time.Duration{"slow": 70 * time.Second, "quick": 30 * time.Second, "never by itself": 0} {
		require.Equal(t, want, trialTimeout(longestAlone(trials, test)), test)
	}
	for kind, want := range map[harness.TargetKind]time.Duration{harness.GoTestTarget: 70 * time.Second, harness.ShippedTarget: 0} {
		h := &hunt{Config: Config{Target: harness.Target{Kind: kind}}, log: newLog(nil, nil, nil)}
		for _, x := range trials {
			h.log.add(x)
		}
		require.Equal(t, want, h.aim(t.Context(), harness.TestID{Name: "slow"}).timeout, kind)
	}
}

// TestSuiteWarnings: what is said of tests that fail alone or only in their
// suite, and of a suite that the proxy never saw.
func TestSuiteWarnings(t *testing.T) {
	ran := func(suite string, arm harness.Arm, points int, v harness.Verdict) harness.Trial {
		return harness.Trial{Suite: suite, Arm: arm, Points: points, Outcomes: []harness.Outcome{{Test: harness.TestID{Name: "a"}, Arm: arm, Verdict: v}}}
	}
	two := func(suite string, v harness.Verdict) []harness.Trial {
		return []harness.Trial{ran(suite, harness.Survey, 1, v), ran(suite, harness.Survey, 1, v)}
	}
	for name, c := range map[string]struct {
		trials []harness.Trial
		want   string
	}{
		"nothing was done":      {nil, ""},
		"passes in both":        {append(two("go", harness.Passed), two("go"+aloneSuite, harness.Passed)...), ""},
		"fails alone":           {append(two("go", harness.Passed), two("go"+aloneSuite, harness.Failed)...), "an earlier test does"},
		"fails in its suite":    {append(two("go", harness.Failed), two("go"+aloneSuite, harness.Passed)...), "another test's keys"},
		"fails in both":         {append(two("go", harness.Failed), two("go"+aloneSuite, harness.Failed)...), ""},
		"once in its suite":     {append(two("go", harness.Passed)[:1], two("go"+aloneSuite, harness.Failed)...), ""},
		"seen by nobody":        {[]harness.Trial{ran("go", harness.Survey, 0, harness.Passed)}, "REDIS_URL"},
		"without the proxy":     {[]harness.Trial{ran("go", harness.Direct, 0, harness.Passed)}, ""},
		"seen in one of trials": {[]harness.Trial{ran("go", harness.Survey, 0, harness.Passed), ran("go", harness.Survey, 1, harness.Passed)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := suiteWarnings(c.trials, []harness.TestID{{Name: "a"}})
			if c.want == "" {
				require.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			require.Contains(t, got[0], c.want)
		})
	}
}

func TestLeavesHaveNoSubtests(t *testing.T) {
	l := newLog([]harness.TestID{{Name: "A"}, {Name: "A/one"}, {Name: "AB"}}, func(test string) bool { return test != "no" }, nil)
	l.add(harness.Trial{Outcomes: []harness.Outcome{{Test: harness.TestID{Name: "AB/two"}}, {Test: harness.TestID{Name: "no"}}, {Test: harness.TestID{Name: "A"}}}})
	require.Equal(t, []harness.TestID{{Name: "A/one"}, {Name: "AB/two"}}, l.Leaves())
	require.Len(t, l.Tests(), 4)
}
