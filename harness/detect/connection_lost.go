package detect

import (
	"fmt"
)

// connectionLost finds connections that ended against their client's will: a
// command without an answer, a message on its way, a subscription that was gone.
func connectionLost(t *Trace) []Match {
	said := t.says("connection reset", "broken pipe", "eof", "use of closed", "client is closed", "connection refused", "connection closed", "econnreset")
	var out []Match
	for _, ev := range t.Closes {
		who := ClosedBy(t, ev)
		if who == ByClient {
			continue // it gave up, or was done: a deadline or a teardown
		}
		if list := pendingAt(t, ev); len(list) > 0 {
			c := list[0]
			out = append(out, Match{
				Title: fmt.Sprintf("the connection ended while %s %s waited for its answer", c.Verb, c.Point.Key),
				Explanation: fmt.Sprintf("%s was sent at %s, and %s ended its connection at %s before an answer came: whether it took effect cannot be told. "+
					"Commands that are sent again after a reconnect must be harmless when executed twice.", c.Verb, at3(t, c.Arrived), who, at3(t, ev.In)),
				Events: seqs(c.Seq, ev.Seq), First: c.Point.Reply(), Then: c.Point, Score: 0.6 + pick(who == OnTheWay, 0, 0.2) + pick(said, 0.1, 0),
			})
		}
	}
	for _, d := range t.Deliveries {
		if m, ok := cutShort(t, d); ok {
			out = append(out, m)
			break
		}
	}
	for _, s := range t.Subscriptions {
		if m, ok := lostSubscription(t, s); ok {
			out = append(out, m)
		}
	}
	return out
}

// cutShort finds a message that was lost with its connection.
func cutShort(t *Trace, d *Delivery) (Match, bool) {
	if !t.cut(d) || d.Publish == nil {
		return Match{}, false
	}
	for _, ev := range t.Closes {
		if ev.Conn != d.Conn || ev.In < d.Came {
			continue
		}
		if ClosedBy(t, ev) == ByClient {
			return Match{}, false // it did not want it any more
		}
		return Match{
			Title: fmt.Sprintf("the subscriber's connection ended while a message on %s was on its way", d.Channel),
			Explanation: fmt.Sprintf("%s %s was executed at %s and Redis sent the message, but %s ended the connection that was subscribed before it arrived. "+
				"Pub/sub sends nothing twice: use a stream, or read the state again after a reconnect.", d.Publish.Verb, d.Channel, at3(t, d.Publish.Sent), ClosedBy(t, ev)),
			Events: seqs(d.Publish.Seq, d.Event.Seq), First: d.Event.Point, Then: d.Publish.Point, Score: 0.8,
		}, true
	}
	return Match{}, false
}

// lostSubscription finds a message that came between the end of a
// subscription's connection and its renewal.
func lostSubscription(t *Trace, s *Subscription) (Match, bool) {
	for _, ev := range t.Closes {
		if ev.Conn != s.Conn || ev.In < s.Sent || ClosedBy(t, ev) == ByClient && !resubscribed(t, s, ev) {
			continue
		}
		for _, p := range t.Commands {
			if publishes(p) && s.Takes(p) && p.Sent > ev.In && !delivered(t, p) {
				return Match{
					Title: fmt.Sprintf("%s %s came while the subscription was lost", p.Verb, p.Args[0]),
					Explanation: fmt.Sprintf("The connection that was subscribed to %s ended at %s, and with it the subscription. %s %s at %s was delivered to nobody. "+
						"Pub/sub keeps nothing for a subscriber that is away: use a stream, or read the state again after a reconnect.", s.Channel, at3(t, ev.In), p.Verb, p.Args[0], at3(t, p.Sent)),
					Events: seqs(s.Seq, ev.Seq, p.Seq, p.Reply), First: p.Point, Then: s.Point, Score: 0.8,
				}, true
			}
		}
	}
	return Match{}, false
}

func isSubscribe(c *Command) bool {
	switch c.Verb {
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE":
		return true
	}
	return false
}

// publishes reports whether a command sends a message.
func publishes(c *Command) bool {
	return (c.Verb == "PUBLISH" || c.Verb == "SPUBLISH") && len(c.Args) > 1
}

func pick(cond bool, yes, no float64) float64 {
	if cond {
		return yes
	}
	return no
}
