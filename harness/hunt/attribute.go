package hunt

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// fromFailures ties failures that nobody aimed at to the findings, and makes a
// finding of those that have none. Those that were seen on the wire come first:
// what they are tells what their like in the direct arm are.
func (h *hunter) fromFailures() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.foreign() {
		h.disagree()
		h.unseen()
	}
	h.listen()
	for _, direct := range []bool{false, true} {
		for _, t := range h.trials {
			if summary.Counted(t.Arm) && (t.Arm == harness.Direct) == direct {
				for _, o := range t.Outcomes {
					if o.Verdict == harness.Failed && o.Failure != nil && len(o.Blocked) == 0 {
						h.natural(t, o)
					}
				}
			}
		}
	}
	h.dropDoubts()
}

// natural counts one failure of a numbered trial: to the finding of its cause,
// or to a new one.
func (h *hunter) natural(t harness.Trial, o harness.Outcome) {
	f := harness.Finding{
		Version: harness.FindingVersion, Class: o.Cause, Title: firstLine(o.Failure.Message), Tests: []string{o.Test.Name},
		Target: h.Target, Seed: h.Seed, Failure: *o.Failure, Timeline: o.Wire, Boundary: o.Boundary, Found: time.Now().UTC(),
		Standing: harness.Natural, Natural: harness.Count{K: 1},
		Schedule: harness.Schedule{Version: harness.ScheduleVersion, Strategy: "none", Seed: t.Seed},
	}
	if t.Schedule != nil {
		f.Standing, f.Schedule = harness.Provoked, *t.Schedule
		f.Natural, f.Provoked = harness.Count{}, harness.Count{K: 1}
	}
	switch known := h.home(o); {
	case known != nil:
		f.Class, f.Fingerprint = known.Class, known.Fingerprint
	case content(o.Cause):
		if o.Suspect != nil {
			f.Title, f.Explanation = o.Suspect.Title, o.Suspect.Explanation
		}
		f.Fingerprint = finding.Fingerprint(f.Class, harness.Point{}, harness.Point{})
	default:
		if o.Suspect != nil {
			f.Explanation = suspicion(o.Cause, o.Suspect.Title)
		}
		if f.Class != harness.NotRedis {
			f.Class = harness.Unattributed
		}
		f.Fingerprint = finding.Fingerprint(f.Class, harness.Point{Verb: o.Failure.Fingerprint}, harness.Point{})
	}
	f.ID = finding.ID(f.Fingerprint)
	h.found.Add(f)
}

// home is the finding that a failure belongs to, or nil: one of its test that
// has the same cause by the detectors' word, or fails with the same words; one
// of another test that was proven for the same commands; of a failure that
// nothing was recorded of, whatever was proven of its test.
func (h *hunter) home(o harness.Outcome) *harness.Finding {
	var alike, proven, elsewhere *harness.Finding
	cause := o.Cause
	if heard := h.heard[finding.FailureKey{Test: o.Test.Name, Failure: o.Failure.Fingerprint}]; cause == "" && len(heard) > 0 {
		cause = heard[0]
	}
	shape := ""
	if o.Suspect != nil && !content(o.Cause) {
		shape = finding.Fingerprint(o.Cause, o.Suspect.First, o.Suspect.Then)
	}
	for _, f := range h.found.All() {
		if f.Fingerprint == shape {
			elsewhere = &f
		}
		if !slices.Contains(f.Tests, o.Test.Name) {
			continue
		}
		if f.Class == cause && f.Class != "" {
			return &f
		}
		if alike == nil && f.Failure.Fingerprint == o.Failure.Fingerprint {
			alike = &f
		}
		if proven == nil && f.Class != harness.Unattributed {
			proven = &f
		}
	}
	if f := h.found.Whose(o.Test.Name, o.Failure.Fingerprint); f != nil {
		alike = f
	}
	switch {
	case alike != nil && !content(o.Cause) && (alike.Class != harness.Unattributed || elsewhere == nil):
		return alike
	case elsewhere != nil:
		return elsewhere
	case len(o.Wire) == 0:
		return proven
	}
	return nil
}

// content reports whether a cause is one that no delay brings about, so that
// what was on the wire is all the proof there can be.
func content(c harness.Class) bool {
	switch c {
	case harness.FormatEnvelope, harness.IsolationHandler, harness.IsolationTestLeak, harness.ConnectionLost, harness.InfrastructureClass:
		return true
	}
	return false
}

// firstLine is the first line of a message, cut.
func firstLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	const most, value = 160, 60
	if len(line) > most {
		line = summary.Elide(line, value)
	}
	if r := []rune(line); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return line
}
