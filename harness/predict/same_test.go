package predict_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// In virtual time many commands arrive at one moment. What is predicted of them must
// not depend on the order of a map: a seed would give other decisions each time. Of
// eight connections the odds that 20 runs agree by chance are one in 40,320^19.
func TestSameHistorySameCandidates(t *testing.T) {
	var events []harness.Event
	add := func(kind harness.Kind, conn uint32, p harness.Point, replyTo uint64, at time.Duration, args ...string) uint64 {
		seq := uint64(len(events) + 1)
		events = append(events, harness.Event{Seq: seq, Kind: kind, Conn: conn, Point: p, ReplyTo: replyTo, In: at, Out: at, Args: args})
		return seq
	}
	get := func(conn uint32, key string, at time.Duration) {
		p := harness.Point{Role: "base", Dir: harness.ToServer, Verb: "GET", Key: key, N: 1}
		seq := add(harness.Request, conn, p, 0, at, "GET", key)
		add(harness.Reply, conn, p.Reply(), seq, at+time.Millisecond, "v")
	}
	for conn := range uint32(8) {
		get(conn+1, fmt.Sprint("k", conn), time.Millisecond)
	}
	get(1, "next", 2*time.Millisecond)
	trace := detect.NewTrace(events, harness.Outcome{Test: harness.TestID{Name: "a"}})
	first := ""
	for range 20 {
		told, crowded := "", false
		for _, c := range predict.Candidates([]*detect.Trace{trace}, nearmiss.Known{}, predict.Facts{}) {
			told += fmt.Sprintln(c.Title, c.First, c.Then, c.Provoke, c.Counter)
			crowded = crowded || c.Shape == nearmiss.PoolShape && len(c.Provoke.Decisions) == 8
		}
		require.True(t, crowded, told)
		if first == "" {
			first = told
		}
		require.Equal(t, first, told)
	}
}
