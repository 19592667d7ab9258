package predict_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/predict"
)

// noon is when the traces of this file begin, by the machine's clock.
var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// traceOf reads a history as text; the test passed and began at noon.
func traceOf(t testing.TB, lines ...string) *detect.Trace {
	t.Helper()
	text := "test \"t\"\noutcome pass\n"
	for i, l := range lines {
		text += fmt.Sprintf("%d %s\n", i+1, l)
	}
	rec, err := history.Parse(strings.NewReader(text))
	require.NoError(t, err)
	rec.Outcome.Start = noon
	return detect.NewTrace(rec.Events, rec.Outcome)
}

// shaped gives the candidates of one shape.
func shaped(list []nearmiss.Candidate, shape string) []nearmiss.Candidate {
	return slices.DeleteFunc(slices.Clone(list), func(c nearmiss.Candidate) bool { return c.Shape != shape })
}

// counted counts in a key whose name ends in a number.
func counted(t testing.TB, number int64) *detect.Trace {
	key := fmt.Sprintf("rl:me:%d", number)
	return traceOf(t, `0s begin`,
		`1ms c1 kv>INCR "rl:me:{n}" #1 | INCR `+key, `1.2ms c1 kv<INCR "rl:me:{n}" #1 | 1 | re=2`,
		`2ms c1 kv>INCR "rl:me:{n}" #2 | INCR `+key, `2.2ms c1 kv<INCR "rl:me:{n}" #2 | 2 | re=4`, `50ms end`)
}

// TestNumbersOfWindows: a number in a key is that of a window of time only if the
// time divided by a whole number of milliseconds gives it.
func TestNumbersOfWindows(t *testing.T) {
	now := noon.UnixMilli()
	list := shaped(predict.Candidates([]*detect.Trace{counted(t, now/160)}, nearmiss.Known{}, predict.Facts{}), "window")
	require.Len(t, list, 1)
	assert.Equal(t, harness.TimeWallClock, list[0].Class)
	assert.Contains(t, list[0].Title, "holds the number of a window of 160 ms")
	assert.Equal(t, harness.Duration(160*time.Millisecond), list[0].Provoke.Decisions[0].Delay)
	assert.NotNil(t, predict.TellsTime(counted(t, now/160), 0))

	for name, number := range map[string]int64{"another number": now/160 + 4711, "an ID": 12345678, "a window longer than any delay": now / 30_000} {
		assert.Empty(t, shaped(predict.Candidates([]*detect.Trace{counted(t, number)}, nearmiss.Known{}, predict.Facts{}), "window"), name)
	}
	assert.Nil(t, predict.TellsTime(counted(t, 12345678), 0))
	assert.NotNil(t, predict.TellsTime(counted(t, now/30_000), 0), "a window of 30 s")
}

// TestMessagesLateForAll: what one PUBLISH sent comes late to all its subscribers, by
// more than the program waited.
func TestMessagesLateForAll(t *testing.T) {
	tr := traceOf(t, `0s begin`,
		`1ms c1 sub>SUBSCRIBE "news" #1 | SUBSCRIBE news`, `1.2ms c1 sub<subscribe "news" #1 | subscribe news 1 | re=2`,
		`2ms c2 sub>SUBSCRIBE "news" #2 | SUBSCRIBE news`, `2.2ms c2 sub<subscribe "news" #2 | subscribe news 1 | re=4`,
		`5ms c3 kv>PUBLISH "news" #1 | PUBLISH news hello`,
		`5.2ms c1 sub<message "news" #1 | message news hello | push`, `5.3ms c2 sub<message "news" #2 | message news hello | push`,
		`5.4ms c3 kv<PUBLISH "news" #1 | 2 | re=6`,
		`85ms c3 kv>GET "other" #1 | GET other`, `85.2ms c3 kv<GET "other" #1 | a | re=10`, `90ms end`)
	list := shaped(predict.Candidates([]*detect.Trace{tr}, nearmiss.Known{}, predict.Facts{}), "late message")
	require.Len(t, list, 1)
	assert.Equal(t, harness.OrderDelivery, list[0].Class)
	require.Len(t, list[0].Provoke.Decisions, 2, "both subscribers")
	for _, d := range list[0].Provoke.Decisions {
		assert.Greater(t, time.Duration(d.Delay), 80*time.Millisecond)
	}
}

// TestTimeLimits: a test that leaves less of its runner's limit than a slow network
// takes is made longer than that.
func TestTimeLimits(t *testing.T) {
	of := func(took time.Duration) []nearmiss.Candidate {
		tr := counted(t, 1)
		tr.Outcome.Limit = &harness.Limit{Of: harness.Duration(4 * time.Second), Took: harness.Duration(took)}
		return shaped(predict.Candidates([]*detect.Trace{tr}, nearmiss.Known{}, predict.Facts{}), "time limit")
	}
	list := of(3700 * time.Millisecond)
	require.Len(t, list, 1)
	assert.Equal(t, harness.TimeoutClient, list[0].Class)
	assert.Equal(t, "the test takes 3700 ms of the 4000 ms that its runner gives it", list[0].Title)
	assert.Equal(t, harness.Duration(400*time.Millisecond), list[0].Provoke.Decisions[0].Delay)
	assert.Empty(t, of(time.Second), "it has time enough")
}

// TestGuessedLifetimes: what MONITOR saw a script do counts, not what an argument of it
// looks like.
func TestGuessedLifetimes(t *testing.T) {
	const script = "redis.call('hset', KEYS[1], 'n', 1) redis.call('pexpire', KEYS[1], ARGV[1] * 60)"
	tr := traceOf(t, `0s begin`,
		`1ms c1 kv>EVAL "bucket" #1 | EVAL "`+script+`" 1 bucket 160`, `1.2ms c1 kv<EVAL "bucket" #1 | 1 | re=2`,
		`2ms c1 kv>EVAL "bucket" #2 | EVAL "`+script+`" 1 bucket 160`, `2.2ms c1 kv<EVAL "bucket" #2 | 1 | re=4`, `50ms end`)
	renewals := func(f predict.Facts) []nearmiss.Candidate {
		return shaped(predict.Candidates([]*detect.Trace{tr}, nearmiss.Known{}, f), "renewal")
	}
	require.NotEmpty(t, renewals(predict.Facts{}), "nothing is known of the script: 160 may be a time to live")
	seen := effects.NewKnowledge()
	seen.Observe([]effects.Call{{Args: []string{"EVAL", script, "1", "bucket", "160"}, Inner: [][]string{{"hset", "bucket", "n", "1"}, {"pexpire", "bucket", "9600"}}}})
	assert.Empty(t, renewals(predict.Facts{Scripts: seen}))
}
