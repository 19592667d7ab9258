package detect

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Side says who ended a connection.
type Side uint8

// Who can have ended it.
const (
	ByClient Side = iota // as clients do, also those whose test is over
	ByServer
	ByUs     // a decision of the hunt did
	OnTheWay // nobody that is seen here: it broke under a client that still used it
)

// String says it for a sentence.
func (s Side) String() string {
	return [...]string{"its client", "the server", "flakehunt", "something on the way"}[s]
}

// giveUp is how long a client waits for an answer at least before it ends the
// connection of its own will. One that is gone sooner was taken from it.
const giveUp = 100 * time.Millisecond

// ClosedBy tells who ended a connection. Of a client that closes while an answer
// is due, and has not waited for it, the connection was lost on the way.
func ClosedBy(t *Trace, ev *harness.Event) Side {
	for i := range t.Events {
		o := &t.Events[i]
		if o.In > ev.In {
			break
		}
		if o.Conn == ev.Conn && o.Action == harness.Disconnect {
			return ByUs
		}
	}
	switch by := string(ev.Raw); {
	case killed(t, ev) || by == harness.ClosedByRedis:
		return ByServer
	case by == harness.ClosedByClient:
		return ByClient
	}
	for _, c := range pendingAt(t, ev) {
		if ev.In-c.Arrived < giveUp && !blocks(c) {
			return OnTheWay
		}
	}
	return ByClient
}

// killed reports whether the server was told, or said, that it ends the connection.
func killed(t *Trace, ev *harness.Event) bool {
	const soon = 100 * time.Millisecond
	for _, c := range t.Commands {
		if c.Arrived > ev.In {
			continue
		}
		switch {
		case c.Conn != ev.Conn && ev.In-c.Sent < soon && (c.Verb == "CLIENT|KILL" || c.Verb == "SHUTDOWN" || c.Verb == "CLIENT" && c.has("KILL")):
			return true
		case c.Conn == ev.Conn && c.IsError && len(c.Result) > 0 && ev.In-c.Done < soon &&
			(strings.HasPrefix(c.Result[0], "ERR max number of clients") || strings.HasPrefix(c.Result[0], "ERR Protocol error")):
			return true
		}
	}
	return false
}

// pendingAt lists the commands that waited for their answer when a connection
// ended; a SUBSCRIBE waits for nothing that its client would miss.
func pendingAt(t *Trace, ev *harness.Event) []*Command {
	var out []*Command
	for _, c := range t.Commands {
		if c.Conn == ev.Conn && c.Arrived <= ev.In && (!c.Answered() || unsent(t, c)) && c.Verb != "QUIT" && c.Verb != "MONITOR" && !isSubscribe(c) {
			out = append(out, c)
		}
	}
	return out
}

// replyTo is the event of a command's reply; nil: it has none. Events are in order of
// their numbers.
func replyTo(t *Trace, c *Command) *harness.Event {
	i, ok := slices.BinarySearchFunc(t.Events, c.Reply, func(ev harness.Event, seq uint64) int { return cmp.Compare(ev.Seq, seq) })
	if !ok || !c.Answered() {
		return nil
	}
	return &t.Events[i]
}

// unsent reports whether a command's reply came from Redis and never went to the
// client, whose connection ended first.
func unsent(t *Trace, c *Command) bool {
	ev := replyTo(t, c)
	return ev != nil && ev.Out == 0
}

// answeredAt is when the reply of a command went to its client; the end of the trial
// if it never did.
func answeredAt(t *Trace, c *Command) time.Duration {
	if !c.Answered() || unsent(t, c) {
		return t.End
	}
	return c.Replied
}

// gaveUp is the command whose client ended the connection since no answer came;
// nil if it did not. A blocking command is ended by its own client as a matter of
// course.
func (t *Trace) gaveUp(ev *harness.Event) *Command {
	for _, c := range pendingAt(t, ev) {
		if !blocks(c) {
			return c
		}
	}
	return nil
}

// resubscribed reports whether the test subscribed anew to what it had on a
// connection that ended: then it did not mean to leave.
func resubscribed(t *Trace, s *Subscription, ev *harness.Event) bool {
	for _, o := range t.Subscriptions {
		if o.Conn != s.Conn && o.Channel == s.Channel && o.Pattern == s.Pattern && o.Sharded == s.Sharded && o.Sent > ev.In {
			return true
		}
	}
	return false
}
