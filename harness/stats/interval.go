package stats

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Interval is a range of failure rates, and why to doubt it.
//
// Assumption of this file: the trials are independent and share one rate.
type Interval struct {
	Lo, Hi     float64
	Confidence float64
	Warnings   []string
}

// String gives "1 % to 24.9 % (95 %)".
func (i Interval) String() string {
	return fmt.Sprintf("%s to %s (%s)", Percent(i.Lo), Percent(i.Hi), Percent(i.Confidence))
}

// Contains reports whether the rate lies within.
func (i Interval) Contains(rate float64) bool { return i.Lo <= rate && rate <= i.Hi }

// few is the number of trials below which a rate's interval is too wide to act on.
const few = 10

// ClopperPearson gives the exact two-sided interval of the failure rate after
// k failures in n trials: it covers the true rate with at least the stated
// confidence, whatever the rate. A conf outside (0,1) means 0.95. No trials
// give [0,1] and a warning.
//
// Clopper & Pearson, Biometrika 26 (1934), p. 404.
func ClopperPearson(k, n int, conf float64) Interval {
	conf = confidence(conf)
	if !counts(k, n) {
		return unknown(k, n, conf)
	}
	half := (1 - conf) / 2
	i := Interval{Lo: 0, Hi: 1, Confidence: conf, Warnings: doubts(n)}
	if k > 0 {
		i.Lo = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(half)
	}
	if k < n {
		i.Hi = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(1 - half)
	}
	return i
}

func unknown(k, n int, conf float64) Interval {
	why := "no trials: nothing is known of the rate"
	if n != 0 || k != 0 {
		why = fmt.Sprintf("%d failures in %d trials cannot be: nothing is known of the rate", k, n)
	}
	return Interval{Lo: 0, Hi: 1, Confidence: conf, Warnings: []string{why}}
}

func doubts(n int) []string {
	if n < few {
		return []string{fmt.Sprintf("only %s: the interval is wide", phrase.Plural(n, "trial"))}
	}
	return nil
}
