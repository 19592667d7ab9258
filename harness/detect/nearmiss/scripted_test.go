package nearmiss

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// lock takes a lock by a script, as it looks on the wire.
func (s *script) lock(conn uint32, reply, token, ms string) {
	s.do(conn, reply, "EVALSHA", "5b", "1", "lock", token, ms)
}

func scriptCandidates(s *script) []Candidate {
	var out []Candidate
	for _, c := range Candidates([]*detect.Trace{s.trace()}, Known{}) {
		if c.Shape == "script before expiry" || c.Shape == "script after expiry" {
			out = append(out, c)
		}
	}
	return out
}

func TestScriptBeforeAndAfterExpiry(t *testing.T) {
	var s script
	s.lock(1, "NOSCRIPT No matching script", "a", "50")
	s.events[len(s.events)-1].IsError = true
	s.do(1, "OK", "EVAL", "return 1", "1", "lock", "a", "50")
	s.wait(10 * time.Millisecond)
	s.lock(1, "(nil)", "b", "none") // must not get it: 40 ms are left
	s.wait(60 * time.Millisecond)
	s.do(1, "0", "EVALSHA", "6c", "1", "lock", "a") // a release: gone 20 ms ago

	list := scriptCandidates(&s)
	require.NotEmpty(t, list)
	c := list[0]
	assert.Equal(t, harness.TTLExpiredEarly, c.Class)
	assert.Equal(t, `EVALSHA`, c.First.Verb)
	require.Len(t, c.Provoke.Decisions, 1)
	assert.Equal(t, harness.Delay, c.Provoke.Decisions[0].Action)
	assert.InDelta(t, 130, c.Provoke.Decisions[0].Delay.Milliseconds(), 1, "what is left, and the slack")
	assert.Empty(t, c.Counter.Decisions)
	assert.Equal(t, "EVAL", c.Then.Verb, "the one that was not cached gave no time to live")
}

// TestScriptsFarFromExpiry: half a minute is no flake.
func TestScriptsFarFromExpiry(t *testing.T) {
	var s script
	s.do(1, "OK", "EVAL", "return 1", "1", "lock", "a", "30000")
	s.wait(10 * time.Millisecond)
	s.lock(1, "(nil)", "b", "none")
	assert.Empty(t, scriptCandidates(&s))
}
