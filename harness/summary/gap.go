package summary

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Gap says what was measured for some classes: failures, and the smallest
// margin of a test that failed.
func Gap(r *harness.Result, of func(harness.Class) bool) (text string, tests []string) {
	var smallest *harness.Margin
	causes := 0
	for _, f := range r.Findings {
		if !of(f.Class) || f.Standing == harness.Latent || f.Standing == harness.Simulated && r.Simulation != nil {
			continue
		}
		causes++
		for _, t := range f.Tests {
			if !slices.Contains(tests, t) {
				tests = append(tests, t)
			}
		}
		if f.Margin != nil && (smallest == nil || f.Margin.Size < smallest.Size) {
			smallest = f.Margin
		}
	}
	switch {
	case causes == 0:
		return "none: no failure was provoked", nil
	case smallest != nil:
		return fmt.Sprintf("%d tests fail; the nearest when %s is %.0f ms late", len(tests), smallest.Edge, smallest.Size.Milliseconds()), tests
	}
	return fmt.Sprintf("%d tests fail", len(tests)), tests
}
