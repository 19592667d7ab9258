package nearmiss

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// Latent finds in passing traces of one test what could fail but what delays
// alone do not provoke: it takes a lost connection. The schedules of these
// candidates disconnect; they are for a report, and for whoever asks for faults.
func Latent(traces []*detect.Trace) []Candidate {
	seen := map[string]bool{}
	var out []Candidate
	for _, t := range traces {
		for _, c := range append(apart(t), unrepeated(t)...) {
			c.Test = t.Test
			if !seen[c.Key()] {
				seen[c.Key()] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// apart finds a write that leaves a key without a time to live and the EXPIRE
// that follows it: if the connection ends between them, the key stays for ever.
// Within a transaction both take effect or neither; and an EXPIRE of a key that
// has a time to live only renews it.
func apart(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, key := range t.Keys() {
		mortal := false // the key has a time to live
		var w *detect.Command
		for _, c := range t.On(key) {
			expires := c.Verb == "EXPIRE" || c.Verb == "PEXPIRE"
			if expires && c.Expires && !mortal && w != nil && c.Sent > w.Sent {
				out = append(out, Candidate{
					Class: harness.TTLMissing, Shape: "two steps",
					Title: fmt.Sprintf("%s %s gets its time to live by a separate %s, %s later", w.Verb, key, c.Verb, ms(c.Sent-w.Sent)),
					Explanation: fmt.Sprintf("%s and %s of %s are two steps. If the connection or the program ends between them, the first has taken effect and the second never does: "+
						"the key stays for ever. Give the time to live with the value (SET %s … EX n), or send both in MULTI or a Lua script.", w.Verb, c.Verb, key, key),
					First: w.Point, Then: c.Point, Gap: c.Sent - w.Sent,
					Provoke: replay(t, harness.Decision{At: c.Point, Action: harness.Disconnect}), Counter: replay(t),
					Likelihood: 0.2,
				})
			}
			switch {
			case c.Expires:
				mortal = true
			case c.Clears:
				mortal = false
			}
			if w = nil; c.Writes && !expires && !c.Expires && !deletes(c) {
				w = c
			}
		}
	}
	return out
}

func deletes(c *detect.Command) bool { return c.Verb == "DEL" || c.Verb == "UNLINK" }

// unrepeated finds connections whose subscriptions brought a message of the test:
// if one ends while a message is on its way, nobody sends that again.
func unrepeated(t *detect.Trace) []Candidate {
	seen := map[uint32]bool{}
	var out []Candidate
	for _, d := range t.Deliveries {
		verb, what := "SUBSCRIBE", d.Channel
		if d.Pattern != "" {
			verb, what = "PSUBSCRIBE", d.Pattern
		}
		if d.Publish == nil || seen[d.Conn] {
			continue
		}
		seen[d.Conn] = true
		out = append(out, Candidate{
			Class: harness.ConnectionLost, Shape: "subscription",
			Title: fmt.Sprintf("a message on %s is lost if the connection of %s %s ends while it is on its way", d.Channel, verb, what),
			Explanation: fmt.Sprintf("Pub/sub delivers at most once. If the connection that is subscribed by %s %s ends between PUBLISH %s and its delivery, or is being renewed when it is published, "+
				"nobody sends the message again, also when the client reconnects and subscribes anew by itself. "+
				"Whoever must not miss one reads a stream, or reads the state again after a reconnect.", verb, what, d.Channel),
			First: d.Event.Point, Then: d.Publish.Point, Gap: d.Went - d.Publish.Sent,
			Provoke: replay(t, harness.Decision{At: d.Event.Point, Action: harness.Disconnect}), Counter: replay(t),
			Likelihood: 0.1,
		})
	}
	return out
}

// Leaks finds, in the traces of one trial in the order in which its tests ran,
// tests that read a key which another test wrote last. No schedule provokes
// that: another order of the tests does, or the test alone.
func Leaks(trial []*detect.Trace) []Candidate {
	type owner struct {
		test string
		by   *detect.Command
	}
	last := map[string]owner{}
	var out []Candidate
	for _, t := range trial {
		for _, c := range t.Commands {
			if c.Verb == "FLUSHALL" || c.Verb == "FLUSHDB" {
				clear(last)
			}
		}
		for _, key := range t.Keys() {
			on := t.On(key)
			if len(on) == 0 {
				continue
			}
			first := on[0]
			if o, written := last[key]; written && o.test != t.Test && reads(first, key) && sameValue(o.by, first) {
				out = append(out, Candidate{
					Class: harness.IsolationTestLeak, Shape: "shared key", Test: t.Test,
					Title: fmt.Sprintf("%s reads %s, which %s left with %s", t.Test, key, o.test, o.by.Verb),
					Explanation: fmt.Sprintf("The first command of %s on %s is %s, and it found what %s had left there. Alone, or in another order, it finds something else. "+
						"Give each test keys of its own, or clean them before it begins.", t.Test, key, first.Verb, o.test),
					First: o.by.Point, Then: first.Point,
					Provoke: replay(t), Counter: replay(t), Likelihood: 0.1,
				})
			}
			for _, c := range on {
				if c.Writes {
					last[key] = owner{t.Test, c}
				}
			}
		}
	}
	return out
}

// reads reports whether c told that the key was there, and did not only clean it up.
func reads(c *detect.Command, key string) bool {
	return c.Keys[0] == key && detect.PresenceOf(c) == detect.Present && !deletes(c)
}

// sameValue reports whether r may have read what w wrote: where both values are
// known they must be the same, else something outside the tests wrote between.
func sameValue(w, r *detect.Command) bool {
	return w.Value == "" || r.Verb != "GET" || len(r.Result) != 1 || r.Result[0] == w.Value
}
