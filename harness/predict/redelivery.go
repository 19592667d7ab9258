package predict

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// redeliveries makes the acknowledgement of a stream's entries come when they have
// been pending so long that another consumer takes them over: it handles them a
// second time.
func redeliveries(s *scene) []nearmiss.Candidate {
	var out []nearmiss.Candidate
	handed := map[string]time.Duration{} // stream and group → when entries were last given out
	for _, a := range s.acts {
		stream, group := consumer(a.Verb, a.Words)
		switch {
		case group == "" || !a.Answered() || a.IsError:
		case a.Verb == "XREADGROUP" && !nothing(a.Result):
			handed[stream+"\x00"+group] = a.Done
		case a.Verb == "XACK":
			since, ok := handed[stream+"\x00"+group]
			if !ok {
				continue
			}
			if c, ok := lateAck(s, a, stream, group, since); ok {
				for range min(len(out), 4) {
					c.Likelihood *= 0.8
				}
				out = append(out, c)
			}
		}
	}
	return out
}

// lateAck keeps an acknowledgement until a claim finds its entries idle for long
// enough. In a pool the two may have gone by one connection.
func lateAck(s *scene, ack *act, stream, group string, handed time.Duration) (nearmiss.Candidate, bool) {
	var claim *act
	var idle, every, last time.Duration
	for _, a := range s.acts {
		on, g := consumer(a.Verb, a.Words)
		if a.Verb != "XAUTOCLAIM" && a.Verb != "XCLAIM" || on != stream || g != group {
			continue
		}
		ms, err := strconv.ParseInt(a.Words[4], 10, 64)
		if err != nil || ms <= 0 {
			continue
		}
		if claim != nil {
			every = max(every, a.Sent-last)
		}
		claim, idle, last = a, time.Duration(ms)*time.Millisecond, a.Sent
	}
	if claim == nil {
		return unclaimed(s, ack, stream), true
	}
	left := handed + idle - ack.Sent
	d := left + min(every, idle) + slack
	if left <= 0 || d > s.maxDelay {
		return nearmiss.Candidate{}, false
	}
	key := effects.Resource{Kind: effects.Key, Name: stream}
	first, then := s.say.name(ack, key), s.say.name(claim, key)
	return nearmiss.Candidate{
		Class: harness.OrderCommands, Also: []harness.Class{harness.RaceCheckThenAct, harness.RaceLostUpdate, harness.OrderMessages}, Shape: "redelivery",
		Title:  fmt.Sprintf("%s came %s before %s takes its entry over", first, ms(left), then),
		Broken: fmt.Sprintf("%s took over an entry before %s acknowledged it", then, first),
		Why: fmt.Sprintf("An entry that is pending for %s goes to whoever sends %s, and %s acknowledged it %s before that. Later, the entry is handled twice. "+
			"Handle each entry so that a second time does no harm, or claim only after much longer than handling takes.", ms(idle), claim.Verb, first, ms(left)),
		First: ack.frame.Point, Then: claim.frame.Point, Gap: left,
		Provoke: s.replay(harness.DelayFrame(ack.frame.Point, d)), Counter: s.replay(),
		Margin: predictedMargin(s.t.Test, ack, "within "+ms(idle), left), Likelihood: 0.75,
	}, true
}

// unclaimed makes an acknowledgement late where no passing run has a claim: one that
// is done from time to time shows only when an entry stays pending.
func unclaimed(s *scene, ack *act, stream string) nearmiss.Candidate {
	first := s.say.name(ack, effects.Resource{Kind: effects.Key, Name: stream})
	return nearmiss.Candidate{
		Class: harness.OrderCommands, Also: []harness.Class{harness.RaceCheckThenAct, harness.RaceLostUpdate, harness.OrderMessages}, Shape: "redelivery",
		Title:  first + " acknowledges an entry that another consumer may take over",
		Broken: first + " came after its entry had been pending for long, and was handled twice or missed",
		Why: "An entry that stays pending is taken over by whoever claims those that are idle for long enough, and handled twice. " +
			"Handle each entry so that a second time does no harm, or claim only after much longer than handling takes.",
		First: ack.frame.Point, Then: ack.Point.Reply(), Gap: s.maxDelay,
		Provoke: s.replay(harness.DelayFrame(ack.frame.Point, s.maxDelay)), Counter: s.replay(), Likelihood: 0.4,
	}
}

// consumer gives stream and group of a command of a consumer group.
func consumer(verb string, words []string) (stream, group string) {
	switch {
	case len(words) < 4:
	case verb == "XACK", (verb == "XAUTOCLAIM" || verb == "XCLAIM") && len(words) > 5:
		return words[1], words[2]
	case verb == "XREADGROUP" && strings.EqualFold(words[1], "GROUP"):
		for i, w := range words {
			if strings.EqualFold(w, "STREAMS") && i+1 < len(words) {
				return words[i+1], words[2]
			}
		}
	}
	return "", ""
}
