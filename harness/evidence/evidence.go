package evidence

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

const (
	// LeastProof is how many failures with the schedule, and passes without, a
	// cause takes.
	LeastProof = 2
	// NaturalProof is the same of a test that also fails with nothing injected: at a
	// natural rate r chance gives as many of both with r^6 (1-r)^6 < 0.03 %.
	NaturalProof = 6
	// scoreTolerance is how much lower the predicted cause may score than another
	// that the candidate explains, and is named all the same.
	scoreTolerance = 0.2
)

// Evidence is what an investigation of one candidate found out.
type Evidence struct {
	Candidate nearmiss.Candidate
	Test      harness.TestID
	Reading   Reading          // of the trial that ended the provoking
	Kept      time.Duration    // Passed: how long the late frame was kept
	Failure   *harness.Outcome // Failed: under Candidate.Provoke
	Passing   *PassingRun      // Failed: a counterfactual trial that passed; nil: none did
	Cause     detect.Match     // Failed: what detectors say
	OwnDelay  bool             // Failed: a client's deadline was hit, by a delay of ours longer than a slow network's
	Need      int              // how many failures, and passes, a proof takes; at least LeastProof
	Natural   bool             // the test fails in this way with nothing injected, too
	Again     harness.Count    // the schedule again, with the first failure
	Counter   harness.Count    // the same with the order forced the right way
	Exact     bool             // Again and Counter differ by an exact test: the schedule fails at times only
	Ended     bool             // before the counterfactual was told

	Reduced
}

// PassingRun is a history of a test that passed, and in which trial.
type PassingRun struct {
	Trial int
	Arm   harness.Arm
	Trace *detect.Trace
}

// Reduced is what of a proven schedule the failure needs, and its margin.
type Reduced struct {
	Schedule *harness.Schedule // nil: that of the candidate
	Original *harness.Schedule // before it was reduced; nil: it was not
	Margin   *harness.Margin   // as measured; nil: it was not
	Warnings []string
	Placebo  harness.Count // as long a delay of a frame that does not matter: where it fails too, Cause blames no pair; N is 0 where it was not asked
}

// Slow reports whether it is any delay of that length that fails the test.
func (e *Evidence) Slow() bool { return e.Placebo.N > 0 && e.Placebo.K == e.Placebo.N }

// Proven reports whether the candidate is the cause: its schedule failed the test
// again, and with the order forced the right way it passed.
func (e *Evidence) Proven() bool {
	if e.Exact {
		return e.Provoked() && e.Counter.K == 0
	}
	need := max(LeastProof, e.Need)
	if e.Natural {
		need = NaturalProof
		if e.Again.K < e.Again.N {
			return false // it fails without the schedule too: each of its own must fail
		}
	}
	return e.Provoked() && e.Counter.K == 0 && e.Counter.N >= need && e.Again.K >= need
}

// Provoked reports whether the test failed under the schedule, and not whatever
// was done.
func (e *Evidence) Provoked() bool {
	return e.Reading == Failed && !e.OwnDelay && !e.Ended && e.Counter.N > 0 && e.Counter.K < e.Counter.N
}

// CauseOf names the cause that detectors found in a failing history, among those
// that the candidate explains. A client's deadline that was hit is one whatever
// was aimed at, and one that was aimed at is only told if it was hit: a late reply
// that makes a test do the next thing late has the cause that this shows. Nor is a
// topic subscribed twice where no detector sees one connection do so. Where the pair
// stayed in its order, as holds that could not be kept became delays, the order is
// not to blame either: turned says that it was turned round.
func CauseOf(c nearmiss.Candidate, matches []detect.Match, turned bool) detect.Match {
	m := detect.Match{Class: c.Class, Title: cmp.Or(c.Broken, c.Title), Explanation: c.Why}
	if len(c.Provoke.Before) > 0 {
		return m // the other test is known, which no detector sees
	}
	found := false
	for _, o := range matches {
		switch {
		case o.Class == harness.TimeoutClient && o.Score < detect.Named: // slow, and nobody gave up
		case !found && o.Class == harness.TimeoutClient:
			return o
		case !found && c.Explains(o.Class):
			m, found = o, true
		case found && o.Class == c.Class && m.Class != c.Class && o.Score >= m.Score-scoreTolerance:
			return o // as good, and what was predicted
		}
	}
	if !found && (!turned || c.Class == harness.TimeoutClient || c.Class == harness.RaceDuplicateSubscribe) {
		return lateFrame(c, matches)
	}
	return m
}

// serverClocks are commands that answer with a reading of the server's clock, or with
// what follows from one.
var serverClocks = []string{"TIME", "OBJECT|IDLETIME", "LASTSAVE", "XINFO|CONSUMERS", "XINFO|STREAM", "CLIENT|INFO"}

// lateFrame names the cause of a failure that one late frame brought, and no
// deadline of a client: what a detector is sure of, else the order in which
// frames arrive where it was a message, else none.
func lateFrame(c nearmiss.Candidate, matches []detect.Match) detect.Match {
	for _, o := range matches {
		if o.Score >= detect.Named && !ContentCause(o.Class) && o.Class != harness.NotRedis {
			return o
		}
	}
	m := detect.Match{Class: harness.Unattributed, Title: c.LateFrame().Words() + " came late", Explanation: c.Why}
	if slices.Contains(serverClocks, c.LateFrame().Verb) {
		m.Class = harness.TimeWallClock
		m.Title = c.LateFrame().Words() + " came late, which reads the server's clock"
		m.Explanation = "The reply holds the time at which Redis ran the command, not the time at which the test reads it: the two differ by a round trip. Allow for one that takes as long as a slow network's."
	}
	if at := c.LateFrame(); at.Dir == harness.ToClient && at.Verb == strings.ToLower(at.Verb) {
		m.Class = harness.OrderDelivery
		m.Explanation = "The message came by another connection than what the test waited for; nothing keeps the two in order."
	}
	return m
}

// ContentCause reports whether a cause is one that no delay brings about: what
// was on the wire is then all the proof there can be.
func ContentCause(c harness.Class) bool {
	d, known := detect.Of(c)
	return known && !d.Delay && c != harness.NotRedis && c != harness.Unattributed
}
