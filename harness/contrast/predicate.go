package contrast

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

// Kind says what a predicate is about. Those that come first tell more of a cause:
// of several that hold in the same runs the first is shown.
type Kind uint8

// What a predicate can be about.
const (
	Order     Kind = iota // one of two conflicting commands took effect first
	Lifetime              // a key had expired when it was read, or was alive still
	Delivery              // one of two frames reached the client first
	Gap                   // how long one frame came after another, or an answer took
	Duplicate             // a frame is there, and was not to be
	Absent                // a frame is not there
	Reply                 // what an answer was
)

// String names the kind.
func (k Kind) String() string {
	return [...]string{"order", "lifetime", "delivery", "gap", "present", "absent", "reply"}[k]
}

// Predicate is something that holds in some runs of the test and not in others,
// told so that it holds where the test fails.
type Predicate struct {
	Kind  Kind
	Text  string // one line, in Redis terms
	Class harness.Class
	// First should have come before Then: it is what is late where the predicate
	// holds. For what has no pair, both are of the one frame.
	First, Then harness.Point
	Threshold   time.Duration // Gap: where the runs part

	With, Without harness.Count // failures where it holds, and where it does not; where it is not known, neither
	P             float64       // of Fisher's exact test that it goes with failure no more often
	Adjusted      float64       // that, for having looked at all predicates
	Increase      float64       // by how much it raises the rate of failure above that of all runs that came so far
	Changed       string        // what the order changed: "GET k: nil instead of v"; empty: nothing that is seen
	Alike         int           // how many other predicates hold in exactly the same runs

	// Try forces it both ways, where a delay can do that.
	Try *nearmiss.Candidate
	basis
}

// basis is what a predicate was made of: in which runs it holds, a bit for each.
type basis struct {
	holds uint64
	known uint64        // in which runs it is known whether it holds
	rank  int           // what it says of a cause, least first
	when  time.Duration // the later of its frames, as a rule
	cuts  int           // how many places were tried to part the runs
}

// Ranking is what tells failing runs from passing ones.
type Ranking struct {
	Failing, Passing int         // runs that were compared
	Predicates       []Predicate // the best first; of those that hold in the same runs, one
	Tested           int         // how many could have been significant
	Skipped          int         // pairs that were too many to be looked at
}
