package detect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Trace is the history of one test in one trial, parsed. It is never changed
// once it is made. Times count from the start of the trial.
type Trace struct {
	Test          string
	Outcome       harness.Outcome
	Events        []harness.Event
	Commands      []*Command      // in the order in which they went to Redis
	Subscriptions []*Subscription // in the order of their requests
	Deliveries    []*Delivery     // in the order in which they went to the client
	Closes        []*harness.Event
	Begin, End    time.Duration
}

// NewTrace parses the events of one test. The events must be in order of Seq
// and have their Args.
func NewTrace(events []harness.Event, outcome harness.Outcome) *Trace {
	t := &Trace{Test: outcome.Test.Name, Outcome: outcome, Events: events}
	requests := map[uint64]*Command{}
	for i := range events {
		ev := &events[i]
		t.End = max(t.End, ev.In, ev.Out)
		switch ev.Kind {
		case harness.Begin:
			t.Begin = ev.In
		case harness.Request:
			c := newCommand(ev)
			requests[ev.Seq] = c
			t.Commands = append(t.Commands, c)
		case harness.Reply:
			c := requests[ev.ReplyTo]
			if c == nil {
				continue
			}
			if strings.HasSuffix(c.Verb, "SUBSCRIBE") && !ev.IsError {
				t.confirm(c, ev)
			}
			c.answer(ev)
		case harness.Push:
			t.deliver(ev)
		case harness.Close:
			t.Closes = append(t.Closes, ev)
		}
	}
	t.transactions()
	sorted(t.Commands, func(c *Command) time.Duration { return c.Sent })
	sorted(t.Deliveries, func(d *Delivery) time.Duration { return d.Went })
	t.pending()
	t.endSubscriptions()
	t.attribute()
	return t
}

func sorted[T any](list []T, by func(T) time.Duration) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(by(a), by(b)) })
}

// transactions moves queued commands to when their EXEC went to Redis.
func (t *Trace) transactions() {
	queued := map[uint32][]*Command{}
	inMulti := map[uint64]bool{}
	for i := range t.Events {
		if t.Events[i].InMulti {
			inMulti[t.Events[i].Seq] = true
		}
	}
	for _, c := range t.Commands {
		switch {
		case c.Verb == "EXEC":
			for _, q := range queued[c.Conn] {
				q.Sent, q.Done, q.Replied, q.Result = c.Sent, c.Done, c.Replied, nil
				q.Writes = q.Writes && !c.IsError && !(len(c.Result) == 1 && c.Result[0] == "(nil)")
			}
			queued[c.Conn] = nil
		case c.Verb == "DISCARD":
			queued[c.Conn] = nil
		case inMulti[c.Seq] && c.Verb != "MULTI":
			queued[c.Conn] = append(queued[c.Conn], c)
		}
	}
}

// On lists the commands on a key that went to Redis, in order.
func (t *Trace) On(key string) []*Command {
	var out []*Command
	for _, c := range t.Commands {
		if c.Touches(key) && c.Ending != harness.Dropped {
			out = append(out, c)
		}
	}
	return out
}

// Keys lists every key that was touched, in order of the first time.
func (t *Trace) Keys() []string {
	var out []string
	seen := map[string]bool{}
	for _, c := range t.Commands {
		for _, k := range c.Keys {
			if !seen[k] {
				seen[k] = true
				out = append(out, k)
			}
		}
	}
	return out
}

// Find returns the command of a point, or nil.
func (t *Trace) Find(p harness.Point) *Command {
	for _, c := range t.Commands {
		if c.Point == p {
			return c
		}
	}
	return nil
}
