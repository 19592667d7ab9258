package detect

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
)

// audit appends an entry and closes its connection after a fixed time; a reply that is
// still kept then is dropped. Another connection counts the entries. counted: it comes to that.
func audit(t testing.TB, outcome, answered string, counted bool) *Trace {
	lines := []string{
		`0s begin`,
		`1ms c2 audit>XADD "audit" #1 | XADD audit * a 1`,
		`1.2ms c2 audit<XADD "audit" #1 | 1-0 | ` + answered + ` re=2 action=delay`,
		`80ms c2 close | "its client"`,
	}
	if counted {
		lines = append(lines, `90ms c1 kv>XLEN "audit" #1 | XLEN audit`, `90.2ms c1 kv<XLEN "audit" #1 | 1 | re=5`)
	}
	return parse(t, outcome, append(lines, `300ms end`)...)
}

func TestAConnectionThatWasClosedEarly(t *testing.T) {
	passing := []*Trace{audit(t, "pass", "out=2ms", true)}
	m, ok := ClosedEarly(audit(t, broke, "dropped", false), passing)
	require.True(t, ok)
	assert.Equal(t, harness.ConnectionLost, m.Class)
	assert.Equal(t, "the client closed its connection before XADD audit was answered", m.Title)
	assert.Equal(t, "XADD", m.First.Verb)

	_, ok = ClosedEarly(audit(t, broke, "out=20ms", false), passing)
	assert.False(t, ok, "it had its answer")
	_, ok = ClosedEarly(audit(t, broke, "dropped", false), []*Trace{audit(t, "pass", "out=2ms", false)})
	assert.False(t, ok, "what closes it may be the teardown: nothing comes after it")
	_, ok = ClosedEarly(audit(t, broke, "dropped", false), []*Trace{audit(t, "pass", "dropped", true)})
	assert.False(t, ok, "so it was closed where the test passed")
	_, ok = ClosedEarly(audit(t, broke, "dropped", false), nil)
	assert.False(t, ok, "nothing is known of runs that passed")
}

// call waits in Redis for the answer of a server; its client gives up after 200 ms.
func call(t testing.TB, outcome string, answered bool) *Trace {
	lines := []string{`0s begin`, `1ms c1 kv>BLPOP "reply:{id}" #1 | BLPOP reply:1 0 | blocking`}
	if answered {
		lines = append(lines, `3ms c1 kv<BLPOP "reply:{id}" #1 | reply:1 ok | re=2`)
	}
	return parse(t, outcome, append(lines, `201ms c1 close | "its client"`, `300ms end`)...)
}

func TestAWaitThatItsClientEnded(t *testing.T) {
	const late = `fail timeout "TimeoutError"`
	passing := []*Trace{call(t, "pass", true)}
	m, ok := GaveUpWaiting(call(t, late, false), passing)
	require.True(t, ok)
	assert.Equal(t, harness.TimeoutClient, m.Class)
	assert.Equal(t, "BLPOP reply:{id} still waited when its client gave up after 200 ms", m.Title)

	_, ok = GaveUpWaiting(call(t, broke, false), passing)
	assert.False(t, ok, "the failure tells of no time that passed")
	_, ok = GaveUpWaiting(call(t, `fail timeout "redis: connection pool timeout"`, false), passing)
	assert.False(t, ok, "the client waited for a connection")
	_, ok = GaveUpWaiting(call(t, late, true), passing)
	assert.False(t, ok, "it got what it waited for")
	_, ok = GaveUpWaiting(call(t, late, false), []*Trace{call(t, "pass", false)})
	assert.False(t, ok, "it got nothing where the test passed, too")
}

func TestOneCallerSendsBoth(t *testing.T) {
	loop := func(next string) *Trace {
		return parse(t, broke, `0s begin`,
			`1ms c1 kv>BLPOP "jobs" #1 | BLPOP jobs 1 | blocking`, `2ms c1 kv<BLPOP "jobs" #1 | jobs a | re=2`,
			`3ms c1 kv>`+next+` "out" #1 | `+next+` out a`, `3.2ms c1 kv<`+next+` "out" #1 | 1 | re=4`, `300ms end`)
	}
	first := harness.Point{Role: "kv", Dir: harness.ToClient, Verb: "BLPOP", Key: "jobs"}
	then := harness.Point{Role: "kv", Dir: harness.ToServer, Verb: "RPUSH", Key: "out", N: 3}
	assert.True(t, SameCaller(loop("RPUSH"), first, then))
	assert.False(t, SameCaller(loop("GET"), first, then), "another command followed")
}

func TestOtherKeys(t *testing.T) {
	trace := func(second string) *Trace {
		return parse(t, broke, `0s begin`,
			`1ms c1 kv>PEXPIRE "w:{n}" #1 | PEXPIRE w:100 160`, `1.2ms c1 kv<PEXPIRE "w:{n}" #1 | 1 | re=2`,
			`3ms c1 kv>PEXPIRE "w:{n}" #2 | PEXPIRE `+second+` 160`, `3.2ms c1 kv<PEXPIRE "w:{n}" #2 | 1 | re=4`, `300ms end`)
	}
	p := func(n int) harness.Point {
		return harness.Point{Role: "kv", Dir: harness.ToServer, Verb: "PEXPIRE", Key: "w:{n}", N: n}
	}
	assert.False(t, OtherKeys(trace("w:100"), p(1), p(2)))
	assert.True(t, OtherKeys(trace("w:101"), p(1), p(2)))
	assert.False(t, OtherKeys(trace("w:101"), p(1), p(3)), "one of them is not there")
}

func TestATestThatTookTooLong(t *testing.T) {
	run := func(outcome string, took int, injected int) *Trace {
		tr := parse(t, outcome, `0s begin`, `300ms end`)
		const ms = harness.Duration(1e6)
		tr.Outcome.Limit = &harness.Limit{Of: 4000 * ms, Took: harness.Duration(took) * ms}
		tr.Outcome.Injected = harness.Duration(injected) * ms
		return tr
	}
	passing := []*Trace{run("pass", 3600, 0), run("pass", 3700, 0)}
	m, ok := OutOfTime(run(`fail timeout "Timeout of 4000ms exceeded."`, 4001, 500), passing)
	require.True(t, ok)
	assert.Equal(t, harness.TimeoutClient, m.Class)
	assert.Equal(t, "the test took longer than the 4000 ms that its runner gives it", m.Title)
	assert.Contains(t, m.Explanation, "Where it passed it took 3600 ms to 3700 ms.")

	_, ok = OutOfTime(run(broke, 3900, 500), passing)
	assert.False(t, ok, "it failed for another reason")
	_, ok = OutOfTime(run(`fail timeout "Timeout of 4000ms exceeded."`, 4001, 100), passing)
	assert.False(t, ok, "what was injected does not explain it: it hung")
}
