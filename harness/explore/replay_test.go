package explore

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

func at(t testing.TB, id string) harness.Point {
	t.Helper()
	p, err := harness.ParsePoint(id)
	require.NoError(t, err)
	return p
}

func TestReplayMatchesByTestAndPoint(t *testing.T) {
	ms := harness.Duration(time.Millisecond)
	r, err := NewReplay([]harness.Decision{
		{Test: "a", At: at(t, `kv>SET "k" #2`), Action: harness.Delay, Delay: 2 * ms},
		{At: at(t, `kv>SET "k"`), Action: harness.Delay, Delay: 5 * ms},
	})
	require.NoError(t, err)
	assert.Equal(t, 2*ms, r.Decide("a", at(t, `kv>SET "k" #2`)).Delay)
	assert.Equal(t, 5*ms, r.Decide("a", at(t, `kv>SET "k" #1`)).Delay)
	assert.Equal(t, 5*ms, r.Decide("b", at(t, `kv>SET "k" #2`)).Delay)
	assert.Equal(t, harness.Pass, r.Decide("a", at(t, `kv<SET "k" #2`)).Action)
	assert.Equal(t, harness.Pass, r.Decide("a", at(t, `kv>SET "l" #2`)).Action)

	assert.True(t, r.Concerns("a", at(t, `kv>SET "k"`)))
	assert.True(t, r.Concerns("b", at(t, `kv>SET "k"`)))
	assert.False(t, r.Concerns("a", at(t, `kv>GET "k"`)))
}

func TestReplaySaysWhereItDiverged(t *testing.T) {
	hold, until := at(t, `sub>PSUBSCRIBE "*" #1`), at(t, `pub<PUBLISH "orders" #1`)
	r, err := NewReplay([]harness.Decision{
		{Test: "a", At: hold, Action: harness.Hold, Until: until},
		{Test: "a", At: at(t, `kv>GET "k" #3`), Action: harness.Delay, Delay: 1},
	})
	require.NoError(t, err)
	assert.Equal(t, []harness.Point{hold, until, at(t, `kv>GET "k" #3`)}, r.Missing())

	assert.Equal(t, harness.Hold, r.Decide("a", hold).Action)
	assert.True(t, r.Concerns("a", until.Any()), "the end of a hold must be seen")
	assert.Equal(t, harness.Pass, r.Decide("a", until).Action)
	p, diverged := r.Diverged()
	assert.True(t, diverged)
	assert.Equal(t, at(t, `kv>GET "k" #3`), p)

	r.Decide("b", at(t, `kv>GET "k" #3`))
	assert.NotEmpty(t, r.Missing(), "a frame of another test does not count")
	r.Decide("a", at(t, `kv>GET "k" #3`))
	_, diverged = r.Diverged()
	assert.False(t, diverged)
}

func TestReplayRejects(t *testing.T) {
	get := at(t, `kv>GET "k" #3`)
	for _, c := range []struct {
		d    harness.Decision
		want string
	}{
		{harness.Decision{Action: harness.Delay}, `decision 1 of the schedule: "delay" names no point: give "at"`},
		{harness.Decision{At: get, Action: "drop"}, `decision 1 of the schedule: unknown action "drop": want delay, hold, align, pause, disconnect or fragment`},
		{harness.Decision{At: get, Action: harness.Hold}, `decision 1 of the schedule: hold of kv>GET "k" #3 has no end: give "until"`},
		{harness.Decision{At: get, Action: harness.Hold, Until: get}, `decision 1 of the schedule: hold of kv>GET "k" #3 waits for itself`},
		{harness.Decision{At: get, Action: harness.Delay, Delay: -1}, `decision 1 of the schedule: delay kv>GET "k" #3 by -1ns: delay and chunk cannot be negative`},
	} {
		_, err := NewReplay([]harness.Decision{c.d})
		assert.EqualError(t, err, c.want)
	}
}

func TestFromScheduleKnowsEveryName(t *testing.T) {
	for _, name := range append(Names(), "replay", "directed", "") {
		_, err := FromSchedule(harness.Schedule{Version: 1, Strategy: name})
		assert.NoError(t, err, name)
	}
	_, err := FromSchedule(harness.Schedule{Version: harness.ScheduleVersion + 1})
	assert.ErrorContains(t, err, "newer than this build")
}

// FuzzParseSchedule: whatever the file holds, the answer is a schedule that can
// be carried out, or an error.
func FuzzParseSchedule(f *testing.F) {
	f.Add([]byte(`{"version":1,"strategy":"latency","seed":"7","params":{"latency":"20ms"}}`))
	f.Add([]byte(`{"version":1,"strategy":"replay","seed":"0","decisions":[{"at":"kv>GET \"k\" #3","action":"hold","until":"kv>SET \"k\" #1"}]}`))
	f.Add([]byte(`{"version":1,"seed":7}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := parseSchedule(b)
		if err != nil {
			return
		}
		if _, err := FromSchedule(s); err != nil {
			t.Fatalf("accepted, then refused: %v", err)
		}
	})
}
