package near

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
		for _, c := range append(apart(t), unreplayed(t)...) {
			if !seen[c.Key()] {
				seen[c.Key()] = true
				out = append(out, c)
			}
		}
	}
	return out
}

// apart finds a write without a time to live and the EXPIRE that follows it: if
// the connection ends between them, the key stays for ever.
func apart(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, key := range t.Keys() {
		on := t.On(key)
		for i, e := range on {
			if e.Verb != "EXPIRE" && e.Verb != "PEXPIRE" || i == 0 || !on[i-1].Writes || on[i-1].Expires {
				continue
			}
			w := on[i-1]
			out = append(out, Candidate{
				Class: harness.TTLMissing, Shape: "two steps",
				Title: fmt.Sprintf("%s %s gets its time to live by a separate %s, %s later", w.Verb, key, e.Verb, ms(e.Sent-w.Sent)),
				First: w.Point, Then: e.Point, Gap: e.Sent - w.Sent,
				Provoke: replay(t, harness.Decision{At: e.Point, Action: harness.Disconnect}), Counter: replay(t),
				Likelihood: 0.2,
			})
		}
	}
	return out
}

// unreplayed finds a subscription and a message that it brought later: if its
// connection ended in between, the message would be lost.
func unreplayed(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, s := range t.Subscriptions {
		p := firstPublish(t, s)
		if s.Command == nil || s.Confirm == 0 || p == nil {
			continue
		}
		out = append(out, Candidate{
			Class: harness.ConnectionLost, Shape: "subscription",
			Title: fmt.Sprintf("a disconnect between %s %s and PUBLISH %s loses the message", s.Command.Verb, s.Channel, p.Args[0]),
			First: s.Reply, Then: p.Point, Gap: p.Sent - s.Confirmed,
			Provoke: replay(t, harness.Decision{At: s.Reply, Action: harness.Disconnect}), Counter: replay(t),
			Likelihood: 0.1,
		})
	}
	return out
}

// Leaks finds, in the traces of one trial in the order in which its tests ran,
// tests that read a key which another test wrote last. No schedule provokes
// that: another order of the tests does.
func Leaks(trial []*detect.Trace) []Candidate {
	type owner struct {
		test string
		by   *detect.Command
	}
	last := map[string]owner{}
	var out []Candidate
	for _, t := range trial {
		for _, key := range t.Keys() {
			on := t.On(key)
			if len(on) == 0 {
				continue
			}
			first := on[0]
			o, written := last[key]
			if written && o.test != t.Test && first.Keys[0] == key && detect.PresenceOf(first) == detect.Present && first.Verb != "DEL" && first.Verb != "UNLINK" {
				out = append(out, Candidate{
					Class: harness.IsolationTestLeak, Shape: "shared key",
					Title: fmt.Sprintf("%s reads %s, which %s left with %s", t.Test, key, o.test, o.by.Verb),
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
