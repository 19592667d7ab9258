package detect

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Horizon is when the failure shows on the wire, at the latest: what comes from
// then on is a consequence or the test's own tidying up, and no cause. It is when
// the first command of the teardown came, or its clients began to close their
// connections after the last command that did something else; the end of the
// trace where neither is to be seen.
//
// A teardown is a run of commands at the end, of connections whatever, that only
// remove: two or more, or one that is never anything else. A single DEL of one
// key may be a step of the test, such as the release of a lock.
func Horizon(t *Trace) time.Duration {
	var last time.Duration // when the last working command came, or was answered
	var tail []*Command
	for _, c := range byArrival(t.Commands) {
		switch {
		case idle(c):
		case removes(c):
			tail = append(tail, c)
		default:
			tail, last = nil, c.Arrived
		}
	}
	end := t.End
	if len(tail) > 1 || len(tail) == 1 && tidies(tail[0]) {
		end = min(end, tail[0].Arrived)
	} else if len(tail) == 1 {
		last = tail[0].Arrived
	}
	for _, ev := range t.Closes {
		if ev.In > last && ClosedBy(t, ev) == ByClient && t.gaveUp(ev) == nil {
			end = min(end, ev.In)
			break
		}
	}
	return end
}

// removes reports whether a command only takes away, as tidying up does.
func removes(c *Command) bool {
	switch c.Verb {
	case "DEL", "UNLINK", "XGROUP|DELCONSUMER":
		return true
	}
	return tidies(c)
}

// tidies reports whether a command is hardly ever sent but to tidy up.
func tidies(c *Command) bool {
	switch c.Verb {
	case "FLUSHALL", "FLUSHDB", "QUIT", "RESET", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "XGROUP|DESTROY",
		"SCRIPT|FLUSH", "FUNCTION|FLUSH", "FUNCTION|DELETE", "ACL|DELUSER", "SHUTDOWN":
		return true
	case "DEL", "UNLINK":
		return len(c.Keys) > 1
	}
	return false
}

// idle reports whether a command says nothing of what the test is about: clients
// send it by themselves, or it waits.
func idle(c *Command) bool {
	switch c.Verb {
	case "PING", "HELLO", "AUTH", "INFO", "CLIENT|SETNAME", "CLIENT|SETINFO", "CLIENT|ID", "SELECT", "COMMAND", "SCAN", "KEYS":
		return true
	}
	return blocks(c)
}

// horizon is Horizon, reckoned when it is first needed.
type horizon struct {
	t     *Trace
	known bool
	at    time.Duration
	late  map[uint64]bool // frames that came from then on
}

// before reports whether all frames of a match that somebody sent came before the
// failure showed. Replies belong to their requests.
func (h *horizon) before(events []uint64) bool {
	if !h.known {
		h.known, h.at, h.late = true, Horizon(h.t), map[uint64]bool{}
		for i := range h.t.Events {
			if ev := &h.t.Events[i]; ev.In >= h.at && ev.Kind != harness.Reply && h.at < h.t.End {
				h.late[ev.Seq] = true
			}
		}
	}
	for _, s := range events {
		if h.late[s] {
			return false
		}
	}
	return true
}
