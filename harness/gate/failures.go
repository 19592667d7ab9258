package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// failures looks at each way in which each test failed.
func (g *decision) failures() {
	for _, t := range g.tests {
		if t.Failures == 0 && t.Provoked.K == 0 && len(t.Groups) == 0 {
			continue
		}
		for i := range t.Groups {
			g.failure(t, &t.Groups[i])
		}
		if len(t.Groups) == 0 { // a result without details, such as an old import
			g.failure(t, &harness.FailureGroup{Failure: harness.Failure{Message: "no message"}, Count: t.Failures})
		}
	}
}

// failure judges one way in which a test failed.
func (g *decision) failure(t *harness.TestResult, f *harness.FailureGroup) {
	seen := g.seen(t, f)
	brief := fmt.Sprintf("%s (%s): %s", g.how(t, f), fingerprint(f), line(f.Message))
	known := seen
	if g.Baseline == nil || len(g.Baseline.Runs) == 0 {
		known = nil
	}
	if e := g.covering(t, f, known); e != nil {
		g.excused(t.Name, e, brief)
		return
	}
	switch e := g.cfg.Quarantine.naming(t.Name); {
	case f.Kind == harness.DataRace:
		g.breach(Race, t.Name, "mend it: a data race is a memory error, whatever the pass rate", "%s", brief)
		because(g, f)
	case e != nil && e.Expired(g.cfg.Now):
		// Said once, by quarantine.
	case e != nil:
		g.breach(Mismatch, t.Name, fmt.Sprintf("mend it, or add an entry with its own fingerprint: %s", fingerprint(f)),
			"%s; line %d of %s excuses another failure", brief, e.Line, g.cfg.Quarantine.file())
		because(g, f)
	case g.held[t.Name]:
		// One message a test, save for the above.
	case t.Status == harness.Broken && !g.flakyBefore(t, seen):
		g.breach(Failure, t.Name, g.mend(t), "failed every time, %d of %d: %s", t.Failures, t.Runs, line(f.Message))
		because(g, f)
	case seen == nil || !*seen:
		g.breach(NewFlake, t.Name, g.mend(t), "%s; %s", brief, g.unseen())
		because(g, f)
	default:
		s := g.Known[t.Name][f.Fingerprint]
		g.v.Notes = append(g.v.Notes, fmt.Sprintf("%s: known flake, %s; %d times since %s: mend it or quarantine it",
			t.Name, brief, s.Count, s.First.UTC().Format(time.DateOnly)))
	}
}

// how counts a failure for a person.
func (g *decision) how(t *harness.TestResult, f *harness.FailureGroup) string {
	if f.Arm.Natural() || f.Arm == harness.Explore {
		return fmt.Sprintf("failed %d of %d", f.Count, t.Runs)
	}
	return fmt.Sprintf("failed %d of %d when provoked", t.Provoked.K, t.Provoked.N)
}

func (g *decision) unseen() string {
	if g.v.Baseline == 0 {
		return "no history knows it"
	}
	return fmt.Sprintf("not seen in %d earlier runs", g.v.Baseline)
}

// seen reports whether history knows the failure of the test; nil: no history.
func (g *decision) seen(t *harness.TestResult, f *harness.FailureGroup) *bool {
	if g.Known == nil {
		return nil
	}
	_, known := g.Known[t.Name][f.Fingerprint]
	if !known && f.Finding != "" {
		// The same cause may show by another message.
		if own := g.finding(f.Finding); own != nil {
			old, ok := g.Findings[own.Fingerprint]
			known = ok && slices.Contains(old.Tests, t.Name)
		}
	}
	return &known
}

func (g *decision) finding(id string) *harness.Finding {
	for i := range g.Current.Findings {
		if g.Current.Findings[i].ID == id {
			return &g.Current.Findings[i]
		}
	}
	return nil
}

// covering gives the entry that excuses the failure, if there is one in force.
func (g *decision) covering(t *harness.TestResult, f *harness.FailureGroup, known *bool) *Entry {
	if g.cfg.Quarantine == nil || f.Kind == harness.DataRace {
		return nil
	}
	names := []string{f.Fingerprint, f.Finding}
	if own := g.finding(f.Finding); own != nil {
		names = append(names, own.Fingerprint)
	}
	for i := range g.cfg.Quarantine.Entries {
		if e := &g.cfg.Quarantine.Entries[i]; !e.Expired(g.cfg.Now) && e.covers(t.Name, names, known) {
			g.used[i] = true
			return e
		}
	}
	return nil
}

// excuse reports whether every given failure of the test is covered, and notes it.
func (g *decision) excuse(t *harness.TestResult, groups []harness.FailureGroup, what string) bool {
	var by *Entry
	known := true // it has a past, so an entry for the test means what is known
	for i := range groups {
		e := g.covering(t, &groups[i], &known)
		if e == nil {
			return false
		}
		by = e
	}
	if by == nil {
		return false
	}
	g.excused(t.Name, by, what)
	return true
}

func (g *decision) excused(test string, e *Entry, what string) {
	for i := range g.cfg.Quarantine.Entries {
		if &g.cfg.Quarantine.Entries[i] == e {
			g.used[i] = true
		}
	}
	g.v.Excused = append(g.v.Excused, Excuse{Test: test, What: what, Owner: e.Owner, Reason: e.Reason, Expires: e.Expires.Format(time.DateOnly)})
}

// quarantine looks at the list itself.
func (g *decision) quarantine() {
	q := g.cfg.Quarantine
	if q == nil {
		return
	}
	for i, e := range q.Entries {
		if e.Expired(g.cfg.Now) {
			days := int(g.cfg.Now.UTC().Sub(e.Expires).Hours() / 24)
			g.breach(Expired, e.Test, fmt.Sprintf("%s: mend it and delete the entry, or set a new day with a reason", e.Owner),
				"%s ran out on %s, %d days ago (%s:%d: %s)", e.what(), e.Expires.Format(time.DateOnly), days, q.file(), e.Line, line(e.Reason))
			continue
		}
		if g.used[i] || g.cfg.Since != "" {
			continue
		}
		if runs, n := clean(g, e); runs >= cleanRuns {
			g.v.Recovered = append(g.v.Recovered, fmt.Sprintf("%s:%d: %s passed in all of its last %d runs (%s): delete the entry",
				q.file(), e.Line, e.what(), runs, stats.ExclusionSentence(n, 0.95)))
		} else {
			g.v.Notes = append(g.v.Notes, fmt.Sprintf("%s:%d: %s did not fail in this run; once it stays so, delete the entry", q.file(), e.Line, e.what()))
		}
	}
}

// cleanRuns is in how many runs in a row a quarantined test must have passed for
// its entry to be no longer needed.
const cleanRuns = 10

// clean says in how many runs in a row, this one the last, the tests that an entry
// names failed in no way that it excuses, and how often they ran in them. Of an
// entry with a fingerprint alone these are the tests that history saw it in.
func clean(g *decision, e Entry) (runs, executions int) {
	names := []string{e.Test}
	if e.Test == "" {
		names = nil
		for test, failures := range g.Known {
			for f := range failures {
				if strings.EqualFold(f, e.Fingerprint) {
					names = append(names, test)
				}
			}
		}
	}
	for i, test := range names {
		r, n := cleanTest(g, test)
		if i == 0 || r < runs {
			runs = r
		}
		executions += n
	}
	return runs, executions
}

func cleanTest(g *decision, test string) (runs, executions int) {
	i := slices.IndexFunc(g.tests, func(t *harness.TestResult) bool { return t.Name == test })
	if i < 0 || g.tests[i].Runs == 0 || g.tests[i].Failures > 0 || g.tests[i].Provoked.K > 0 {
		return 0, 0
	}
	runs, executions = 1, g.tests[i].Runs
	if g.Baseline == nil {
		return runs, executions
	}
	past := g.Baseline.Find(test)
	if past == nil {
		return runs, executions
	}
	for k := len(past.Cells) - 1; k >= 0 && past.Cells[k].Failures == 0; k-- {
		if past.Cells[k].Runs > 0 {
			runs, executions = runs+1, executions+int(past.Cells[k].Runs)
		}
	}
	return runs, executions
}

// mend says what to do about a test.
func (g *decision) mend(t *harness.TestResult) string {
	quarantine := "or excuse it for a time in " + g.cfg.Quarantine.file()
	if len(t.Findings) > 0 {
		return fmt.Sprintf("see it fail: flakehunt repro %s; after the fix: flakehunt verify %s; %s", t.Findings[0], t.Findings[0], quarantine)
	}
	return "mend it; " + quarantine
}

func fingerprint(f *harness.FailureGroup) string {
	if f.Fingerprint == "" {
		return "no fingerprint"
	}
	return f.Fingerprint
}

// line gives the first line of what a test said, cut, with nothing that a
// terminal would obey.
func line(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if r := []rune(text); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return text
}
