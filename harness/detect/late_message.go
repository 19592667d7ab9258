package detect

import (
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

const (
	// shortestWait is how long a test that does not say waits for a message at
	// least. What came later than that may have come too late for it.
	shortestWait = 50 * time.Millisecond
	// closeCall is how near the end of a wait a message is too late for its
	// handler to have finished in time.
	closeCall = 5 * time.Millisecond
)

// lateMessage is a message that reached its handler, or whose handler was done, only
// when the test had given up waiting for it.
type lateMessage struct {
	delivery *Delivery
	command  *Command      // of the handler, that was late; nil: the message itself
	took     time.Duration // from the reply to the last PUBLISH, when the wait began
	wait     time.Duration // that the test had
	said     bool          // the failure names that time
	ours     time.Duration // how much of it we kept the frame
}

// latestMessage finds the message that came latest of those that a test which missed some
// could not have seen in time. A message that was late is not lost: neither its
// handler nor the order is to blame.
func (t *Trace) latestMessage() (lateMessage, bool) {
	wait, said := t.message().waited()
	if !said || wait > t.End-t.Begin {
		wait, said = shortestWait, false // it did not wait that long
	}
	began := map[string]time.Duration{} // by channel: when the wait began at the latest
	for _, ch := range t.Channels() {
		for _, p := range t.Publishes(ch) {
			began[ch] = max(began[ch], p.Arrived, p.Replied)
		}
	}
	handlers := map[*Delivery]*Command{} // the last command of its handlers
	for _, r := range Reactions(t) {
		c := r.Commands[len(r.Commands)-1]
		if old := handlers[r.Delivery]; old == nil || c.Replied > old.Replied || !c.Answered() {
			handlers[r.Delivery] = c
		}
	}
	var worst lateMessage
	found := false
	consider := func(x lateMessage) {
		if x.took >= x.wait-closeCall && (!found || x.took > worst.took) {
			worst, found = x, true
		}
	}
	for _, d := range t.Deliveries {
		if d.Publish == nil || t.cut(d) {
			continue
		}
		went := d.Went
		if d.lost() { // it was still kept when the test ended
			went = t.End
		}
		x := lateMessage{delivery: d, took: went - began[d.Channel], wait: wait, said: said}
		if d.Event.Action != harness.Pass {
			x.ours = went - d.Came
		}
		x.ours = max(x.ours, d.Publish.Kept)
		consider(x)
		if c := handlers[d]; c != nil {
			end := c.Replied
			if !c.Answered() {
				end = t.End
			}
			consider(lateMessage{delivery: d, command: c, took: end - began[d.Channel], wait: wait, said: said, ours: c.Kept + t.keptReply(c)})
		}
	}
	return worst, found
}

// what says it in words.
func (x lateMessage) what() string {
	if x.command != nil {
		return fmt.Sprintf("%s %s of a handler of %s was answered %s after the last message was published", x.command.Verb, x.command.Point.Key, x.delivery.Channel, ms(x.took))
	}
	return fmt.Sprintf("a message on %s was delivered %s after the last one was published", x.delivery.Channel, ms(x.took))
}

// lost reports whether the message never went to the client.
func (d *Delivery) lost() bool { return d.Event.Ending == harness.Dropped }

// cut reports whether that was since its connection ended during the test.
func (t *Trace) cut(d *Delivery) bool {
	return d.lost() && slices.ContainsFunc(t.Closes, func(ev *harness.Event) bool { return ev.Conn == d.Conn && ev.In >= d.Came })
}
