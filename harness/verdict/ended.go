package verdict

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Ending says how far a run came, apart from what it found. A run that did not
// come to its end says of no test that it is free of flakes.
type Ending string

const (
	Complete    Ending = "complete"    // everything that was asked for was done
	BrokenOff   Ending = "broken off"  // the harness or Redis could not go on
	Interrupted Ending = "interrupted" // somebody ended it
	Nothing     Ending = "nothing"     // no test ran
	Open        Ending = "undecided"   // it was to decide on each test, and did not
)

// Ended says how a run ended. Whoever shows a run as passed must ask here.
func Ended(r *harness.Result) Ending {
	switch {
	case r.Interrupted:
		return Interrupted
	case r.Stopped != "" || Starved(r) || r.Exit == ExitHarness && !slices.ContainsFunc(r.Tests, unjudgeable):
		return BrokenOff
	case len(r.Tests) == 0:
		return Nothing
	case slices.ContainsFunc(r.Tests, open):
		return Open
	}
	return Complete
}

// unjudgeable reports whether infrastructure took every trial of a test.
func unjudgeable(t harness.TestResult) bool { return t.Status == harness.StatusInfra }

func open(t harness.TestResult) bool { return t.Decided != "" && t.Status == harness.Undecided }

// Judged reports whether a run says anything final of a test. A failure is
// final; a pass is one only if the test had all the trials that were asked for.
func Judged(r *harness.Result, t *harness.TestResult) bool {
	switch {
	case Fails(t.Status) || t.Status == harness.StatusInfra || t.Status == harness.StatusSkipped:
		return true
	case t.Status == harness.Undecided:
		return false
	}
	if e := Ended(r); e != Interrupted && e != BrokenOff {
		return true
	}
	return r.TrialsAsked > 0 && t.Runs >= Share(r)
}

// Share is how many numbered trials were asked of each suite here: all, or
// this shard's part of them.
func Share(r *harness.Result) int {
	var i, n int
	if _, err := fmt.Sscanf(r.Shard, "%d/%d", &i, &n); err != nil || n < 2 || i < 1 || i > n {
		return r.TrialsAsked
	}
	return (r.TrialsAsked + n - i) / n
}
