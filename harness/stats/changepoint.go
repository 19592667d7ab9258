package stats

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness"
)

// ChangePoint is a place where a failure rate changed.
type ChangePoint struct {
	At            int           // index of the first entry of the new regime
	Lo, Hi        int           // with 95 % posterior probability At lies within, both included
	Before, After harness.Count // failures of trials in the regimes on both sides
	P             float64       // chance of as strong a change in a flat history, over all places
}

// Worse reports whether the rate rose.
func (c ChangePoint) Worse() bool {
	return float64(c.After.K)*float64(c.Before.N) > float64(c.Before.K)*float64(c.After.N)
}

// Changes is what ChangePoints found.
type Changes struct {
	Points   []ChangePoint // in order of At
	P        float64       // of the whole history's strongest change, found or not
	Warnings []string
}

// ChangePoints finds where the failure rate of a history changed. Entry i is
// one run: K failures in N trials; a run without trials says nothing. On a
// flat history it finds a change with probability at most alpha (0: 0.05),
// whatever the rate; for several histories at once see ChangePointsAll.
//
// The statistic is the smallest one-sided Fisher p-value over all places and
// both directions. Its own p-value is exact: given the total number of
// failures, every arrangement of them over the trials is equally likely when
// the rate is flat, so the cumulated count is a lattice path, and the chance
// that one crosses the boundary of equal p-values is summed up run by run (the
// recursion of Noé, Annals of Mathematical Statistics 43 (1972), p. 58, for
// draws without replacement). Further changes are sought by binary
// segmentation (Scott & Knott, Biometrics 30 (1974), p. 507), each half at half
// the level.
//
// A change is placed at the posterior median under a flat prior of places and
// Jeffreys' prior of both rates.
//
// Assumption: trials are independent. When failures cluster within runs, a
// warning says so: the level then is no longer kept.
func ChangePoints(history []harness.Count, alpha float64) Changes {
	alpha = level(alpha, 0.05)
	h := newCumulated(history)
	c := Changes{P: h.strongest(0, len(history)), Warnings: h.doubts(history)}
	var split func(lo, hi int, alpha, p float64)
	split = func(lo, hi int, alpha, p float64) {
		if p > alpha {
			return
		}
		at, _, _ := h.locate(lo, hi)
		c.Points = append(c.Points, ChangePoint{At: at})
		split(lo, at, alpha/2, h.strongest(lo, at))
		split(at, hi, alpha/2, h.strongest(at, hi))
	}
	split(0, len(history), alpha, c.P)
	slices.SortFunc(c.Points, func(a, b ChangePoint) int { return a.At - b.At })
	for {
		worst := h.refine(c.Points, len(history))
		if worst < 0 || c.Points[worst].P <= alpha {
			break
		}
		// The first split of a rate that rose and fell again lies between the
		// true places; once these are found nothing is left of it.
		c.Points = slices.Delete(c.Points, worst, worst+1)
	}
	return c
}

// ChangePointsAll is ChangePoints for many histories: with probability at
// least 1 - alpha no flat one among them shows a change (Holm's correction).
func ChangePointsAll(histories [][]harness.Count, alpha float64) []Changes {
	alpha = level(alpha, 0.05)
	p := make([]float64, len(histories))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(histories)) { // a thousand long histories take seconds
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(histories)); i = next.Add(1) - 1 {
				p[i] = newCumulated(histories[i]).strongest(0, len(histories[i]))
			}
		})
	}
	wg.Wait()
	adjusted := Holm(p)
	out := make([]Changes, len(histories))
	for i, h := range histories {
		if adjusted[i] > alpha {
			out[i] = Changes{P: p[i]}
			continue
		}
		// Its own share of alpha also governs the changes that follow from the first.
		out[i] = ChangePoints(h, max(p[i], alpha/float64(len(histories))))
	}
	return out
}

// refine places each change again between its neighbours and tests it there;
// it gives the index of the least sure, -1 if there is none.
func (c cumulated) refine(points []ChangePoint, end int) int {
	worst := -1
	for i := range points {
		lo, hi := 0, end
		if i > 0 {
			lo = points[i-1].At
		}
		if i+1 < len(points) {
			hi = points[i+1].At
		}
		p := &points[i]
		p.At, p.Lo, p.Hi = c.locate(lo, hi)
		p.P = c.strongest(lo, hi)
		p.Before, p.After = c.count(lo, p.At), c.count(p.At, hi)
		if worst < 0 || p.P > points[worst].P {
			worst = i
		}
	}
	return worst
}

// cumulated is a history as cumulative counts: entry i is before run i.
type cumulated struct {
	k, n []int
	fact []float64 // log factorials up to the number of trials
}

func newCumulated(history []harness.Count) cumulated {
	c := cumulated{k: make([]int, len(history)+1), n: make([]int, len(history)+1)}
	for i, x := range history {
		c.k[i+1], c.n[i+1] = c.k[i], c.n[i]
		if counts(x.K, x.N) {
			c.k[i+1] += x.K
			c.n[i+1] += x.N
		}
	}
	if total := c.n[len(history)]; c.k[len(history)] > 0 {
		c.fact = make([]float64, total+1)
		for i := 2; i <= total; i++ {
			c.fact[i] = c.fact[i-1] + math.Log(float64(i))
		}
	}
	return c
}

func (c cumulated) count(lo, hi int) harness.Count {
	return harness.Count{K: c.k[hi] - c.k[lo], N: c.n[hi] - c.n[lo]}
}

// choose is the log of n over k.
func (c cumulated) choose(n, k int) float64 {
	if k < 0 || k > n {
		return math.Inf(-1)
	}
	return c.fact[n] - c.fact[k] - c.fact[n-k]
}

// locate gives the posterior median of the first run of the new regime within
// runs [lo,hi), and the range that holds 95 %.
func (c cumulated) locate(lo, hi int) (at, from, to int) {
	if hi-lo < 2 {
		return hi, hi, hi
	}
	logs := make([]float64, hi-lo-1) // entry i: the new regime begins at lo+1+i
	top := math.Inf(-1)
	for i := range logs {
		a, b := c.count(lo, lo+1+i), c.count(lo+1+i, hi)
		logs[i] = logBeta(float64(a.K)+.5, float64(a.N-a.K)+.5) + logBeta(float64(b.K)+.5, float64(b.N-b.K)+.5)
		top = max(top, logs[i])
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	place, acc := lo, 0.0
	next := func(q float64) int { // the q-quantile; call with rising q
		for acc < q && place < hi-1 {
			acc += math.Exp(logs[place-lo]-top) / sum
			place++
		}
		return place
	}
	from, at, to = next(0.025), next(0.5), next(0.975)
	return at, from, to
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}

// clustered is the dispersion above which runs are no longer plausibly made of
// independent trials.
const clustered = 2

// doubts warns when failures cluster within runs: the sum of squared
// differences of neighbouring runs' rates, in units of their binomial
// variance. Neighbours, so that a change of rate does not count as clustering.
func (c cumulated) doubts(history []harness.Count) []string {
	total := c.count(0, len(history))
	if total.K < few || total.K == total.N {
		return nil
	}
	var prev harness.Count
	sum, pairs := 0.0, 0
	for _, x := range history {
		if !counts(x.K, x.N) {
			continue
		}
		if prev.N > 1 && x.N > 1 && prev.K+x.K > 0 && prev.K+x.K < prev.N+x.N {
			p := float64(prev.K+x.K) / float64(prev.N+x.N)
			d := float64(x.K)/float64(x.N) - float64(prev.K)/float64(prev.N)
			sum += d * d / (p * (1 - p) * (1/float64(x.N) + 1/float64(prev.N)))
			pairs++
		}
		prev = x
	}
	if pairs < few || sum/float64(pairs) < clustered {
		return nil
	}
	return []string{fmt.Sprintf("failures cluster within runs (dispersion %.1f, independent trials give 1): change points are less sure than stated", sum/float64(pairs))}
}
