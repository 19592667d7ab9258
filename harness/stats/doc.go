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

import "strconv"

// Percent writes a rate for a person, three figures: "13.9 %", "5 %", "0.05 %".
// A rate below 1 is never rounded up to 100 %.
func Percent(rate float64) string {
	p := 100 * rate
	if p < 100 && p > 99.95 {
		p = 99.9
	}
	// Twice through text: %.3g rounds, but writes small rates as 1e-05.
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(p, 'g', 3, 64), 64)
	if err != nil {
		rounded = p
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64) + " %"
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
