package trial

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
)

func frame(at time.Duration, key string) harness.Event {
	return harness.Event{Kind: harness.Request, Conn: 1, In: at, Out: at, Point: harness.Point{Role: "kv", Verb: "GET", Key: key, N: 1}}
}

// A test whose beginning nobody marked has the frames of its time; all of them
// when it ran alone, or when no time is known.
func TestFramesOfAnUnmarkedTest(t *testing.T) {
	b := history.NewBuffer(history.BufferConfig{})
	defer b.Close()
	for _, at := range []time.Duration{5 * time.Millisecond, 15 * time.Millisecond, 25 * time.Millisecond} {
		e := frame(at, "k")
		b.Record(&e)
	}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	o := harness.Outcome{Start: start.Add(10 * time.Millisecond), Duration: harness.Duration(10 * time.Millisecond), Boundary: harness.BoundaryReport}
	for boundary, want := range map[harness.Boundary]int{harness.BoundaryReport: 1, harness.BoundaryAlone: 3} {
		o.Boundary = boundary
		events, err := during(b, &o, start)
		require.NoError(t, err)
		require.Len(t, events, want, boundary)
	}
	events, err := during(b, &harness.Outcome{}, start)
	require.NoError(t, err)
	require.Len(t, events, 3)
}
