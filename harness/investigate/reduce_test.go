package investigate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBracketForgivesOneWrongAnswer: whichever single answer of the bisection
// is wrong near the threshold, the margin is found all the same.
func TestBracketForgivesOneWrongAnswer(t *testing.T) {
	const truth, top = 53 * time.Millisecond, 400 * time.Millisecond
	for _, lie := range []int{0, 4, 5, 6, 7} { // 0: none; earlier answers are far from the threshold
		asked := 0
		lo, hi, err := bracket(t.Context(), top, func(d time.Duration) (bool, error) {
			asked++
			return (d >= truth) != (asked == lie), nil
		})
		require.NoError(t, err)
		mid := (lo + hi) / 2
		assert.InDelta(t, truth.Seconds(), mid.Seconds(), 0.006, "answer %d was wrong: %v to %v", lie, lo, hi)
	}
}
