package explore

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func TestHoldsThatStalledBecomeDelays(t *testing.T) {
	set, get, every := at(t, `kv>SET "k" #1`), at(t, `kv>GET "k" #1`), at(t, `kv>LLEN "l"`)
	hold := func(p harness.Point) harness.Decision {
		return harness.Decision{Test: "a", At: p, Action: harness.Hold, Until: at(t, `kv<DEL "k" #1`)}
	}
	late := harness.Decision{At: at(t, `kv>PING "" #1`), Action: harness.Delay, Delay: 7}
	third := every
	third.N = 3
	got := AsDelays("a", []harness.Decision{hold(set), late, hold(get), hold(every)}, []harness.Kept{{At: set, For: 5}, {At: third, For: 6}})
	assert.Equal(t, []harness.Decision{
		{Test: "a", At: set, Action: harness.Delay, Delay: 5},
		late,
		hold(get),
		{Test: "a", At: third, Action: harness.Delay, Delay: 6},
		hold(every),
	}, got)
	_, err := NewReplay(got)
	require.NoError(t, err)
	assert.Equal(t, []harness.Decision{hold(set)}, AsDelays("b", []harness.Decision{hold(set)}, []harness.Kept{{At: set, For: 5}}), "it is for another test")
}

func TestReplayTellsUnmetDecisionsOfATest(t *testing.T) {
	mine := harness.Decision{Test: "a", At: at(t, `kv>SET "k" #1`), Action: harness.Delay, Delay: 1}
	everyones := harness.Decision{At: at(t, `kv>GET "k" #1`), Action: harness.Delay, Delay: 1}
	others := harness.Decision{Test: "b", At: at(t, `kv>SET "k" #1`), Action: harness.Delay, Delay: 1}
	r, err := NewReplay([]harness.Decision{mine, everyones, others})
	require.NoError(t, err)
	assert.Equal(t, []harness.Decision{mine, everyones}, r.Unmet("a"))
	r.Decide("a", at(t, `kv>SET "k" #1`))
	assert.Equal(t, []harness.Decision{everyones}, r.Unmet("a"))
	r.Decide("a", at(t, `kv>GET "k" #1`))
	assert.Empty(t, r.Unmet("a"))
}

// A hold until a point of any role is released, and concerned, by each role's.
func TestReplayOfAHoldUntilAnyRole(t *testing.T) {
	held := harness.Decision{At: at(t, `kv>EVAL "k" #1`), Action: harness.Hold, Until: at(t, `>LLEN "l"`)}
	r, err := NewReplay([]harness.Decision{held})
	require.NoError(t, err)
	seen := at(t, `worker>LLEN "l" #4`)
	assert.True(t, r.Concerns("t", seen.Any()))
	assert.False(t, r.Concerns("t", at(t, `worker>LLEN "m"`)))
	assert.Equal(t, harness.Hold, r.Decide("t", held.At).Action)
	assert.NotEmpty(t, r.Missing())
	assert.Equal(t, harness.Pass, r.Decide("t", seen).Action)
	assert.Empty(t, r.Missing())
}
