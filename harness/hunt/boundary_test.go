package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/trial"
)

func frame(at time.Duration, key string) harness.Event {
	return harness.Event{Kind: harness.Request, Conn: 1, In: at, Out: at, Point: harness.Point{Role: "kv", Verb: "GET", Key: key, N: 1}}
}

// What is predicted for a test comes from frames that are surely its own, as
// soon as there are such.
func TestSurestHistoriesAreKept(t *testing.T) {
	h := &hunter{events: map[string][]*detect.Trace{}}
	learn := func(b harness.Boundary) {
		o := harness.Outcome{Test: harness.TestID{Name: "a"}, Verdict: harness.Passed, Boundary: b}
		h.learn(&trial.Done{Trial: harness.Trial{Outcomes: []harness.Outcome{o}}, Events: map[string][]harness.Event{"a": {frame(1, string(b))}}})
	}
	kept := func() (list []harness.Boundary) {
		for _, t := range h.events["a"] {
			list = append(list, t.Outcome.Boundary)
		}
		return list
	}
	learn(harness.BoundaryUnknown)
	learn(harness.BoundaryReport)
	require.Equal(t, []harness.Boundary{harness.BoundaryUnknown, harness.BoundaryReport}, kept(), "better than nothing")
	learn(harness.BoundaryAlone)
	require.Equal(t, []harness.Boundary{harness.BoundaryAlone}, kept())
	learn(harness.BoundaryEvents)
	learn(harness.BoundaryMarked)
	require.Equal(t, []harness.Boundary{harness.BoundaryAlone, harness.BoundaryMarked}, kept())
}
