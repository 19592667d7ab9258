// Package nearmiss predicts from passing histories how a test could fail: pairs of
// commands that nothing seems to keep in order, reads close to an expiry,
// handlers that overlap. Each prediction carries the schedule that would show it.
//
// It must never do I/O, ask the clock, or propose an order that is known to be
// impossible.
package nearmiss

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

const (
	// maxDelay is the longest delay that is proposed. What needs more shows a
	// deadline of the test rather than a flake: it is a margin, not a candidate.
	maxDelay = 500 * time.Millisecond
	// maxHoldGap is the longest gap over which a pair is turned round by a hold.
	maxHoldGap = 3 * time.Second
)

// Candidate is one way in which a test that passed could fail.
type Candidate struct {
	Class harness.Class
	// Also lists the classes that the same schedule may bring to light instead:
	// which it was, the failing history tells.
	Also        []harness.Class
	Test        string           // which test it is about
	Shape       string           // what is turned round, in a word or two; see Kind
	Relation    string           // between what: see package predict
	Title       string           // one line: what passed, and nothing keeps so
	Broken      string           // one line: what went wrong in a trial that failed by it; empty: Title says it
	Why         string           // a few sentences, for where no detector can tell what the failing history shows
	Explanation string           // a few sentences, of what no delay provokes; else empty
	First, Then harness.Point    // First came before Then, and should
	Provoke     harness.Schedule // makes First come too late
	Counter     harness.Schedule // forces the right order, or leaves out the guilty delay
	CounterAll  harness.Schedule // forces the right order of all pairs of this kind in the test; no decisions: as Counter
	Likelihood  float64          // that Provoke fails the test, 0 to 1
	Gap         time.Duration    // between First and Then as it was
	Margin      *harness.Margin  // how much later First may come, where one passing trial tells
	Due         Due              // when the late frame had to have passed in a trial; nil: the wire does not say
}

// ShapeRelation is the relation of the candidates of this package.
const ShapeRelation = "shape"

// PoolShape is the shape of the candidates that leave a pool without a free
// connection: the one that finds none never sends its command.
const PoolShape = "pool"

// TwoConnections is the Kind of two neighbouring commands of two connections on
// one key.
const TwoConnections = string(harness.OrderCommands) + ":two connections"

// Kind names what sort of near miss this is, the same in all tests, so that a
// ranking can be learned.
func (c Candidate) Kind() string { return string(c.Class) + ":" + c.Shape }

// Key names the candidate within its test: the pair that it turns round. Two
// kinds of near miss that turn round the same pair are one candidate.
func (c Candidate) Key() string {
	key := c.First.String() + " / " + c.Then.String()
	for _, before := range c.Provoke.Before { // the first is another test's
		key = before + ": " + key
	}
	return key
}

// LateFrame is the frame that Provoke makes late.
func (c Candidate) LateFrame() harness.Point {
	if len(c.Provoke.Decisions) == 0 {
		return c.First
	}
	return c.Provoke.Decisions[0].At
}

// Explains reports whether a failure of that class, under Provoke, is what was
// predicted.
func (c Candidate) Explains(class harness.Class) bool {
	return class == c.Class || slices.Contains(c.Also, class)
}

// Candidates predicts how the test of the traces, which passed in all of them,
// could fail: the likeliest first, none that is known to be blocked.
func Candidates(traces []*detect.Trace, known Known) []Candidate {
	best := map[string]int{}
	var out []Candidate
	for _, t := range traces {
		for _, find := range finders() {
			for _, c := range find(t) {
				if known.Blocked(c.First, c.Then) {
					continue
				}
				c.Test = t.Test
				c.Likelihood = max(c.Likelihood, 0.02) * known.Discount(c)
				key := c.Key()
				if i, ok := best[key]; !ok {
					best[key] = len(out)
					out = append(out, c)
				} else {
					out[i] = merged(out[i], c)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Candidate) int { return cmp.Compare(b.Likelihood, a.Likelihood) })
	return out
}

// merged is the likelier of two candidates that say the same of two histories. Its
// frame is made as late as the slower history needs: the gap varies between trials,
// and a delay for the smallest one passes the others.
func merged(a, b Candidate) Candidate {
	best, other := a, b
	if b.Likelihood > a.Likelihood {
		best, other = b, a
	}
	if x, y := best.Provoke.Decisions, other.Provoke.Decisions; len(x) == 1 && len(y) == 1 && x[0].Action == harness.Delay &&
		y[0].Action == harness.Delay && x[0].At == y[0].At && y[0].Delay > x[0].Delay {
		best.Provoke = other.Provoke
	}
	return best
}

// finders lists the kinds of near miss; one file each.
func finders() []func(*detect.Trace) []Candidate {
	return []func(*detect.Trace) []Candidate{
		lateSubscription,
		secondSubscription,
		brokenCycle,
		nearExpiry,
		remainingTime,
		scriptedExpiry,
		overlappingHandlers,
		unorderedCommands,
		unorderedPublishers,
	}
}

// replay makes a schedule of decisions that hold in the trace's test.
func replay(t *detect.Trace, decisions ...harness.Decision) harness.Schedule {
	return harness.ReplaySchedule(t.Test, decisions...)
}

func ms(d time.Duration) string { return phrase.Ms(d) }
