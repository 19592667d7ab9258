package evidence

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

func TestCauseOf(t *testing.T) {
	match := func(c harness.Class, score float64) detect.Match { return detect.Match{Class: c, Score: score} }
	reply := harness.Point{Role: "kv", Dir: harness.ToClient, Verb: "GET", Key: "k", N: 1}
	push := harness.Point{Role: "sub", Dir: harness.ToClient, Verb: "message", Key: "c", N: 1}
	of := func(c harness.Class, at harness.Point, also ...harness.Class) nearmiss.Candidate {
		return nearmiss.Candidate{Class: c, First: at, Also: also}
	}
	for _, c := range []struct {
		name    string
		c       nearmiss.Candidate
		matches []detect.Match
		want    harness.Class
	}{
		{"no detector knows better", of(harness.OrderCommands, reply), nil, harness.OrderCommands},
		{"a detector names what the candidate explains", of(harness.OrderCommands, reply, harness.RaceLostUpdate), []detect.Match{match(harness.RaceLostUpdate, 0.9)}, harness.RaceLostUpdate},
		{"what was predicted goes before what is hardly better", of(harness.RaceLostUpdate, reply, harness.RaceCheckThenAct),
			[]detect.Match{match(harness.RaceCheckThenAct, 0.8), match(harness.RaceLostUpdate, 0.7)}, harness.RaceLostUpdate},
		{"a client gave up", of(harness.OrderCommands, reply), []detect.Match{match(harness.TimeoutClient, 0.85)}, harness.TimeoutClient},
		{"an answer was slow, and nobody gave up", of(harness.OrderCommands, reply), []detect.Match{match(harness.TimeoutClient, 0.35)}, harness.OrderCommands},
		{"a deadline was aimed at and not hit", of(harness.TimeoutClient, reply), nil, harness.Unattributed},
		{"the late reply made a key expire", of(harness.TimeoutClient, reply), []detect.Match{match(harness.TTLExpiredEarly, 0.8)}, harness.TTLExpiredEarly},
		{"a late message", of(harness.TimeoutClient, push), nil, harness.OrderDelivery},
		{"no connection subscribed twice", of(harness.RaceDuplicateSubscribe, reply), []detect.Match{match(harness.RaceMultiSubscriber, 0.7)}, harness.RaceMultiSubscriber},
		{"one did", of(harness.RaceDuplicateSubscribe, reply), []detect.Match{match(harness.RaceDuplicateSubscribe, 0.7)}, harness.RaceDuplicateSubscribe},
	} {
		assert.Equal(t, c.want, CauseOf(c.c, c.matches, true).Class, c.name)
	}
}

func TestProven(t *testing.T) {
	n := func(k, n int) harness.Count { return harness.Count{K: k, N: n} }
	for _, c := range []struct {
		name string
		e    Evidence
		want bool
	}{
		{"failed each time, and passed each time without", Evidence{Reading: Failed, Again: n(3, 3), Counter: n(0, 3)}, true},
		{"failed once without", Evidence{Reading: Failed, Again: n(3, 3), Counter: n(1, 3)}, false},
		{"no counterfactual", Evidence{Reading: Failed, Again: n(3, 3)}, false},
		{"two of three, where three are needed", Evidence{Reading: Failed, Again: n(2, 3), Counter: n(0, 3), Need: 3}, false},
		{"four of five", Evidence{Reading: Failed, Again: n(4, 5), Counter: n(0, 5), Need: 4}, true},
		{"it fails by itself too: three are too few", Evidence{Reading: Failed, Natural: true, Again: n(3, 3), Counter: n(0, 3)}, false},
		{"it fails by itself too: six and six", Evidence{Reading: Failed, Natural: true, Again: n(6, 6), Counter: n(0, 6)}, true},
		{"it fails by itself too, and passed once with the schedule", Evidence{Reading: Failed, Natural: true, Again: n(6, 7), Counter: n(0, 6)}, false},
		{"a delay that no slow network makes", Evidence{Reading: Failed, OwnDelay: true, Again: n(3, 3), Counter: n(0, 3)}, false},
		{"passed", Evidence{Reading: Passed, Again: n(3, 3), Counter: n(0, 3)}, false},
	} {
		assert.Equal(t, c.want, c.e.Proven(), c.name)
	}
}
