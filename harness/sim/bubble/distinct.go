package bubble

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
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
	return &Distinct{seed: mix(seed ^ 0x5bd1e9955bd1e995), next: s}
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
	h := word(word(word(word(fnvOffset^d.seed, test), p.Role), p.Verb), p.Key)
	h = mix(h ^ mix(uint64(p.N)<<1|uint64(p.Dir)))
	return harness.Duration(1 + h%uint64(MaxJitter-1))
}

// Own reports whether the delay of an event is Distinct's alone.
func Own(e *harness.Event) bool { return e.Action == harness.Delay && e.Asked < MaxJitter }

// Quiet takes the marks of Distinct off a history: its delays are the latency
// of the simulated network, not something that was done to it.
func Quiet(events []harness.Event) {
	for i := range events {
		if e := &events[i]; Own(e) {
			e.Action, e.Asked = harness.Pass, 0
		} else if e.Action == harness.Delay {
			e.Asked = e.Asked.Truncate(MaxJitter)
		}
	}
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014, section 4).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// word folds s into h by 64-bit FNV-1a, ended by a byte that UTF-8 never holds.
func word(h uint64, s string) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return (h ^ 0xff) * fnvPrime
}
