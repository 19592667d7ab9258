package stats

import "math"

// Side says which alternative an exact test looks for.
type Side int

const (
	TwoSided Side = iota // any difference
	Greater              // the first rate is the greater
	Less                 // the first rate is the smaller
)

// Fisher gives the p-value of Fisher's exact test that two groups have one
// failure rate, given k1 failures of n1 and k2 of n2. Impossible counts, or an
// empty group, give 1: no evidence.
//
// Assumption: the trials of each group are independent; nothing is assumed of
// the common rate, since the test is conditional on the total.
// Fisher, Statistical Methods for Research Workers (1934), section 21.02;
// two-sided as the sum of all tables that are no likelier than the one seen.
func Fisher(k1, n1, k2, n2 int, side Side) float64 {
	if !counts(k1, n1) || !counts(k2, n2) {
		return 1
	}
	k, n := k1+k2, n1+n2
	lo, hi := max(0, k-n2), min(k, n1)
	seen := logHypergeometric(k1, n1, k, n)
	p := 0.0
	for x := lo; x <= hi; x++ {
		l := logHypergeometric(x, n1, k, n)
		switch side {
		case Greater:
			if x < k1 {
				continue
			}
		case Less:
			if x > k1 {
				continue
			}
		default:
			if l > seen+1e-7 { // relative: ties must count as ties
				continue
			}
		}
		p += math.Exp(l)
	}
	return min(1, p)
}

// Holm adjusts p-values for having looked at all of them: calling every test
// with an adjusted value of at most alpha a discovery makes one or more false
// discoveries with probability at most alpha, however the tests depend on each
// other. The order is kept. A negative or NaN p counts as 1.
//
// Holm, Scandinavian Journal of Statistics 6 (1979), p. 65.
func Holm(p []float64) []float64 {
	order := sortedIndex(p)
	out := make([]float64, len(p))
	worst := 0.0
	for rank, i := range order {
		v := p[i]
		if !(v >= 0) {
			v = 1
		}
		worst = max(worst, min(1, v*float64(len(p)-rank)))
		out[i] = worst
	}
	return out
}

// logHypergeometric is the log of the chance that a draw of n1 from n, k of
// which are failures, holds x of them.
func logHypergeometric(x, n1, k, n int) float64 {
	return logChoose(k, x) + logChoose(n-k, n1-x) - logChoose(n, n1)
}

func logChoose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return logFactorial(n) - logFactorial(k) - logFactorial(n-k)
}

func logFactorial(n int) float64 {
	l, _ := math.Lgamma(float64(n) + 1)
	return l
}
