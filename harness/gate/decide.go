package gate

import (
	"cmp"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Decide says whether the pipeline may go on.
//
// A test that failed every time, or whose failure history does not know, is a
// breach at once. A known flake is one only if it fails more often than before
// (Fisher's exact test, one-sided; Holm's correction, so that cfg.Alpha is the
// chance of one or more false alarms over all tests).
func Decide(in Input, cfg Config) Verdict {
	g := &decision{Input: in, cfg: cfg, used: map[int]bool{}, v: Verdict{Breaches: []Breach{}}}
	if in.Baseline != nil {
		g.v.Baseline = len(in.Baseline.Runs)
	}
	g.scope()
	g.evidence()
	g.failures()
	g.regressions()
	g.margins()
	rates(g)
	g.quarantine()
	g.v.Exit = g.exit()
	return g.v
}

// decision is the state of one Decide.
type decision struct {
	Input
	cfg   Config
	tests []*harness.TestResult // in scope
	used  map[int]bool          // quarantine entries that excused something
	held  map[string]bool       // tests with a breach already: one message each is enough
	v     Verdict
}

func (g *decision) breach(kind Kind, test, wayOut, format string, args ...any) {
	g.v.Breaches = append(g.v.Breaches, Breach{Kind: kind, Test: test, What: fmt.Sprintf(format, args...), WayOut: wayOut})
	g.held[test] = true
}

// because says what the last breach comes of.
func because(g *decision, f *harness.FailureGroup) {
	c := &Cause{Title: line(f.Message), Fingerprint: f.Fingerprint}
	if own := g.finding(f.Finding); own != nil {
		c = &Cause{Finding: own.ID, Class: own.Class, Title: line(own.Title)}
	} else if f.Fingerprint == "" {
		return
	}
	g.v.Breaches[len(g.v.Breaches)-1].Cause = c
}

// scope picks the tests that count.
func (g *decision) scope() {
	g.held = map[string]bool{}
	unknown := 0
	for i := range g.Current.Tests {
		t := &g.Current.Tests[i]
		if g.cfg.Since != "" && !g.isNew(t.Name) {
			if t.File == "" {
				unknown++
				continue
			}
			if !harness.FileAmong(t.File, g.cfg.Changed) {
				continue
			}
		}
		g.tests = append(g.tests, t)
	}
	g.v.Tests = len(g.tests)
	if g.cfg.Since != "" {
		g.v.Notes = append(g.v.Notes, fmt.Sprintf("only tests that are new, or in files changed since %s: %d of %d", g.cfg.Since, len(g.tests), len(g.Current.Tests)))
		if unknown > 0 {
			g.v.Notes = append(g.v.Notes, fmt.Sprintf("%d tests name no file, so they count as unchanged", unknown))
		}
		if g.Baseline == nil || len(g.Baseline.Runs) == 0 {
			g.v.Notes = append(g.v.Notes, "no history says which tests are new: changed files alone decide")
		}
	}
}

// isNew reports whether history, if there is any, lacks the test.
func (g *decision) isNew(test string) bool {
	return g.Baseline != nil && len(g.Baseline.Runs) > 0 && g.Baseline.Find(test) == nil
}

// evidence says whether there is anything to decide from.
func (g *decision) evidence() {
	runs := 0
	for _, t := range g.Current.Tests {
		runs += t.Runs + t.Provoked.N
	}
	why := "no test ran"
	if len(g.Current.Infra) > 0 {
		f := g.Current.Infra[0]
		why = fmt.Sprintf("%d infrastructure failures, the first: %s: %s", len(g.Current.Infra), f.What, f.Err)
	}
	if runs == 0 {
		g.v.Failed = append(g.v.Failed, Breach{Kind: NoEvidence, What: "0 trials count: " + why,
			WayOut: "see 'flakehunt doctor', then run again"})
		return
	}
	if verdict.Ended(g.Current) == verdict.BrokenOff {
		if g.Current.Stopped != "" {
			why = g.Current.Stopped
		} else if len(g.Current.Infra) == 0 {
			why = "the harness or Redis could not do its work"
		}
		g.v.Failed = append(g.v.Failed, Breach{Kind: NoEvidence, What: fmt.Sprintf("the run was broken off after %d of %d trials: %s", g.Current.TrialsDone, verdict.Share(g.Current), line(why)),
			WayOut: "see 'flakehunt doctor', then go on with 'flakehunt run --resume'"})
	} else if len(g.Current.Infra) > 0 {
		g.v.Notes = append(g.v.Notes, why+"; they count neither for nor against a test")
	}
	if g.Current.Interrupted {
		g.v.Undecided = append(g.v.Undecided, Breach{Kind: NotEnough, What: fmt.Sprintf("the run was interrupted after %d of %d trials", g.Current.TrialsDone, g.Current.TrialsAsked),
			WayOut: "go on with 'flakehunt run --resume'"})
	}
	for _, t := range g.tests {
		if t.Status == harness.StatusInfra {
			g.v.Failed = append(g.v.Failed, Breach{Kind: NoEvidence, Test: t.Name, What: fmt.Sprintf("infrastructure took all of its %d trials", t.Infra),
				WayOut: "see 'flakehunt doctor', then run again"})
		}
		if t.Status == harness.Undecided {
			g.v.Undecided = append(g.v.Undecided, Breach{Kind: NotEnough, Test: t.Name, What: fmt.Sprintf("%d trials did not decide (%s)", t.Runs, stats.ExclusionSentence(t.Runs-t.Failures, 0.95)),
				WayOut: "give it more: --trials or --for"})
		}
	}
}

// regressions compares each test with its own past.
func (g *decision) regressions() {
	var tests []*harness.TestResult
	var before, now []harness.Count
	var over []int // runs that now is over
	for _, t := range g.tests {
		if g.Baseline == nil || t.Runs == 0 || g.held[t.Name] {
			continue
		}
		past := g.Baseline.Find(t.Name)
		if past == nil {
			continue
		}
		tests = append(tests, t)
		b, n, runs := g.sides(t)
		before, now, over = append(before, b), append(now, n), append(over, runs)
	}
	if g.v.Baseline == 0 {
		g.v.Notes = append(g.v.Notes, "no earlier run of like conditions to compare with: only failures and new flakes count")
	}
	alpha := g.cfg.Alpha
	if !(alpha > 0 && alpha < 1) {
		alpha = 0.01
	}
	for i, r := range stats.RegressAll(before, now, alpha) {
		t := tests[i]
		switch {
		case r.Worse && g.excuse(t, t.Groups, fmt.Sprintf("%d of %d failed, before %d of %d", r.Current.K, r.Current.N, r.Baseline.K, r.Baseline.N)):
		case r.Worse:
			in := ""
			if over[i] > 1 {
				in = fmt.Sprintf(" in the last %d runs", over[i])
			}
			g.breach(Worse, t.Name, g.mend(t), "failed %d of %d (%s)%s, before %d of %d (%s); p = %.2g, false alarms over %d tests at most %s",
				r.Current.K, r.Current.N, stats.Percent(float64(r.Current.K)/float64(r.Current.N)), in, r.Baseline.K, r.Baseline.N,
				stats.Percent(float64(r.Baseline.K)/float64(r.Baseline.N)), r.P, len(tests), stats.Percent(alpha))
			if len(t.Groups) > 0 {
				because(g, &t.Groups[0])
			}
		case r.Current.K > 0 && len(r.Warnings) > 0 && t.Runs >= few:
			g.v.Undecided = append(g.v.Undecided, Breach{Kind: NotEnough, Test: t.Name, What: r.Warnings[0], WayOut: "give it more: --trials or --for"})
		}
	}
}

// margins looks for tests that pass by a hair.
func (g *decision) margins() {
	if g.cfg.MinMargin <= 0 {
		return
	}
	inScope := map[string]*harness.TestResult{}
	for _, t := range g.tests {
		inScope[t.Name] = t
	}
	least := map[string]harness.Margin{}
	note := func(m harness.Margin) {
		if old, known := least[m.Test]; inScope[m.Test] != nil && !m.Ordered && (!known || m.Size < old.Size) {
			least[m.Test] = m
		}
	}
	for _, m := range g.Current.Margins {
		note(m)
	}
	for _, t := range g.tests {
		if t.Margin != nil {
			note(*t.Margin)
		}
	}
	for _, t := range g.tests {
		m, measured := least[t.Name]
		if !measured || time.Duration(m.Size) >= g.cfg.MinMargin {
			continue
		}
		how := "measured"
		if m.Predicted {
			how = "predicted"
		}
		what := fmt.Sprintf("fails when %s is %s late (%s), --min-margin is %s", cmp.Or(m.Edge, m.At.String()), m.Size, how, g.cfg.MinMargin)
		if e := g.cfg.Quarantine.naming(t.Name); e != nil && !e.Expired(g.cfg.Now) {
			g.excused(t.Name, e, what)
			continue
		}
		g.breach(LowMargin, t.Name, "wait for the event instead of the time, or lower --min-margin", "%s", what)
	}
}

func (g *decision) exit() int {
	switch {
	case len(g.v.Breaches) > 0:
		return verdict.ExitFlaky
	case len(g.v.Failed) > 0:
		return verdict.ExitHarness
	case len(g.v.Undecided) > 0:
		return verdict.ExitUndecided
	}
	return verdict.ExitClean
}
