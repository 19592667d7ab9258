package nearmiss

import (
	"fmt"
	"math"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// unorderedCommands turns round two neighbouring commands of two connections on
// one key, of which one writes.
func unorderedCommands(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, key := range t.Keys() {
		on := t.On(key)
		for i := 1; i < len(on); i++ {
			a, b := on[i-1], on[i]
			if a.Conn == b.Conn || !a.Writes && !b.Writes || commute(a, b) || !a.Answered() || !b.Answered() {
				continue
			}
			if c, ok := swap(t, a, b); ok {
				c.Class, c.Shape = harness.OrderCommands, "two connections"
				c.Also = []harness.Class{harness.RaceCheckThenAct, harness.RaceLostUpdate, harness.OrderMessages}
				c.Title = fmt.Sprintf("%s %s, and %s on another connection %s later", a.Verb, key, b.Verb, ms(c.Gap))
				c.Likelihood -= later(out)
				out = append(out, c)
			}
		}
	}
	return out
}

// commute reports whether the order of two commands makes no difference.
func commute(a, b *detect.Command) bool {
	counts := func(c *detect.Command) bool {
		switch c.Verb {
		case "INCR", "DECR", "INCRBY", "DECRBY", "SADD", "HINCRBY", "ZINCRBY":
			return true
		}
		return false
	}
	return counts(a) && counts(b)
}

// unorderedPublishers turns round two messages of two connections on one channel.
func unorderedPublishers(t *detect.Trace) []Candidate {
	var out []Candidate
	var last *detect.Command
	byChannel := map[string]*detect.Command{}
	for _, b := range t.Commands {
		if b.Verb != "PUBLISH" || len(b.Args) < 2 {
			continue
		}
		last, byChannel[b.Args[0]] = byChannel[b.Args[0]], b
		if last == nil || last.Conn == b.Conn {
			continue
		}
		if c, ok := swap(t, last, b); ok {
			c.Class, c.Shape = harness.OrderMessages, "two publishers"
			c.Title = fmt.Sprintf("two publishers to %s, %s apart", b.Args[0], ms(c.Gap))
			c.Likelihood -= later(out)
			out = append(out, c)
		}
	}
	return out
}

// swap holds a until b has been answered.
func swap(t *detect.Trace, a, b *detect.Command) (Candidate, bool) {
	gap := b.Arrived - a.Sent
	if gap > maxHoldGap || a.Point == b.Point {
		return Candidate{}, false
	}
	c := Candidate{
		First: a.Point, Then: b.Point, Gap: gap,
		Provoke:    replay(t, harness.HoldFrame(a.Point, b.Point.Reply(), gap)),
		Counter:    replay(t, harness.HoldFrame(b.Point, a.Point.Reply(), gap)),
		Likelihood: 0.1 + 0.25*math.Exp(-float64(gap)/float64(time.Second)),
		Due:        Arrival(b.Point),
	}
	if b.Arrived < a.Replied {
		c.Likelihood = 0.7 // in flight at the same time
	}
	return c, true
}
