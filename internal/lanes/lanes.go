// Package lanes runs the subtests of a test side by side, each in a lane that
// has a Redis, a proxy or a directory of its own: tests that wait for real time
// do so together. It must never be used outside of tests, and must never change
// which subtests run or what they are called.
package lanes

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Each runs do as a subtest for each item, in up to n lanes. Open makes what a
// lane has for itself: no two subtests use one lane at the same time. Subtests
// begin in the order of items. Unlike with t.Parallel, n does not depend on the
// number of processors: it is for subtests that wait rather than compute.
func Each[L, T any](t *testing.T, n int, open func(*testing.T) L, items []T, name func(T) string, do func(*testing.T, L, T)) {
	t.Helper()
	lanes := make([]L, min(n, len(items)))
	for i := range lanes {
		lanes[i] = open(t)
	}
	var begun atomic.Int64
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() {
			for {
				i := int(begun.Add(1)) - 1
				if i >= len(items) {
					return
				}
				t.Run(name(items[i]), func(t *testing.T) { do(t, lane, items[i]) })
			}
		})
	}
	wg.Wait()
}
