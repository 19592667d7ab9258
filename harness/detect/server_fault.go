package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Standstill is how long Redis, or this machine, must have stood still for what
// failed meanwhile to be their doing: no test is written for a pause of this length.
const Standstill = time.Second

// ServerFault says what in the history of a failing test is the doing of Redis, or of
// somebody else who uses it: an error reply about the server's condition, no answer
// for Standstill, a connection that Redis ended. "": nothing is. What the suite
// itself may have brought about is not; all is what was on the wire of the whole trial.
func ServerFault(t *Trace, all []harness.Event) string {
	sent := map[string]bool{}
	for i := range all {
		if all[i].Kind == harness.Request {
			sent[strings.ToUpper(all[i].Point.Verb)] = true
		}
	}
	for _, c := range t.Commands {
		if c.IsError && len(c.Result) > 0 {
			if code := Code(c.Result[0]); harness.ServerCondition(code) && !sentAny(sent, conditionVerbs(code)) {
				return fmt.Sprintf("%s was answered by %q", c.Verb, brief(c.Result[0]))
			}
		}
	}
	for i := range t.Events { // an error that answers no command: the connection was refused
		if ev := &t.Events[i]; ev.Kind == harness.Reply && ev.IsError && ev.ReplyTo == 0 && len(ev.Args) > 0 {
			if code := Code(ev.Args[0]); harness.ServerCondition(code) && !sentAny(sent, conditionVerbs(code)) {
				return fmt.Sprintf("a connection was answered by %q", brief(ev.Args[0]))
			}
		}
	}
	if c, long := stoodStill(t, sent); c != nil {
		return fmt.Sprintf("Redis did not answer %s for %s", c.Verb, long.Round(10*time.Millisecond))
	}
	for _, ev := range t.Closes {
		if string(ev.Raw) == harness.ClosedByRedis && endedByNobody(t, ev, sent) {
			return "Redis ended a connection, and nothing that the suite sent says why"
		}
	}
	return ""
}

// conditions are the verbs by which a suite may bring a server's condition about, by
// error code, beside those that change any of them.
var conditions = map[string][]string{
	"LOADING":     {"DEBUG", "REPLICAOF", "SLAVEOF"},
	"MISCONF":     {"BGSAVE", "DEBUG"},
	"MASTERDOWN":  {"REPLICAOF", "SLAVEOF"},
	"READONLY":    {"REPLICAOF", "SLAVEOF", "FAILOVER"},
	"CLUSTERDOWN": {"CLUSTER"},
	"TRYAGAIN":    {"CLUSTER"},
	"BUSY":        {"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO"},
	"NOAUTH":      {"ACL", "AUTH", "HELLO", "RESET"},
}

func conditionVerbs(code string) []string { return append([]string{"CONFIG"}, conditions[code]...) }

// sentAny reports whether one of the commands was sent, a container by any of its
// subcommands.
func sentAny(sent map[string]bool, commands []string) bool {
	for verb := range sent {
		name, sub, _ := strings.Cut(verb, "|")
		if slices.Contains(commands, name) && !(name == "CONFIG" && sub == "GET") {
			return true
		}
	}
	return false
}

// busyVerbs are commands during which Redis may answer nobody for long.
var busyVerbs = []string{
	"EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO", "KEYS", "SORT", "SAVE", "FLUSHALL", "FLUSHDB", "SINTER", "SUNION", "MIGRATE",
}

// stoodStill finds a command that Redis should have answered at once and did not for
// Standstill.
func stoodStill(t *Trace, sent map[string]bool) (*Command, time.Duration) {
	if sentAny(sent, []string{"DEBUG", "SHUTDOWN", "SYNC", "PSYNC"}) || sent["CLIENT|PAUSE"] || sent["CLIENT|REPLY"] {
		return nil, 0
	}
	for _, c := range t.Commands {
		if c.Ending == harness.Dropped || c.Sent == 0 || blocks(c) || isSubscribe(c) || c.Exec != nil || c.Verb == "QUIT" || c.Verb == "RESET" {
			continue
		}
		end := c.Done
		if !c.Answered() {
			end = t.End
			for _, ev := range t.Closes {
				if ev.Conn == c.Conn && ev.In >= c.Sent {
					end = min(end, ev.In)
				}
			}
		}
		if long := end - c.Sent; long >= Standstill && !waitsForAnother(t, c, end) {
			return c, long
		}
	}
	return nil, 0
}

// waitsForAnother reports whether a command that was not answered until then had to
// wait for another one: in its connection, where replies come in order, or anywhere
// for one that keeps Redis busy.
func waitsForAnother(t *Trace, c *Command, until time.Duration) bool {
	return slices.ContainsFunc(t.Commands, func(o *Command) bool {
		if o.Sent > c.Sent || o.Answered() && o.Done < until-Standstill/2 || o.Ending == harness.Dropped {
			return false
		}
		return slices.Contains(busyVerbs, o.Verb) || o != c && o.Conn == c.Conn && (blocks(o) || o.Sent < c.Sent && !o.Answered())
	})
}

// endedByNobody reports whether Redis ended a connection for no reason that the
// suite gave it.
func endedByNobody(t *Trace, ev *harness.Event, sent map[string]bool) bool {
	if sentAny(sent, []string{"CONFIG", "ACL", "SHUTDOWN", "DEBUG", "FAILOVER", "REPLICAOF", "SLAVEOF"}) || sent["CLIENT|KILL"] {
		return false
	}
	const much = 256 << 10 // a client that reads too slowly is ended for what it left unread
	size := 0
	for i := range t.Events {
		o := &t.Events[i]
		if o.Action == harness.Disconnect {
			return false // a decision ended one, perhaps that of the other side
		}
		if o.Conn != ev.Conn || o.In > ev.In {
			continue
		}
		protocol := o.Kind == harness.Reply && o.IsError && len(o.Args) > 0 && strings.HasPrefix(o.Args[0], "ERR Protocol error")
		if o.Kind == harness.Request && o.Point.Verb == "QUIT" || protocol {
			return false
		}
		if o.Kind != harness.Request {
			size += o.Size
		}
	}
	return size < much
}
