package hunt

import (
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// result puts together all that was seen.
func (h *hunt) result() *harness.Result {
	trials := triallog.Sums(h.log)
	r := &harness.Result{
		Version: harness.ResultVersion, Tool: h.Tool, Started: h.rounds.started.UTC(), Finished: time.Now().UTC(),
		Seed: h.Seed, Strategy: h.Strategy, Params: h.Params, Target: h.Target,
		Redis: h.Executor.Info(), Workers: h.Executor.Workers(), Machine: thisMachine(),
		Shard: h.Shard.String(), TrialsAsked: h.Trials, For: harness.Duration(h.For), Findings: h.found.All(),
		TrialsDone: summary.Finished(trials, h.rounds.suites), Margins: summary.LeastMargins(h.margins), Coverage: coverage(h.reports),
	}
	r.Infra, r.Warnings, r.PointsShared = h.log.Doubts()
	if h.For > 0 {
		r.TrialsAsked = 0
	}
	if h.TimerLag != nil {
		h.TimerLag.Fill(&r.Machine)
	}
	r.Tests = h.testResults(trials, r.Findings)
	for i := range r.Findings {
		f := &r.Findings[i]
		summary.CountRuns(f, r.Tests, r.Strategy)
		f.Redis, f.Machine = r.Redis, r.Machine
		if f.Margin != nil {
			f.Margin.MachineP99 = r.Machine.TimerP99
		}
	}
	if len(h.Simulated) > 0 {
		r.Simulation = &harness.Simulation{Findings: len(h.Simulated), Confirmed: len(h.simulated.confirmed), Only: len(h.simulated.only)}
	}
	r.Findings = append(r.Findings, finding.SimulatedOnly(h.simulated.only, r.Findings)...) // of no test, as far as this run knows
	beside(h.log, r.Findings, rootOf(h.Target))
	if p99 := time.Duration(r.Machine.TimerP99); p99 > investigate.MaxTimerLag {
		r.Warnings = append(r.Warnings, fmt.Sprintf("this machine's own timers ran late (p99 %s): it is crowded; use fewer workers (--parallel) before you trust a failure that depends on time", r.Machine.TimerP99))
	}
	return r
}

func thisMachine() harness.Machine {
	return harness.Machine{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}

// coverage says of how many candidates the order was tried both ways; nil: there
// were none.
func coverage(reports []*testReport) *harness.Coverage {
	var c harness.Coverage
	for _, r := range reports {
		c.Seen += len(r.tried) + len(r.left)
		c.Both += r.both
		c.Blocked += r.blocked
		c.Missed += len(r.left)
	}
	if c.Seen == 0 {
		return nil
	}
	return &c
}

// testResults sums up each test in the target's order, also those that never ran.
func (h *hunt) testResults(trials iter.Seq[harness.Trial], findings []harness.Finding) []harness.TestResult {
	byName := map[string]harness.TestResult{}
	for _, t := range summary.InOrder(trials) {
		byName[t.Name] = t
	}
	var list []harness.TestResult
	for _, id := range h.log.Tests() {
		t, ok := byName[id.Name]
		if !ok {
			t = harness.TestResult{TestID: id, Status: harness.StatusSkipped, RateHi: 1}
		}
		delete(byName, id.Name)
		if h.Until != nil && t.Runs > 0 {
			d := h.log.Decision(id.Name)
			t.Status, t.Decided = d.Status, d.String()
		}
		list = append(list, t)
	}
	for _, t := range byName { // tests that appeared only while running
		list = append(list, t)
	}
	for i := range list {
		finding.Link(&list[i], findings, h.margins)
		if h.Strategy == "directed" {
			finding.ClearUnproven(&list[i])
		}
	}
	return list
}

// FromTrials sums up trials that were read from a journal, for a run whose
// result is lost: what only the whole run knew is left empty.
func FromTrials(trials []harness.Trial) *harness.Result {
	r := &harness.Result{
		Version: harness.ResultVersion, Tests: summary.Tests(trials), Interrupted: true,
		Machine: thisMachine(),
	}
	for i, t := range trials {
		if i == 0 || t.Start.Before(r.Started) {
			r.Started = t.Start
		}
		if end := t.Start.Add(time.Duration(t.Duration)); end.After(r.Finished) {
			r.Finished = end
		}
		r.Workers = max(r.Workers, t.Worker)
	}
	r.TrialsDone = summary.Finished(slices.Values(trials), summary.Suites(trials))
	return r
}
