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
	Against     *Against      // in how many histories it matches; nil: only one was looked at
}

// Run asks every detector about the trace of a test that failed, and returns
// what they say of what came before the failure showed, the best explanation
// first; of a test that did not fail it says nothing. A detector that panics says
// nothing but a warning, an unattributed match of score 0, and stops no other.
//
// What it says holds of one history alone. Where there are passing histories of
// the test, ask Differential.
func Run(t *Trace) []Match {
	if t.Outcome.Verdict != harness.Failed && t.Outcome.Verdict != harness.Infrastructure {
		return nil
	}
	return ask(All(), t)
}

// ask is Run whatever became of the test.
func ask(list []Detector, t *Trace) []Match {
	var out []Match
	cut := horizon{t: t}
	for _, d := range list {
		for _, m := range guarded(d, t) {
			if d.AfterEnd || cut.before(m.Events) {
				out = append(out, m)
			}
		}
	}
	sortMatches(out)
	return out
}

func sortMatches(list []Match) {
	slices.SortStableFunc(list, func(a, b Match) int { return cmp.Compare(b.Score, a.Score) })
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
