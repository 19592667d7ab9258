package detect

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

func ttlMissing() Detector {
	return Detector{
		Class: harness.TTLMissing,
		Doc:   "a key meant to expire has no TTL: SET and EXPIRE apart, and only SET took effect, or took effect last",
		Find: func(t *Trace) []Match {
			var out []Match
			for _, key := range t.Keys() {
				out = append(out, missingOn(t, key)...)
			}
			return out
		},
	}
}

// missingOn looks for an EXPIRE that was in vain: it never ran, it ran before
// the key was there, or a SET without a time to live ran after it.
func missingOn(t *Trace, key string) []Match {
	var out []Match
	on := byArrival(t.commandsOn(key))
	for i, e := range on {
		if e.Verb != "EXPIRE" && e.Verb != "PEXPIRE" {
			continue
		}
		var set *Command // the write that it was meant for
		for j := i - 1; j >= 0 && set == nil; j-- {
			if w := on[j]; w.Verb == "SET" || w.Writes && !w.Expires && w.Verb != "PERSIST" && !deletes(w) {
				set = w
			}
		}
		why := ""
		switch {
		case e.Ending == harness.Dropped || !e.Answered():
			why = fmt.Sprintf("%s was sent on a connection that ended before it was answered", e.Verb)
		case len(e.Result) == 1 && e.Result[0] == "0":
			why = fmt.Sprintf("%s was executed at %s, when the key was not there (it returned 0)", e.Verb, at3(t, e.Sent))
		case set != nil && set.Sent > e.Sent && set.Clears:
			why = fmt.Sprintf("%s was executed at %s, after %s, and took the time to live away", set.Verb, at3(t, set.Sent), e.Verb)
		}
		if why == "" || set == nil {
			continue
		}
		score := 0.65
		if t.says("ttl", "expir", "to live", "absent", "still", "leak") {
			score += 0.2
		}
		out = append(out, Match{
			Title: fmt.Sprintf("%s has no time to live: %s and %s are two steps", key, set.Verb, e.Verb),
			Explanation: fmt.Sprintf("%s and %s of %s were sent apart, and only the first counts: %s. The key stays for ever. "+
				"Give the time to live with the value: SET %s … EX n.", set.Verb, e.Verb, key, why, key),
			Events: seqs(set.Seq, set.Reply, e.Seq, e.Reply),
			First:  set.Point, Then: e.Point, Score: score,
		})
	}
	return out
}

// commandsOn is On with those that were never sent.
func (t *Trace) commandsOn(key string) []*Command {
	var out []*Command
	for _, c := range t.Commands {
		if c.Touches(key) {
			out = append(out, c)
		}
	}
	return out
}
