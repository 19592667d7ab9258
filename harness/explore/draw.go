package explore

import (
	"math"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/splitmix"
)

// draw is a stream of random numbers that belongs to one name: a seed hashed
// with a test, a role or a point. It holds no state that outlives a decision,
// so the order in which frames arrive cannot change what they are given.
//
// The name is hashed with 64-bit FNV-1a and finalised with SplitMix64 (Steele,
// Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014),
// which then also yields the further numbers of the stream.
type draw uint64

// drawRole names a connection within a test. purpose keeps the strategies'
// streams apart.
func drawRole(seed uint64, purpose, test, role string) draw {
	h := splitmix.Word(splitmix.Start^splitmix.Mix(seed), purpose)
	return draw(splitmix.Mix(splitmix.Word(splitmix.Word(h, test), role)))
}

// drawPoint names one frame within a test.
func drawPoint(seed uint64, purpose, test string, p harness.Point) draw {
	h := splitmix.Word(splitmix.Start^splitmix.Mix(seed), purpose)
	h = splitmix.Word(splitmix.Word(splitmix.Word(splitmix.Word(h, test), p.Role), p.Verb), p.Key)
	return draw(splitmix.Mix(h ^ splitmix.Mix(uint64(p.N)<<1|uint64(p.Dir))))
}

// drawConn names a connection within a test by its number.
func drawConn(seed uint64, purpose, test string, conn int) draw {
	h := splitmix.Word(splitmix.Start^splitmix.Mix(seed), purpose)
	return draw(splitmix.Mix(splitmix.Word(h, test) ^ splitmix.Mix(uint64(conn))))
}

// next returns 64 random bits.
func (d *draw) next() uint64 {
	*d += splitmix.Golden
	return splitmix.Mix(uint64(*d))
}

// float returns a number in [0, 1).
func (d *draw) float() float64 { return float64(d.next()>>11) * 0x1p-53 }

// intn returns a number in [0, n). The bias, under n/2^53, is of no account for
// the few choices that are made here.
func (d *draw) intn(n int) int { return int(d.float() * float64(n)) }

// uniform returns a duration in [lo, hi).
func (d *draw) uniform(lo, hi time.Duration) time.Duration {
	return lo + time.Duration(d.float()*float64(hi-lo))
}

// normal returns a duration from the normal distribution of the given mean and
// standard deviation, truncated to [lo, hi]. It inverts the distribution
// function on the part between the bounds, so that one draw suffices.
func (d *draw) normal(mean, sd, lo, hi time.Duration) time.Duration {
	if sd <= 0 || hi <= lo {
		return min(max(mean, lo), hi)
	}
	cdf := func(x time.Duration) float64 {
		return 0.5 * math.Erfc(-float64(x-mean)/(float64(sd)*math.Sqrt2))
	}
	a, b := cdf(lo), cdf(hi)
	u := a + d.float()*(b-a)
	x := float64(mean) - float64(sd)*math.Sqrt2*math.Erfcinv(2*u)
	if math.IsNaN(x) || math.IsInf(x, 0) { // the bounds lie where the tail has no mass left
		return min(max(mean, lo), hi)
	}
	return min(max(time.Duration(x), lo), hi)
}
