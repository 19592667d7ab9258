// Package predict tells from passing histories of a test in which ways it could
// fail, without knowing the test: any two commands of different clients that
// share something (execution order), any two frames to clients whose order the
// program may rely on (delivery order), any frame against a timer (time), and
// any two readings of the clock (wall clock). One file a relation; the shapes of
// package nearmiss, which are known to be frequent, come first.
//
// It must never do I/O, ask the clock, or propose what is known to be blocked.
// What it costs grows with the length of a history, not with its square.
package predict

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// Relations, as Candidate.Relation names them.
const (
	Execution = "execution order"
	Delivery  = "delivery order"
	Time      = "time"
	WallClock = "wall clock"
	Shape     = nearmiss.ShapeRelation // a frequent shape of package nearmiss
)

const (
	// DefaultMaxDelay is the longest delay that counts as a slow network.
	DefaultMaxDelay = 500 * time.Millisecond
	// maxHoldGap is the longest gap over which a pair is turned round by a hold.
	maxHoldGap = 3 * time.Second
	// slack is added to a delay that must outlast a gap. A busy machine may run
	// the commands that the delay is meant to pass up to that much late.
	slack = 90 * time.Millisecond
	// most is how many candidates a relation gives of one history.
	most = 60
)

// Facts is what is known beside the histories. The zero value is right.
type Facts struct {
	Scripts  *effects.Knowledge // what scripts do and how they call themselves; nil: what they declare
	MaxDelay time.Duration      // 0: DefaultMaxDelay
}

// relation finds candidates in one history.
type relation struct {
	name string
	find func(s *scene) []nearmiss.Candidate
}

// relations lists them; one file each.
func relations() []relation {
	return []relation{
		{Execution, execution},
		{Delivery, delivery},
		{Time, timers},
		{WallClock, wallClock},
	}
}

// Candidates tells how the test of the traces, which passed in all of them,
// could fail: the likeliest first, each pair once, none that is known to be
// blocked.
func Candidates(traces []*detect.Trace, known nearmiss.Known, facts Facts) []nearmiss.Candidate {
	if facts.MaxDelay <= 0 {
		facts.MaxDelay = DefaultMaxDelay
	}
	facts.Scripts = facts.Scripts.Clone()
	for _, t := range traces {
		for _, c := range t.Commands {
			facts.Scripts.Learn(c.Words)
		}
	}
	traces = slices.Clone(traces)
	for i, t := range traces {
		traces[i] = t.WithLifetimes(facts.Scripts.Lifetime)
	}
	m := merger{known: known, at: map[string]int{}}
	for _, c := range nearmiss.Candidates(traces, known) {
		if c.Kind() == nearmiss.TwoConnections { // execution knows more of these
			continue
		}
		c.Relation = Shape
		m.add(c)
	}
	scenes := make([]*scene, len(traces))
	for i, t := range traces {
		scenes[i] = newScene(t, facts)
	}
	for i, s := range scenes {
		for _, r := range relations() {
			list := r.find(s)
			slices.SortStableFunc(list, likeliest)
			for _, c := range list[:min(len(list), most)] {
				c.Relation, c.Test = r.name, s.t.Test
				c.Likelihood *= known.Discount(c) * agreement(c, i, scenes)
				if !known.Blocked(c.First, c.Then) {
					m.add(c)
				}
			}
		}
	}
	slices.SortStableFunc(m.out, likeliest)
	return m.out
}

func likeliest(a, b nearmiss.Candidate) int { return cmp.Compare(b.Likelihood, a.Likelihood) }

// merger keeps the likeliest candidate of each pair.
type merger struct {
	known nearmiss.Known
	at    map[string]int
	out   []nearmiss.Candidate
}

func (m *merger) add(c nearmiss.Candidate) {
	i, ok := m.at[c.Key()]
	switch {
	case !ok:
		m.at[c.Key()] = len(m.out)
		m.out = append(m.out, c)
	case c.Likelihood > m.out[i].Likelihood:
		m.out[i] = c
	}
}

// agreement is the factor, 1 at most, by which other passing histories lower a
// candidate's likelihood: each that had the pair in the other order and passed
// multiplies it by 0.3.
func agreement(c nearmiss.Candidate, of int, scenes []*scene) float64 {
	if c.Relation != Execution && c.Relation != Delivery {
		return 1
	}
	f := 1.0
	for i, s := range scenes {
		if i == of {
			continue
		}
		if first, then := s.when(c.First), s.when(c.Then); first > 0 && then > 0 && then < first {
			f *= 0.3
		}
	}
	return f
}
