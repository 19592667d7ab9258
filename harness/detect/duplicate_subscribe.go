package detect

import (
	"fmt"
)

// duplicateSubscribe: the same channel subscribed again on a connection while still subscribed.
func duplicateSubscribe(t *Trace) []Match {
	var out []Match
	want, got, counted := shortfall(t)
	for i, b := range t.Subscriptions {
		for _, a := range t.Subscriptions[:i] {
			if a.Command == nil || b.Command == nil || a.Command == b.Command || a.Conn != b.Conn ||
				a.Channel != b.Channel || a.Pattern != b.Pattern || a.Ended != 0 && a.Ended <= b.Sent {
				continue
			}
			score := 0.85
			how := fmt.Sprintf("the second was sent %s after the first", ms(b.Command.Arrived-a.Command.Arrived))
			if a.Told == 0 || b.Command.Arrived < a.Told {
				score = 0.95
				how += ", before the first was confirmed"
			}
			if counted && got < want {
				score = 0.3 // it makes messages too many, not too few
			}
			out = append(out, Match{
				Title: fmt.Sprintf("%s %s was sent twice on one connection", b.Command.Verb, b.Channel),
				Explanation: fmt.Sprintf("Redis answers a second %s %s with a confirmation like the first, and goes on sending each message once; %s. "+
					"The client took both confirmations for subscriptions of their own, and so handles each message twice. "+
					"Looking whether a topic is subscribed and entering it must be one step: reserve the topic before awaiting the confirmation.",
					b.Command.Verb, b.Channel, how),
				Events: seqs(a.Seq, a.Confirm, b.Seq, b.Confirm),
				First:  a.Reply, Then: b.Point, Score: score,
			})
			break
		}
	}
	return out
}
