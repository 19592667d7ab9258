package contrast

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/stats"
)

const (
	// attainable is the p that a predicate must be able to reach to count as a test.
	attainable = 0.05
	// mostDescribed is how many predicates are described and classed at most.
	mostDescribed = 12
)

// Rank compares the runs of one test that failed in a way, by its fingerprint,
// with those that passed; an empty failure takes all that failed. The predicates
// are in order of their p, then of their Increase, then by what they say of a
// cause, then as they come.
func Rank(runs []Run, failure string) Ranking {
	t := newTable(runs, failure)
	r := Ranking{Failing: bits.OnesCount64(t.failed), Passing: len(t.runs) - bits.OnesCount64(t.failed)}
	if r.Failing == 0 || r.Passing == 0 {
		return r
	}
	groups := map[vector]int{}
	add := func(q Predicate) {
		q.rank = t.rank(q)
		v := vector{q.holds, q.known}
		i, seen := groups[v]
		if !seen {
			groups[v] = len(r.Predicates)
			r.Predicates = append(r.Predicates, q)
			return
		}
		q.Alike = r.Predicates[i].Alike + 1
		if cmp.Or(cmp.Compare(q.rank, r.Predicates[i].rank), cmp.Compare(q.when, r.Predicates[i].when)) < 0 {
			r.Predicates[i] = q
		} else {
			r.Predicates[i].Alike = q.Alike
		}
	}
	f := finder{t, add}
	f.lifetimes()
	r.Skipped = f.orders()
	f.gaps()
	f.presence()
	f.replies()
	r.Tested = t.weigh(r.Predicates)
	slices.SortStableFunc(r.Predicates, func(a, b Predicate) int {
		return cmp.Or(cmp.Compare(a.P, b.P), cmp.Compare(b.Increase, a.Increase), cmp.Compare(a.rank, b.rank), cmp.Compare(a.when, b.when))
	})
	matches := t.matches()
	for i := range r.Predicates[:min(mostDescribed, len(r.Predicates))] {
		t.describe(&r.Predicates[i], matches)
	}
	r.Predicates = r.Predicates[:min(mostDescribed, len(r.Predicates))]
	return r
}

// finder looks for predicates in a table, and gives each to add.
type finder struct {
	*table
	add func(Predicate)
}

// vector says in which runs a predicate holds: those with the same are one test.
type vector struct{ holds, known uint64 }

// against turns a predicate round that goes with passing, and reports whether it
// did.
func (t *table) against(q *Predicate) bool {
	rate := func(mask uint64) float64 {
		n := bits.OnesCount64(mask)
		if n == 0 {
			return 0
		}
		return float64(bits.OnesCount64(mask&t.failed)) / float64(n)
	}
	if rate(q.holds) >= rate(q.known&^q.holds) {
		return false
	}
	q.holds = q.known &^ q.holds
	return true
}

// weigh reckons the figures of all predicates, and returns how many could have
// been significant.
func (t *table) weigh(list []Predicate) int {
	type counts struct{ k1, n1, k2, n2 int }
	memo := map[counts]float64{}
	fisher := func(c counts) float64 {
		p, ok := memo[c]
		if !ok {
			p = stats.Fisher(c.k1, c.n1, c.k2, c.n2, stats.Greater)
			memo[c] = p
		}
		return p
	}
	count := func(mask uint64) harness.Count {
		return harness.Count{K: bits.OnesCount64(mask & t.failed), N: bits.OnesCount64(mask)}
	}
	var tests []int
	var ps []float64
	for i := range list {
		q := &list[i]
		q.With, q.Without = count(q.holds), count(q.known&^q.holds)
		c := counts{q.With.K, q.With.N, q.Without.K, q.Without.N}
		q.P = min(1, fisher(c)*float64(max(1, q.cuts)))
		known := count(q.known)
		q.Increase = float64(q.With.K)/float64(max(1, q.With.N)) - float64(known.K)/float64(known.N)
		q.Adjusted = 1
		// As well as it could have been: its margins as they are, and all on one side.
		k := min(q.With.N, known.K)
		if fisher(counts{k, q.With.N, known.K - k, q.Without.N}) <= attainable {
			tests = append(tests, i)
			ps = append(ps, q.P)
		}
	}
	for j, p := range stats.Holm(ps) {
		list[tests[j]].Adjusted = p
	}
	return len(tests)
}

// rank orders what predicates say of a cause, least first: an order whose other
// side changed an answer before one that changed nothing, and that before one of two
// frames that are told apart by their number alone, which is who came first.
func (t *table) rank(p Predicate) int {
	r := 2 * int(p.Kind)
	switch {
	case p.Kind > Delivery:
	case p.First.Any() == p.Then.Any():
		r = 2*int(Gap) + 1
	case p.Kind == Order && t.changed(p) == "" && !t.heard(p):
		r = 2*int(Delivery) + 1
	}
	return r
}

// heard reports whether an order is one of a subscription and a message: who gets
// it is an effect that no answer tells.
func (t *table) heard(p Predicate) bool {
	publish := func(q harness.Point) bool { return q.Verb == "PUBLISH" || q.Verb == "SPUBLISH" }
	return publish(p.Then) || publish(p.First)
}

// changed tells which answer of an ordered pair is another where the order is the
// bad one, and how it changed: the value that changed hands.
func (t *table) changed(p Predicate) string {
	for _, point := range []harness.Point{p.Then, p.First} {
		id, ok := t.id[point]
		if !ok {
			continue
		}
		bad, good := t.common(id, p.holds), t.common(id, p.known&^p.holds)
		if bad != good && bad != "" && good != "" {
			return point.Verb + " " + point.Key + " returned " + bad + " instead of " + good
		}
	}
	return ""
}

// common is how most of the runs of a set had a command answered; empty if no
// answer is that of most.
func (t *table) common(id int32, in uint64) string {
	total, most := 0, int16(0)
	var seen [maxRuns]int16
	var times [maxRuns]int
	n := 0
	for i := range t.runs {
		a := t.answer[i][id]
		if in&(1<<i) == 0 || a == 0 {
			continue
		}
		total++
		k := slices.Index(seen[:n], a)
		if k < 0 {
			k, n = n, n+1
			seen[k] = a
		}
		times[k]++
		if most == 0 || times[k] > times[slices.Index(seen[:n], most)] {
			most = a
		}
	}
	if most == 0 || 2*times[slices.Index(seen[:n], most)] <= total {
		return ""
	}
	return t.answers[most]
}

// matches asks the detectors about the first failing runs: their names for what
// they know are better than contrast's own.
func (t *table) matches() []detect.Match {
	const asked = 3
	var out []detect.Match
	for i := range min(asked, bits.OnesCount64(t.failed)) { // those that failed come first
		out = append(out, detect.Run(t.runs[i].Trace)...)
	}
	slices.SortStableFunc(out, func(a, b detect.Match) int { return cmp.Compare(b.Score, a.Score) })
	return out
}
