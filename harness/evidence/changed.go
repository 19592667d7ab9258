package evidence

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// NoPool finds what a failure has for a cause where nobody waited for a connection: a
// command that changed places, or a wait that its client ended.
func NoPool(failed *detect.Trace, passing []*detect.Trace) (detect.Match, bool) {
	if turned, ok := detect.Inverted(failed, passing); ok {
		return turned, true
	}
	return detect.GaveUpWaiting(failed, passing)
}

// WhatChanged says of a failure that one late frame brought what went otherwise than
// in the runs that passed; m: it is not known.
func WhatChanged(m detect.Match, late harness.Point, failed *detect.Trace, passing []*detect.Trace, tellsTime func(*detect.Trace, time.Duration) *detect.Command) detect.Match {
	if turned, ok := detect.Inverted(failed, passing); ok {
		return turned
	}
	if empty, ok := detect.PoolEmpty(failed, passing); ok {
		return empty
	}
	if early, ok := detect.ClosedEarly(failed, passing); ok {
		return early
	}
	if gaveUp, ok := detect.WentOn(failed, passing); ok {
		return gaveUp
	}
	if waiting, ok := detect.GaveUpWaiting(failed, passing); ok {
		return waiting
	}
	if tellsTime == nil {
		tellsTime = func(*detect.Trace, time.Duration) *detect.Command { return nil }
	}
	if c := tellsTime(failed, frameAt(failed.Events, late)); c != nil {
		m.Class = harness.TimeWallClock
		m.Title += ", and " + c.Verb + " " + c.Point.Key + " holds the time"
		m.Explanation = "No two commands changed places and no deadline passed. " + c.Verb + " holds a reading of the clock, which is another one when a frame before it comes late. Compare times with a tolerance, or fix the clock in the test."
		return m
	}
	if overtaken, ok := detect.Overtaken(failed, passing, late); ok {
		return overtaken
	}
	if long, ok := detect.OutOfTime(failed, passing); ok {
		return long
	}
	return m
}

// frameAt is when a frame came to the proxy; 0: it did not.
func frameAt(events []harness.Event, p harness.Point) time.Duration {
	for _, e := range events {
		if e.Point == p {
			return e.In
		}
	}
	return 0
}
