package bubble

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/splitmix"
)

// MaxJitter is below what a decision of a strategy is worth, and above what
// keeps a thousand frames apart to the nanosecond.
const MaxJitter = time.Millisecond

// Distinct delays each frame by a time of its own, below MaxJitter, on top of
// what another scheduler decides. Virtual time stands still while anything can
// run, so two frames that are due at one instant would be ordered by the Go
// scheduler; with Distinct they are ordered by the seed.
//
// The time is a hash of seed, test and point, as in package explore, to the
// nanosecond: two of n frames under way at once coincide with a chance of about
// n²/2,000,000.
type Distinct struct {
	seed uint64
	next harness.Scheduler // nil: nothing else is decided
}

// NewDistinct wraps s, which may be nil.
func NewDistinct(seed uint64, s harness.Scheduler) *Distinct {
	return &Distinct{seed: splitmix.Mix(seed ^ 0x5bd1e9955bd1e995), next: s}
}

// Decide is next's decision, or a short delay; next's delays are made longer by as much.
func (d *Distinct) Decide(test string, p harness.Point) harness.Decision {
	var decided harness.Decision
	if d.next != nil {
		decided = d.next.Decide(test, p)
	}
	switch decided.Action {
	case harness.Pass:
		return harness.Decision{Test: test, At: p, Action: harness.Delay, Delay: d.jitter(test, p)}
	case harness.Delay:
		decided.Delay += d.jitter(test, p)
	}
	return decided
}

// jitter is from 1 ns to just below MaxJitter.
func (d *Distinct) jitter(test string, p harness.Point) harness.Duration {
	h := splitmix.Word(splitmix.Word(splitmix.Word(splitmix.Word(splitmix.Start^d.seed, test), p.Role), p.Verb), p.Key)
	h = splitmix.Mix(h ^ splitmix.Mix(uint64(p.N)<<1|uint64(p.Dir)))
	return harness.Duration(1 + h%uint64(MaxJitter-1))
}

// Own reports whether the delay of an event is Distinct's alone.
func Own(e *harness.Event) bool { return e.Action == harness.Delay && e.Asked < MaxJitter }

// StripJitter takes the marks of Distinct off a history: its delays are the latency
// of the simulated network, not something that was done to it.
func StripJitter(events []harness.Event) {
	for i := range events {
		if e := &events[i]; Own(e) {
			e.Action, e.Asked = harness.Pass, 0
		} else if e.Action == harness.Delay {
			e.Asked = e.Asked.Truncate(MaxJitter)
		}
	}
}
