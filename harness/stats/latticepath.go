package stats

import "math"

// pathBudget bounds the work of one exact crossing probability, in additions.
const pathBudget = 20_000_000

// strongest gives the exact p-value of the strongest change of rate within
// runs [lo,hi) of a history, over all places and both directions; 1 when there
// is nothing to compare.
//
// For histories so large that the exact sum would take longer than about
// 100 ms it gives an upper bound instead: the smallest p-value times twice the
// number of failures (or of places, if fewer), which is valid since the chance
// that the j-th failure comes as late as place s is itself the p-value at s.
func (c cumulated) strongest(lo, hi int) float64 {
	total := c.count(lo, hi)
	if hi-lo < 2 || total.K == 0 || total.K == total.N {
		return 1
	}
	least := 1.0
	for s := lo + 1; s < hi; s++ {
		if n := c.n[s] - c.n[lo]; n == 0 || n == total.N {
			continue
		}
		lower, upper := c.tails(lo, s, total.K, total.N)
		least = min(least, lower, upper)
	}
	if least >= 1 {
		return 1
	}
	bound := min(1, least*2*float64(min(total.K, total.N-total.K, hi-lo-1)))
	if least == 0 || total.K > 20_000 {
		return bound
	}
	// Ties must count as crossings: a hair above the smallest p-value.
	if p, ok := c.crossing(lo, hi, least*(1+1e-9)); ok {
		return max(p, least) // one minus a sum: below 1e-13 it is rounding
	}
	return bound
}

// tails gives the chances that at most, and at least, as many failures as seen
// lie before place s.
func (c cumulated) tails(lo, s, k, n int) (lower, upper float64) {
	before, seen := c.n[s]-c.n[lo], c.k[s]-c.k[lo]
	here := math.Exp(c.hyper(seen, before, k, n))
	lower, upper = here, here
	// The terms fall off from the mode outwards, so a sum may stop when the
	// next term no longer counts; it starts at seen, whichever side of the mode
	// that is, hence the second condition.
	mode := (before + 1) * (k + 1) / (n + 2)
	for x := seen - 1; x >= max(0, k-(n-before)); x-- {
		p := math.Exp(c.hyper(x, before, k, n))
		lower += p
		if x < mode && p < lower*1e-17 {
			break
		}
	}
	for x := seen + 1; x <= min(k, before); x++ {
		p := math.Exp(c.hyper(x, before, k, n))
		upper += p
		if x > mode && p < upper*1e-17 {
			break
		}
	}
	return min(1, lower), min(1, upper)
}

// hyper is logHypergeometric from the table of factorials.
func (c cumulated) hyper(x, before, k, n int) float64 {
	return c.choose(k, x) + c.choose(n-k, before-x) - c.choose(n, before)
}

// corridor gives the counts before place s whose tail p-values both exceed x:
// those strictly between the boundaries.
func (c cumulated) corridor(lo, s, k, n int, x float64) (from, to int) {
	before := c.n[s] - c.n[lo]
	least, most := max(0, k-(n-before)), min(k, before)
	from, to = least, most
	for acc := 0.0; from <= most; from++ {
		if acc += math.Exp(c.hyper(from, before, k, n)); acc > x {
			break
		}
	}
	for acc := 0.0; to >= least; to-- {
		if acc += math.Exp(c.hyper(to, before, k, n)); acc > x {
			break
		}
	}
	return from, to
}

// crossing gives the chance that a random arrangement of the failures has, at
// some place, a tail p-value of at most x. It reports false when the budget
// does not allow the sum.
func (c cumulated) crossing(lo, hi int, x float64) (float64, bool) {
	total := c.count(lo, hi)
	k, n := total.K, total.N
	inside := []float64{1} // chance of having come so far inside the corridor, by count of failures
	base := 0              // the count that inside[0] stands for
	work := 0
	for s := lo + 1; s <= hi; s++ {
		step := c.n[s] - c.n[s-1]
		if step == 0 {
			continue
		}
		from, to := k, k
		if c.n[s]-c.n[lo] < n {
			if from, to = c.corridor(lo, s, k, n, x); from > to {
				return 1, true
			}
		}
		next := make([]float64, to-from+1)
		left := n - (c.n[s-1] - c.n[lo])
		for i, p := range inside {
			if p == 0 {
				continue
			}
			fails := k - (base + i) // still to come
			whole := c.choose(left, step)
			for y := max(0, from-(base+i)); y <= min(step, fails, to-(base+i)); y++ {
				if left-step < fails-y {
					continue
				}
				next[base+i+y-from] += p * math.Exp(c.choose(fails, y)+c.choose(left-fails, step-y)-whole)
				work++
			}
		}
		if work > pathBudget {
			return 0, false
		}
		inside, base = next, from
	}
	sum := 0.0
	for _, p := range inside {
		sum += p
	}
	return min(1, max(0, 1-sum)), true
}
