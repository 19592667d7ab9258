package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

func connectionLost() Detector {
	return Detector{
		Class: harness.ConnectionLost,
		Doc:   "reset, reconnect, a subscription lost with its connection, pool exhaustion",
		Find: func(t *Trace) []Match {
			said := t.says("connection reset", "broken pipe", "eof", "use of closed", "client is closed", "connection refused", "connection pool", "connection closed", "econnreset")
			var out []Match
			for _, ev := range t.Closes {
				for _, c := range t.Commands {
					if c.Conn == ev.Conn && c.Arrived <= ev.In && !c.Answered() && c.Verb != "QUIT" && c.Verb != "MONITOR" && !isSubscribe(c) {
						out = append(out, Match{
							Title: fmt.Sprintf("the connection ended while %s %s waited for its answer", c.Verb, c.Point.Key),
							Explanation: fmt.Sprintf("%s was sent at %s, and its connection ended at %s before an answer came: whether it took effect cannot be told. "+
								"Commands that are sent again after a reconnect must be harmless when executed twice.", c.Verb, at3(t, c.Arrived), at3(t, ev.In)),
							Events: seqs(c.Seq, ev.Seq), First: c.Point.Reply(), Then: c.Point, Score: pick(said, 0.9, 0.6),
						})
						break
					}
				}
			}
			for _, d := range t.Deliveries {
				if t.cut(d) && d.Publish != nil {
					out = append(out, Match{
						Title: fmt.Sprintf("the subscriber's connection ended while a message on %s was on its way", d.Channel),
						Explanation: fmt.Sprintf("PUBLISH %s was executed at %s and Redis sent the message, but the connection that was subscribed ended before it arrived. "+
							"Pub/sub sends nothing twice: use a stream, or read the state again after a reconnect.", d.Channel, at3(t, d.Publish.Sent)),
						Events: seqs(d.Publish.Seq, d.Event.Seq), First: d.Event.Point, Then: d.Publish.Point, Score: 0.8,
					})
					break
				}
			}
			for _, s := range t.Subscriptions {
				if m, ok := lostSubscription(t, s); ok {
					out = append(out, m)
				}
			}
			if len(out) == 0 && said {
				out = append(out, Match{
					Title:       "the client says that a connection was lost",
					Explanation: "The failure names a lost connection or an exhausted pool; on the wire no command was left without an answer.",
					Score:       0.5,
				})
			}
			return out
		},
	}
}

// lostSubscription finds a message that came between the end of a
// subscription's connection and its renewal.
func lostSubscription(t *Trace, s *Subscription) (Match, bool) {
	for _, ev := range t.Closes {
		if ev.Conn != s.Conn || ev.In < s.Sent {
			continue
		}
		for _, p := range t.Commands {
			if p.Verb == "PUBLISH" && len(p.Args) > 1 && s.Matches(p.Args[0]) && p.Sent > ev.In && !delivered(t, p) {
				return Match{
					Title: fmt.Sprintf("PUBLISH %s came while the subscription was lost", p.Args[0]),
					Explanation: fmt.Sprintf("The connection that was subscribed to %s ended at %s, and with it the subscription. PUBLISH %s at %s was delivered to nobody. "+
						"Pub/sub keeps nothing for a subscriber that is away: use a stream, or read the state again after a reconnect.", s.Channel, at3(t, ev.In), p.Args[0], at3(t, p.Sent)),
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

func pick(cond bool, yes, no float64) float64 {
	if cond {
		return yes
	}
	return no
}
