package detect

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
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

	onKey     map[string][]*Command // that went to Redis, in order
	onChannel map[string][]*Command // PUBLISHes that went to Redis, in order
	of        map[*Command][]*Delivery
	keys      []string
	scripts   *effects.Knowledge // what the trace's scripts call themselves; nil: it has none
}

// lookBack is how many commands before one are compared with it at most, so
// that what a trace costs grows with its length and not with the square of it:
// what is further back did not race with it.
const lookBack = 64

// NewTrace parses the events of one test. The events must be in order of Seq
// and have their Args.
func NewTrace(events []harness.Event, outcome harness.Outcome) *Trace {
	t := traceBuilder{&Trace{Test: outcome.Test.Name, Outcome: outcome, Events: events}}
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
	t.moments()
	sorted(t.Commands, func(c *Command) time.Duration { return c.Sent })
	retries(t.Commands)
	t.scripts = scriptsOf(t.Commands)
	sorted(t.Deliveries, func(d *Delivery) time.Duration { return d.Went })
	t.index()
	t.pending()
	t.endSubscriptions()
	t.attribute()
	return t.Trace
}

// traceBuilder is a trace that is being made: its methods are the only ones that
// change one.
type traceBuilder struct{ *Trace }

func sorted[T any](list []T, by func(T) time.Duration) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(by(a), by(b)) })
}

// transactions moves queued commands to when their EXEC went to Redis.
func (t traceBuilder) transactions() {
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
				q.Exec = c
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

// WithLifetimes gives the trace with the times to live that scripts are known to
// give, where their arguments make one guess another: t itself if none differs.
func (t *Trace) WithLifetimes(known func(words []string) (effects.TTL, bool)) *Trace {
	out := t
	for i, c := range t.Commands {
		if !c.Script() || c.IsError {
			continue
		}
		l, ok := known(c.Words)
		if !ok || c.Expires == (l.Change == effects.Sets) && c.TTL == l.After && !c.Guessed {
			continue
		}
		if out == t {
			out = NewTrace(t.Events, t.Outcome)
		}
		now := out.Commands[i]
		now.Expires, now.TTL, now.Guessed, now.Renews = l.Change == effects.Sets, l.After, false, l.Renews
	}
	return out
}

// moments reckons the time to live of what was given a moment of expiry, from
// when the test began by the machine's clock. That is a guess: the server's may
// differ.
func (t traceBuilder) moments() {
	for _, c := range t.Commands {
		if !c.Expires || c.Expiry.IsZero() {
			continue
		}
		c.Guessed = true
		if now, ok := t.Wall(c.Sent); ok {
			c.TTL = c.Expiry.Sub(now)
		}
		if c.TTL <= 0 || c.TTL > 366*24*time.Hour { // no time to live that the history can tell
			c.Expires, c.TTL = false, 0
		}
	}
}

// Wall is what the machine's clock showed at a time of the trial. It reports
// false where nobody noted when the test began.
func (t *Trace) Wall(at time.Duration) (time.Time, bool) {
	if t.Outcome.Start.IsZero() || t.Outcome.Start.Unix() < 1e9 {
		return time.Time{}, false
	}
	return t.Outcome.Start.Add(at - t.Begin), true
}

// index groups the commands.
func (t traceBuilder) index() {
	t.onKey, t.onChannel, t.of = map[string][]*Command{}, map[string][]*Command{}, map[*Command][]*Delivery{}
	for _, c := range t.Commands {
		for _, k := range c.Keys {
			if _, ok := t.onKey[k]; !ok {
				t.keys = append(t.keys, k)
				t.onKey[k] = nil
			}
			if c.Ending != harness.Dropped {
				t.onKey[k] = append(t.onKey[k], c)
			}
		}
		if publishes(c) && c.Ending != harness.Dropped {
			t.onChannel[c.Args[0]] = append(t.onChannel[c.Args[0]], c)
		}
	}
}

// On lists the commands on a key that went to Redis, in order.
func (t *Trace) On(key string) []*Command { return t.onKey[key] }

// Keys lists every key that was touched, in order of the first time.
func (t *Trace) Keys() []string { return t.keys }

// OnFrom lists the commands on a key that went to Redis from a time on.
func (t *Trace) OnFrom(key string, at time.Duration) []*Command {
	on := t.onKey[key]
	i, _ := slices.BinarySearchFunc(on, at, func(c *Command, at time.Duration) int { return cmp.Compare(c.Sent, at) })
	return on[i:]
}

// Publishes lists the PUBLISH commands to a channel that went to Redis, in order.
func (t *Trace) Publishes(channel string) []*Command { return t.onChannel[channel] }

// Channels lists the channels that were published to, in order of name.
func (t *Trace) Channels() []string { return slices.Sorted(maps.Keys(t.onChannel)) }

// DeliveriesFrom lists what went to clients from a time on.
func (t *Trace) DeliveriesFrom(at time.Duration) []*Delivery { return from(t.Deliveries, at) }

// DeliveriesOf lists where a PUBLISH was delivered.
func (t *Trace) DeliveriesOf(p *Command) []*Delivery { return t.of[p] }

// Find returns the command of a point, or nil.
func (t *Trace) Find(p harness.Point) *Command {
	for _, c := range t.Commands {
		if c.Point == p {
			return c
		}
	}
	return nil
}
