package nearmiss

import (
	"fmt"

	"github.com/flakehunt/flakehunt/harness/detect"
)

// scriptedExpiry makes a script that took a key while it lived come after the
// key's expiry, and one that came shortly after find it alive. What a script
// found, its reply does not tell: the failing trial does, and the one without
// the delay. Locks are mostly made and released so.
func scriptedExpiry(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, key := range t.Keys() {
		var set *detect.Command
		for _, c := range t.On(key) {
			if !c.Answered() || c.IsError {
				continue // a script that is not cached has done nothing
			}
			if set != nil && c.Script() && c.Sent > set.Sent {
				out = append(out, scriptedRead(t, detect.TTLRead{Key: key, Set: set, Read: c, Remaining: set.TTL - (c.Sent - set.Sent)})...)
			}
			switch {
			case c.Expires:
				set = c
			case c.Clears && c.Writes:
				set = nil
			}
		}
	}
	return out
}

func scriptedRead(t *detect.Trace, l detect.TTLRead) []Candidate {
	const likely = 0.45 // that the test minds, and that it is a time to live
	switch d := l.Remaining.Abs() + slack; {
	case d > maxDelay:
	case l.Remaining > 0:
		c := early(t, l, d)
		c.Shape, c.Likelihood = "script before expiry", guess(l, likely)
		c.Title = fmt.Sprintf("%s on %s came %s before the key expires", l.Read.Verb, l.Key, ms(l.Remaining))
		c.Why = why(l) + fmt.Sprintf("When it comes more than %s later than that, it finds that the key has expired. Give the key more time than the test can take, or renew it while it is needed.", ms(l.Remaining))
		return []Candidate{c}
	case d < l.Read.Sent-l.Set.Sent:
		c := tooLate(t, l, d)
		c.Shape, c.Likelihood = "script after expiry", guess(l, likely)
		c.Title = fmt.Sprintf("%s on %s came %s after the key expired", l.Read.Verb, l.Key, ms(-l.Remaining))
		c.Why = why(l) + fmt.Sprintf("When %s is executed more than %s late, that time is not over and the key is still there. Count the wait from the reply to %s, or poll until the key is gone.", l.Set.Verb, ms(-l.Remaining), l.Set.Verb)
		return []Candidate{c}
	}
	return nil
}

// why says what the wire shows of a key that a script reads.
func why(l detect.TTLRead) string {
	of := ""
	if l.Set.Guessed {
		of = " (by the script's arguments)"
	}
	return fmt.Sprintf("%s gave %s a time to live of %s%s; %s took the key %s later. ", l.Set.Verb, l.Key, ms(l.Set.TTL), of, l.Read.Verb, ms(l.Read.Sent-l.Set.Sent))
}
