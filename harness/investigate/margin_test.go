package investigate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

func TestTypicalMarginIsThatOfPunctualTrials(t *testing.T) {
	const ms = time.Millisecond
	size, good := typical(nil)
	assert.Zero(t, size)
	assert.Zero(t, good)
	size, good = typical([]sample{{margin: 20 * ms}, {margin: 22 * ms, timerLag: ms}, {margin: 21 * ms}})
	assert.Equal(t, 21*ms, size)
	assert.Equal(t, 3, good)
	// One sleep of the test was late: the others decide.
	size, good = typical([]sample{{margin: 60 * ms, timerLag: 40 * ms}, {margin: 20 * ms}, {margin: 20 * ms}, {margin: 21 * ms}, {margin: 21 * ms}, {margin: 22 * ms}})
	assert.Equal(t, 21*ms, size)
	assert.Equal(t, 5, good)
	// Where all were late the least late are taken.
	_, good = typical([]sample{{margin: 30 * ms, timerLag: 9 * ms}, {margin: 60 * ms, timerLag: 40 * ms}})
	assert.Zero(t, good)
}

func TestATrialIsExplainedByItsOwnMargin(t *testing.T) {
	const ms = time.Millisecond
	assert.True(t, sample{margin: 20 * ms, kept: 21 * ms, failed: true}.explained())
	assert.True(t, sample{margin: 20 * ms, kept: 10 * ms}.explained())
	assert.True(t, sample{margin: 20 * ms, kept: 20*ms + 100*time.Microsecond}.explained(), "the wire is no more exact than that")
	assert.False(t, sample{margin: 20 * ms, kept: 40 * ms}.explained())
	assert.False(t, sample{margin: 20 * ms, kept: 10 * ms, failed: true}.explained())
}

// TestTheWireIsGivenUpWhenTrialsSayOtherwise: the frame that a candidate names
// as its rival is not what the test waits for.
func TestTheWireIsGivenUpWhenTrialsSayOtherwise(t *testing.T) {
	const tolerance = 80 * time.Millisecond
	lab := &lab{fails: func(s harness.Schedule) bool { return delayOf(s, late) > tolerance }}
	a := At(t.Context(), lab, test, Terms{Longest: 500 * time.Millisecond})
	in := a.Investigate(nearmiss.Candidate{First: late, Provoke: a.delayed(late, 200*time.Millisecond), Due: dueAfter(late, 10*time.Millisecond)}, true, nil)
	require.Equal(t, evidence.Failed, in.Run(harness.Provoke, in.c.Provoke).Reading)
	require.NotEmpty(t, in.samples)
	_, ok := in.fromWire()
	assert.False(t, ok, "10 ms by the wire, 80 ms by the trials")
	assert.True(t, in.refuted)
	m, ok := in.fromTrials(late, 200*time.Millisecond)
	require.True(t, ok)
	assert.LessOrEqual(t, time.Duration(m.Lo), tolerance)
	assert.Greater(t, time.Duration(m.Hi), tolerance)
}

// TestTheWiresWordUnconfirmed: where there was no time for more trials it stands
// between those that there were.
func TestTheWiresWordUnconfirmed(t *testing.T) {
	const ms = time.Millisecond
	in := &Investigation{Aim: &Aim{}, samples: []sample{{margin: 20 * ms}, {margin: 21 * ms, kept: 5 * ms}, {margin: 22 * ms, kept: 80 * ms, failed: true}, {margin: 22 * ms, kept: 60 * ms, failed: true}}}
	m, ok := in.unconfirmed()
	require.True(t, ok)
	assert.Equal(t, []harness.Duration{harness.Duration(5 * ms), harness.Duration(21500 * time.Microsecond), harness.Duration(60 * ms)}, []harness.Duration{m.Lo, m.Size, m.Hi})
	in.samples = append(in.samples, sample{margin: 20 * ms, kept: 30 * ms})
	_, ok = in.unconfirmed()
	assert.False(t, ok, "30 ms passed")
}

// dueAfter is a rival that always comes so long after the late frame.
func dueAfter(at harness.Point, d time.Duration) nearmiss.Due {
	return func(t *detect.Trace) (time.Duration, bool) {
		c := t.Find(at)
		if c == nil {
			return 0, false
		}
		return c.Arrived + d, true
	}
}
