package hunt

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/scenarios"
)

// TestMarginsByTheWire: the margin is what the wire says, and lies between a
// delay that passed and one that failed.
func TestMarginsByTheWire(t *testing.T) {
	const gap = 40 * time.Millisecond
	const tolerance = 3 * time.Millisecond
	var m *harness.Margin
	for range 3 { // a machine whose own timers run later than the tolerance is asked again
		r, err := Run(t.Context(), real(t, []scenarios.Scenario{counting("smoke/t/count", gap)}, fixtures.LostUpdate))
		require.NoError(t, err)
		m = find(t, r, harness.RaceLostUpdate).Margin
		require.NotNil(t, m)
		if time.Duration(m.MachineP99) < tolerance {
			break
		}
	}
	assert.Less(t, m.Lo, m.Size)
	assert.Less(t, m.Size, m.Hi)
	assert.GreaterOrEqual(t, time.Duration(m.Size), gap-tolerance)
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
