package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// isolationTestLeak: a test read what another test wrote: a key that was there before its first write, or a message that it did not publish.
func isolationTestLeak(t *Trace) []Match {
	out := errorsOf(t, harness.IsolationTestLeak)
	for _, key := range t.Keys() {
		c := t.On(key)
		if len(c) == 0 || PresenceOf(c[0]) != Present || c[0].Keys[0] != key || deletes(c[0]) {
			continue
		}
		out = append(out, Match{
			Title: fmt.Sprintf("%s was there before the test wrote it", key),
			Explanation: fmt.Sprintf("The test's first command on %s was %s, at %s, and it found %s: someone else had left it. "+
				"Give each test keys of its own, or clean them before it begins.", key, c[0].Verb, at3(t, c[0].Sent), result(c[0])),
			Events: seqs(c[0].Seq, c[0].Reply), First: c[0].Point, Then: c[0].Point.Reply(), Score: 0.45,
		})
	}
	for _, d := range t.Deliveries {
		if d.Publish != nil || !subscribedHere(t, d) {
			continue
		}
		out = append(out, Match{
			Title: fmt.Sprintf("a message on %s that the test did not publish", d.Channel),
			Explanation: fmt.Sprintf("A subscription of the test got %s on %s at %s, and no PUBLISH of the test carried it: it came from another test or program that uses the channel. "+
				"Give each test channels of its own.", brief(d.Payload), d.Channel, at3(t, d.Came)),
			Events: seqs(d.Event.Seq), First: d.Event.Point, Then: d.Event.Point, Score: 0.45,
		})
		break
	}
	return out
}

// subscribedHere reports whether the test itself asked for the channel by name;
// a pattern is expected to bring other things too.
func subscribedHere(t *Trace, d *Delivery) bool {
	for _, s := range t.Subscriptions {
		if s.Command != nil && !s.Pattern && s.Conn == d.Conn && s.Channel == d.Channel {
			return true
		}
	}
	return false
}
