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

// told says it of a test whose report is all that is known, unless it marked
// its boundaries itself: the only test of a command has all frames, another
// those of the time that the report tells, if it does.
func told(b *marks.Boundaries, tests int) func(harness.Outcome) harness.Boundary {
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
