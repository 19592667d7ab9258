package trial

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
)

// A decision whose frame never came is told in the outcome.
func TestADecisionThatWasNotAppliedIsTold(t *testing.T) {
	came, never := harness.Point{Verb: "GET", Key: "a", N: 1}, harness.Point{Verb: "SET", Key: "b", N: 1}
	r, err := explore.NewReplay([]harness.Decision{
		{Test: "t", At: came, Action: harness.Delay, Delay: 1},
		{Test: "t", At: never, Action: harness.Delay, Delay: 1},
	})
	require.NoError(t, err)
	r.Decide("t", came)
	out := []harness.Outcome{{}}
	notApplied(r, out)
	require.Equal(t, []string{"decision not applied: " + never.String() + " was not seen"}, out[0].Warnings)

	r.Decide("t", never)
	out = []harness.Outcome{{}}
	notApplied(r, out)
	require.Empty(t, out[0].Warnings)
}
