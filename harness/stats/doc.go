// Package stats turns counts of passes and failures into statements with a
// stated chance of being wrong: intervals, what a clean result excludes,
// decisions that may be taken after any trial, change points, regressions.
//
// One file holds one assumption. Everything is a pure function of counts:
// the package must never read a clock, a file or a random source, and must
// never know what was counted.
//
// Rates are failure rates in [0,1]. A confidence is given as 0.95, not 95; a
// level alpha is one minus it.
package stats

import (
	"fmt"
	"math"
)

// Percent writes a rate for a person: "13.9 %", "0.05 %", "0 %".
func Percent(rate float64) string {
	p := 100 * rate
	switch {
	case p == 0 || p == 100:
		return fmt.Sprintf("%.0f %%", p)
	case math.Abs(p) < 0.1:
		return fmt.Sprintf("%.2g %%", p)
	case math.Abs(p) < 1:
		return fmt.Sprintf("%.2f %%", p)
	}
	return fmt.Sprintf("%.1f %%", p)
}

// confidence gives conf if it can be one, 0.95 otherwise, so that the zero
// value of a setting works.
func confidence(conf float64) float64 {
	if conf > 0 && conf < 1 {
		return conf
	}
	return 0.95
}

// level gives alpha if it can be one, otherwise the default.
func level(alpha, or float64) float64 {
	if alpha > 0 && alpha < 1 {
		return alpha
	}
	return or
}

// counts reports whether k failures in n trials can be.
func counts(k, n int) bool { return k >= 0 && n > 0 && k <= n }
