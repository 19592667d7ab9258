package detect

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// near1 is 1 at 0 and falls off with the distance, to 1/e at scale.
func near1(distance, scale time.Duration) float64 {
	return math.Exp(-math.Abs(float64(distance)) / float64(scale))
}

// expiredEarly: a read found nothing, or less time left than expected, although the test still relied on the key.
func expiredEarly(t *Trace) []Match {
	var out []Match
	for _, l := range TTLReads(t) {
		switch {
		case l.Found == Absent && l.Remaining <= time.Millisecond:
			out = append(out, l.gone(t))
		case l.Found == Present:
			if m, ok := l.shortened(t); ok {
				out = append(out, m)
			}
		}
	}
	return out
}

// gone: the key had expired when it was read.
func (l TTLRead) gone(t *Trace) Match {
	score := 0.35 + 0.2*near1(l.Remaining, 500*time.Millisecond)
	if t.delayed(l.Set.Sent, l.Read.Sent) {
		score += 0.25
	}
	score += t.message().hint("absent", "expire", "not found", "missing", "nil", "still", "second time", "present", "exist")
	found := "found nothing"
	if renews(l.Read) {
		found = "had nothing to renew"
	}
	return Match{
		Title: fmt.Sprintf("%s %s came %s after the key had expired", l.Read.Verb, l.Key, ms(-l.Remaining)),
		Explanation: fmt.Sprintf("%s gave %s a time to live of %s at %s; %s was executed at %s, %s later, and %s%s. "+
			"The test relied on the key for longer than it lives once its commands are slow. Give the key more time than the test can take, or renew it while it is needed.",
			l.Set.Verb, l.Key, ms(l.Set.TTL), at3(t, l.Set.Sent), l.Read.Verb, at3(t, l.Read.Sent), ms(l.Read.Sent-l.Set.Sent), found, kept(l.Read)),
		Events: seqs(l.Set.Seq, l.Set.Reply, l.Read.Seq, l.Read.Reply),
		First:  l.Read.Point, Then: l.Set.Point, Score: score,
	}
}

// shortened: TTL or PTTL returned less than was set, and the test compared it.
func (l TTLRead) shortened(t *Trace) (Match, bool) {
	left, ok := Left(l.Read)
	if !ok || left >= l.Set.TTL {
		return Match{}, false
	}
	n := l.Read.Result[0]
	score := 0.25 + t.message().hint("ttl", "to live", "expir", " left")
	if l.Read.Kept > 0 || l.Set.Kept > 0 {
		score += 0.25
	}
	if t.message().names(n) || t.message().names(strconv.FormatInt(left.Milliseconds(), 10)) {
		score += 0.3 // the test tells what it read
	}
	return Match{
		Title: fmt.Sprintf("%s %s gave %s, less than the test compares it with", l.Read.Verb, l.Key, n),
		Explanation: fmt.Sprintf("%s gave %s a time to live of %s at %s; %s %s later returned %s%s. "+
			"A remaining time to live shrinks with every millisecond between the two commands: compare it with a range, not with a number.",
			l.Set.Verb, l.Key, ms(l.Set.TTL), at3(t, l.Set.Sent), l.Read.Verb, ms(l.Read.Sent-l.Set.Sent), n, kept(l.Read)),
		Events: seqs(l.Set.Seq, l.Set.Reply, l.Read.Seq, l.Read.Reply),
		First:  l.Read.Point, Then: l.Set.Point, Score: score,
	}, true
}

// expiredLate: a read found the key although the test relied on its absence.
func expiredLate(t *Trace) []Match {
	var out []Match
	reads := TTLReads(t)
	gone := map[string]bool{} // keys that were missed: nobody relied on their absence
	for _, l := range reads {
		gone[l.Key] = gone[l.Key] || l.Found == Absent && l.Remaining <= time.Millisecond && renewed(t, l)
	}
	for _, l := range reads {
		// Only a read near the end of the key's life was meant to come after it.
		spent := l.Read.Sent - l.Set.Sent
		if l.Found != Present || l.Remaining <= 0 || spent < l.Set.TTL/2 || gone[l.Key] || renews(l.Read) || deletes(l.Read) || renewed(t, l) {
			continue
		}
		if _, ok := Left(l.Read); ok {
			continue
		}
		score := 0.3 + 0.25*near1(l.Remaining, 200*time.Millisecond) + t.message().hint("absent", "expire", "gone", "new", "refused", "still", "after")
		if l.Read.Arrived-l.Set.Arrived >= l.Set.TTL || t.delayed(t.Begin, l.Set.Sent) {
			score += 0.25
		}
		out = append(out, Match{
			Title: fmt.Sprintf("%s %s came %s before the key expired", l.Read.Verb, l.Key, ms(l.Remaining)),
			Explanation: fmt.Sprintf("The time to live of %s counts from when Redis executes %s, not from when the client sends it: that was at %s%s, so %s lived until %s, and %s at %s found it. "+
				"Count the wait from the reply to %s, or poll until the key is gone.",
				ms(l.Set.TTL), l.Set.Verb, at3(t, l.Set.Sent), kept(l.Set), l.Key, at3(t, l.Set.Sent+l.Set.TTL), l.Read.Verb, at3(t, l.Read.Sent), l.Set.Verb),
			Events: seqs(l.Set.Seq, l.Set.Reply, l.Read.Seq, l.Read.Reply),
			First:  l.Set.Point, Then: l.Read.Point, Score: score,
		})
	}
	return out
}

// renews reports whether a command gives a key that is there a new time to live.
func renews(c *Command) bool {
	switch c.Verb {
	case "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "GETEX":
		return true
	}
	return false
}

// renewed reports whether somebody renewed the key's time to live, or tried to:
// then it is meant to live on, and no read relies on its absence.
func renewed(t *Trace, l TTLRead) bool {
	if renews(l.Set) {
		return true
	}
	for _, c := range t.OnFrom(l.Key, l.Set.Sent) {
		if c != l.Set && renews(c) {
			return true
		}
	}
	return false
}

// kept says that we kept a request, if we did.
func kept(c *Command) string {
	if c.Kept <= 0 {
		return ""
	}
	return fmt.Sprintf(" (we kept it for %s)", ms(c.Kept))
}

// delayed reports whether a request that arrived in the span was kept on purpose.
func (t *Trace) delayed(from, to time.Duration) bool {
	for _, c := range t.Commands {
		if c.Kept > 0 && c.Sent > from && c.Arrived <= to {
			return true
		}
	}
	return false
}
