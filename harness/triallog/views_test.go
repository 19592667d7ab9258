package triallog

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

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
		"passes in both":        {append(two("go", harness.Passed), two("go"+AloneSuite, harness.Passed)...), ""},
		"fails alone":           {append(two("go", harness.Passed), two("go"+AloneSuite, harness.Failed)...), "an earlier test does"},
		"fails in its suite":    {append(two("go", harness.Failed), two("go"+AloneSuite, harness.Passed)...), "another test's keys"},
		"fails in both":         {append(two("go", harness.Failed), two("go"+AloneSuite, harness.Failed)...), ""},
		"once in its suite":     {append(two("go", harness.Passed)[:1], two("go"+AloneSuite, harness.Failed)...), ""},
		"seen by nobody":        {[]harness.Trial{ran("go", harness.Survey, 0, harness.Passed)}, "REDIS_URL"},
		"without the proxy":     {[]harness.Trial{ran("go", harness.Direct, 0, harness.Passed)}, ""},
		"seen in one of trials": {[]harness.Trial{ran("go", harness.Survey, 0, harness.Passed), ran("go", harness.Survey, 1, harness.Passed)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := SuiteWarnings(slices.Values(c.trials), []harness.TestID{{Name: "a"}})
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
	l := New([]harness.TestID{{Name: "A"}, {Name: "A/one"}, {Name: "AB"}}, func(test string) bool { return test != "no" })
	l.Add(harness.Trial{Outcomes: []harness.Outcome{{Test: harness.TestID{Name: "AB/two"}}, {Test: harness.TestID{Name: "no"}}, {Test: harness.TestID{Name: "A"}}}})
	require.Equal(t, []harness.TestID{{Name: "A/one"}, {Name: "AB/two"}}, l.Leaves())
	require.Len(t, l.Tests(), 4)
}
