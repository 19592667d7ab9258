package forecast

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// Predict says how often each test with a margin would fail if every frame were
// delayed by dist: the chance that the late frame of a margin takes longer than
// the margin while the frame that it must precede is not delayed, all margins
// of a test taken as independent. That is pessimistic where both frames are
// delayed alike. Margins that the program itself keeps count for nothing. The
// result is in order of the rate, highest first.
func Predict(margins []harness.Margin, dist stats.Distribution) []harness.ForecastTest {
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
	found := map[string]*harness.ForecastTest{}
	worst := map[string]float64{} // how often the worst margin alone fails the test
	var tests []string
	for _, e := range order {
		m := best[e]
		if m.Ordered {
			continue
		}
		p := found[m.Test]
		if p == nil {
			p = &harness.ForecastTest{Test: m.Test}
			found[m.Test], passes[m.Test], worst[m.Test] = p, 1, -1
			tests = append(tests, m.Test)
		}
		rate := dist.Exceeds(time.Duration(m.Size))
		passes[m.Test] *= 1 - rate
		if rate > worst[m.Test] {
			worst[m.Test], p.Worst = rate, m
		}
	}
	out := make([]harness.ForecastTest, 0, len(tests))
	for _, t := range tests {
		p := *found[t]
		p.Rate = 1 - passes[t]
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b harness.ForecastTest) int { return cmp.Compare(b.Rate, a.Rate) })
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
