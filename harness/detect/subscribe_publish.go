package detect

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/internal/phrase"
)

// miss is a message that a subscription did not get since it was not there yet.
type miss struct {
	sub    *Subscription
	pub    *Command
	others int           // subscriptions that did get it
	gap    time.Duration // how much later than the PUBLISH the subscription took effect, at least
	score  float64
}

// Matches reports whether a message on channel goes to the subscription.
func (s *Subscription) Matches(channel string) bool {
	if s.Pattern {
		return Glob(s.Channel, channel)
	}
	return s.Channel == channel
}

// misses finds publishes that reached Redis before a subscription of this test
// that matches them was confirmed, and that it did not get.
func misses(t *Trace) []miss {
	var out []miss
	want, got, counted := shortfall(t)
	some := counted && 0 < got && got < want // it had the later ones, as it would
	for _, s := range t.Subscriptions {
		if s.Command == nil {
			continue
		}
		for _, p := range t.published(s) {
			// Which of the two Redis took first, if it had both, shows below: a
			// subscription that was there brings the message.
			if s.Confirmed != 0 && p.Sent >= s.Confirmed || s.Ended != 0 && s.Ended < p.Sent {
				continue
			}
			m := miss{sub: s, pub: p, gap: s.Sent - p.Sent}
			got := false
			for _, d := range t.DeliveriesOf(p) {
				switch {
				case s.Brought(d):
					got = true
				case Beside(t, s, d):
					m.others++
				}
			}
			if got {
				continue
			}
			// A subscription that was asked for first was surely relied on; one
			// that came after the message may belong to a later step, and a
			// pattern to another part of the test if one part had the message.
			m.score = 0.9
			if late := s.Command.Arrived - p.Arrived; late > 0 {
				scale := 200 * time.Millisecond
				if s.Pattern && reached(t, p) {
					scale = 5 * time.Millisecond
				}
				m.score = 0.75 * math.Exp(-float64(late)/float64(scale))
			}
			if caughtUp(t, s, p) && !some {
				m.score /= 2 // it was published again, or only the first is missing
			}
			if m.score > 0.05 {
				out = append(out, m)
			}
		}
	}
	return out
}

// beside reports whether the subscription was one of several to a topic. A
// pattern is not: it is the listener that everything comes by.
func (m miss) beside() bool { return m.others > 0 && !m.sub.Pattern }

// Takes reports whether the message of a PUBLISH or SPUBLISH goes to the subscription.
func (s *Subscription) Takes(p *Command) bool {
	return publishes(p) && s.Sharded == (p.Verb == "SPUBLISH") && s.Matches(p.Args[0])
}

// Brought reports whether the message came by this subscription.
func (s *Subscription) Brought(d *Delivery) bool {
	return d.Conn == s.Conn && s.Sharded == d.Sharded && (s.Pattern && d.Pattern == s.Channel || !s.Pattern && d.Pattern == "" && d.Channel == s.Channel)
}

// Beside reports whether d came by another subscription that belongs together
// with s: on the same connection, or one that the test made for this very
// channel. A listener of other tests that hears everything does not count.
func Beside(t *Trace, s *Subscription, d *Delivery) bool {
	if s.Brought(d) {
		return false
	}
	if d.Conn == s.Conn {
		return true
	}
	for _, o := range t.Subscriptions {
		if o.Command != nil && !o.Pattern && o.Brought(d) {
			return true
		}
	}
	return false
}

// reached reports whether p came by a subscription that the test itself made.
func reached(t *Trace, p *Command) bool {
	for _, d := range t.DeliveriesOf(p) {
		for _, s := range t.Subscriptions {
			if s.Command != nil && s.Brought(d) {
				return true
			}
		}
	}
	return false
}

// caughtUp reports whether a later message to the channel of p did come by s.
func caughtUp(t *Trace, s *Subscription, p *Command) bool {
	for i, o := range t.Publishes(p.Args[0]) {
		if i > 4*lookBack {
			break
		}
		if o.Arrived > p.Arrived && slices.ContainsFunc(t.DeliveriesOf(o), s.Brought) {
			return true
		}
	}
	return false
}

// published lists the messages that s matches, or would have, and that came
// before it was confirmed, which are all that it can have missed.
func (t *Trace) published(s *Subscription) []*Command {
	var out []*Command
	take := func(list []*Command) {
		for _, p := range list {
			if s.Confirmed != 0 && p.Sent > s.Confirmed {
				break
			}
			if s.Takes(p) {
				out = append(out, p)
			}
		}
	}
	if !s.Pattern {
		take(t.onChannel[s.Channel])
	} else {
		for _, ch := range t.Channels() {
			if s.Matches(ch) {
				take(t.onChannel[ch])
			}
		}
	}
	if n := len(out) - 4*lookBack; n > 0 {
		out = out[n:]
	}
	return out
}

// subscribePublish: PUBLISH reached Redis before the (P)SUBSCRIBE that the test relied on was confirmed, and nobody got the message.
func subscribePublish(t *Trace) []Match {
	var out []Match
	for _, m := range misses(t) {
		if m.beside() {
			continue
		}
		out = append(out, m.match(fmt.Sprintf(
			"Redis keeps no message for later: a message goes to those who are subscribed when it is executed. "+
				"%s %s was confirmed %s, but %s %s was executed at %s and reached %s. "+
				"Wait for the confirmation of the subscription before publishing.",
			m.sub.Command.Verb, m.sub.Channel, m.confirmed(), m.pub.Verb, m.pub.Args[0], at3(t, m.pub.Sent), m.receivers())))
	}
	return out
}

// multiSubscriber: of several subscriptions that match a channel, one was confirmed only after the message.
func multiSubscriber(t *Trace) []Match {
	var out []Match
	for _, m := range misses(t) {
		if !m.beside() {
			continue
		}
		match := m.match(fmt.Sprintf(
			"%s %s was executed at %s and was delivered to %s, but %s %s was confirmed %s: "+
				"whoever relied on that subscription missed the message. "+
				"A subscribe must not return before Redis has confirmed the subscription that it relies on, also if another caller asked for it.",
			m.pub.Verb, m.pub.Args[0], at3(t, m.pub.Sent), phrase.Plural(m.others, "other subscription"), m.sub.Command.Verb, m.sub.Channel, m.confirmed()))
		match.Title = fmt.Sprintf("one subscription to %s came after the first message", m.sub.Channel)
		out = append(out, match)
	}
	return out
}

func (m miss) match(explanation string) Match {
	return Match{
		Title:       fmt.Sprintf("%s %s came before %s %s was confirmed", m.pub.Verb, m.pub.Args[0], m.sub.Command.Verb, m.sub.Channel),
		Explanation: explanation,
		Events:      seqs(m.sub.Seq, m.sub.Confirm, m.pub.Seq, m.pub.Reply),
		First:       m.sub.Point, Then: m.pub.Point, Score: m.score,
	}
}

func (m miss) confirmed() string {
	switch {
	case m.sub.Confirmed == 0:
		return "never"
	case m.sub.Command.Kept > 0:
		return fmt.Sprintf("%s after it (we kept the request for %s)", ms(m.sub.Confirmed-m.pub.Sent), ms(m.sub.Command.Kept))
	}
	return ms(m.sub.Confirmed-m.pub.Sent) + " after it"
}

func (m miss) receivers() string {
	if m.pub.IsError || len(m.pub.Result) != 1 {
		return "nobody that is seen here"
	}
	if m.pub.Result[0] == "0" {
		return "no subscriber"
	}
	return m.pub.Result[0] + " other client(s)"
}
