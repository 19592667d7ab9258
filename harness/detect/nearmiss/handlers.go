package nearmiss

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// overlappingHandlers makes the first command of a handler late, so that it is
// at work still when later messages of the channel have been handed out: if
// each message is handled by itself, the later ones are done first.
func overlappingHandlers(t *detect.Trace) []Candidate {
	type stream struct {
		conn             uint32
		channel, pattern string
		publish          bool
	}
	seen := map[stream]bool{}
	var out []Candidate
	counterAll := oneByOne(t)
	for _, r := range detect.Reactions(t) {
		d := r.Delivery
		first := r.Commands[0]
		s := stream{d.Conn, d.Channel, d.Pattern, first.Verb == "PUBLISH"}
		last := lastAfter(t, d)
		if last == nil || seen[s] || s.publish && first.Args[0] == d.Channel {
			continue
		}
		seen[s] = true
		// The last message, then time for its handler to do all that this one does.
		wait := last.Went - first.Arrived + max(100*time.Millisecond, 2*(r.End()-first.Arrived))
		c := Candidate{
			Class: harness.OrderMessages, Also: []harness.Class{harness.OrderCommands}, Shape: "handlers",
			Title: fmt.Sprintf("%s of the handler of message %d on %s, with %d more messages to come", first.Verb, d.Index+1, d.Channel, last.Index-d.Index),
			First: first.Point, Then: last.Event.Point, Gap: last.Went - first.Arrived,
			Provoke: replay(t, harness.DelayFrame(first.Point, wait)), Counter: replay(t), CounterAll: counterAll,
			Likelihood: 0.78 - later(out), Due: Arrival(nextAfter(t, d).Event.Point),
		}
		if s.publish {
			c.Likelihood -= 0.4 // more often the test itself, which goes on publishing
		}
		if wait > maxDelay {
			if last.Went-first.Arrived > maxHoldGap {
				continue
			}
			c.Provoke = replay(t, harness.HoldFrame(first.Point, last.Event.Point, c.Gap))
		}
		out = append(out, c)
	}
	return out
}

// oneByOne keeps each message from its handler until the handler of the one
// before has done its last command.
func oneByOne(t *detect.Trace) harness.Schedule {
	var decisions []harness.Decision
	for _, r := range detect.Reactions(t) {
		if next := nextAfter(t, r.Delivery); next != nil && next.Index == r.Delivery.Index+1 {
			last := r.Commands[len(r.Commands)-1]
			decisions = append(decisions, harness.HoldFrame(next.Event.Point, last.Point.Reply(), next.Went-last.Arrived))
		}
	}
	return replay(t, distinct(decisions)...)
}

// nextAfter is the delivery of the same stream that follows d; nil if there is none.
func nextAfter(t *detect.Trace, d *detect.Delivery) *detect.Delivery {
	var next *detect.Delivery
	for _, o := range t.DeliveriesFrom(d.Went) {
		if o.Conn == d.Conn && o.Channel == d.Channel && o.Pattern == d.Pattern && o.Index > d.Index && (next == nil || o.Index < next.Index) {
			next = o
		}
		if next != nil && o.Went > next.Went {
			break
		}
	}
	return next
}

// lastAfter is the last delivery of the same stream as d, but no more than
// patience after it; nil if there is none.
func lastAfter(t *detect.Trace, d *detect.Delivery) *detect.Delivery {
	var last *detect.Delivery
	for _, o := range t.DeliveriesFrom(d.Went) {
		if o.Went-d.Went >= maxHoldGap {
			break
		}
		if o.Conn == d.Conn && o.Channel == d.Channel && o.Pattern == d.Pattern && o.Index > d.Index {
			last = o
		}
	}
	return last
}
