package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// orderMessages: messages, or the handling of messages, in another order than published.
func orderMessages(t *Trace) []Match {
	out := append(overlaps(t), crossed(t)...)
	if want, got, counted := shortfall(t); counted && got < want {
		for i := range out {
			out[i].Score /= 2 // a message that is missing is in no order
		}
	}
	return out
}

// overlaps finds a message whose handler was still at work when a later one of
// the same channel was handed out.
func overlaps(t *Trace) []Match {
	var out []Match
	for _, r := range Reactions(t) {
		first := r.Commands[0]
		for _, d := range from(t.Deliveries, r.Delivery.Went) {
			if d.Went >= r.End() {
				break
			}
			if d == r.Delivery || d.Conn != r.Delivery.Conn || d.Channel != r.Delivery.Channel ||
				d.Pattern != r.Delivery.Pattern || d.Index <= r.Delivery.Index {
				continue
			}
			score := 0.4 + t.message().hint("order", "sequence", "last", "first")
			why := ""
			for _, c := range r.Commands {
				if c.Kept > 0 {
					score += 0.25
					why = fmt.Sprintf(" (%s was kept for %s by us)", c.Verb, ms(c.Kept))
					first = c
					break
				}
			}
			out = append(out, Match{
				Title: fmt.Sprintf("message %d on %s was handed out while message %d was still being handled", d.Index+1, d.Channel, r.Delivery.Index+1),
				Explanation: fmt.Sprintf("Redis delivered the messages on %s in the order in which they were published. The handler of message %d sent %s at %s and was done at %s%s; "+
					"message %d was handed to its handler at %s. With a goroutine for each message the later one can finish first. "+
					"Handle the messages of one topic one after another, or number them and put them in order.",
					d.Channel, r.Delivery.Index+1, first.Verb, at3(t, first.Arrived), at3(t, r.End()), why, d.Index+1, at3(t, d.Went)),
				Events: seqs(r.Delivery.Event.Seq, first.Seq, first.Reply, d.Event.Seq),
				First:  first.Point, Then: d.Event.Point, Score: min(score, 0.95),
			})
			break
		}
	}
	return out
}

// crossed finds two publishes to a channel that reached Redis in another order
// than they reached us, or of which the earlier one had not by the test's end.
func crossed(t *Trace) []Match {
	var out []Match
	for _, ch := range t.Channels() {
		list := t.onChannel[ch]
		for i, b := range list {
			for _, a := range list[max(0, i-lookBack):i] {
				if a.Conn != b.Conn && a.Arrived > b.Arrived {
					out = append(out, overtaken(t, a, b))
				}
			}
		}
	}
	for _, b := range t.Commands {
		if !publishes(b) || b.Ending != harness.Dropped {
			continue
		}
		for _, a := range t.onChannel[b.Args[0]] {
			if a.Conn != b.Conn && a.Arrived > b.Arrived && len(t.of[a]) > 0 {
				out = append(out, overtaken(t, a, b))
				break
			}
		}
	}
	return out
}

// overtaken: b was sent before a, and took effect after it.
func overtaken(t *Trace, a, b *Command) Match {
	score := 0.55 + t.message().hint("order", "sequence")
	when := "took effect at " + at3(t, b.Sent)
	if b.Ending == harness.Dropped {
		when = "was still on its way when the test ended"
	}
	return Match{
		Title: fmt.Sprintf("two publishers to %s: the later message came first", a.Args[0]),
		Explanation: fmt.Sprintf("The PUBLISH that was sent at %s %s, after one on another connection that was sent at %s. "+
			"Redis keeps the order of one connection only; messages of two publishers have none.", at3(t, b.Arrived), when, at3(t, a.Arrived)),
		Events: seqs(a.Seq, b.Seq), First: b.Point, Then: a.Point, Score: score,
	}
}
