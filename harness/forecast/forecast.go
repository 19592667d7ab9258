package forecast

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// Prediction is how often a test would fail on a network, by its margins.
type Prediction struct {
	Test  string
	Rate  float64        // at least one of its margins is used up, 0 to 1
	Worst harness.Margin // the one that fails most often
	Alone float64        // how often that one alone fails the test
}

// Predict says how often each test with a margin would fail if every frame were
// delayed by dist: the chance that the late frame of a margin takes longer than
// the margin while the frame that it must precede is not delayed, all margins
// of a test taken as independent. That is pessimistic where both frames are
// delayed alike. Margins that the program itself keeps count for nothing. The
// result is in order of the rate, highest first.
func Predict(margins []harness.Margin, dist stats.Distribution) []Prediction {
	type edge struct {
		test string
		at   harness.Point
	}
	best := map[edge]harness.Margin{}
	var order []edge
	for _, m := range margins {
		e := edge{m.Test, m.At}
		old, ok := best[e]
		if !ok {
			order = append(order, e)
		}
		if !ok || firmer(m, old) {
			best[e] = m
		}
	}
	passes := map[string]float64{}
	found := map[string]*Prediction{}
	var tests []string
	for _, e := range order {
		m := best[e]
		if m.Ordered {
			continue
		}
		p := found[m.Test]
		if p == nil {
			p = &Prediction{Test: m.Test, Alone: -1}
			found[m.Test], passes[m.Test] = p, 1
			tests = append(tests, m.Test)
		}
		rate := dist.Exceeds(time.Duration(m.Size))
		passes[m.Test] *= 1 - rate
		if rate > p.Alone {
			p.Alone, p.Worst = rate, m
		}
	}
	out := make([]Prediction, 0, len(tests))
	for _, t := range tests {
		p := *found[t]
		p.Rate = 1 - passes[t]
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b Prediction) int { return cmp.Compare(b.Rate, a.Rate) })
	return out
}

// firmer reports whether a says more of one command's margin than b: what a
// trial told counts before a prediction, then the smaller.
func firmer(a, b harness.Margin) bool {
	tried := func(m harness.Margin) bool { return m.Ordered || !m.Predicted }
	if tried(a) != tried(b) {
		return tried(a)
	}
	return a.Size < b.Size
}
