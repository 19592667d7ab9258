package detect

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// Against says in how many histories of a test a match was found.
type Against struct {
	Failing, Passing harness.Count
	P                float64 // of Fisher's exact test that it is no more frequent in those that failed
}

// Named is the score from which a match may be told as a cause, or as what is
// suspected. One below it only helps others to be ranked.
const Named = 0.5

// alike is by how much less a detector may make of a match in a passing history
// than in the failing one for the two to be the same.
const alike = 0.15

// Differential is Run with the other histories of the test as its witness: what
// matches in passing histories as often as in failing ones is no cause, however
// well it fits. others failed in the same way as failing; passing ended well. Of
// the matches that are left, those that only failing histories have count for
// more, and those that some passing histories have too for less.
//
// A match in most passing histories goes. What says that nothing else fits
// (isolation/handler, not-redis) is found in passing histories by its nature, and
// stays only where nothing else is left. Without passing histories it is Run.
func Differential(failing *Trace, others, passing []*Trace) []Match {
	found := Run(failing)
	if len(passing) == 0 || len(found) == 0 {
		return found
	}
	own := shapes(failing)
	var inFailing, inPassing []map[matchShape]float64
	for _, t := range others {
		inFailing = append(inFailing, shapes(t))
	}
	for _, t := range passing {
		inPassing = append(inPassing, shapes(t))
	}
	var out, rest []Match
	for _, m := range found {
		d, _ := Of(m.Class)
		if d.Residual {
			rest = append(rest, m)
			continue
		}
		s := shapeOf(m)
		a := Against{Failing: harness.Count{K: 1, N: 1 + len(others)}, Passing: harness.Count{N: len(passing)}}
		a.Failing.K += having(inFailing, s, own[s])
		a.Passing.K = having(inPassing, s, own[s])
		a.P = stats.Fisher(a.Failing.K, a.Failing.N, a.Passing.K, a.Passing.N, stats.Greater)
		if 2*a.Passing.K > a.Passing.N {
			continue
		}
		m.Against = &a
		m.Score = weighed(m.Score, a)
		out = append(out, m)
	}
	if len(out) == 0 {
		out = rest
	}
	sortMatches(out)
	return out
}

// weighed scales a score by how well the match tells failing from passing
// histories: by the difference of its two rates, and upwards where so great a
// difference is hardly chance.
func weighed(score float64, a Against) float64 {
	rate := func(c harness.Count) float64 { return float64(c.K) / float64(c.N) }
	score *= max(0, rate(a.Failing)-rate(a.Passing))
	if a.P <= 0.05 {
		score += (1 - score) / 2
	}
	return score
}

// matchShape names what a match is about, so that it can be found in another
// history: its class and the pair, without their ordinals.
type matchShape struct {
	class       harness.Class
	first, then harness.Point
}

func shapeOf(m Match) matchShape {
	first, then := Names(m.Class, m.First, m.Then)
	return matchShape{m.Class, first.Any(), then.Any()}
}

// shapes lists what the wire alone shows, with the best score of each: whatever
// became of the test, and whatever it said.
func shapes(t *Trace) map[matchShape]float64 {
	quiet := *t
	quiet.Outcome.Failure = nil
	out := map[matchShape]float64{}
	for _, m := range ask(All(), &quiet) {
		s := shapeOf(m)
		out[s] = max(out[s], m.Score)
	}
	return out
}

func having(list []map[matchShape]float64, s matchShape, score float64) int {
	n := 0
	for _, has := range list {
		if got, there := has[s]; there && got >= score-alike {
			n++
		}
	}
	return n
}
