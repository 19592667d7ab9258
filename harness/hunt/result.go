package hunt

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// fromFailures ties failures that nobody provoked to the findings, and makes a
// finding of those that have none.
func (h *hunter) fromFailures() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.foreign() {
		h.disagree()
		h.unseen()
	}
	for _, t := range h.trials {
		if !summary.Counted(t.Arm) {
			continue
		}
		for _, o := range t.Outcomes {
			if o.Verdict != harness.Failed || o.Failure == nil || len(o.Blocked) > 0 {
				continue
			}
			h.natural(t, o)
		}
	}
}

// natural counts one failure of a numbered trial: to the finding of its cause,
// or to a new one.
func (h *hunter) natural(t harness.Trial, o harness.Outcome) {
	f := harness.Finding{
		Version: harness.FindingVersion, Class: o.Cause, Title: title(o.Failure.Message), Tests: []string{o.Test.Name},
		Target: h.Target, Seed: h.Seed, Failure: *o.Failure, Timeline: o.Wire, Found: time.Now().UTC(),
		Standing: harness.Natural, Natural: harness.Count{K: 1},
		Schedule: harness.Schedule{Version: harness.ScheduleVersion, Strategy: "none", Seed: t.Seed},
	}
	if t.Schedule != nil {
		f.Standing, f.Schedule = harness.Provoked, *t.Schedule
		f.Natural, f.Provoked = harness.Count{}, harness.Count{K: 1}
	}
	if f.Class == "" {
		f.Class = harness.Unattributed
	}
	f.Fingerprint = Fingerprint(f.Class, harness.Point{Verb: o.Failure.Fingerprint}, harness.Point{})
	if s := o.Suspect; s != nil && f.Class != harness.NotRedis && f.Class != harness.Unattributed {
		f.Title, f.Explanation = s.Title, s.Explanation
		f.Fingerprint = Fingerprint(f.Class, s.First, s.Then)
	}
	// A cause that was proven for the same test is the same cause, whichever
	// pair of frames the detector pointed at.
	for _, known := range h.found.all() {
		if known.Class == f.Class && slices.Contains(known.Tests, o.Test.Name) {
			f.Fingerprint = known.Fingerprint
			break
		}
	}
	f.ID = FindingID(f.Fingerprint)
	h.found.add(f)
}

// title is the first line of a message, cut.
func title(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	const most = 160
	if r := []rune(line); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return line
}

// result puts together all that was seen.
func (h *hunter) result(started time.Time) *harness.Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &harness.Result{
		Version: harness.ResultVersion, Tool: h.Tool, Started: started.UTC(), Finished: time.Now().UTC(),
		Seed: h.Seed, Strategy: h.Strategy, Params: h.Config.Params, Target: h.Target,
		Redis: h.Executor.Info(), Workers: h.Executor.Workers(),
		Machine: harness.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
		Shard:   h.Shard.String(), TrialsAsked: h.Trials, Infra: h.infra, Warnings: h.warnings,
		Findings: h.found.all(),
	}
	if h.Lateness != nil {
		h.Lateness.Fill(&r.Machine)
	}
	r.TrialsDone = h.finished()
	r.Tests = h.testResults(r.Findings)
	h.countRuns(r)
	r.Margins = slices.Clone(h.margins)
	for i := range r.Findings {
		f := &r.Findings[i]
		f.Redis, f.Machine = r.Redis, r.Machine
		if f.Margin != nil {
			f.Margin.MachineP99 = r.Machine.TimerP99
		}
	}
	slices.SortStableFunc(r.Margins, func(a, b harness.Margin) int { return cmp.Compare(a.Size, b.Size) })
	if h.coverage.Seen > 0 {
		c := h.coverage
		r.Coverage = &c
	}
	for _, s := range h.shared {
		r.PointsShared += s / float64(len(h.shared))
	}
	if p99 := time.Duration(r.Machine.TimerP99); p99 > 20*time.Millisecond {
		r.Warnings = append(r.Warnings, fmt.Sprintf("this machine's own timers ran late (p99 %s): it is crowded; use fewer workers (--parallel) before you trust a failure that depends on time", r.Machine.TimerP99))
	}
	return r
}

// finished says how many of the trials asked for were done in every suite.
func (h *hunter) finished() int {
	done := map[string]int{}
	for _, t := range h.trials {
		if summary.Counted(t.Arm) {
			done[t.Suite]++
		}
	}
	least := -1
	for _, s := range h.suites {
		if least < 0 || done[s] < least {
			least = done[s]
		}
	}
	return max(least, 0)
}

// countRuns completes the natural counts of findings: of how many runs of the
// tests they were seen in.
func (h *hunter) countRuns(r *harness.Result) {
	for i := range r.Findings {
		f := &r.Findings[i]
		n := 0
		for _, t := range r.Tests {
			if slices.Contains(f.Tests, t.Name) {
				n += t.Runs
			}
		}
		if h.Strategy == "none" || h.Strategy == "directed" {
			f.Natural.N = n
		} else {
			f.Provoked.N = max(f.Provoked.N, n)
		}
	}
}

// testResults sums up each test in the target's order, also those that never ran.
func (h *hunter) testResults(findings []harness.Finding) []harness.TestResult {
	byName := map[string]harness.TestResult{}
	for _, t := range summary.Tests(h.trials) {
		byName[t.Name] = t
	}
	list := make([]harness.TestResult, 0, len(h.tests))
	for _, id := range h.tests {
		t, ok := byName[id.Name]
		if !ok {
			t = harness.TestResult{TestID: id, Status: harness.StatusSkipped, RateHi: 1}
		}
		delete(byName, id.Name)
		h.tie(&t, findings)
		list = append(list, t)
	}
	for _, t := range byName { // tests that appeared only while running
		h.tie(&t, findings)
		list = append(list, t)
	}
	return list
}

// tie connects a test with its findings and its smallest margin.
func (h *hunter) tie(t *harness.TestResult, findings []harness.Finding) {
	for _, f := range findings {
		if !slices.Contains(f.Tests, t.Name) {
			continue
		}
		t.Findings = append(t.Findings, f.ID)
		if t.Cause == "" || t.Cause == harness.Unattributed {
			t.Cause = f.Class
		}
		for i := range t.Groups {
			if g := &t.Groups[i]; g.Finding == "" && (g.Cause == f.Class || g.Fingerprint == f.Failure.Fingerprint) {
				g.Finding = f.ID
			}
		}
		if t.Status == harness.Stable || t.Status == harness.Undecided {
			if f.Standing == harness.Provoked || f.Standing == harness.Natural {
				t.Status = harness.Flaky
			}
		}
	}
	for i := range h.margins {
		if m := h.margins[i]; m.Test == t.Name && !m.Ordered && (t.Margin == nil || m.Size < t.Margin.Size) {
			t.Margin = &m
		}
	}
}

// FromTrials sums up trials that were read from a journal, for a run whose
// result is lost: what only the whole run knew is left empty.
func FromTrials(trials []harness.Trial) *harness.Result {
	r := &harness.Result{
		Version: harness.ResultVersion, Tests: summary.Tests(trials), Interrupted: true,
		Machine: harness.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
	}
	for i, t := range trials {
		if i == 0 || t.Start.Before(r.Started) {
			r.Started = t.Start
		}
		if end := t.Start.Add(time.Duration(t.Duration)); end.After(r.Finished) {
			r.Finished = end
		}
		if summary.Counted(t.Arm) {
			r.TrialsDone++
		}
		r.Workers = max(r.Workers, t.Worker)
	}
	return r
}
