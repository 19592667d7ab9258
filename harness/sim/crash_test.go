package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

func TestCrashBecomesTheFailureOfTheTestThatRan(t *testing.T) {
	c := &crash{"some log line\npanic: send on closed channel\n\ngoroutine 7 [running]:\nmain.work()\n"}
	o := c.outcome(harness.TestID{Name: "b"}, &jobOrder{Index: 4, Seed: 9, Arm: harness.Explore})
	assert.Equal(t, harness.Failed, o.Verdict)
	assert.Equal(t, harness.PanicFailure, o.Failure.Kind)
	assert.Equal(t, "panic: send on closed channel", o.Failure.Message)
	assert.True(t, strings.HasPrefix(o.Failure.Stack, "goroutine 7"), o.Failure.Stack)
	assert.NotEmpty(t, o.Failure.Fingerprint)
	assert.EqualValues(t, 9, o.Seed)

	e := &Executor{tests: []harness.TestID{{Name: "a"}, {Name: "b"}, {Name: "c"}}}
	id, rest, ok := e.without(nil, "b")
	assert.True(t, ok)
	assert.Equal(t, "b", id.Name)
	assert.Equal(t, []string{"a", "c"}, rest)
	_, rest, ok = e.without([]string{"b"}, "b")
	assert.True(t, ok)
	assert.Empty(t, rest)
	_, _, ok = e.without(nil, "smoke/set-up")
	assert.False(t, ok, "what crashes before a test has begun is nobody's failure")
}

func TestPartFindsTheFirstDifference(t *testing.T) {
	at := func(verb, key string, dir harness.Direction) harness.Point {
		return harness.Point{Role: "base", Dir: dir, Verb: verb, Key: key, N: 1}
	}
	history := func(order ...string) (list []harness.Event) {
		for i, name := range order {
			verb, rest, _ := strings.Cut(name, " ")
			e := harness.Event{Kind: harness.Request, Point: at(verb, "k", harness.ToServer), Args: []string{verb, "k"}}
			if value, ok := strings.CutPrefix(rest, "= "); ok {
				e.Kind, e.Point.Dir, e.Args = harness.Reply, harness.ToClient, []string{value}
			}
			e.Seq, e.In, e.Out = uint64(i+1), time.Duration(i), time.Duration(i+1)
			list = append(list, e)
		}
		return list
	}
	whole := history("GET", "GET = 1", "SET", "SET = OK")
	assert.Empty(t, Part(whole, whole))
	assert.Contains(t, Part(whole, history("GET", "GET = 1")), "came in the simulation alone")
	assert.Contains(t, Part(whole, history("GET", "GET = 2", "SET", "SET = OK")), "was 1 in the simulation and 2 on the real one")
	assert.Contains(t, Part(history("GET", "SET"), history("SET", "GET")), "came after")
	assert.Empty(t, Part(history("GET", "GET = order A of…"), history("GET", "GET = order A o…")), "cut elsewhere")
	assert.NotEmpty(t, Part(history("GET", "GET = order A of…"), history("GET", "GET = order B o…")))
	assert.Empty(t, Part(history("GET", "GET = 1700000000123"), history("GET", "GET = 1700000000999")), "clocks differ")
}
