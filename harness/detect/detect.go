package detect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Match is one suspicion.
type Match struct {
	Class       harness.Class
	Title       string        // one line, in Redis terms
	Explanation string        // a few sentences: what happened, with values; why; what would mend it
	Events      []uint64      // Seq of the frames that make up the cause, in order
	First, Then harness.Point // the pair whose order matters: First should have come before Then
	Score       float64       // how well it explains the failure, up to 1
}

// Detector finds one class of cause.
type Detector struct {
	Class harness.Class
	Doc   string // the pattern on the wire, in one line
	Find  func(t *Trace) []Match
}

// All lists the detectors in the order of the taxonomy.
func All() []Detector {
	return []Detector{
		subscribePublish(),
		multiSubscriber(),
		checkThenAct(),
		lostUpdate(),
		duplicateSubscribe(),
		expiredEarly(),
		expiredLate(),
		ttlMissing(),
		orderMessages(),
		orderCommands(),
		formatEnvelope(),
		isolationHandler(),
		isolationTestLeak(),
		timeoutClient(),
		connectionLost(),
		infrastructure(),
		notRedis(),
	}
}

// Run asks every detector about the trace of a test that failed, and returns
// what they say, the best explanation first; of a test that did not fail it
// says nothing. A detector that panics says nothing but a warning, an
// unattributed match of score 0, and stops no other.
func Run(t *Trace) []Match {
	if t.Outcome.Verdict != harness.Failed && t.Outcome.Verdict != harness.Infrastructure {
		return nil
	}
	var out []Match
	for _, d := range All() {
		out = append(out, guarded(d, t)...)
	}
	slices.SortStableFunc(out, func(a, b Match) int { return cmp.Compare(b.Score, a.Score) })
	return out
}

func guarded(d Detector, t *Trace) (found []Match) {
	defer func() {
		if r := recover(); r != nil {
			found = []Match{{
				Class: harness.Unattributed,
				Title: fmt.Sprintf("the detector for %s broke off: %v", d.Class, r),
			}}
		}
	}()
	found = d.Find(t)
	for i := range found {
		found[i].Class = d.Class
	}
	return found
}
