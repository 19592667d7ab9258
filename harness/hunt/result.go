package hunt

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// result puts together all that was seen.
func (h *hunter) result() *harness.Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := &harness.Result{
		Version: harness.ResultVersion, Tool: h.Tool, Started: h.started.UTC(), Finished: time.Now().UTC(),
		Seed: h.Seed, Strategy: h.Strategy, Params: h.Config.Params, Target: h.Target,
		Redis: h.Executor.Info(), Workers: h.Executor.Workers(),
		Machine: harness.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()},
		Shard:   h.Shard.String(), TrialsAsked: h.Trials, For: harness.Duration(h.For), Infra: h.infra, Warnings: h.warnings,
		Findings: h.found.All(),
	}
	if h.For > 0 {
		r.TrialsAsked = 0
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
	if len(h.Claims) > 0 {
		r.Simulation = &harness.Simulation{Findings: len(h.Claims), Confirmed: len(h.claims), Only: len(h.only)}
	}
	r.Findings = append(r.Findings, h.simulatedOnly(r.Findings)...) // of no test, as far as this run knows
	slices.SortStableFunc(r.Margins, bySize)
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

// bySize puts the smallest margin first, and those that the program itself
// keeps last: no delay can use them up.
func bySize(a, b harness.Margin) int {
	if a.Ordered != b.Ordered {
		if a.Ordered {
			return 1
		}
		return -1
	}
	return cmp.Compare(a.Size, b.Size)
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
			if why := doubt(f); why != "" {
				f.Warnings = append(f.Warnings, why)
			}
		} else {
			if len(f.Schedule.Decisions) == 0 {
				f.Provoked.N = max(f.Provoked.N, n)
			}
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
		if h.decide != nil && t.Runs > 0 {
			d := h.decide.of(id.Name)
			t.Status, t.Decided = d.Status, d.String()
		}
		h.tie(&t, findings)
		h.acquit(&t)
		list = append(list, t)
	}
	for _, t := range byName { // tests that appeared only while running
		h.tie(&t, findings)
		h.acquit(&t)
		list = append(list, t)
	}
	return list
}

// acquit lets a test count as stable that failed only under delays that were
// aimed at it, when nothing was proven of that: the delay may have hit a deadline
// that is the test's own, or the time ran out.
func (h *hunter) acquit(t *harness.TestResult) {
	if h.Strategy != "directed" || t.Status != harness.Flaky || t.Runs == 0 || t.Failures > 0 || len(t.Findings) > 0 {
		return
	}
	t.Status = harness.Stable
	t.Warnings = append(t.Warnings, fmt.Sprintf("failed %d of %d times under delays that were aimed at it, but no cause was proven: it counts as stable", t.Provoked.K, t.Provoked.N))
}

// tie connects a test with its findings and its smallest margin.
func (h *hunter) tie(t *harness.TestResult, findings []harness.Finding) {
	for _, f := range findings {
		if !slices.Contains(f.Tests, t.Name) || f.Standing == harness.Latent {
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
