package exec

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
)

// bounded writes into outcomes how their boundaries on the wire are known.
func bounded(out []harness.Outcome, of func(harness.Outcome) harness.Boundary) {
	for i := range out {
		out[i].Boundary = of(out[i])
	}
}

// boundaryOf says it of a test whose report is all that is known, unless it marked
// its boundaries itself: the only test of a command has all frames, another
// those of the time that the report tells, if it does.
func boundaryOf(b *marks.Boundaries, tests int) func(harness.Outcome) harness.Boundary {
	return func(o harness.Outcome) harness.Boundary {
		switch {
		case b.Of(o.Test.Name) != harness.BoundaryUnknown:
			return b.Of(o.Test.Name)
		case o.Test.Name == Command:
			return harness.BoundaryAlone // it stands for all that ran
		case b.Exact():
			return harness.BoundaryUnknown
		case tests == 1:
			return harness.BoundaryAlone
		case !o.Start.IsZero():
			return harness.BoundaryReport
		}
		return harness.BoundaryUnknown
	}
}

// only names the one test that is asked for, if the command has no other.
func (r *Runner) only(asked []string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(asked) == 1 && len(r.seen) == 1 && r.seen[0].Name == asked[0] {
		return asked[0]
	}
	return ""
}

// unaimed takes the verdict off tests that a decision was meant for and that
// never began on the wire: no frame was known to be theirs, so that none was
// delayed, and nothing follows from what they did.
func unaimed(out []harness.Outcome, arm harness.Arm, marked map[string]bool) {
	switch arm {
	case harness.Provoke, harness.Confirm, harness.Counterfactual, harness.Reduce:
	default:
		return
	}
	for i := range out {
		o := &out[i]
		if marked[o.Test.Name] || o.Verdict == harness.Unknown {
			continue
		}
		o.Verdict, o.Failure = harness.Unknown, nil
		o.Warnings = append(o.Warnings, "decision not applied: which commands are this test's is not known: add --one-test, or let the suite mark its tests (FLAKEHUNT_MARKS)")
	}
}
