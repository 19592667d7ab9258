package summary

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// groupTrials is how many trial numbers a FailureGroup lists.
const groupTrials = 100

// Confidence is that of every interval in a summary.
const Confidence = 0.95

// Counted reports whether an outcome takes part in a test's rate: trials
// without injection and those of an undirected strategy, but not what a hunt
// provokes on purpose.
func Counted(a harness.Arm) bool { return a.Natural() || a == harness.Explore }

// Void reports whether an outcome says nothing: it failed while a hold kept a
// frame back that the program itself would have sent first, which no network
// can do.
func Void(o harness.Outcome) bool {
	return o.Verdict == harness.Failed && len(o.Blocked) > 0
}

// Tests summarises trials, one entry a test: by suite in the order of their
// first trial, then in the order in which the tests ran. An outcome without an
// arm takes its trial's. Trials may come in any order, but none twice (merge
// sees to that).
//
// Rates are of failures, intervals Clopper–Pearson's at 95 %. What belongs to
// a whole run (findings, causes proven, margins, decisions) is left to the
// caller.
func Tests(trials []harness.Trial) []harness.TestResult {
	return InOrder(slices.Values(slices.SortedStableFunc(slices.Values(trials), Order)))
}

// Order is that in which trials are summed up, whichever ended first.
func Order(a, b harness.Trial) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Arm, b.Arm),
		cmp.Compare(a.Seed, b.Seed), a.Start.Compare(b.Start))
}

// InOrder summarises trials that come in Order, one at a time.
func InOrder(trials iter.Seq[harness.Trial]) []harness.TestResult {
	var order []string
	tallies := map[string]*tally{}
	for trial := range trials {
		for _, o := range trial.Outcomes {
			if o.Arm == "" {
				o.Arm = trial.Arm
			}
			if o.Trial == 0 {
				o.Trial = trial.Index
			}
			t := tallies[o.Test.Name]
			if t == nil {
				t = &tally{id: o.Test, groups: map[string]*harness.FailureGroup{}}
				tallies[o.Test.Name] = t
				order = append(order, o.Test.Name)
			}
			t.add(o)
			t.where(trial.Suite, &o)
		}
	}
	out := make([]harness.TestResult, 0, len(order))
	for _, name := range order {
		out = append(out, tallies[name].result())
	}
	return out
}

// provokes reports whether an aimed trial was to make its test fail. One that
// looks for the threshold passes and fails by design, and counterfactuals are to pass.
func provokes(a harness.Arm) bool { return a != harness.Counterfactual && a != harness.Reduce }

// tally is what is being counted of one test.
type tally struct {
	id        harness.TestID
	runs      int
	failures  int
	skips     int
	infra     int
	provoked  harness.Count
	strip     strings.Builder
	groups    map[string]*harness.FailureGroup
	order     []string
	durations []harness.Duration
	timerLag  harness.Duration
	raced     bool
	rates     harness.Rates
}

// where counts an outcome by where its test ran.
func (t *tally) where(suite string, o *harness.Outcome) {
	if !Counted(o.Arm) || Void(*o) || o.Verdict != harness.Passed && o.Verdict != harness.Failed {
		return
	}
	c := &t.rates.Suite
	switch {
	case strings.HasSuffix(suite, harness.AloneSuite):
		c = &t.rates.Alone
	case strings.HasSuffix(suite, harness.LoadSuite):
		c = &t.rates.Load
	}
	c.N++
	if o.Verdict == harness.Failed {
		c.K++
	}
}

func (t *tally) add(o harness.Outcome) {
	if t.id.File == "" && o.Test.File != "" {
		t.id = o.Test
	}
	t.timerLag = max(t.timerLag, o.TimerLag)
	if Void(o) {
		return
	}
	failed := o.Verdict == harness.Failed
	if failed {
		t.group(o)
	}
	if !Counted(o.Arm) {
		if provokes(o.Arm) && (failed || o.Verdict == harness.Passed) {
			t.provoked.N++
			if failed {
				t.provoked.K++
			}
		}
		return
	}
	switch o.Verdict {
	case harness.Passed:
		t.strip.WriteByte('.')
		t.runs++
	case harness.Failed:
		t.strip.WriteByte('F')
		t.runs++
		t.failures++
	case harness.Skipped:
		t.strip.WriteByte('s')
		t.skips++
		return
	case harness.Infrastructure:
		t.strip.WriteByte('i')
		t.infra++
		return
	default:
		return
	}
	t.durations = append(t.durations, o.Duration)
}

func (t *tally) group(o harness.Outcome) {
	f := harness.Failure{Kind: harness.ErrorFailure, Message: "failed without a message"}
	if o.Failure != nil {
		f = *o.Failure
	}
	f.Fingerprint = OfFailure(f)
	if f.Kind == harness.DataRace {
		t.raced = true
	}
	g := t.groups[f.Fingerprint]
	if g == nil {
		g = &harness.FailureGroup{Failure: f, Arm: o.Arm, Cause: o.Cause, First: o.Start,
			Time: o.Duration, Output: o.Output, Wire: o.Wire, Boundary: o.Boundary}
		t.groups[f.Fingerprint] = g
		t.order = append(t.order, f.Fingerprint)
	}
	g.Count++
	if g.Cause == "" {
		g.Cause = o.Cause
	}
	if len(g.Trials) < groupTrials && !slices.Contains(g.Trials, o.Trial) {
		g.Trials = append(g.Trials, o.Trial)
	}
}

func (t *tally) result() harness.TestResult {
	i := stats.ClopperPearson(t.failures, t.runs, Confidence)
	r := harness.TestResult{
		TestID: t.id, Status: verdict.Status(verdict.Counts{
			Runs: t.runs, Failures: t.failures, Provoked: t.provoked, Skips: t.skips, Infra: t.infra,
		}), Runs: t.runs, Failures: t.failures, Skips: t.skips, Infra: t.infra,
		Provoked: t.provoked, RateLo: i.Lo, RateHi: i.Hi, Strip: t.strip.String(), TimerLag: t.timerLag,
	}
	if t.runs > 0 {
		r.Rate = float64(t.failures) / float64(t.runs)
		r.Warnings = i.Warnings
		if t.failures == 0 {
			r.Excludes = stats.Excludes(t.runs, Confidence)
		}
	}
	if t.raced {
		r.Warnings = append(r.Warnings, "the race detector reported a data race: a memory error, whatever the pass rate")
	}
	if q := t.rates; q.Alone.N+q.Load.N > 0 {
		r.Rates = &q
		if q.Load.N > 0 && t.failures > 0 {
			r.Warnings = append(r.Warnings, fmt.Sprintf("failed %d of %d in its suite, %d of %d alone, %d of %d under load",
				q.Suite.K, q.Suite.N, q.Alone.K, q.Alone.N, q.Load.K, q.Load.N))
		}
	}
	for _, fp := range t.order {
		r.Groups = append(r.Groups, *t.groups[fp])
	}
	slices.SortStableFunc(r.Groups, func(a, b harness.FailureGroup) int { return cmp.Compare(b.Count, a.Count) })
	slices.Sort(t.durations)
	r.P50, r.P99 = quantile(t.durations, 0.50), quantile(t.durations, 0.99)
	return r
}

// quantile gives the q-quantile of sorted durations, the nearest rank.
func quantile(sorted []harness.Duration, q float64) harness.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(q*float64(len(sorted))+0.9999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
