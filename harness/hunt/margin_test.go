package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/near"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/scenarios"
)

func TestTypicalMarginIsThatOfPunctualTrials(t *testing.T) {
	const ms = time.Millisecond
	size, good := typical(nil)
	assert.Zero(t, size)
	assert.Zero(t, good)
	size, good = typical([]sample{{margin: 20 * ms}, {margin: 22 * ms, late: ms}, {margin: 21 * ms}})
	assert.Equal(t, 21*ms, size)
	assert.Equal(t, 3, good)
	// One sleep of the test was late: the others decide.
	size, good = typical([]sample{{margin: 60 * ms, late: 40 * ms}, {margin: 20 * ms}, {margin: 20 * ms}, {margin: 21 * ms}, {margin: 21 * ms}, {margin: 22 * ms}})
	assert.Equal(t, 21*ms, size)
	assert.Equal(t, 5, good)
	// Where all were late the least late are taken.
	_, good = typical([]sample{{margin: 30 * ms, late: 9 * ms}, {margin: 60 * ms, late: 40 * ms}})
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

// TestMarginsByTheWire: the margin is what the wire says, and lies between a
// delay that passed and one that failed.
func TestMarginsByTheWire(t *testing.T) {
	const gap = 40 * time.Millisecond
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{counting("smoke/t/count", gap)}, fixtures.LostUpdate))
	require.NoError(t, err)
	m := find(t, r, harness.RaceLostUpdate).Margin
	require.NotNil(t, m)
	assert.Less(t, m.Lo, m.Size)
	assert.Less(t, m.Size, m.Hi)
	// A timer that runs late only ever makes the margin larger.
	assert.GreaterOrEqual(t, time.Duration(m.Size), gap-3*time.Millisecond)
	assert.False(t, m.Predicted)
}

// TestMarginsWithoutTheWire: a test that tolerates more than the rival's arrival
// says is measured by trials alone.
func TestMarginsWithoutTheWire(t *testing.T) {
	const tolerance = 60 * time.Millisecond
	sc := scenario("smoke/t/remaining", func(t scenarios.T, env *scenarios.Env) {
		if err := env.KV.Set(t.Context(), "token", "t", time.Second); err != nil {
			t.Errorf("set: %v", err)
		}
		left, err := env.KV.TTL(t.Context(), "token")
		if err != nil || left < time.Second-tolerance {
			t.Errorf("a token set for 1s has %v to live (%v)", left, err)
		}
	})
	r, err := Run(t.Context(), real(t, []scenarios.Scenario{sc}))
	require.NoError(t, err)
	m := find(t, r, harness.TTLExpiredEarly).Margin
	require.NotNil(t, m)
	assert.Less(t, m.Lo, m.Hi)
	// A machine that is late elsewhere takes from the margin.
	assert.LessOrEqual(t, time.Duration(m.Lo), tolerance+time.Millisecond)
	assert.Positive(t, m.Lo)
}

// TestTheWireIsGivenUpWhenTrialsSayOtherwise: the frame that a candidate names
// as its rival is not what the test waits for.
func TestTheWireIsGivenUpWhenTrialsSayOtherwise(t *testing.T) {
	sc := scenario("smoke/t/patient", func(t scenarios.T, env *scenarios.Env) {
		start := time.Now()
		if err := env.KV.Set(t.Context(), "k", 1, 0); err != nil {
			t.Errorf("set: %v", err)
		}
		if took := time.Since(start); took > 80*time.Millisecond {
			t.Errorf("set took %v", took)
		}
	})
	cfg := real(t, []scenarios.Scenario{sc})
	h, err := prepare(t.Context(), cfg)
	require.NoError(t, err)
	a := h.aim(t.Context(), harness.TestID{Name: sc.Name, Suite: "smoke"})
	a.limit = 0
	at := harness.Point{Role: "base", Verb: "SET", Key: "smoke/t/patient:k", N: 1}
	in := a.investigate(near.Candidate{First: at, Provoke: a.delayed(at, 200*time.Millisecond), Due: dueAfter(at, 10*time.Millisecond)}, true, nil)
	require.Equal(t, finding.Failed, in.run(harness.Provoke, in.c.Provoke).Reading)
	require.NotEmpty(t, in.samples, "no frame %s among them", at)
	_, ok := in.fromWire()
	assert.False(t, ok, "10 ms by the wire, 80 ms by the trials")
	assert.True(t, in.refuted)
	m, ok := in.fromTrials(at, 200*time.Millisecond)
	require.True(t, ok)
	// The test's own commands take some of the 80 ms on a busy machine.
	assert.LessOrEqual(t, time.Duration(m.Lo), 81*time.Millisecond)
	assert.Greater(t, time.Duration(m.Hi), 20*time.Millisecond)
}

// TestTheWiresWordUnconfirmed: where there was no time for more trials it stands
// between those that there were.
func TestTheWiresWordUnconfirmed(t *testing.T) {
	const ms = time.Millisecond
	in := &investigation{aim: &aim{}, samples: []sample{{margin: 20 * ms}, {margin: 21 * ms, kept: 5 * ms}, {margin: 22 * ms, kept: 80 * ms, failed: true}, {margin: 22 * ms, kept: 60 * ms, failed: true}}}
	m, ok := in.unconfirmed()
	require.True(t, ok)
	assert.Equal(t, []harness.Duration{harness.Duration(5 * ms), harness.Duration(21500 * time.Microsecond), harness.Duration(60 * ms)}, []harness.Duration{m.Lo, m.Size, m.Hi})
	in.samples = append(in.samples, sample{margin: 20 * ms, kept: 30 * ms})
	_, ok = in.unconfirmed()
	assert.False(t, ok, "30 ms passed")
}

// dueAfter is a rival that always comes so long after the late frame.
func dueAfter(at harness.Point, d time.Duration) near.Due {
	return func(t *detect.Trace) (time.Duration, bool) {
		c := t.Find(at)
		if c == nil {
			return 0, false
		}
		return c.Arrived + d, true
	}
}
