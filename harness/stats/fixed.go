package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// FixedTrials gives how many trials a plan without peeking takes to tell the
// rule's Stable rate from its Tolerated rate with the same errors: the least n
// for which some number of failures c has P(at most c | Stable) <= Alpha and
// P(more than c | Tolerated) <= Alpha. With Tolerated 0, that is CleanRuns.
func (r Rule) FixedTrials() int {
	r = r.filled()
	n := CleanRuns(r.Stable, 1-r.Alpha)
	if r.Tolerated == 0 {
		return n
	}
	// The normal approximation, in place of a long search for rates that are close.
	z := distuv.UnitNormal.Quantile(1 - r.Alpha)
	sd := math.Sqrt(r.Stable*(1-r.Stable)) + math.Sqrt(r.Tolerated*(1-r.Tolerated))
	if about := math.Pow(z*sd/(r.Stable-r.Tolerated), 2); about > 20_000 {
		return int(min(math.Ceil(about), math.MaxInt/2))
	}
	for c := 0; ; c++ {
		n += sort.Search(1<<20, func(more int) bool { return atMost(c, n+more, r.Stable) <= r.Alpha })
		if 1-atMost(c, n, r.Tolerated) <= r.Alpha {
			return n
		}
	}
}

// atMost is the chance of at most c failures in n trials; the binomial sum as
// an incomplete beta function (Abramowitz & Stegun 26.5.24).
func atMost(c, n int, p float64) float64 {
	if c >= n {
		return 1
	}
	return mathext.RegIncBeta(float64(n-c), float64(c+1), 1-p)
}
