package stats

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Regression is whether a test is worse than its history.
type Regression struct {
	Baseline, Current harness.Count // failures of trials
	P                 float64       // chance of a difference as great if nothing changed
	Alpha             float64       // the stated false-alarm rate
	Worse             bool          // P <= Alpha
	Need              int           // fewest failures among the current trials that would count as worse; N+1: none would
	Warnings          []string
}

// Regress compares the current trials with a baseline: Fisher's exact test,
// one-sided, so an unchanged test is called worse with probability at most
// alpha (0: 0.01). For several tests at once see RegressAll.
//
// Assumption: trials are independent and were made under like conditions.
func Regress(baseline, current harness.Count, alpha float64) Regression {
	alpha = level(alpha, 0.01)
	r := Regression{Baseline: baseline, Current: current, P: 1, Alpha: alpha}
	if !counts(baseline.K, baseline.N) {
		r.Warnings = append(r.Warnings, "no baseline: nothing to compare with")
	}
	if !counts(current.K, current.N) {
		r.Warnings = append(r.Warnings, "no current trials: nothing to compare")
	}
	r.Need = current.N + 1
	if r.Warnings != nil {
		return r
	}
	r.P = Fisher(current.K, current.N, baseline.K, baseline.N, Greater)
	r.Worse = r.P <= alpha
	r.Need = needed(baseline, current.N, alpha)
	if r.Need > current.N {
		r.Warnings = append(r.Warnings, fmt.Sprintf("%s against %d of %d before can show no regression at %s, however many fail: run more trials",
			phrase.Plural(current.N, "trial"), baseline.K, baseline.N, Percent(alpha)))
	}
	return r
}

// RegressAll compares many tests: with probability at least 1 - alpha none that
// is unchanged is called worse (Holm's correction). P stays each test's own.
func RegressAll(baseline, current []harness.Count, alpha float64) []Regression {
	alpha = level(alpha, 0.01)
	out := make([]Regression, min(len(baseline), len(current)))
	p := make([]float64, len(out))
	for i := range out {
		out[i] = Regress(baseline[i], current[i], alpha)
		p[i] = out[i].P
	}
	for i, adjusted := range Holm(p) {
		out[i].Worse = adjusted <= alpha
	}
	return out
}

// needed searches the fewest failures of n that Regress would call worse; the
// p-value falls as failures rise.
func needed(baseline harness.Count, n int, alpha float64) int {
	lo, hi := 0, n+1
	for lo < hi {
		mid := (lo + hi) / 2
		if Fisher(mid, n, baseline.K, baseline.N, Greater) <= alpha {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}
