package predict

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// timers sets a frame against a timer: a time to live and its renewal, the
// timeout of a blocking command, a deadline of the client, the time after which a
// stream's entry is given to another consumer, a handshake that the
// program does not wait for.
func timers(s *scene) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	for _, find := range []func(*scene) []nearmiss.Candidate{renewals, blockingTimeouts, handshakes, deadlines, timeLimit, manyTrips, exhaustion, crowded, redeliveries} {
		out = append(out, find(s)...)
	}
	return out
}

// renewals makes what renews a key's time to live come after its end.
func renewals(s *scene) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	for _, key := range s.t.Keys() {
		var set *act
		for _, c := range s.t.On(key) {
			a := s.of[c]
			if a == nil || !a.Answered() || a.Keys[0] != key {
				continue
			}
			if set != nil && a.Expires && !a.IsError && a.Sent > set.Sent {
				if left := set.TTL - (a.Sent - set.Sent); left > 0 && left+slack <= s.maxDelay {
					out = append(out, lateRenewal(s, key, set, a, left, len(out)))
				}
			}
			switch {
			case a.Expires:
				set = a
			case a.Clears && a.Writes:
				set = nil
			}
		}
	}
	return out
}

func lateRenewal(s *scene, key string, set, a *act, left time.Duration, before int) nearmiss.Candidate {
	on := effects.Resource{Kind: effects.Key, Name: key}
	first, verb := s.say.name(set, on), s.say.name(a, on)
	w := 0.55
	for _, c := range s.t.OnFrom(key, a.Sent+1) { // a rival that looks at the key later makes it matter
		if c.Conn != a.Conn && c.Reads {
			w = 0.82
			break
		}
	}
	for range min(before, 4) {
		w *= 0.8
	}
	if !a.Renews && !a.Script() && !a.has("XX") { // it sets the key, whether it is there or not
		w *= 0.4
	}
	if set.Guessed || a.Guessed {
		w *= 0.7
	}
	d := left + slack
	return nearmiss.Candidate{
		Class: harness.TTLExpiredEarly, Also: []harness.Class{harness.OrderCommands, harness.RaceCheckThenAct, harness.TTLMissing, harness.TTLExpiredLate}, Shape: "renewal",
		Title:  fmt.Sprintf("%s renewed %s %s before it expires", verb, sentence(key), ms(left)),
		Broken: fmt.Sprintf("%s came when %s had expired", verb, sentence(key)),
		Why: fmt.Sprintf("%s gave %s a time to live of %s, and %s renewed it %s before the end. Later than that it finds the key gone, and whoever waits for the key has it. "+
			"Renew well before the end, and let the holder check that it still holds the key.", first, sentence(key), ms(set.TTL), verb, ms(left)),
		First: a.frame.Point, Then: set.frame.Point, Gap: left,
		Provoke: s.replay(harness.DelayFrame(a.frame.Point, d)), Counter: s.replay(),
		Margin:     predictedMargin(s.t.Test, a, sentence(key), left),
		Likelihood: w, Due: nearmiss.Expiry(set.Point),
	}
}

// predictedMargin is how much later a command may come, by one passing run.
func predictedMargin(test string, a *act, what string, size time.Duration) *harness.Margin {
	return &harness.Margin{
		Test: test, Edge: a.Verb + " " + what, At: a.frame.Point, Size: harness.Duration(size), Hi: harness.Duration(size), Predicted: true,
	}
}

// cron is up to how long after its timeout Redis may still serve a blocked client.
// Redis looks for timeouts when it wakes up: at least ten times a second.
const cron = 100 * time.Millisecond

// blockingTimeouts makes what a blocking command waited for come after it gave
// up.
func blockingTimeouts(s *scene) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	for _, b := range s.acts {
		limit, ok := effects.Timeout(b.Words)
		if !ok || limit == 0 || !b.Answered() || nothing(b.Result) || b.part != body {
			continue
		}
		w := fed(s, b)
		if w == nil {
			continue
		}
		left := b.Sent + limit - w.Sent
		d := left + cron + slack
		if left <= 0 || d > s.maxDelay {
			continue
		}
		on := effects.Resource{Kind: effects.Key, Name: b.Keys[0]}
		out = append(out, nearmiss.Candidate{
			Class: harness.TimeoutClient, Also: []harness.Class{harness.OrderCommands, harness.OrderDelivery}, Shape: "blocking command",
			Title:  fmt.Sprintf("%s brought what %s waits for %s before it gives up", s.say.name(w, on), s.say.name(b, on), ms(left)),
			Broken: fmt.Sprintf("%s came when %s, which waits for it, had given up after %s", s.say.name(w, on), s.say.name(b, on), ms(limit)),
			Why: fmt.Sprintf("%s waits in Redis for %s at most, and %s came %s before that. Later, it answers with nothing. Give it more time than the test can take, or try again when it answers with nothing.",
				s.say.name(b, on), ms(limit), s.say.name(w, on), ms(left)),
			First: w.frame.Point, Then: b.Point.Reply(), Gap: left,
			Provoke: s.replay(harness.DelayFrame(w.frame.Point, d)), Counter: s.replay(),
			Margin: predictedMargin(s.t.Test, w, "within "+ms(limit), left), Likelihood: 0.8,
		})
	}
	return out
}

// fed is the last command that wrote what b waited for before b was answered.
func fed(s *scene, b *act) *act {
	var last *act
	for _, key := range b.Keys {
		for _, c := range s.t.OnFrom(key, b.Sent) {
			if c.Sent > b.Done {
				break
			}
			if a := s.of[c]; a != nil && c.Conn != b.Conn && a.effects.Use(key).Writes && (last == nil || a.Sent > last.Sent) {
				last = a
			}
		}
	}
	return last
}
