package triallog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/trial"
)

func frame(at time.Duration, key string) harness.Event {
	return harness.Event{Kind: harness.Request, Conn: 1, In: at, Out: at, Point: harness.Point{Role: "kv", Verb: "GET", Key: key, N: 1}}
}

// What is predicted for a test comes from frames that are surely its own, as
// soon as there are such.
func TestSurestHistoriesAreKept(t *testing.T) {
	l := New(nil, nil)
	learn := func(b harness.Boundary) {
		o := harness.Outcome{Test: harness.TestID{Name: "a"}, Verdict: harness.Passed, Boundary: b}
		l.Learn(&trial.Done{Trial: harness.Trial{Outcomes: []harness.Outcome{o}}, Events: map[string][]harness.Event{"a": {frame(1, string(b))}}})
	}
	kept := func() (list []harness.Boundary) {
		for _, t := range l.Traces("a") {
			list = append(list, t.Outcome.Boundary)
		}
		return list
	}
	learn(harness.BoundaryUnknown)
	learn(harness.BoundaryReport)
	require.Equal(t, []harness.Boundary{harness.BoundaryUnknown, harness.BoundaryReport}, kept(), "better than nothing")
	learn(harness.BoundaryAlone)
	require.Equal(t, []harness.Boundary{harness.BoundaryAlone}, kept())
	learn(harness.BoundaryEvents)
	learn(harness.BoundaryMarked)
	require.Equal(t, []harness.Boundary{harness.BoundaryAlone, harness.BoundaryMarked}, kept())
}

// TestHistoriesAreKept: passing and failing ones of numbered, alone and aimed
// trials, the newest few of each; stalled ones say nothing.
func TestHistoriesAreKept(t *testing.T) {
	l := New(nil, nil)
	keep := func(index int, arm harness.Arm, v harness.Verdict, blocked bool, events int) {
		o := harness.Outcome{Test: harness.TestID{Name: "a"}, Arm: arm, Verdict: v}
		if v == harness.Failed {
			o.Failure = &harness.Failure{Fingerprint: "f1"}
		}
		if blocked {
			o.Blocked = []harness.Point{{Verb: "GET"}}
		}
		d := &trial.Done{
			Trial:   harness.Trial{Index: index, Arm: arm, Schedule: &harness.Schedule{Seed: uint64(index)}, Outcomes: []harness.Outcome{o}},
			Events:  map[string][]harness.Event{"a": make([]harness.Event, events)},
			Matches: map[string][]detect.Match{"a": {{Class: harness.RaceLostUpdate}}},
		}
		l.Keep(d)
	}
	for i := 1; i <= KeptHistories+3; i++ {
		keep(i, harness.Survey, harness.Passed, false, 1)
	}
	keep(20, harness.Provoke, harness.Failed, false, 1)
	keep(21, harness.Provoke, harness.Failed, true, 1)
	keep(22, harness.Confirm, harness.Infrastructure, false, 1)
	keep(23, harness.Confirm, harness.Failed, false, 0)

	got := l.Histories("a")
	require.Len(t, got.Passing, KeptHistories)
	require.Equal(t, 4, got.Passing[0].Index, "the oldest go")
	require.Equal(t, "", got.Passing[0].Failure())
	require.Len(t, got.Failing, 1)
	failed := got.Failing[0]
	require.Equal(t, harness.Provoke, failed.Arm)
	require.Equal(t, uint64(20), failed.Schedule.Seed)
	require.Equal(t, "f1", failed.Failure())
	require.Equal(t, harness.RaceLostUpdate, failed.Matches[0].Class)
	require.Empty(t, l.Histories("b").Passing)

	keep(30, harness.Survey, harness.Passed, false, keptEvents)
	require.Len(t, l.Histories("a").Passing, 1, "a large one leaves no room for others")
	keep(31, harness.Survey, harness.Passed, false, keptEvents+1)
	require.Equal(t, 31, l.Histories("a").Passing[0].Index, "the newest stays however large it is")
	require.Len(t, got.Passing, KeptHistories, "what a view returned does not change")
}
