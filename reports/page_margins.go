package reports

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// farMargin is from where a margin that no trial measured says nothing of a test's
// timing: it is a timeout of a minute, not an assumption.
const farMargin = harness.Duration(10e9)

// marginRow is the margins of one test, the smallest first.
type marginRow struct {
	Least harness.Margin
	Rest  []harness.Margin
}

// marginRows gives one row a test: what can be used up first, the smallest first,
// then what is far away, then what the program itself keeps in order.
func marginRows(r *harness.Result) (rows []marginRow) {
	at := map[string]int{}
	for _, m := range margins(r) {
		i, ok := at[m.Test]
		if !ok {
			at[m.Test] = len(rows)
			rows = append(rows, marginRow{Least: m})
			continue
		}
		rows[i].Rest = append(rows[i].Rest, m)
	}
	slices.SortStableFunc(rows, func(a, b marginRow) int {
		return cmp.Or(cmp.Compare(weight(&a.Least), weight(&b.Least)), cmp.Compare(a.Least.Size, b.Least.Size))
	})
	return rows
}

// weight orders margins by whether they are worth a look at all.
func weight(m *harness.Margin) int {
	switch {
	case m.Ordered:
		return 2
	case m.Predicted && m.Size >= farMargin:
		return 1
	}
	return 0
}

// smallest gives the tests' smallest margins that a delay can use up.
func smallest(r *harness.Result) []marginRow {
	rows := marginRows(r)
	return rows[:slices.IndexFunc(append(rows, marginRow{Least: harness.Margin{Ordered: true}}), func(x marginRow) bool { return weight(&x.Least) > 0 })]
}

// marginKind says how a margin is known.
func marginKind(m *harness.Margin) string {
	switch {
	case m.Ordered:
		return "ordered"
	case m.Predicted:
		return "predicted"
	}
	return "measured"
}

// assumedLag is by how much a frame is late on the network that --assume
// named, at the 99th percentile; 0 without one.
func assumedLag(r *harness.Result) (harness.Duration, string) {
	if r.Forecast == nil {
		return 0, ""
	}
	d, err := stats.ParseDistribution(r.Forecast.Latency)
	if err != nil {
		return 0, ""
	}
	lo, hi := time.Duration(0), time.Minute
	for range 60 { // by bisection: any distribution will do
		if mid := (lo + hi) / 2; d.Exceeds(mid) > 0.01 {
			lo = mid
		} else {
			hi = mid
		}
	}
	return harness.Duration(hi), fmt.Sprintf("%s, %s at the 99th percentile", oneLine(r.Forecast.Latency, 60), short(harness.Duration(hi)))
}

func newMarginRow(r *harness.Result, row marginRow, lag harness.Duration) marginView {
	v := newMargin(row.Least, r.Machine)
	v.Anchor = anchorOf(r, row.Least.Test)
	if lag > 0 {
		v.AssumedLag = logScale(lag)
	}
	for i, m := range row.Rest {
		if i == 20 {
			break
		}
		v.Rest = append(v.Rest, newMargin(m, r.Machine))
	}
	return v
}

func newMargin(m harness.Margin, machine harness.Machine) marginView {
	m.MachineP99 = cmp.Or(m.MachineP99, machine.TimerP99)
	v := marginView{Kind: marginKind(&m), Margin: m, Detail: marginDetail(&m), Pos: logScale(m.Size)}
	m.Test, m.Edge = oneLine(m.Test, 400), oneLine(m.Edge, 300)
	v.Margin = m
	if !m.At.IsZero() {
		v.At = frameWords(m.At)
		if role := oneLine(m.At.Role, 40); role != "" {
			v.At += " [" + role + "]"
		}
	}
	if m.MachineP99 > 0 {
		v.P99 = logScale(m.MachineP99)
		v.Thin = !m.Ordered && m.Size <= m.MachineP99
	}
	return v
}

// logScale places a duration between 0.1 ms (0) and 10 s (100).
func logScale(d harness.Duration) float64 {
	return max(0, min(100, 20*(math.Log10(max(d.Milliseconds(), 1e-6))+1)))
}
