package detect

import (
	"fmt"
)

// checkThenAct: GET, EXISTS or TTL, then SET or DEL of the same key, with another actor's write between them.
func checkThenAct(t *Trace) []Match {
	out := broken(t)
	for _, c := range clashes(t) {
		if c.lost {
			continue
		}
		m := c.match()
		m.Title = fmt.Sprintf("%s %s, then %s, with another %s between them", t.nameOf(c.Read), c.Key, t.nameOf(c.Write), t.nameOf(c.between))
		m.Explanation = fmt.Sprintf("%s %s at %s gave %s, and %s was sent on the strength of that; but %s by another caller took effect at %s, %s before it. "+
			"Both callers saw the same state and both acted. Make look and act one command: SET %s … NX, or a Lua script.",
			c.Read.Verb, c.Key, at3(t, c.Read.Sent), result(c.Read), c.Write.Verb, c.between.Verb, at3(t, c.between.Sent), ms(c.Write.Sent-c.between.Sent), c.Key)
		out = append(out, m)
	}
	return out
}

// lostUpdate: read, then write of a value derived from it, over a write that came between.
func lostUpdate(t *Trace) []Match {
	var out []Match
	for _, c := range clashes(t) {
		if !c.lost {
			continue
		}
		m := c.match()
		m.Title = fmt.Sprintf("%s %s overwrote a change that came after its %s", t.nameOf(c.Write), c.Key, t.nameOf(c.Read))
		m.Explanation = fmt.Sprintf("%s %s at %s gave %s; %s %s by another caller took effect at %s; then %s wrote %s, which was made from the old value: the change between is lost. "+
			"Let Redis do the arithmetic (INCR, INCRBY, HINCRBY), or compare and set in one step (WATCH/MULTI, or a Lua script).",
			c.Read.Verb, c.Key, at3(t, c.Read.Sent), result(c.Read), c.between.Verb, brief(c.between.Value), at3(t, c.between.Sent), c.Write.Verb, brief(c.Write.Value))
		out = append(out, m)
	}
	return out
}
