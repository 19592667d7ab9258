package nearmiss

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// brokenCycle puts the next read of a key before the write of a read and write
// that came before it: both readers then see the same, and both act.
func brokenCycle(t *detect.Trace) []Candidate {
	var out []Candidate
	var turns []harness.Decision
	for _, key := range t.Keys() {
		cycles := detect.Cycles(t, key)
		for _, c := range cycles {
			r := nextRead(t, c)
			if r == nil || r.Arrived-c.Write.Sent > maxHoldGap {
				continue
			}
			gap := r.Arrived - c.Write.Sent
			own := writeOf(cycles, r)
			cand := Candidate{
				Class: harness.RaceCheckThenAct, Also: []harness.Class{harness.RaceLostUpdate, harness.OrderCommands}, Shape: "cycle",
				Title: fmt.Sprintf("%s %s by another caller %s after the %s that followed a %s", r.Verb, key, ms(gap), c.Write.Verb, c.Read.Verb),
				First: c.Write.Point, Then: r.Point, Gap: gap,
				Provoke:    replay(t, harness.HoldFrame(c.Write.Point, r.Point.Reply(), gap)),
				Counter:    replay(t, harness.HoldFrame(r.Point, c.Write.Point.Reply(), gap)),
				Likelihood: cycleLikelihood(c, r, own, gap) - later(out), Due: Arrival(r.Point),
			}
			if detect.Counts(c, own) {
				cand.Class, cand.Also = harness.RaceLostUpdate, []harness.Class{harness.RaceCheckThenAct, harness.OrderCommands}
			}
			turns = append(turns, cand.Counter.Decisions...)
			out = append(out, cand)
		}
	}
	counterAll := replay(t, distinct(turns)...)
	for i := range out {
		out[i].CounterAll = counterAll
	}
	return out
}

// distinct keeps the first decision about each frame.
func distinct(list []harness.Decision) []harness.Decision {
	seen := map[harness.Point]bool{}
	var out []harness.Decision
	for _, d := range list {
		if !seen[d.At] {
			seen[d.At] = true
			out = append(out, d)
		}
	}
	return out
}

// cycleLikelihood judges how probable it is that two callers were at work.
// Different connections speak for it; so does a pause, since one caller goes on
// at once; a pool may give two callers the same connection.
func cycleLikelihood(c detect.Cycle, r, own *detect.Command, gap time.Duration) float64 {
	p := 0.3
	switch {
	case r.Arrived < c.Write.Replied:
		p = 0.97 // sent before the write was answered
	case r.Conn != c.Write.Conn:
		p = 0.85
	case gap >= 3*time.Millisecond:
		p = 0.8
	}
	if own == nil { // the reader did not write: it was refused, or only looks
		if detect.PresenceOf(c.Read) == detect.Absent && detect.PresenceOf(r) == detect.Present {
			return p - 0.1
		}
		return p - 0.25
	}
	return p
}

// nextRead is the first read of the key after the cycle's write.
func nextRead(t *detect.Trace, c detect.Cycle) *detect.Command {
	for _, r := range t.OnFrom(c.Key, c.Write.Sent) {
		if r.Sent-c.Write.Sent > maxHoldGap {
			break
		}
		if r.Reads && !r.Writes && r.Answered() && r.Sent > c.Write.Sent && r.Point != c.Read.Point {
			return r
		}
	}
	return nil
}

// writeOf is the write of the cycle that begins with r.
func writeOf(cycles []detect.Cycle, r *detect.Command) *detect.Command {
	for _, c := range cycles {
		if c.Read == r {
			return c.Write
		}
	}
	return nil
}
