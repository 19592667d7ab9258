package detect

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// poolErrors are what client libraries raise when no connection of their pool came
// free in time: go-redis, redigo, redis-py, Jedis, lettuce, connection_pool of Ruby
// and generic-pool of Node.
var poolErrors = []string{
	"connection pool timeout", "connection pool exhausted", "no connection available", "too many connections",
	"resource from the pool", "timeout waiting for idle object", "pool exhausted",
	"connectionpool::timeouterror", "resourcerequest timed out",
}

// PoolEmpty finds a command that the runs that passed send after another one, and
// that a failing run never sent while that one or its reply was kept: its caller
// waited for a connection of the pool, and raised the error that says so.
func PoolEmpty(failed *Trace, passing []*Trace) (Match, bool) {
	if !failed.says(poolErrors...) {
		return Match{}, false
	}
	for _, c := range failed.Commands {
		kept := max(c.Kept, failed.keptReply(c))
		if kept < shortestWait {
			continue
		}
		if o := neverSent(failed, c, passing); o != nil {
			return Match{
				Class: harness.ConnectionLost,
				Title: fmt.Sprintf("%s %s found no free connection while %s %s had one, and was never sent", failed.nameOf(o), o.Point.Key, failed.nameOf(c), c.Point.Key),
				Explanation: fmt.Sprintf("%s was sent at %s and answered at %s. Until then it had a connection of the pool. %s waited for one and gave up. "+
					"Give the pool a connection more than callers need at a time, or let them wait longer than a slow reply takes.",
					failed.nameOf(c), at3(failed, c.Arrived), at3(failed, answeredAt(failed, c)), failed.nameOf(o)),
				Events: seqs(c.Seq, c.Reply), First: c.Point.Reply(), Then: o.Point, Score: 0.7,
			}, true
		}
	}
	return Match{}, false
}

// neverSent is the first command that the runs that passed send after c, on a
// connection of the same pool, and that the failing run did not send; nil: none.
func neverSent(failed *Trace, c *Command, passing []*Trace) *Command {
	for _, t := range passing {
		was := t.Find(c.Point)
		if was == nil {
			continue
		}
		for _, o := range t.Commands {
			if o.Arrived > was.Arrived && o.Point.Role == c.Point.Role && failed.Find(o.Point) == nil {
				return o
			}
		}
	}
	return nil
}

// SameCaller reports whether the command of then followed the answer of first on its
// connection in a run, whatever their ordinals: one caller sends both, and waits for
// no other connection in between.
func SameCaller(t *Trace, first, then harness.Point) bool {
	for i, c := range t.Commands {
		if !c.Answered() || c.Point.Reply().Any() != first.Any() {
			continue
		}
		for _, o := range t.Commands[i+1:] {
			if o.Conn == c.Conn && o.Arrived >= answeredAt(t, c) {
				if o.Verb == then.Verb {
					return true
				}
				break
			}
		}
	}
	return false
}

// OtherKeys reports whether the commands of two points, or those of their EXECs, are
// all in the trace and have no key in common: names are compared whole, which points
// leave the changing parts of out.
func OtherKeys(t *Trace, a, b harness.Point) bool {
	x, y := keysAt(t, a), keysAt(t, b)
	return len(x) > 0 && len(y) > 0 && !slices.ContainsFunc(x, func(k string) bool { return slices.Contains(y, k) })
}

func keysAt(t *Trace, p harness.Point) []string {
	var out []string
	for _, c := range t.Commands {
		if c.Point == p || c.Exec != nil && c.Exec.Point == p {
			out = append(out, c.Keys...)
		}
	}
	return out
}
