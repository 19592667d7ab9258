package detect

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// ttlMissing: a key meant to expire has no TTL: SET and EXPIRE apart, and only SET took effect, or took effect last.
func ttlMissing(t *Trace) []Match {
	var out []Match
	for _, key := range t.Keys() {
		out = append(out, missingOn(t, key)...)
		out = append(out, seenBetween(t, key)...)
	}
	return out
}

// missingOn looks for an EXPIRE that was in vain: it never ran, it ran before
// the key was there, or a SET without a time to live ran after it.
func missingOn(t *Trace, key string) []Match {
	var out []Match
	on := byArrival(commandsOn(t, key))
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
			if lapsed(t, key, e) {
				continue // the key was there and had expired: it was too late, not missing
			}
			why = fmt.Sprintf("%s was executed at %s, when the key was not there (it returned 0)", e.Verb, at3(t, e.Sent))
		case set != nil && set.Sent > e.Sent && set.Clears:
			why = fmt.Sprintf("%s was executed at %s, after %s, and took the time to live away", set.Verb, at3(t, set.Sent), e.Verb)
		}
		if why == "" || set == nil {
			continue
		}
		score := 0.75 + t.message().hint("ttl", "expir", "to live", "absent", "still", "leak")
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

// lapsed reports whether the time to live that a key had before e was over then.
func lapsed(t *Trace, key string, e *Command) bool {
	var set *Command
	for _, c := range t.On(key) {
		switch {
		case c.Sent >= e.Sent:
		case c.Expires && c.Answered():
			set = c
		case c.Clears && c.Writes && c.Answered():
			set = nil
		}
	}
	return set != nil && set.Sent+set.TTL <= e.Sent+time.Millisecond
}

// seenBetween finds a TTL or PTTL that came after the write and before the EXPIRE
// that followed: it saw a key that stays for ever.
func seenBetween(t *Trace, key string) []Match {
	var out []Match
	var read, set *Command
	mortal := false
	for _, c := range t.On(key) {
		switch {
		case (c.Verb == "TTL" || c.Verb == "PTTL") && len(c.Result) == 1 && c.Result[0] == "-1" && !mortal:
			read = c
		case c.Expires && !renews(c):
			mortal, read, set = true, nil, nil
		case renews(c) && c.Expires && read != nil && set != nil:
			out = append(out, Match{
				Title: fmt.Sprintf("%s %s came between %s and %s, and saw no time to live", read.Verb, key, set.Verb, c.Verb),
				Explanation: fmt.Sprintf("%s wrote %s at %s and %s gave it its time to live at %s: two steps. %s was executed between them, at %s, and returned -1. "+
					"Give the time to live with the value: SET %s … EX n.", set.Verb, key, at3(t, set.Sent), c.Verb, at3(t, c.Sent), read.Verb, at3(t, read.Sent), key),
				Events: seqs(set.Seq, set.Reply, read.Seq, read.Reply, c.Seq, c.Reply),
				First:  c.Point, Then: read.Point, Score: 0.8,
			})
			mortal, read = true, nil
		case renews(c) && c.Expires:
			mortal, read = true, nil
		case c.Writes && !deletes(c):
			set, read = c, nil
			mortal = mortal && !c.Clears
		}
	}
	return out
}

// commandsOn is On with those that were never sent.
func commandsOn(t *Trace, key string) []*Command {
	var out []*Command
	for _, c := range t.Commands {
		if c.Touches(key) {
			out = append(out, c)
		}
	}
	return out
}
