package propose

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

const test = "s/t"

// traceOf parses a history in the text form: lines without a number.
func traceOf(t *testing.T, v harness.Verdict, lines ...string) *detect.Trace {
	t.Helper()
	text := fmt.Sprintf("test %q\n", test)
	for i, l := range lines {
		text += fmt.Sprintf("%d %s\n", i+1, l)
	}
	r, err := history.Parse(strings.NewReader(text))
	require.NoError(t, err)
	r.Outcome.Verdict, r.Outcome.Boundary = v, harness.BoundaryMarked
	return detect.NewTrace(r.Events, r.Outcome)
}

// order is a run in which the SET of a is executed at the given time, and the GET
// of b at 5 ms.
func order(t *testing.T, set string, failure string) triallog.History {
	v, seen := harness.Passed, "1"
	if failure != "" {
		v, seen = harness.Failed, "0"
	}
	lines := []string{
		"0s begin",
		fmt.Sprintf(`1ms c1 a>SET "k" #1 | SET k 1 | out=%s`, set),
		`5ms c2 b>GET "k" #1 | GET k`,
		fmt.Sprintf(`5.2ms c2 b<GET "k" #1 | %s | re=3`, seen),
		`9ms c1 a<SET "k" #1 | OK | re=2`,
		"20ms end",
	}
	h := triallog.History{Trace: traceOf(t, v, lines...), Arm: harness.Survey}
	if failure != "" {
		h.Trace.Outcome.Failure = &harness.Failure{Message: "expected 1, got 0", Fingerprint: failure}
	}
	return h
}

func histories(t *testing.T, passing, failing int, failure string) triallog.Histories {
	var h triallog.Histories
	for i := range passing {
		h.Passing = append(h.Passing, order(t, fmt.Sprintf("%dms", 1+i%3), ""))
	}
	for i := range failing {
		h.Failing = append(h.Failing, order(t, fmt.Sprintf("%dms", 6+i%3), failure))
	}
	return h
}

// TestContrasts: what tells failing from passing runs is forced both ways, once
// there are enough of both, and that of the commonest failure.
func TestContrasts(t *testing.T) {
	for name, c := range map[string]struct {
		seen triallog.Histories
		want bool
	}{
		"nothing was seen":      {triallog.Histories{}, false},
		"one failure is chance": {histories(t, 6, 1, "f1"), false},
		"one pass is chance":    {histories(t, 1, 6, "f1"), false},
		"six of both":           {histories(t, 6, 6, "f1"), true},
		"failures like passes":  {triallog.Histories{Passing: histories(t, 6, 0, "").Passing, Failing: alike(t)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			list := Contrasts(c.seen)
			if !c.want {
				require.Empty(t, list)
				return
			}
			require.NotEmpty(t, list)
			require.LessOrEqual(t, len(list), MostContrasts)
			set, get := harness.Point{Role: "a", Verb: "SET", Key: "k", N: 1}, harness.Point{Role: "b", Verb: "GET", Key: "k", N: 1}
			best := list[0]
			assert.ElementsMatch(t, []string{set.Verb, get.Verb}, []string{best.First.Verb, best.Then.Verb}, "%+v", best)
			require.NotEmpty(t, best.Provoke.Decisions)
			require.NotEmpty(t, best.Counter.Decisions)
			assert.NotEqual(t, best.Provoke.Decisions[0].At, best.Counter.Decisions[0].At, "one way and the other")
		})
	}
}

// alike are runs that failed and look as those that passed.
func alike(t *testing.T) (list []triallog.History) {
	for i := range 6 {
		h := order(t, fmt.Sprintf("%dms", 1+i%3), "")
		h.Trace.Outcome.Verdict, h.Trace.Outcome.Failure = harness.Failed, &harness.Failure{Fingerprint: "f1"}
		list = append(list, h)
	}
	return list
}

func TestCommonestFailure(t *testing.T) {
	failing := append(histories(t, 0, 2, "f1").Failing, histories(t, 0, 3, "f2").Failing...)
	failure, n := commonest(failing)
	assert.Equal(t, "f2", failure)
	assert.Equal(t, 3, n)
	_, n = commonest(nil)
	assert.Zero(t, n)
}

func TestClues(t *testing.T) {
	assert.Empty(t, Clues(histories(t, 6, 1, "f1"), "f1"))
	assert.Empty(t, Clues(histories(t, 6, 6, "f1"), "f2"), "of another failure")
	clues := Clues(histories(t, 6, 6, "f1"), "f1")
	require.NotEmpty(t, clues)
	require.LessOrEqual(t, len(clues), mostClues)
	assert.Contains(t, clues[0], "6 of 6 runs with it failed, 0 of 6 without")
}

// TestRunsTellDecisions: contrast must know what was injected.
func TestRunsTellDecisions(t *testing.T) {
	seen := histories(t, 1, 1, "f1")
	d := harness.Decision{At: harness.Point{Verb: "SET"}, Action: harness.Delay}
	seen.Failing[0].Schedule, seen.Failing[0].Arm = &harness.Schedule{Decisions: []harness.Decision{d}}, harness.Provoke
	runs := Runs(seen)
	require.Len(t, runs, 2)
	assert.True(t, runs[0].Failed)
	assert.Equal(t, "f1", runs[0].Failure)
	assert.Equal(t, []harness.Decision{d}, runs[0].Decisions)
	assert.Equal(t, harness.Provoke, runs[0].Arm)
	assert.False(t, runs[1].Failed)
	assert.Empty(t, runs[1].Decisions)
}

// single is a trace of so many commands, all of one connection.
func single(t *testing.T, n int) *detect.Trace {
	lines := []string{"0s begin"}
	for i := range n {
		lines = append(lines, fmt.Sprintf(`%dms c1 kv>GET "k%d" #1 | GET k%d`, i+1, i, i))
	}
	return traceOf(t, harness.Passed, lines...)
}

// TestSingleHalvesTheLongestStretch: the frame in the middle of what was not tried
// comes next, until all were.
func TestSingleHalvesTheLongestStretch(t *testing.T) {
	_, ok := Single(test, nil, nil, time.Second, 1)
	assert.False(t, ok, "there is no history")
	traces := []*detect.Trace{single(t, 7)}
	var done []nearmiss.Candidate
	var keys []string
	for {
		c, ok := Single(test, traces, done, 300*time.Millisecond, 5)
		if !ok {
			break
		}
		require.Len(t, c.Provoke.Decisions, 1)
		d := c.Provoke.Decisions[0]
		assert.Equal(t, harness.Decision{Test: test, At: c.First, Action: harness.Delay, Delay: harness.Duration(300 * time.Millisecond)}, d)
		assert.Empty(t, c.Counter.Decisions, "without the delay")
		assert.Equal(t, harness.TimeoutClient, c.Class)
		keys, done = append(keys, c.First.Key), append(done, c)
		require.Less(t, len(keys), 10)
	}
	require.Len(t, keys, 7, "each once: %s", keys)
	assert.Equal(t, "k3", keys[0])
	assert.ElementsMatch(t, []string{"k1", "k5"}, keys[1:3])

	_, ok = Single("another", traces, nil, time.Second, 1)
	assert.False(t, ok, "its frames are another test's")
}

func TestUntried(t *testing.T) {
	c := func(key string) nearmiss.Candidate {
		return nearmiss.Candidate{Test: test, Class: harness.OrderCommands, First: harness.Point{Verb: "GET", Key: key, N: 1}, Then: harness.Point{Verb: "SET", Key: key, N: 1}}
	}
	got := Untried([]nearmiss.Candidate{c("a"), c("b"), c("c")}, []nearmiss.Candidate{c("b")})
	require.Len(t, got, 2)
	assert.Equal(t, []string{"a", "c"}, []string{got[0].First.Key, got[1].First.Key})
}

func TestSizeOfIsTheLargest(t *testing.T) {
	var seen triallog.Histories
	for _, n := range []int{3, 9, 2} {
		h := triallog.History{Trace: single(t, n)}
		h.Trace.Outcome.Duration = harness.Duration(time.Duration(n) * time.Second)
		seen.Passing = append(seen.Passing, h)
	}
	assert.Equal(t, explore.Survey{Tests: 1, Roles: 4, Frames: 10, Duration: 9 * time.Second}, SizeOf(seen))
}

// TestPortfolio: small delays first, then what failed other tests; each arm once
// before any is played again; what earlier runs taught counts.
func TestPortfolio(t *testing.T) {
	even := func(string) float64 { return 1 }
	var p Portfolio
	assert.Empty(t, p.String())
	arms := explore.Arms()
	for n := range 2 * len(arms) {
		a, times := p.Arm(n, even)
		assert.Equal(t, arms[n%len(arms)].Name, a.Name)
		assert.Equal(t, n/len(arms), times)
	}
	last := arms[len(arms)-1].Name
	p.Learn(last, true)
	p.Learn(arms[0].Name, false)
	a, _ := p.Arm(0, even)
	assert.Equal(t, last, a.Name)
	a, _ = p.Arm(len(arms)-1, even)
	assert.Equal(t, arms[0].Name, a.Name, "one that brought nothing is the last")
	a, _ = p.Arm(0, func(kind string) float64 {
		if kind == "arm:"+arms[1].Name {
			return 10
		}
		return 1
	})
	assert.Equal(t, arms[1].Name, a.Name)
	assert.Equal(t, fmt.Sprintf("undirected trials that failed, by arm: %s 0/1 · %s 1/1", arms[0].Name, last), p.String())
}

func TestScriptsAreLearned(t *testing.T) {
	var s Scripts
	s.Learn(nil)
	assert.Empty(t, s.String())
	s.Learn([]string{
		`1700000000.000001 [0 127.0.0.1:1] "eval" "return redis.call('set', KEYS[1], ARGV[1])" "1" "k" "v"`,
		`1700000000.000002 [0 lua] "set" "k" "v"`,
	})
	assert.Equal(t, "MONITOR showed what scripts touch in 1 further runs of single tests", s.String())
	assert.NotNil(t, s.Snapshot())
	assert.NotSame(t, s.known, s.Snapshot(), "a copy: others go on learning")
}
