package trend

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// past is 60 runs of 20 trials: "steady" never fails, "broke" does from run
// 40 on, "mended" did up to run 29; "mended" has margins.
func past() *History {
	h := &History{}
	names := []string{"broke", "mended", "steady"}
	for _, n := range names {
		h.Tests = append(h.Tests, Test{TestID: harness.TestID{Name: n, Suite: "smoke"}})
	}
	for run := range 60 {
		h.Runs = append(h.Runs, Run{Meta: Meta{Commit: fmt.Sprintf("c%02d", run)}})
		for i, n := range names {
			c := Cell{Run: int32(run), Runs: 20}
			switch {
			case n == "broke" && run >= 40:
				c.Failures = 6
			case n == "mended" && run < 30:
				c.Failures = 2
			}
			if n == "mended" {
				c.HasMargin, c.Margin = true, harness.Duration(time.Duration(10+run)*time.Millisecond)
			}
			h.Tests[i].Cells = append(h.Tests[i].Cells, c)
		}
	}
	return h
}

func TestAnalyze(t *testing.T) {
	r := Analyze(past())
	require.Len(t, r.Tests, 3)
	broke, mended, steady := r.Tests[0], r.Tests[1], r.Tests[2]
	assert.Equal(t, []string{"broke", "mended", "steady"}, []string{broke.Name, mended.Name, steady.Name}, "what fails now comes first")

	require.Len(t, broke.Changes, 1)
	c := broke.Changes[0]
	assert.True(t, c.Worse)
	assert.Equal(t, 40, c.At)
	assert.Equal(t, "c39..c40", r.Range(c))
	assert.Equal(t, harness.Count{K: 120, N: 400}, broke.Now)
	assert.Nil(t, broke.Fixed)
	assert.Equal(t, 59, broke.LastFailure())

	require.NotNil(t, mended.Fixed)
	assert.Equal(t, 30, mended.Fixed.Since)
	assert.Equal(t, 600, mended.Fixed.Clean)
	assert.InDelta(t, 0.1, mended.Fixed.Was, 1e-9)
	assert.InDelta(t, 0.005, mended.Fixed.Excludes, 1e-4)
	first, least, last, ok := mended.Margins()
	assert.True(t, ok)
	assert.Equal(t, []harness.Duration{10e6, 10e6, 69e6}, []harness.Duration{first, least, last})

	assert.Empty(t, steady.Changes)
	assert.Equal(t, -1, steady.LastFailure())
	_, _, _, ok = steady.Margins()
	assert.False(t, ok)

	require.Len(t, r.Suites, 1)
	assert.Equal(t, harness.Count{K: 180, N: 3600}, r.Suites[0].Total)
	assert.Len(t, r.Suites[0].Changes, 2)
	assert.Len(t, r.Changed(), 2)
	assert.Equal(t, "broke", r.Changed()[0].Name, "the newest change first")
	assert.Equal(t, "steady", r.Best(5)[0].Name)
	assert.Equal(t, "broke", r.Worst(5)[0].Name)
	assert.Empty(t, r.Warnings)
}

func TestMixedConditionsWarn(t *testing.T) {
	h := past()
	h.Runs[3].Conditions = "latency"
	assert.Len(t, Analyze(h).Warnings, 1)
}

func TestAnEmptyPastIsNoTrend(t *testing.T) {
	r := Analyze(&History{})
	assert.Empty(t, r.Tests)
	assert.Empty(t, r.Changed())
	assert.Empty(t, r.Best(3))
}
