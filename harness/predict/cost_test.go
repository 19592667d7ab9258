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

// long is a history of n commands by eight connections on a few keys, with
// pub/sub, times and blocking commands among them.
func long(n int) *detect.Trace {
	var events []harness.Event
	count := map[harness.Point]int{}
	now := time.Duration(0)
	frame := func(k harness.Kind, conn uint32, p harness.Point, re uint64, args ...string) uint64 {
		now += 20 * time.Microsecond
		if k != harness.Reply {
			count[p]++
		}
		p.N = count[harness.Point{Role: p.Role, Verb: p.Verb, Key: p.Key}]
		events = append(events, harness.Event{Seq: uint64(len(events) + 1), Kind: k, Conn: conn, Test: "t", Point: p, In: now, Out: now + 10*time.Microsecond, ReplyTo: re, Args: args})
		return uint64(len(events))
	}
	for i := range n {
		conn := uint32(i%8 + 1)
		key := fmt.Sprintf("k%d", i%13)
		words := [][]string{
			{"SET", key, fmt.Sprint(1700000000 + i/100)}, {"GET", key}, {"HSET", "h" + key, "f", "v"}, {"HGETALL", "h" + key}, {"PUBLISH", "c", "m"},
			{"EVALSHA", "abc", "3", key, "h" + key, "z", "1000"}, {"XREAD", "BLOCK", "100", "STREAMS", "s", "$"}, {"XADD", "s", "*", "f", "v"}, {"PEXPIRE", key, "100"},
		}[i%9]
		p := harness.Point{Role: "kv", Verb: words[0], Key: words[1]}
		req := frame(harness.Request, conn, p, 0, words...)
		p.Dir = harness.ToClient
		frame(harness.Reply, conn, p, req, "1")
	}
	return detect.NewTrace(events, harness.Outcome{Test: harness.TestID{Name: "t"}, Verdict: harness.Passed})
}

// TestCostGrowsWithTheLength: ten times the history makes less than twenty times
// as many allocations, which do not depend on how busy the machine is. The
// square would be a hundred times.
func TestCostGrowsWithTheLength(t *testing.T) {
	cost := func(n int) float64 {
		trace := []*detect.Trace{long(n)}
		return testing.AllocsPerRun(1, func() {
			require.NotEmpty(t, predict.Candidates(trace, nearmiss.Known{}, predict.Facts{}))
		})
	}
	small, large := cost(500), cost(5000)
	t.Logf("500 commands: %.0f allocations; 5000: %.0f", small, large)
	require.Less(t, large, 20*small)
}
