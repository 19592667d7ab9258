package investigate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// TestSchedulesThatFailAtTimes: one that fails every second run of a foreign test,
// where its counterfactual never does, is the cause; one that fails every fourth
// run is not proven within the trials there are, nor is one whose counterfactual
// fails as well, or one of a test that was gone on with before.
func TestSchedulesThatFailAtTimes(t *testing.T) {
	delayed := func(s harness.Schedule) bool { return delayOf(s, late) > 0 }
	for _, c := range []struct {
		name   string
		every  int  // of trials with the delay one in so many fails, the first always
		always bool // the same without it
		before bool
		proven bool
	}{
		{"every second", 2, false, false, true},
		{"every fourth", 4, false, false, false},
		{"the counterfactual too", 2, true, false, false},
		{"a second candidate", 2, false, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := 0
			l := &lab{fails: func(s harness.Schedule) bool {
				if !delayed(s) && !c.always {
					return false
				}
				n++
				return n%c.every == 1
			}}
			a := aimed(t, l)
			a.Strict, a.persisted = true, c.before
			e := a.Investigate(nearmiss.Candidate{
				Class: harness.OrderCommands, Title: "SET before GET", First: late, Then: rival,
				Provoke: a.delayed(late, 50*time.Millisecond), Counter: a.Schedule(),
			}, true, nil).All()
			require.Equal(t, c.proven, e.Proven(), "%+v %+v", e.Again, e.Counter)
			require.LessOrEqual(t, e.Again.N, persistMost+persistStep)
			if c.proven {
				require.True(t, e.Exact)
				require.Greater(t, e.Counter.N, Confirmations)
				require.Nil(t, e.Margin, "a threshold that moves from run to run is none")
			}
		})
	}
}

// TestTurned: a hold that could not be kept is a delay, and the order of its pair is
// only to blame where it was turned round.
func TestTurned(t *testing.T) {
	a := harness.Point{Role: "kv", Verb: "INCRBY", Key: "a", N: 1}
	b := harness.Point{Role: "kv", Verb: "INCRBY", Key: "a", N: 2}
	c := nearmiss.Candidate{Class: harness.OrderCommands, First: a, Then: b}
	at := func(p harness.Point, in, out time.Duration) harness.Event {
		return harness.Event{Point: p, In: in, Out: out}
	}
	require.False(t, turned([]harness.Event{at(a, 1, 300), at(b, 301, 302)}, c), "the second waited for the first")
	require.True(t, turned([]harness.Event{at(a, 1, 300), at(b, 2, 3)}, c))
	require.True(t, turned([]harness.Event{at(a, 1, 0), at(b, 2, 3)}, c), "the first never went")
	require.False(t, turned([]harness.Event{at(a, 1, 300)}, c), "the second never came")
	named := detect.Match{Class: harness.OrderCommands, Title: "named", Score: 0.9}
	require.Equal(t, harness.Unattributed, evidence.CauseOf(c, nil, false).Class)
	require.Equal(t, harness.OrderCommands, evidence.CauseOf(c, nil, true).Class)
	require.Equal(t, "named", evidence.CauseOf(c, []detect.Match{named}, false).Title, "a detector sees it all the same")
}
