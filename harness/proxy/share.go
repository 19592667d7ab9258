package proxy

import "github.com/flakehunt/flakehunt/harness"

// SharedPoints is the share of points that two trials have in common, from 0
// to 1: twice the points in both, over those in a and those in b (the Dice
// coefficient), the test being part of a point's identity. It is 1 when both
// have none.
func SharedPoints(a, b []harness.Event) float64 {
	type name struct {
		test string
		p    harness.Point
	}
	seen := map[name]bool{}
	total, common := 0, 0
	for i := range a {
		if e := &a[i]; !e.Point.IsZero() {
			total++
			seen[name{e.Test, e.Point}] = true
		}
	}
	for i := range b {
		if e := &b[i]; !e.Point.IsZero() {
			total++
			if seen[name{e.Test, e.Point}] {
				common++
				delete(seen, name{e.Test, e.Point})
			}
		}
	}
	if total == 0 {
		return 1
	}
	return 2 * float64(common) / float64(total)
}
