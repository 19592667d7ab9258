package finding

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

// TestJudge: what evidence comes to: a cause, a failure without one, a margin, or
// nothing.
func TestJudge(t *testing.T) {
	delay := func(action harness.Action) harness.Schedule {
		return harness.Schedule{Decisions: []harness.Decision{{At: set, Action: action, Delay: 1e6}}}
	}
	n := func(k, of int) harness.Count { return harness.Count{K: k, N: of} }
	failed := func(change func(*evidence.Evidence)) evidence.Evidence {
		e := evidence.Evidence{
			Candidate: nearmiss.Candidate{Class: harness.RaceLostUpdate, Title: "SET came late", First: set, Then: get, Provoke: delay(harness.Delay)},
			Test:      harness.TestID{Name: "a"}, Reading: evidence.Failed,
			Failure: &harness.Outcome{Failure: &harness.Failure{Message: "boom\nmore", Fingerprint: "f1"}, Wire: []harness.Line{{Text: "SET k"}}},
			Cause:   detect.Match{Class: harness.RaceLostUpdate, Title: "an update was lost"},
			Again:   n(3, 3), Counter: n(0, 3),
		}
		if change != nil {
			change(&e)
		}
		return e
	}
	for _, c := range []struct {
		name  string
		e     evidence.Evidence
		class harness.Class // empty: no finding
		title string
		text  string
	}{
		{"both proofs", failed(nil), harness.RaceLostUpdate, "an update was lost", ""},
		{"it failed without the delay too, once", failed(func(e *evidence.Evidence) { e.Counter = n(1, 3) }), harness.Unattributed, "boom", "failed 3 of 3 times under that schedule, and 1 of 3"},
		{"it failed whatever was done", failed(func(e *evidence.Evidence) { e.Counter = n(3, 3) }), "", "", ""},
		{"there was no counterfactual", failed(func(e *evidence.Evidence) { e.Counter = n(0, 0) }), "", "", ""},
		{"the hunt ended before it was told", failed(func(e *evidence.Evidence) { e.Ended = true }), "", "", ""},
		{"the delay was longer than a slow network's", failed(func(e *evidence.Evidence) { e.OwnDelay = true }), "", "", ""},
		{"once of three", failed(func(e *evidence.Evidence) { e.Again = n(1, 3) }), harness.Unattributed, "boom", "Suspected: an update was lost"},
		{"it fails by itself too, and too few trials tell", failed(func(e *evidence.Evidence) { e.Natural = true }), harness.Unattributed, "boom", "not proven to be the cause"},
		{"it takes a lost connection", failed(func(e *evidence.Evidence) { e.Candidate.Provoke = delay(harness.Disconnect) }), harness.RaceLostUpdate, "an update was lost", "It takes a lost connection"},
		{"provoked, and of no known class", failed(func(e *evidence.Evidence) {
			e.Cause = detect.Match{Class: harness.Unattributed, Title: "SET came late"}
		}), harness.Unattributed, "SET came late", ""},
		{"it passed", evidence.Evidence{Reading: evidence.Passed}, "", "", ""},
		{"no trial", evidence.Evidence{Reading: evidence.NoTrial}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, _ := Judge(&c.e, Origin{Seed: 7, Now: func() time.Time { return time.Unix(1, 0) }})
			if c.class == "" {
				require.Nil(t, f)
				return
			}
			require.NotNil(t, f)
			assert.Equal(t, c.class, f.Class)
			assert.Equal(t, c.title, f.Title)
			assert.Contains(t, f.Explanation, c.text)
			assert.Equal(t, ID(f.Fingerprint), f.ID)
			assert.Equal(t, harness.Provoked, f.Standing)
			assert.Equal(t, []string{"a"}, f.Tests)
			assert.Equal(t, []harness.Point{set, get}, f.Pair)
			assert.Equal(t, c.e.Again, f.Provoked)
			assert.Equal(t, uint64(7), f.Seed)
			assert.Equal(t, time.Unix(1, 0).UTC(), f.Found)
		})
	}
	reduced := failed(func(e *evidence.Evidence) {
		s, m := delay(harness.Hold), harness.Margin{Test: "a", Size: 5}
		e.Schedule, e.Original, e.Margin = &s, &e.Candidate.Provoke, &m
	})
	f, m := Judge(&reduced, Origin{})
	assert.Equal(t, harness.Hold, f.Schedule.Decisions[0].Action, "the reduced schedule is told")
	assert.Equal(t, harness.Delay, f.Original.Decisions[0].Action)
	assert.Equal(t, f.Margin, m)
	assert.Zero(t, f.Found, "nobody knows when")
}

// TestJudgedMargins: what trials that did not fail say of a margin.
func TestJudgedMargins(t *testing.T) {
	predicted := &harness.Margin{Test: "a", Size: 5, Predicted: true}
	of := func(r evidence.Reading, m *harness.Margin, kept time.Duration) *harness.Margin {
		e := &evidence.Evidence{Reading: r, Kept: kept, Test: harness.TestID{Name: "a"}, Candidate: nearmiss.Candidate{First: set, Gap: 9, Margin: m}}
		f, got := Judge(e, Origin{})
		require.Nil(t, f)
		return got
	}
	assert.Nil(t, of(evidence.Passed, nil, 9), "there was none to tell of")
	assert.False(t, of(evidence.Passed, predicted, 5).Ordered)
	longer := of(evidence.Passed, predicted, 6)
	assert.True(t, longer.Ordered, "it was kept for longer, so the program enforces the order")
	assert.Equal(t, harness.Duration(6), longer.Lo)
	assert.True(t, of(evidence.Stalled, predicted, 0).Ordered)
	own := of(evidence.Stalled, nil, 0)
	assert.True(t, own.Ordered)
	assert.Equal(t, "SET k", own.Edge)
	assert.Equal(t, harness.Duration(9), own.Size)
	assert.False(t, predicted.Ordered, "the candidate's own does not change")
}
