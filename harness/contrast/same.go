package contrast

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

const (
	// enough is how many failing and how many passing histories it takes to say that
	// nothing tells them apart.
	enough = 3
	// apart is the adjusted p from which on down a predicate tells them apart.
	apart = 0.2
)

// Tells reports whether a predicate tells failing from passing runs: surely enough
// for all that was looked at, or in every run, of what is said and in which order
// rather than how fast.
func (p Predicate) Tells() bool {
	if p.Adjusted <= apart {
		return true
	}
	all := p.With.K == p.With.N && p.With.N > 0 && p.Without.K == 0 && p.Without.N > 0
	switch p.Kind {
	case Gap, Delivery:
		return false
	case Order:
		return all && p.Changed != ""
	}
	return all
}

// Same reports whether nothing that was compared tells the failing runs from the
// passing ones. It needs three of each.
func (r Ranking) Same() bool {
	if r.Failing < enough || r.Passing < enough || r.Skipped > 0 {
		return false
	}
	for _, p := range r.Predicates {
		if p.Tells() {
			return false
		}
	}
	return true
}

// NotRedis is the finding that the cause is not Redis: the boundaries of the test
// are exact in every run, at least three failed so and three passed, and nothing
// on the wire tells them apart. It is no match of a detector, since one history
// shows nothing of the kind.
func NotRedis(runs []Run, failure string) (detect.Match, bool) {
	for _, r := range runs {
		if r.Trace != nil && (!r.Failed || failure == "" || r.Failure == failure) && !r.Trace.Outcome.Boundary.Exact() {
			return detect.Match{}, false
		}
	}
	r := Rank(runs, failure)
	if !r.Same() {
		return detect.Match{}, false
	}
	return detect.Match{
		Class: harness.NotRedis,
		Title: "nothing on the wire tells failing from passing runs",
		Explanation: fmt.Sprintf("%d failing and %d passing runs were compared: which command took effect first, how long each took, what it returned, which frames are there. "+
			"None of %d differences goes with the failure. The cause lies elsewhere than between the test and Redis.", r.Failing, r.Passing, r.Tested),
		Score: 0.8,
	}, true
}
