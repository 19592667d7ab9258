package summary

import (
	"cmp"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// LeastMargins gives the smallest margin of each test and frame, the smallest
// first, and last those that the program itself keeps: no delay can use them up.
func LeastMargins(list []harness.Margin) []harness.Margin {
	type key struct {
		test string
		at   harness.Point
	}
	least := map[key]harness.Margin{}
	for _, m := range list {
		k := key{m.Test, m.At}
		if old, known := least[k]; !known || compareMargins(m, old) < 0 {
			least[k] = m
		}
	}
	var out []harness.Margin
	for _, m := range least {
		out = append(out, m)
	}
	slices.SortFunc(out, compareMargins)
	return out
}

// compareMargins orders margins, so that none is before another by chance: one
// that a failure showed is before one that was predicted.
func compareMargins(a, b harness.Margin) int {
	last := func(m harness.Margin) int {
		if m.Ordered {
			return 1
		}
		return 0
	}
	predicted := func(m harness.Margin) int {
		if m.Predicted {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(last(a), last(b)), cmp.Compare(a.Size, b.Size), cmp.Compare(predicted(a), predicted(b)),
		cmp.Compare(a.Test, b.Test), cmp.Compare(a.Edge, b.Edge), cmp.Compare(a.At.String(), b.At.String()), cmp.Compare(a.Lo, b.Lo), cmp.Compare(a.Hi, b.Hi))
}
