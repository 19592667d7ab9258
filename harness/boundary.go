package harness

// Boundary says how it is known which frames on the wire are a test's own. A
// cause that is read off a foreign suite's wire is no surer than that.
type Boundary string

const (
	BoundaryUnknown     Boundary = ""            // not known: other tests' frames may be among them
	BoundaryMarked      Boundary = "marked"      // exact: the test itself marked its beginning and end (redistest, FLAKEHUNT_MARKS, a shipped suite)
	BoundaryAlone       Boundary = "alone"       // exact: nothing else ran in its process, so every frame is its own
	BoundaryEvents      Boundary = "events"      // near: go test -json says when it begins and ends, some 0.1 ms late on a quiet machine
	BoundaryOverlapping Boundary = "overlapping" // not known: other tests ran at the same time, in this process or another worker's
	BoundaryReport      Boundary = "report"      // low: the times of a JUnit report, often rounded, written by another clock reading
)

// Exact reports whether no other test's frame can be among the test's own.
func (b Boundary) Exact() bool { return b == BoundaryMarked || b == BoundaryAlone }

// String says it in one short phrase: how sure, and from what.
func (b Boundary) String() string {
	switch b {
	case BoundaryMarked:
		return "exact: the test marked them itself"
	case BoundaryAlone:
		return "exact: the test ran alone"
	case BoundaryEvents:
		return "near: from the events of go test"
	case BoundaryOverlapping:
		return "not known: other tests ran at the same time"
	case BoundaryReport:
		return "low: from the times in the JUnit report"
	}
	return "not known: other tests' commands may be among them"
}
