package evidence

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// mostPlacebos is how many frames are asked about until one leaves the pair in its order.
const mostPlacebos = 3

// Slow is the cause of a test that failed n.K times when the frame at was late, which
// has nothing to do with any pair.
func Slow(n harness.Count, at harness.Point, late time.Duration) detect.Match {
	return detect.Match{
		Class: harness.TimeoutClient, Title: fmt.Sprintf("it fails when anything is %s late", phrase.Ms(late)),
		Explanation: fmt.Sprintf("It failed as well, %d of %d times, when %s was late by %s and all commands stayed in their order: it does not wait so long. Lengthen its deadline, or wait for what it needs instead of for a time.",
			n.K, n.N, at.Words(), phrase.Ms(late)),
	}
}

// OfPair reports whether a class blames the order of two frames.
func OfPair(c harness.Class) bool {
	return strings.HasPrefix(string(c), "race/") || strings.HasPrefix(string(c), "order/")
}

// Idle are frames of a passing run that the candidate is not about: the first
// commands before its pair, since what they make late is late for both, and the last
// one after it.
func Idle(c nearmiss.Candidate, passing *detect.Trace) (list []harness.Point) {
	pair := map[string]bool{}
	begins, ends := passing.End, time.Duration(0)
	for _, o := range passing.Commands {
		if about(c, o.Point) || about(c, o.Point.Reply()) {
			begins, ends = min(begins, o.Arrived), max(ends, o.Done)
			for _, key := range o.Keys {
				pair[key] = true
			}
		}
	}
	touches := func(o *detect.Command) bool {
		return slices.ContainsFunc(o.Keys, func(key string) bool { return pair[key] })
	}
	var last harness.Point
	for _, o := range passing.Commands {
		switch {
		case o.Point.IsZero() || !o.Answered() || o.Blocks || about(c, o.Point) || about(c, o.Point.Reply()):
		case o.Replied > 0 && o.Replied < begins && len(list) < mostPlacebos-1:
			list = append(list, o.Point)
		case o.Arrived > ends && ends > 0 && !touches(o):
			last = o.Point
		}
	}
	if !last.IsZero() {
		list = append(list, last)
	}
	return list
}

// about reports whether a decision of the candidate's, or its pair, names the frame.
func about(c nearmiss.Candidate, p harness.Point) bool {
	if p == c.First || p == c.Then {
		return true
	}
	return slices.ContainsFunc(c.Provoke.Decisions, func(d harness.Decision) bool { return p == d.At || p == d.Until })
}
