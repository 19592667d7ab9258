package investigate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/finding"
)

var setup = harness.Point{Role: "base", Verb: "SET", Key: "config", N: 1}

// afterSetup is what passes of a test that first writes its configuration, and then
// lets two connections use one key, 10 ms apart. What is late makes all late that
// comes after it in the program.
func afterSetup(s harness.Schedule) []harness.Event {
	wait := delayOf(s, setup)
	at := func(ms int) time.Duration { return time.Duration(ms)*time.Millisecond + wait }
	events := []harness.Event{
		{Seq: 1, Kind: harness.Request, Conn: 3, Test: test.Name, Point: setup, In: time.Millisecond, Out: at(1)},
		{Seq: 2, Kind: harness.Reply, Conn: 3, Test: test.Name, Point: setup.Reply(), ReplyTo: 1, In: at(2), Out: at(2)},
		{Seq: 3, Kind: harness.Request, Conn: 1, Test: test.Name, Point: late, In: at(3), Out: at(3) + delayOf(s, late)},
		{Seq: 4, Kind: harness.Request, Conn: 2, Test: test.Name, Point: rival, In: at(13), Out: at(13)},
	}
	for i := range events {
		if e := &events[i]; e.Kind == harness.Request {
			e.Args = []string{e.Point.Verb, e.Point.Key}
			if e.Out > e.In {
				e.Action, e.Asked = harness.Delay, e.Out-e.In
			}
		}
	}
	return events
}

// TestPlacebo: a test that fails when anything is so late is no proof of an order;
// one that fails only when the pair is turned round is.
func TestPlacebo(t *testing.T) {
	anything := func(s harness.Schedule) bool { return delayOf(s, late)+delayOf(s, setup) > 40*time.Millisecond }
	for name, c := range map[string]struct {
		fails   func(harness.Schedule) bool
		took    time.Duration
		class   harness.Class
		placebo harness.Count
	}{
		"it fails when anything is late": {anything, 50 * time.Millisecond, harness.TimeoutClient, harness.Count{K: 2, N: 2}},
		"it fails when the pair turns":   {isLate, 50 * time.Millisecond, harness.OrderCommands, harness.Count{K: 0, N: 1}},
		"the delay is short beside it":   {anything, 2 * time.Second, harness.OrderCommands, harness.Count{}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &lab{fails: c.fails, wire: afterSetup, passing: []*detect.Trace{
				detect.NewTrace(afterSetup(harness.Schedule{}), harness.Outcome{Test: test, Verdict: harness.Passed, Duration: harness.Duration(c.took)}),
			}}
			a := aimed(t, l)
			e := a.Investigate(overtaken(a), false, nil).All()
			require.True(t, e.Proven(), "%+v", e)
			assert.Equal(t, c.class, e.Cause.Class, e.Cause.Title)
			assert.Equal(t, c.placebo, e.Placebo)
			f, _ := finding.Judge(e, finding.Origin{})
			require.NotNil(t, f)
			assert.Equal(t, c.class, f.Class)
			assert.Equal(t, c.class == harness.TimeoutClient, len(f.Pair) == 0)
		})
	}
}
