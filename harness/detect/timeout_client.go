package detect

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// slow is from when on an answer may have hit a deadline of a client.
const slow = 500 * time.Millisecond

func timeoutClient() Detector {
	return Detector{
		Class: harness.TimeoutClient,
		Doc:   "a client-side deadline was hit while a command waited for its answer, or a test's wait ended before its message came",
		Find: func(t *Trace) []Match {
			out := waitedTooShort(t)
			said := t.says("i/o timeout", "deadline exceeded", "etimedout", "command timed out", "connection timeout", "socket timeout", "read timeout")
			if !said && (t.Outcome.Failure == nil || t.Outcome.Failure.Kind != harness.TimeoutFailure) {
				return out
			}
			var worst *Command
			var waited time.Duration
			for _, c := range t.Commands {
				end := c.Replied
				if !c.Answered() {
					end = t.End
				}
				if w := end - c.Arrived; w >= slow && w > waited && !blocks(c) && !isSubscribe(c) {
					worst, waited = c, w
				}
			}
			m := Match{
				Title:       "a deadline of the client passed",
				Explanation: "The failure says that a deadline passed, but every command was answered quickly: the time went elsewhere than to Redis.",
				Score:       0.3,
			}
			if worst != nil {
				what := fmt.Sprintf("was answered after %s", ms(waited))
				if !worst.Answered() {
					what = fmt.Sprintf("had no answer after %s", ms(waited))
				}
				whose := "Redis or the network was slow; nothing of it was our doing."
				if worst.Kept > 0 || t.keptReply(worst) > 0 {
					whose = fmt.Sprintf("%s of that was our own delay: it shows that there is a deadline, not a flake.", ms(worst.Kept+t.keptReply(worst)))
				}
				m = Match{
					Title:       fmt.Sprintf("%s %s %s, and a deadline of the client passed", worst.Verb, worst.Point.Key, what),
					Explanation: fmt.Sprintf("%s was sent at %s and %s. %s", worst.Verb, at3(t, worst.Arrived), what, whose),
					Events:      seqs(worst.Seq, worst.Reply), First: worst.Point.Reply(), Then: worst.Point, Score: 0.92,
				}
			}
			return append(out, m)
		},
	}
}

// waitedTooShort: the test missed messages that did come, when its wait was over.
func waitedTooShort(t *Trace) []Match {
	want, got, counted := shortfall(t)
	x, late := t.late()
	if !counted || got >= want || !late {
		return nil
	}
	score := pick(x.said, 0.75, 0.45)
	whose := "Redis, the network or the machine was slow; nothing of it was our doing."
	if x.ours > 0 {
		whose = fmt.Sprintf("We kept it for %s of that: it shows how long the test waits, not a flake.", ms(x.ours))
	}
	waited := "The test does not say how long it waited."
	if x.said {
		waited = fmt.Sprintf("The test waited %s.", ms(x.wait))
	}
	m := Match{
		Title: x.what(),
		Explanation: fmt.Sprintf("The test saw %d of %d: %s. %s %s Nothing was lost, and no order was broken. Poll until it is there, with a limit that a slow machine keeps.",
			got, want, x.what(), waited, whose),
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
	for i := range t.Events {
		if ev := &t.Events[i]; ev.Seq == c.Reply && ev.Action != harness.Pass {
			return max(ev.Out-ev.In, 0)
		}
	}
	return 0
}

func blocks(c *Command) bool {
	switch c.Verb {
	case "BLPOP", "BRPOP", "BLMOVE", "BRPOPLPUSH", "BZPOPMIN", "BZPOPMAX", "BLMPOP", "BZMPOP", "WAIT", "WAITAOF", "MONITOR":
		return true
	}
	return (c.Verb == "XREAD" || c.Verb == "XREADGROUP") && c.has("BLOCK")
}
