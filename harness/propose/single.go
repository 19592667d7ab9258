package propose

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// Single makes one frame as late as a slow network may: a request or a message of
// which no candidate was about, those in the middle of the longest stretch that
// was not tried first. What clients send as they connect comes last.
func Single(test string, traces []*detect.Trace, done []nearmiss.Candidate, longest time.Duration, seed uint64) (nearmiss.Candidate, bool) {
	if len(traces) == 0 {
		return nearmiss.Candidate{}, false
	}
	tried := map[harness.Point]bool{}
	for _, c := range done {
		tried[c.LateFrame()] = true
	}
	at, ok := untriedFrame(traces[0].Events, test, tried, false)
	if !ok {
		at, ok = untriedFrame(traces[0].Events, test, tried, true)
	}
	if !ok {
		return nearmiss.Candidate{}, false
	}
	d := harness.Decision{Test: test, At: at, Action: harness.Delay, Delay: harness.Duration(longest)}
	s := harness.Schedule{Version: harness.ScheduleVersion, Strategy: "replay", Seed: seed}
	c := nearmiss.Candidate{
		Class: harness.TimeoutClient, Test: test, Shape: "one frame", Relation: "single frames", First: at, Provoke: s, Counter: s,
		Title: at.Words() + " came late",
		Why:   "The test fails when this one frame is late, and passes when it is not.",
	}
	c.Provoke.Decisions = []harness.Decision{d}
	return c, true
}

// untriedFrame is the middle of the longest stretch of requests and messages that
// were not tried, of handshakes or of all else.
func untriedFrame(events []harness.Event, test string, tried map[harness.Point]bool, handshakes bool) (at harness.Point, ok bool) {
	most := 0
	for i := 0; i < len(events); i++ {
		var free []harness.Point
		for ; i < len(events) && !tried[events[i].Point]; i++ {
			e := &events[i]
			if (e.Kind == harness.Request || e.Kind == harness.Push) && e.Test == test && (e.Point.Role == "hs") == handshakes {
				free = append(free, e.Point)
			}
		}
		if len(free) > most {
			most, at = len(free), free[len(free)/2]
		}
	}
	return at, most > 0
}

// SizeOf says how large a trial of the test is, by those that passed.
func SizeOf(seen triallog.Histories) explore.Survey {
	size := explore.Survey{Tests: 1, Roles: 4}
	for _, p := range seen.Passing {
		size.Frames = max(size.Frames, len(p.Trace.Events))
		size.Duration = max(size.Duration, time.Duration(p.Trace.Outcome.Duration))
	}
	return size
}

// Untried leaves out the candidates that were tried.
func Untried(list, tried []nearmiss.Candidate) []nearmiss.Candidate {
	return slices.DeleteFunc(list, func(c nearmiss.Candidate) bool {
		return slices.ContainsFunc(tried, func(t nearmiss.Candidate) bool { return t.Key() == c.Key() })
	})
}
