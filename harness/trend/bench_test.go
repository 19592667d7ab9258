package trend

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/flakehunt/flakehunt/harness"
)

// BenchmarkAnalyze is a million results: 1,000 runs of 1,000 tests, of which
// every tenth fails 1 % of the time.
func BenchmarkAnalyze(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	h := &History{}
	for run := range 1000 {
		h.Runs = append(h.Runs, Run{ID: fmt.Sprint(run)})
	}
	for i := range 1000 {
		t := Test{TestID: harness.TestID{Name: fmt.Sprint(i), Suite: fmt.Sprint(i % 5)}}
		for run := range int32(1000) {
			c := Cell{Run: run, Runs: 1}
			if i%10 == 3 && rng.IntN(100) == 0 {
				c.Failures = 1
			}
			t.Cells = append(t.Cells, c)
		}
		h.Tests = append(h.Tests, t)
	}
	for b.Loop() {
		Analyze(h)
	}
}
