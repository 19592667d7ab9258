package harness

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryFaultDescribesItself(t *testing.T) {
	seen := map[Action]bool{}
	for _, f := range Faults() {
		require.False(t, seen[f.Action], "%s is there twice", f.Action)
		seen[f.Action] = true
		assert.NotEmpty(t, f.Help, f.Action)
		assert.NotNil(t, f.Gate, f.Action)
		at := Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
		d := Decision{At: at, Action: f.Action, Delay: Duration(time.Millisecond), Until: at.Reply()}
		assert.NoError(t, d.Check(), f.Action)
		assert.Contains(t, d.String(), at.String(), f.Action)
		assert.NotEmpty(t, f.Note(&Event{In: 1, Out: 2, Action: f.Action}), f.Action)
		assert.Equal(t, f.Delays, d.OnlyDelays(), f.Action)
	}
}

func TestDecisionsThatCannotBe(t *testing.T) {
	at := Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	ms := Duration(time.Millisecond)
	for want, d := range map[string]Decision{
		`"delay" names no point: give "at"`:                                                                                                {Action: Delay},
		`unknown action "drop": want delay, hold, align, pause, disconnect or fragment`:                                                    {At: at, Action: "drop"},
		`keep kv>SET "k" #1 until the clock is 1s into a period of 1s: want a period of at most 10s, and a phase from 0 to less than it`:   {At: at, Action: Align, Phase: 1000 * ms},
		`keep kv>SET "k" #1 until the clock is -1ms into a period of 1s: want a period of at most 10s, and a phase from 0 to less than it`: {At: at, Action: Align, Phase: -ms},
		`keep kv>SET "k" #1 until the clock is 0s into a period of 1m0s: want a period of at most 10s, and a phase from 0 to less than it`: {At: at, Action: Align, Period: 60000 * ms},
		`stop the suite's processes for 2.001s at kv>SET "k" #1: want a pause of more than 0 and at most 2s`:                               {At: at, Action: Pause, Delay: 2001 * ms},
		`stop the suite's processes for 0s at kv>SET "k" #1: want a pause of more than 0 and at most 2s`:                                   {At: at, Action: Pause},
		`fragment kv>SET "k" #1 into 1-byte writes 0s apart: delay and chunk cannot be negative`:                                           {At: at, Action: Fragment, Chunk: -1},
		`hold of kv>SET "k" #1 has no end: give "until"`:                                                                                   {At: at, Action: Hold},
	} {
		assert.EqualError(t, d.Check(), want)
	}
	assert.NoError(t, Decision{At: at}.Check(), "to pass is always possible")
}

// The digest tells decisions apart by all that they hold.
func TestDigestWordsDiffer(t *testing.T) {
	at := Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	seen := map[string]Decision{}
	for _, d := range []Decision{
		{At: at, Action: Delay, Delay: 1}, {At: at, Action: Delay, Delay: 2}, {At: at.Reply(), Action: Delay, Delay: 1},
		{At: at, Action: Hold, Until: at.Reply()}, {At: at, Action: Hold, Until: at.Any()},
		{At: at, Action: Align}, {At: at, Action: Align, Period: 5}, {At: at, Action: Align, Phase: 5},
		{At: at, Action: Pause, Delay: 1},
		{At: at, Action: Disconnect}, {At: at, Action: Disconnect, Reset: true}, {At: at, Action: Fragment, Chunk: 2},
	} {
		f, ok := FaultOf(d.Action)
		require.True(t, ok)
		words := string(f.AppendWords(nil, &d))
		require.NotContains(t, seen, words, "%v and %v", d, seen[words])
		seen[words] = d
	}
}
