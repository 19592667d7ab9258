package simtest

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// schedule is what one seed delays: a few frames by much, or all by a little,
// since some failures need one long delay at the right place and others need
// many frames to be late. It is a pure function of seed and point.
type schedule struct {
	seed   uint64
	chance float64 // of a frame to be late
	max    time.Duration
}

// draw chooses the shape for a seed. frames is how many the test sends and
// receives without a delay.
func draw(seed uint64, frames int, most time.Duration) schedule {
	r := rand.New(rand.NewPCG(seed, 1))
	s := schedule{seed: seed}
	// The longest delay is from a millisecond to most, each order of magnitude
	// with the same chance: no length is right for all races.
	s.max = time.Millisecond
	for span := most; span > time.Millisecond; span /= 2 {
		if s.max = span; r.IntN(4) == 0 {
			break
		}
	}
	switch late := float64(1 + r.IntN(4)); {
	case r.IntN(4) == 0:
		s.chance = 1
	default: // one to four frames of a test
		s.chance = min(1, late/float64(max(frames, 1)))
	}
	return s
}

// Decide delays p if its draw says so.
func (s schedule) Decide(test string, p harness.Point) harness.Decision {
	if s.chance == 0 {
		return harness.Decision{}
	}
	h := fnv.New64a()
	h.Write(p.Append(nil))
	r := rand.New(rand.NewPCG(s.seed, h.Sum64()))
	if r.Float64() >= s.chance {
		return harness.Decision{}
	}
	d := time.Duration(r.Int64N(int64(s.max))) + 1
	return harness.Decision{Test: test, At: p, Action: harness.Delay, Delay: harness.Duration(d.Round(time.Millisecond))}
}
