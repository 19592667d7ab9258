package investigate

import (
	"context"
	"testing"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/evidence"
)

var (
	test  = harness.TestID{Name: "a", Suite: "s"}
	late  = harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}
	rival = harness.Point{Role: "base", Verb: "GET", Key: "k", N: 1}
)

// lab is a program whose test fails as a function of the schedule says.
type lab struct {
	fails    func(s harness.Schedule) bool
	cause    harness.Class // that a detector names in each failure
	message  string        // of each failure; "": f1
	timerLag func(trial int) time.Duration
	stalls   func(s harness.Schedule) bool
	passing  []*detect.Trace
	wire     func(s harness.Schedule) []harness.Event // nil: the function of that name
	gone     int                                      // from this trial on none can be done; 0: all can
	arms     []harness.Arm
}

func (l *lab) Passing(string) []*detect.Trace { return l.passing }

func (l *lab) Aimed(ctx context.Context, id harness.TestID, arm harness.Arm, s harness.Schedule, _ time.Duration) Played {
	if ctx.Err() != nil || l.gone > 0 && len(l.arms)+1 >= l.gone {
		return Played{}
	}
	l.arms = append(l.arms, arm)
	o := &harness.Outcome{Test: id, Arm: arm, Verdict: harness.Passed, Wire: []harness.Line{{}}}
	if l.timerLag != nil {
		o.TimerLag = harness.Duration(l.timerLag(len(l.arms)))
	}
	if l.fails(s) {
		o.Verdict, o.Cause = harness.Failed, l.cause
		o.Failure = &harness.Failure{Message: l.message, Fingerprint: "f1" + l.message}
	}
	if l.stalls != nil && l.stalls(s) {
		o.Blocked = []harness.Point{late}
	}
	events := wire
	if l.wire != nil {
		events = l.wire
	}
	return Played{Reading: evidence.Read(o), Outcome: o, Events: events(s), Took: time.Second}
}

// wire is what passes under a schedule: the late frame, kept as long as it says,
// and its rival 10 ms after it arrived.
func wire(s harness.Schedule) []harness.Event {
	const begin = time.Millisecond
	events := []harness.Event{
		{Seq: 1, Kind: harness.Request, Conn: 1, Test: test.Name, Point: late, In: begin, Out: begin},
		{Seq: 2, Kind: harness.Request, Conn: 2, Test: test.Name, Point: rival, In: begin + 10*time.Millisecond, Out: begin + 10*time.Millisecond},
	}
	if d := delayOf(s, late); d > 0 {
		events[0].Action, events[0].Asked, events[0].Out = harness.Delay, d, begin+d
	}
	return events
}

// delayOf is by how much a schedule delays the frame at p.
func delayOf(s harness.Schedule, p harness.Point) time.Duration {
	for _, d := range s.Decisions {
		if d.At == p && d.Action == harness.Delay {
			return time.Duration(d.Delay)
		}
	}
	return 0
}

// aimed aims at the test in a lab.
func aimed(t *testing.T, l *lab) *Aim {
	t.Helper()
	return At(t.Context(), l, test, Terms{Longest: 500 * time.Millisecond, Seed: 7})
}
