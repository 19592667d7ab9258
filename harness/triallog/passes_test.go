package triallog

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// drawTrial draws a trial of a hunt, most often one in which all passed.
func drawTrial(t *rapid.T, index int) harness.Trial {
	arm := rapid.SampledFrom([]harness.Arm{harness.Survey, harness.Survey, harness.Direct, harness.Explore, harness.Provoke}).Draw(t, "arm")
	suite := rapid.SampledFrom([]string{"s", "s", "u", "s" + harness.AloneSuite}).Draw(t, "suite")
	tr := harness.Trial{
		Index: index, Suite: suite, Arm: arm, Seed: rapid.Uint64().Draw(t, "seed"), Worker: rapid.IntRange(1, 3).Draw(t, "worker"),
		Start: time.Unix(1_700_000_000, rapid.Int64Range(0, 1e12).Draw(t, "start")).UTC(), Points: rapid.IntRange(0, 1).Draw(t, "points"),
	}
	for k := range rapid.IntRange(1, 4).Draw(t, "tests") {
		o := harness.Outcome{
			Test:     harness.TestID{Name: fmt.Sprint(suite, ".", k), Suite: suite, File: "f.go", Line: k},
			Verdict:  rapid.SampledFrom([]harness.Verdict{harness.Passed, harness.Passed, harness.Passed, harness.Skipped, harness.Failed, harness.Infrastructure}).Draw(t, "verdict"),
			Duration: harness.Duration(rapid.IntRange(1, 1000).Draw(t, "duration")), TimerLag: harness.Duration(rapid.IntRange(0, 50).Draw(t, "lateness")),
			Arm: arm, Trial: index,
		}
		if o.Verdict == harness.Failed {
			o.Failure = &harness.Failure{Kind: harness.ErrorFailure, Message: "no"}
		}
		tr.Outcomes = append(tr.Outcomes, o)
	}
	return tr
}

// What is kept of trials says all that the trials themselves say.
func TestSumsAreThoseOfAllTrials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []harness.Trial
		l := New(nil, nil)
		for i := range rapid.IntRange(0, 30).Draw(t, "trials") {
			all = append(all, drawTrial(t, 1+i/2))
			l.Add(all[i])
		}
		suites := summary.Suites(all)
		require.Equal(t, summary.Tests(all), summary.InOrder(Sums(l)))
		require.Equal(t, summary.Finished(slices.Values(all), suites), summary.Finished(Sums(l), suites))
		require.Equal(t, Tallies(slices.Values(all)), Tallies(Sums(l)))
		require.Equal(t, SuiteWarnings(slices.Values(all), l.Tests()), SuiteWarnings(Sums(l), l.Tests()))
		for _, tr := range all {
			counted := slices.ContainsFunc(all, func(o harness.Trial) bool {
				return o.Suite == tr.Suite && o.Index == tr.Index && summary.Counted(o.Arm)
			})
			require.Equal(t, counted, l.Done(tr.Suite, tr.Index), "%s %d", tr.Suite, tr.Index)
		}
		done, _ := l.Fail("s", 1, fmt.Errorf("x"))
		require.Equal(t, len(all), done)
	})
}

// A trial of one test in which it passed takes less than 256 bytes, room to grow
// and the record that it is done included.
func TestPassesTakeLittleMemory(t *testing.T) {
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	const trials = 20_000
	l := New(nil, nil)
	before := heap()
	for i := range trials {
		l.Add(harness.Trial{Index: i + 1, Suite: "s", Arm: harness.Survey, Digest: fmt.Sprintf("%064d", i), Outcomes: []harness.Outcome{
			{Test: harness.TestID{Name: "s.a", Suite: "s"}, Verdict: harness.Passed, Output: fmt.Sprintf("%0100d", i)},
		}})
	}
	require.Less(t, (heap()-before)/trials, int64(256))
	runtime.KeepAlive(l)
}
