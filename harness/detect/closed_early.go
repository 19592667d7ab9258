package detect

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// ClosedEarly finds a connection that its client closed before a command on it was
// answered, where the runs that passed closed it after that, and went on. What a
// teardown closes is no cause.
func ClosedEarly(failed *Trace, passing []*Trace) (Match, bool) {
	for _, ev := range failed.Closes {
		if ClosedBy(failed, ev) != ByClient {
			continue
		}
		for _, c := range pendingAt(failed, ev) {
			if c.Blocks || tidies(c) || !allThatHave(passing, c.Point, closedAfterwards) {
				continue
			}
			return Match{
				Class: harness.ConnectionLost,
				Title: fmt.Sprintf("the client closed its connection before %s %s was answered", failed.nameOf(c), c.Point.Key),
				Explanation: fmt.Sprintf("%s was sent at %s, and its client closed the connection at %s without waiting for the answer. In the runs that passed the answer came first. "+
					"Await what is under way before closing, or close with QUIT.", failed.nameOf(c), at3(failed, c.Arrived), at3(failed, ev.In)),
				Events: seqs(c.Seq, c.Reply, ev.Seq), First: c.Point, Score: 0.7,
			}, true
		}
	}
	return Match{}, false
}

// allThatHave reports whether something holds of a command in all runs that have it;
// one has it at least.
func allThatHave(runs []*Trace, p harness.Point, holds func(*Trace, *Command) bool) bool {
	seen := false
	for _, t := range runs {
		if c := t.Find(p); c != nil {
			if !holds(t, c) {
				return false
			}
			seen = true
		}
	}
	return seen
}

// closedAfterwards reports whether a command was answered, its connection closed by
// its client after that, and something read by another connection still later.
func closedAfterwards(t *Trace, c *Command) bool {
	return c.Answered() && slices.ContainsFunc(t.Closes, func(ev *harness.Event) bool {
		return ev.Conn == c.Conn && ev.In >= answeredAt(t, c) && ClosedBy(t, ev) == ByClient && slices.ContainsFunc(t.Commands, func(o *Command) bool {
			return o.Arrived > ev.In && o.Conn != ev.Conn && o.Reads && !tidies(o) && !deletes(o) && o.Point.Role != "hs"
		})
	})
}

// GaveUpWaiting finds a blocking command that got what it waited for in all runs that
// passed, and whose client ended the connection before, in a failure of a time that
// passed. Where the failure tells of a pool, that is what was waited for.
func GaveUpWaiting(failed *Trace, passing []*Trace) (Match, bool) {
	if failed.Outcome.Failure == nil || failed.Outcome.Failure.Kind != harness.TimeoutFailure || failed.says(poolErrors...) {
		return Match{}, false
	}
	for _, ev := range failed.Closes {
		if ClosedBy(failed, ev) != ByClient {
			continue
		}
		for _, c := range pendingAt(failed, ev) {
			if !c.Blocks || ev.In-c.Arrived < shortestWait || !allThatHave(passing, c.Point, gotIt) {
				continue
			}
			waited := ev.In - c.Arrived
			return Match{
				Class: harness.TimeoutClient,
				Title: fmt.Sprintf("%s %s still waited when its client gave up after %s", failed.nameOf(c), c.Point.Key, ms(waited)),
				Explanation: fmt.Sprintf("%s was sent at %s, and its client ended the wait after %s. In the runs that passed it had got what it waited for. Give the wait more time than a slow network takes.",
					failed.nameOf(c), at3(failed, c.Arrived), ms(waited)),
				Events: seqs(c.Seq, ev.Seq), First: c.Point.Reply(), Then: c.Point, Score: 0.6,
			}, true
		}
	}
	return Match{}, false
}

// gotIt reports whether a blocking command got something.
func gotIt(_ *Trace, c *Command) bool { return c.Answered() && !c.IsError && len(c.Result) > 1 }
