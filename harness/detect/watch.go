package detect

import (
	"fmt"
	"slices"
)

// broken finds transactions that EXEC refused since a key that they watched was
// written by another connection: the race was seen, and nobody tried again.
func broken(t *Trace) []Match {
	var out []Match
	watched := map[uint32][]*Command{} // by connection
	for _, c := range t.Commands {
		switch c.Verb {
		case "WATCH":
			if c.Answered() && !c.IsError {
				watched[c.Conn] = append(watched[c.Conn], c)
			}
		case "UNWATCH", "DISCARD":
			delete(watched, c.Conn)
		case "EXEC":
			list := watched[c.Conn]
			delete(watched, c.Conn)
			if len(list) > 0 && refusedOnce(c) && !retried(t, list, c) {
				out = append(out, refusedExec(t, list, c))
			}
		}
	}
	return out
}

// refusedOnce reports whether EXEC did nothing since a watched key had changed.
func refusedOnce(exec *Command) bool { return len(exec.Result) == 1 && exec.Result[0] == "(nil)" }

// retried reports whether a transaction that watched one of the same keys went
// through afterwards on that connection, or on another of its pool.
func retried(t *Trace, watches []*Command, exec *Command) bool {
	again := map[uint32]bool{}
	for _, c := range t.Commands {
		switch {
		case c.Arrived < exec.Done:
		case c.Verb == "WATCH" && slices.ContainsFunc(watches, func(w *Command) bool { return slices.Equal(w.Args, c.Args) }):
			again[c.Conn] = true
		case c.Verb == "EXEC" && again[c.Conn] && c.Answered() && !c.IsError && !refusedOnce(c):
			return true
		}
	}
	return false
}

func refusedExec(t *Trace, watches []*Command, exec *Command) Match {
	m := Match{
		Title: fmt.Sprintf("EXEC returned nil: %s changed after WATCH", watches[0].Args[0]),
		Explanation: fmt.Sprintf("WATCH %s was executed at %s, and EXEC at %s did nothing and returned nil, since the key had changed in between. "+
			"That is how WATCH works: the whole transaction must be run again, from the WATCH on, until EXEC returns something else.",
			watches[0].Args[0], at3(t, watches[0].Sent), at3(t, exec.Sent)),
		Events: seqs(watches[0].Seq, watches[0].Reply, exec.Seq, exec.Reply),
		First:  exec.Point, Then: watches[0].Point, Score: 0.85,
	}
	for _, w := range watches {
		for _, key := range w.Args {
			for _, c := range t.OnFrom(key, w.Sent) {
				if c.Sent > exec.Sent {
					break
				}
				if c.Conn == exec.Conn || !c.Writes {
					continue
				}
				m.Title = fmt.Sprintf("EXEC returned nil: %s of another caller changed %s after WATCH", c.Verb, key)
				m.Explanation = fmt.Sprintf("WATCH %s was executed at %s, %s by another caller at %s, and EXEC at %s did nothing and returned nil for that. "+
					"That is how WATCH works: the whole transaction must be run again, from the WATCH on, until EXEC returns something else.",
					key, at3(t, w.Sent), c.Verb, at3(t, c.Sent), at3(t, exec.Sent))
				m.Events = seqs(w.Seq, w.Reply, c.Seq, c.Reply, exec.Seq, exec.Reply)
				m.Then, m.Score = c.Point, 0.93
				return m
			}
		}
	}
	return m
}
