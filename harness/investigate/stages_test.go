package investigate

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// overtaken is the candidate that the SET comes after the GET.
func overtaken(a *Aim) nearmiss.Candidate {
	return nearmiss.Candidate{
		Class: harness.OrderCommands, Title: "SET before GET", First: late, Then: rival,
		Provoke: a.delayed(late, 50*time.Millisecond),
		Counter: a.Schedule(harness.Decision{At: rival, Action: harness.Hold, Until: late.Reply()}),
	}
}

func isLate(s harness.Schedule) bool { return delayOf(s, late) > 0 }

// TestStages: how far an investigation goes, and what it says, by how the test
// behaves under the candidate's schedule and under the opposite.
func TestStages(t *testing.T) {
	always := func(harness.Schedule) bool { return true }
	never := func(harness.Schedule) bool { return false }
	slow := func(trial int) time.Duration { return MaxTimerLag + 1 }
	for name, c := range map[string]struct {
		lab     lab
		terms   func(*Aim)
		reading evidence.Reading
		proven  bool
		arms    []harness.Arm // of the trials, in order
		check   func(t *testing.T, e *evidence.Evidence)
	}{
		"the order is tolerated": {
			lab: lab{fails: never}, reading: evidence.Passed, arms: []harness.Arm{harness.Provoke},
			check: func(t *testing.T, e *evidence.Evidence) { assert.Equal(t, 50*time.Millisecond, e.Kept) },
		},
		"tolerated while timers were late": {
			lab: lab{fails: never, timerLag: slow}, reading: evidence.Passed, arms: []harness.Arm{harness.Provoke, harness.Provoke, harness.Provoke},
		},
		"the program enforces it": {
			lab: lab{fails: never, stalls: isLate}, reading: evidence.Stalled, arms: []harness.Arm{harness.Provoke},
		},
		"nothing can be done": {
			lab: lab{fails: always, gone: 1}, reading: evidence.NoTrial,
		},
		"it is the cause": {
			lab: lab{fails: isLate}, reading: evidence.Failed, proven: true,
			arms: []harness.Arm{harness.Provoke, harness.Confirm, harness.Confirm, harness.Counterfactual, harness.Counterfactual, harness.Counterfactual},
			check: func(t *testing.T, e *evidence.Evidence) {
				assert.Equal(t, harness.Count{K: 3, N: 3}, e.Again)
				assert.Equal(t, harness.Count{N: 3}, e.Counter)
				require.NotNil(t, e.Passing)
				assert.Equal(t, harness.Counterfactual, e.Passing.Arm)
			},
		},
		"it fails whatever is done": {
			lab: lab{fails: always}, reading: evidence.Failed,
			check: func(t *testing.T, e *evidence.Evidence) { assert.Equal(t, harness.Count{K: 3, N: 3}, e.Counter) },
		},
		"the right order cannot be forced": {
			lab: lab{fails: isLate, stalls: func(s harness.Schedule) bool { return len(s.Decisions) > 0 && !isLate(s) }}, reading: evidence.Failed, proven: true,
			check: func(t *testing.T, e *evidence.Evidence) {
				assert.Equal(t, harness.Count{N: 3}, e.Counter, "without the delay")
			},
		},
		"it fails so by itself": {
			lab: lab{fails: isLate}, terms: func(a *Aim) { a.Natural = map[string]bool{"f1": true} }, reading: evidence.Failed, proven: true,
			check: func(t *testing.T, e *evidence.Evidence) {
				assert.Equal(t, harness.Count{K: evidence.NaturalProof, N: evidence.NaturalProof}, e.Again)
				assert.Equal(t, harness.Count{N: evidence.NaturalProof}, e.Counter)
			},
		},
		"its time is over": {
			lab: lab{fails: isLate}, terms: func(a *Aim) {
				a.Natural, a.Limit = map[string]bool{"f1": true}, time.Nanosecond
			}, reading: evidence.Failed,
			check: func(t *testing.T, e *evidence.Evidence) { assert.True(t, e.Ended) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := c.lab
			a := aimed(t, &l)
			if c.terms != nil {
				c.terms(a)
			}
			e := a.Investigate(overtaken(a), false, nil).All()
			assert.Equal(t, c.reading, e.Reading)
			assert.Equal(t, c.proven, e.Reading == evidence.Failed && e.Proven(), "%+v", e)
			if c.arms != nil {
				assert.Equal(t, c.arms, l.arms)
			}
			if c.check != nil {
				c.check(t, e)
			}
		})
	}
}

// TestMarginIsMeasured: what is proven is reduced to the delay that it needs, and
// the threshold lies between the two sides.
func TestMarginIsMeasured(t *testing.T) {
	const truth = 23 * time.Millisecond
	l := &lab{fails: func(s harness.Schedule) bool { return delayOf(s, late) >= truth }}
	a := aimed(t, l)
	e := a.Investigate(overtaken(a), true, nil).All()
	require.True(t, e.Proven())
	require.NotNil(t, e.Margin)
	assert.LessOrEqual(t, time.Duration(e.Margin.Lo), truth)
	assert.GreaterOrEqual(t, time.Duration(e.Margin.Hi), truth)
	assert.Equal(t, late, e.Margin.At)
	require.NotNil(t, e.Schedule)
	assert.Len(t, e.Schedule.Decisions, 1)
}

// TestCount: what is left out of a count, and when one ends.
func TestCount(t *testing.T) {
	failed := func(message string) *harness.Outcome {
		return &harness.Outcome{Verdict: harness.Failed, Failure: &harness.Failure{Fingerprint: message}}
	}
	play := func(o *harness.Outcome) Played {
		if o == nil {
			return Played{}
		}
		return Played{Reading: evidence.Read(o), Outcome: o}
	}
	passed := &harness.Outcome{Verdict: harness.Passed}
	late := &harness.Outcome{Verdict: harness.Passed, TimerLag: harness.Duration(MaxTimerLag + 1)}
	stalled := &harness.Outcome{Verdict: harness.Failed, Failure: &harness.Failure{Fingerprint: "f"}, Blocked: []harness.Point{{}}}
	for name, c := range map[string]struct {
		runs  []*harness.Outcome // nil: no trial
		want  harness.Count
		taken int
	}{
		"all fail":                       {[]*harness.Outcome{failed("f"), failed("f"), failed("f"), failed("f")}, harness.Count{K: 3, N: 3}, 3},
		"passes count":                   {[]*harness.Outcome{failed("f"), passed, failed("f")}, harness.Count{K: 2, N: 3}, 3},
		"another failure does not":       {[]*harness.Outcome{failed("g"), failed("f"), failed("g"), passed, failed("f")}, harness.Count{K: 2, N: 3}, 5},
		"nor what could not be done":     {[]*harness.Outcome{nil, failed("f"), nil, nil, failed("f"), nil}, harness.Count{K: 2, N: 2}, 6},
		"one late pass is forgiven":      {[]*harness.Outcome{late, failed("f"), late, failed("f")}, harness.Count{K: 2, N: 3}, 4},
		"all stalled: it is forbidden":   {[]*harness.Outcome{stalled, stalled, stalled, failed("f")}, harness.Count{}, 3},
		"a stalled one says nothing":     {[]*harness.Outcome{failed("f"), stalled, failed("f"), failed("f")}, harness.Count{K: 3, N: 3}, 4},
		"at most twice as many as asked": {make([]*harness.Outcome, 9), harness.Count{}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			taken := 0
			got := aimed(t, &lab{}).Count(func() Played {
				taken++
				return play(c.runs[taken-1])
			}, true, 3, func(o *harness.Outcome) bool { return o.Failure.Fingerprint == "f" })
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.taken, taken)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got := At(ctx, &lab{}, test, Terms{}).Count(func() Played { t.Error("it has ended"); return Played{} }, true, 3, nil)
	assert.Zero(t, got)
}

func TestReplays(t *testing.T) {
	like := func(o *harness.Outcome) bool { return o.Failure.Fingerprint == "f1" }
	l := &lab{fails: isLate}
	a := aimed(t, l)
	n, failed, passed := a.Replays(a.delayed(late, time.Second), like)
	assert.Equal(t, harness.Count{K: Confirmations, N: Confirmations}, n)
	assert.NotNil(t, failed.Outcome)
	assert.Nil(t, passed)

	n, _, passed = a.Replays(a.Schedule(), like)
	assert.Equal(t, harness.Count{N: Confirmations}, n)
	assert.NotEmpty(t, passed)

	l = &lab{fails: func(harness.Schedule) bool { return true }}
	a = aimed(t, l)
	n, _, _ = a.Replays(a.Schedule(), like)
	assert.Equal(t, harness.Count{K: 1, N: 1}, n, "one failure with nothing injected is enough")

	l = &lab{fails: isLate, message: "another"}
	n, _, _ = aimed(t, l).Replays(a.delayed(late, time.Second), like)
	assert.Equal(t, harness.Count{N: Confirmations}, n, "another failure is none")
}

// TestSmaller: of the delays of a failing trial those stay that the failure needs.
func TestSmaller(t *testing.T) {
	other := func(n int) harness.Decision {
		return harness.Decision{At: harness.Point{Verb: "PING", N: n}, Action: harness.Delay, Delay: harness.Duration(time.Millisecond)}
	}
	guilty := harness.Decision{At: late, Action: harness.Delay, Delay: harness.Duration(40 * time.Millisecond)}
	list := []harness.Decision{other(1), other(2), guilty, other(3), other(4)}
	was := harness.Outcome{Failure: &harness.Failure{Fingerprint: "f1"}}

	l := &lab{fails: isLate}
	failed, kept := aimed(t, l).Smaller(list, was)
	require.Equal(t, evidence.Failed, failed.Reading)
	require.Len(t, kept, 1)
	assert.Equal(t, late, kept[0].At)
	assert.Equal(t, test.Name, kept[0].Test)
	assert.LessOrEqual(t, len(l.arms), smallerBudget+2)

	l = &lab{fails: func(harness.Schedule) bool { return false }}
	_, kept = aimed(t, l).Smaller(list, was)
	assert.Nil(t, kept)
	assert.Len(t, l.arms, 2, "it is asked twice")

	l = &lab{fails: isLate, message: "another"}
	was.Cause = harness.OrderCommands
	_, kept = aimed(t, l).Smaller(list, was)
	assert.Nil(t, kept, "it fails in another way")

	_, kept = aimed(t, &lab{fails: isLate, gone: 1}).Smaller(list, was)
	assert.Nil(t, kept)
}

func TestInjectedAndLate(t *testing.T) {
	at := func(n int) harness.Point { return harness.Point{Role: "kv", Verb: "GET", Key: "k", N: n} }
	events := []harness.Event{
		{Test: "a", Point: at(1), Action: harness.Delay, Asked: 3 * time.Millisecond},
		{Test: "b", Point: at(2), Action: harness.Delay, Asked: 9 * time.Millisecond},
		{Test: "a", Point: at(3), Action: harness.Hold, Asked: time.Second},
		{Test: "a", Point: at(4), Action: harness.Pause, Asked: 8 * time.Millisecond},
		{Test: "a", Point: at(5)},
	}
	list := Injected(events, "a")
	require.Len(t, list, 2)
	assert.Equal(t, []harness.Point{at(1), at(4)}, []harness.Point{list[0].At, list[1].At})
	assert.Equal(t, `kv>GET "k" #4 comes 8ms late, kv>GET "k" #1 comes 3ms late`, Delayed(list))
	for n := range 3 {
		list = append(list, harness.Decision{At: at(10 + n), Delay: harness.Duration(time.Second)})
	}
	assert.Contains(t, Delayed(list), " and 2 more")
	assert.Empty(t, Delayed(nil))
}
