package stats

import (
	"cmp"
	"math"
	"slices"
)

// sortedIndex gives the indices of p from its smallest value to its largest;
// what is no probability comes last.
func sortedIndex(p []float64) []int {
	key := func(v float64) float64 {
		if !(v >= 0) {
			return math.Inf(1)
		}
		return v
	}
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(key(p[a]), key(p[b])) })
	return order
}
