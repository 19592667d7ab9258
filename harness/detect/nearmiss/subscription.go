package nearmiss

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// lateSubscription turns round a subscription of the test and the first message
// that it brought: Redis would give that message to nobody, or only to others.
func lateSubscription(t *detect.Trace) []Candidate {
	var out []Candidate
	counterAll := subscribedFirst(t)
	for _, s := range t.Subscriptions {
		p := firstPublish(t, s)
		if s.Command == nil || p == nil {
			continue
		}
		gap := max(p.Arrived-s.Sent, 0)
		if gap > maxHoldGap {
			continue
		}
		c := Candidate{
			Class: harness.RaceSubscribePublish, Shape: "subscription",
			Also:  []harness.Class{harness.RaceDuplicateSubscribe, harness.RaceMultiSubscriber, harness.RaceSubscribePublish},
			Title: fmt.Sprintf("%s %s confirmed %s %s %s", s.Command.Verb, s.Channel, apartBy(p.Arrived-s.Confirmed), p.Verb, p.Args[0]),
			First: s.Point, Then: p.Point, Gap: gap,
			Provoke:    replay(t, harness.HoldFrame(s.Point, p.Point.Reply(), gap)),
			Counter:    replay(t, harness.HoldFrame(p.Point, s.Reply, gap)),
			CounterAll: counterAll,
			Due:        Arrival(p.Point),
		}
		if !s.Pattern && elsewhere(t, p, s) {
			c.Class = harness.RaceMultiSubscriber
		}
		// Sent before the confirmation had reached the client: surely nobody waited for it.
		c.Likelihood = 0.2 + 0.5*math.Exp(-float64(gap)/float64(500*time.Millisecond)) - later(out)
		if p.Arrived < s.Told {
			c.Likelihood = 0.97
		}
		c.Margin = &harness.Margin{
			Test: t.Test, Edge: s.Command.Verb + " " + s.Channel, At: s.Point, Size: harness.Duration(gap),
			Hi: harness.Duration(gap), Predicted: true,
		}
		out = append(out, c)
	}
	return out
}

// apartBy says how long before another frame one came, or after it.
func apartBy(d time.Duration) string {
	if d < 0 {
		return ms(-d) + " after"
	}
	return ms(d) + " before"
}

// subscribedFirst holds the first message of every subscription until the last
// one that it belongs to is confirmed.
func subscribedFirst(t *detect.Trace) harness.Schedule {
	last := map[harness.Point]*detect.Subscription{}
	var order []*detect.Command
	for _, s := range t.Subscriptions {
		p := firstPublish(t, s)
		if s.Command == nil || s.Confirm == 0 || p == nil {
			continue
		}
		if o := last[p.Point]; o == nil {
			order = append(order, p)
			last[p.Point] = s
		} else if o.Confirmed < s.Confirmed {
			last[p.Point] = s
		}
	}
	var decisions []harness.Decision
	for _, p := range order {
		decisions = append(decisions, harness.HoldFrame(p.Point, last[p.Point].Reply, max(p.Arrived-last[p.Point].Sent, 0)))
	}
	return replay(t, decisions...)
}

// later ranks those that follow a little lower: what the first one teaches
// holds for them as a rule.
func later(before []Candidate) float64 { return 0.04 * float64(min(len(before), 5)) }

// came reports whether a message came by the subscription: then the two were on
// their way together, and the subscription was first by luck.
func came(t *detect.Trace, p *detect.Command, s *detect.Subscription) bool {
	return slices.ContainsFunc(t.DeliveriesOf(p), s.Brought)
}

// firstPublish is the first message after s that it matches.
func firstPublish(t *detect.Trace, s *detect.Subscription) *detect.Command {
	var first *detect.Command
	for _, ch := range t.Channels() {
		if !s.Matches(ch) {
			continue
		}
		for _, c := range t.Publishes(ch) {
			if (c.Arrived > s.Sent || came(t, c, s)) && (s.Ended == 0 || c.Sent < s.Ended) {
				if first == nil || c.Sent < first.Sent {
					first = c
				}
				break
			}
		}
	}
	return first
}

// elsewhere reports whether p also went to another subscription beside s.
func elsewhere(t *detect.Trace, p *detect.Command, s *detect.Subscription) bool {
	for _, d := range t.DeliveriesOf(p) {
		if detect.Beside(t, s, d) {
			return true
		}
	}
	return false
}

// secondSubscription keeps back the confirmation of a SUBSCRIBE until another
// one for the same channel is sent, which in the passing trial was not: a
// program that looks whether it is subscribed, and enters the topic only when
// the confirmation is there, will send it.
func secondSubscription(t *detect.Trace) []Candidate {
	var out []Candidate
	for i, s := range t.Subscriptions {
		if s.Command == nil || s.Confirm == 0 || len(s.Command.Args) != 1 {
			continue
		}
		again := false
		for _, o := range t.Subscriptions[i+1:] {
			again = again || o.Channel == s.Channel && o.Pattern == s.Pattern
		}
		if again {
			continue
		}
		next := s.Point
		next.N++
		gap := time.Duration(0)
		if p := firstPublish(t, s); p != nil {
			gap = p.Arrived - s.Sent
		}
		if gap > maxHoldGap {
			continue
		}
		out = append(out, Candidate{
			Class: harness.RaceDuplicateSubscribe, Shape: "confirmation",
			Title: fmt.Sprintf("a second %s %s while the first awaits its confirmation", s.Command.Verb, s.Channel),
			First: s.Reply, Then: next, Gap: gap,
			Provoke:    replay(t, harness.HoldFrame(s.Reply, next, gap)),
			Counter:    replay(t),
			Due:        Arrival(next),
			Likelihood: 0.18 + 0.5*math.Exp(-float64(gap)/float64(500*time.Millisecond)) - later(out),
		})
		if s.Pattern { // a pattern for all topics is subscribed once, at the start
			out[len(out)-1].Likelihood /= 4
		}
	}
	return out
}
