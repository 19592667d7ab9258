package nearmiss

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// slack is what a delay exceeds its margin by, so that a busy machine that runs
// the other commands late does not undo it.
const slack = 90 * time.Millisecond

// nearExpiry makes a read that found a key shortly before its expiry come after
// it, and a key that was gone shortly before a read outlive it.
func nearExpiry(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, l := range detect.TTLReads(t) {
		if _, ok := detect.Left(l.Read); ok {
			continue
		}
		switch {
		case l.Found == detect.Present && l.Remaining > 0:
			if d := l.Remaining + slack; d <= maxDelay {
				out = append(out, early(t, l, d))
			}
		case l.Found == detect.Absent && l.Remaining <= 0:
			// Later than the read itself it would not be found either.
			if d := -l.Remaining + min(slack, (l.Read.Sent-l.Set.Sent+l.Remaining)/2); d <= maxDelay {
				out = append(out, tooLate(t, l, d))
			}
		}
	}
	return out
}

func early(t *detect.Trace, l detect.TTLRead, d time.Duration) Candidate {
	return Candidate{
		Class: harness.TTLExpiredEarly, Shape: "read before expiry",
		Title:  fmt.Sprintf("%s %s came %s before the key expires", l.Read.Verb, l.Key, ms(l.Remaining)),
		Broken: fmt.Sprintf("%s came when %s had expired", l.Read.Verb, l.Key),
		First:  l.Read.Point, Then: l.Set.Point, Gap: l.Remaining,
		Provoke: replay(t, harness.DelayFrame(l.Read.Point, d)), Counter: replay(t),
		Likelihood: guess(l, 0.88), Margin: margin(t, l.Read, l.Key, l.Remaining), Due: Expiry(l.Set.Point),
	}
}

func tooLate(t *detect.Trace, l detect.TTLRead, d time.Duration) Candidate {
	return Candidate{
		Class: harness.TTLExpiredLate, Shape: "read after expiry",
		Title:  fmt.Sprintf("%s %s came %s after the key expired", l.Read.Verb, l.Key, ms(-l.Remaining)),
		Broken: fmt.Sprintf("%s came before %s expired", l.Read.Verb, l.Key),
		First:  l.Set.Point, Then: l.Read.Point, Gap: -l.Remaining,
		Provoke: replay(t, harness.DelayFrame(l.Set.Point, d)), Counter: replay(t),
		Likelihood: guess(l, 0.84), Margin: margin(t, l.Set, l.Key, -l.Remaining), Due: inTimeFor(l.Read.Point, l.Set.TTL),
	}
}

// guess lowers the likelihood where the time to live itself is one.
func guess(l detect.TTLRead, p float64) float64 {
	if l.Set.Guessed {
		return p - 0.15
	}
	return p
}

func margin(t *detect.Trace, late *detect.Command, key string, size time.Duration) *harness.Margin {
	return &harness.Margin{
		Test: t.Test, Edge: late.Verb + " " + key, At: late.Point,
		Size: harness.Duration(size), Hi: harness.Duration(size), Predicted: true,
	}
}

// remainingTime makes TTL or PTTL return less than it did, by one of its units
// or, of milliseconds, by more than any test should mind.
func remainingTime(t *detect.Trace) []Candidate {
	var out []Candidate
	for _, l := range detect.TTLReads(t) {
		left, ok := detect.Left(l.Read)
		if !ok || left <= 0 || l.Found != detect.Present {
			continue
		}
		d := 300 * time.Millisecond
		if l.Remaining-d < slack {
			d = 100 * time.Millisecond
		}
		if l.Read.Verb == "TTL" { // rounded to the nearest second
			d = l.Remaining - (left - 500*time.Millisecond) + slack/2
		}
		if d <= 0 || d > maxDelay+slack || l.Remaining-d < slack {
			continue
		}
		out = append(out, Candidate{
			Class: harness.TTLExpiredEarly, Shape: "remaining time",
			Title:  fmt.Sprintf("%s %s read %s after its time to live was set", l.Read.Verb, l.Key, ms(l.Read.Sent-l.Set.Sent)),
			Broken: fmt.Sprintf("%s %s came later, when less of its time to live was left", l.Read.Verb, l.Key),
			First:  l.Read.Point, Then: l.Set.Point, Gap: l.Read.Sent - l.Set.Sent,
			Provoke: replay(t, harness.DelayFrame(l.Read.Point, d)), Counter: replay(t),
			Likelihood: guess(l, 0.6) - later(out),
		})
	}
	return out
}
