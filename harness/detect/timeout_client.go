package detect

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// slow is from when on an answer may have hit a deadline of a client.
const slow = 500 * time.Millisecond

// Deadline is a command whose client ended its connection since no answer came,
// or whose answer took so long that a deadline may have passed.
type Deadline struct {
	Command *Command
	Waited  time.Duration // until the client gave up, or the answer came: what the deadline is, or is below
	Ours    time.Duration // of that we kept the request or its reply
	GaveUp  bool          // the client ended the connection: its deadline is what Waited says
	WentOn  bool          // the test sent nothing, and then something else, before the answer had come
}

// DeadlineOf finds the deadline that a client hit in a trace; false if none did.
// The margin of such a flake is Waited less what the answer takes by itself.
func DeadlineOf(t *Trace) (Deadline, bool) {
	for _, ev := range t.Closes {
		if c := t.gaveUp(ev); c != nil && ev.In-c.Arrived >= giveUp && ClosedBy(t, ev) == ByClient {
			return Deadline{Command: c, Waited: ev.In - c.Arrived, Ours: min(max(c.Kept, t.keptReply(c)), ev.In-c.Arrived), GaveUp: true}, true
		}
	}
	if d, ok := wentOn(t); ok {
		return d, true
	}
	var worst Deadline
	for _, c := range t.Commands {
		end := c.Replied
		if !c.Answered() {
			end = t.End
		}
		if w := end - c.Arrived; w >= slow && w > worst.Waited && !blocks(c) && !isSubscribe(c) {
			worst = Deadline{Command: c, Waited: w, Ours: min(c.Kept+t.keptReply(c), w)}
		}
	}
	return worst, worst.Command != nil
}

// wentOn finds a command whose answer we kept from the client while the test sent
// nothing, until the same connection went on without: its client stopped waiting,
// and the connection stayed. What another connection sends next may be of another
// caller.
func wentOn(t *Trace) (Deadline, bool) {
	list := byArrival(t.Commands)
	for i, c := range list {
		kept := max(c.Kept, t.keptReply(c))
		if kept < shortestWait || blocks(c) || isSubscribe(c) || i+1 == len(list) || list[i+1].Conn != c.Conn {
			continue
		}
		next := list[i+1]
		if waited := next.Arrived - c.Arrived; waited >= shortestWait/2 && next.Arrived < answeredAt(t, c) {
			return Deadline{Command: c, Waited: waited, Ours: min(kept, waited), WentOn: true}, true
		}
	}
	return Deadline{}, false
}

// timeoutClient finds a deadline of the client that passed while a command waited
// for its answer, and a test's wait that ended before its message came. Who made
// the answer late, Redis, the network or a delay of ours, is told and changes
// nothing: a deadline that a slow network breaks is a flake.
func timeoutClient(t *Trace) []Match {
	out := append(waitedTooShort(t), gaveUpBlocking(t)...)
	d, ok := DeadlineOf(t)
	if !ok {
		return out
	}
	score := 0.35
	if t.Outcome.Failure != nil && t.Outcome.Failure.Kind == harness.TimeoutFailure {
		score += 0.2
	}
	if t.says("i/o timeout", "deadline exceeded", "etimedout", "timed out", "timeout") {
		score += 0.1
	}
	what := fmt.Sprintf("was answered after %s", ms(d.Waited))
	switch {
	case d.WentOn:
		what = fmt.Sprintf("had no answer when the test went on after %s", ms(d.Waited))
		if raised := t.Outcome.Failure != nil && t.Outcome.Failure.Kind == harness.ErrorFailure; raised || score > 0.4 {
			score = 0.8 // no assertion failed, or the failure tells of a time that passed
		}
	case d.GaveUp:
		what = fmt.Sprintf("had no answer when its client gave up after %s", ms(d.Waited))
		if again(t, d.Command) != nil {
			what += ", and was sent again"
			score = 0.85
		} else if !unsent(t, d.Command) {
			score = 0.85
		} else if score += 0.1; score > 0.5 { // else the test may have ended for another reason
			score = 0.85
		}
	case !d.Command.Answered():
		what = fmt.Sprintf("had no answer after %s", ms(d.Waited))
		score += 0.2
	}
	c := d.Command
	return append(out, Match{
		Title:       fmt.Sprintf("%s %s %s, and a deadline of the client passed", c.Verb, c.Point.Key, what),
		Explanation: fmt.Sprintf("%s was sent at %s and %s. %s", c.Verb, at3(t, c.Arrived), what, whose(d.Ours, d.Waited)),
		Events:      seqs(c.Seq, c.Reply), First: c.Point.Reply(), Then: c.Point, Score: score,
	})
}

// gaveUpBlocking finds commands that waited in Redis for as long as they were told,
// got nothing, and what they waited for came later.
func gaveUpBlocking(t *Trace) []Match {
	for _, c := range t.Commands {
		wait, limited := effects.Timeout(c.Words)
		if !c.Blocks || !limited || wait <= 0 || !c.Answered() || c.IsError || len(c.Result) > 1 || len(c.Result) == 1 && c.Result[0] != "(nil)" || c.Done-c.Sent < wait-closeCall {
			continue
		}
		from, _ := slices.BinarySearchFunc(t.Commands, c.Arrived, func(w *Command, at time.Duration) int { return cmp.Compare(w.Sent, at) })
		for _, w := range t.Commands[from:min(len(t.Commands), from+4*lookBack)] {
			if w.Conn == c.Conn || w.Sent < c.Done && w.Ending != harness.Dropped || w.Arrived < c.Arrived && w.Kept == 0 || !feeds(w, c) {
				continue
			}
			how := fmt.Sprintf("%s after it", ms(w.Sent-c.Done))
			if w.Ending == harness.Dropped {
				how = "later than the test lasted"
			}
			return []Match{{
				Title: fmt.Sprintf("%s %s gave up after %s, and %s %s came %s", c.Verb, c.Point.Key, ms(wait), t.nameOf(w), w.Point.Key, how),
				Explanation: fmt.Sprintf("%s waits for %s at most. %s came %s. %s", c.Verb, ms(wait), t.nameOf(w), how,
					whose(w.Kept, w.Sent-w.Arrived)),
				Events: seqs(c.Seq, c.Reply, w.Seq), First: w.Point, Then: c.Point.Reply(), Score: 0.8,
			}}
		}
	}
	return nil
}

// feeds reports whether w writes what c waited for.
func feeds(w, c *Command) bool {
	if w.Effects.Blocking {
		return false
	}
	on, ok := effects.Conflicts(w.Effects, c.Effects)
	return ok && on.On.Kind == effects.Key && len(w.Effects.Writes) > 0 && !deletes(w) && !tidies(w)
}

// whose says by whose doing an answer or a message was late.
func whose(ours, waited time.Duration) string {
	if ours <= 0 {
		return "Redis, the network or the machine was slow; nothing of it was our doing. Give the deadline room, or send the command again."
	}
	return fmt.Sprintf("%s of the %s was our own delay: a network or a server that is as slow does the same. Give the deadline room, or send the command again.", ms(ours), ms(waited))
}

// waitedTooShort: messages came, or were handled, so late that the test may have
// ended its wait before; it is likelier when its failure tells how many it missed.
func waitedTooShort(t *Trace) []Match {
	x, late := t.latestMessage()
	if !late {
		return nil
	}
	want, got, counted := shortfall(t)
	if counted && got >= want {
		return nil
	}
	score, saw := 0.25, ""
	if x.ours > 0 || x.delivery.Went >= Horizon(t) {
		score += 0.15
	}
	if counted {
		score += 0.25
		saw = fmt.Sprintf("The test saw %d of %d: ", got, want)
	}
	waited := "The test does not say how long it waited."
	if x.said {
		score += 0.1
		waited = fmt.Sprintf("The test waited %s.", ms(x.wait))
	}
	m := Match{
		Title: x.what(),
		Explanation: fmt.Sprintf("%s%s. %s %s Nothing was lost, and no order was broken. Poll until it is there, with a limit that a slow machine keeps.",
			saw, x.what(), waited, whose(x.ours, x.took)),
		Events: seqs(x.delivery.Publish.Seq, x.delivery.Event.Seq),
		First:  x.delivery.Event.Point, Then: x.delivery.Publish.Point.Reply(), Score: score,
	}
	if x.command != nil {
		m.Events = seqs(append(m.Events, x.command.Seq, x.command.Reply)...)
		m.First = x.command.Point
	}
	return []Match{m}
}

// keptReply is how long the reply of c was kept on purpose.
func (t *Trace) keptReply(c *Command) time.Duration {
	if ev := replyTo(t, c); ev != nil && ev.Action != harness.Pass {
		if unsent(t, c) {
			return max(t.End-ev.In, 0)
		}
		return max(ev.Out-ev.In, 0)
	}
	return 0
}

// again is the same command, sent by another connection after the client had given
// up the first.
func again(t *Trace, c *Command) *Command {
	for _, o := range t.Commands {
		if o.Conn != c.Conn && o.Arrived-c.Arrived >= giveUp && slices.Equal(o.Words, c.Words) && o.Arrived < answeredAt(t, c) {
			return o
		}
	}
	return nil
}

// blocks reports whether a command waits for something to come.
func blocks(c *Command) bool { return c.Blocks || c.Verb == "MONITOR" }
