package nearmiss

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// Due tells from the history of a trial, whatever was delayed in it, when the
// late frame of a candidate had to have left the proxy at the latest: how long
// before that it came is the margin of that trial. It reports false where the
// history does not say.
type Due func(t *detect.Trace) (time.Duration, bool)

// expiryGranularity is by how much longer than its time to live a key is there on average:
// Redis counts in whole milliseconds, rounds the moment of the SET down, and
// takes a key away only when the millisecond of its expiry has passed (expire.c,
// keyIsExpired: now > when).
const expiryGranularity = 500 * time.Microsecond

// Arrival is when a frame came that the late one must precede.
func Arrival(rival harness.Point) Due {
	return func(t *detect.Trace) (time.Duration, bool) {
		for i := range t.Events {
			if ev := &t.Events[i]; ev.Point == rival {
				return ev.In, true
			}
		}
		return 0, false
	}
}

// Expiry is when the time to live that set gave ends: the read must come before.
func Expiry(set harness.Point) Due {
	return func(t *detect.Trace) (time.Duration, bool) {
		c := t.Find(set)
		if c == nil || !c.Expires || !c.Answered() {
			return 0, false
		}
		return c.Sent + c.TTL + expiryGranularity, true
	}
}

// inTimeFor is when a key must have been set, at the latest, for it to have
// expired when it is read.
func inTimeFor(read harness.Point, ttl time.Duration) Due {
	return func(t *detect.Trace) (time.Duration, bool) {
		c := t.Find(read)
		if c == nil {
			return 0, false
		}
		return c.Sent - ttl - expiryGranularity, true
	}
}
