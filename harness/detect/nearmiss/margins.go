package nearmiss

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// Margins tells from passing traces of one test how much later each command may
// come before an order or an expiry turns against the test: the smallest of all
// traces for each command, smallest first. All are predicted: whether the
// program itself keeps the order, only a provocation can tell.
func Margins(traces []*detect.Trace) []harness.Margin {
	least := map[harness.Point]int{}
	var out []harness.Margin
	add := func(t *detect.Trace, c *detect.Command, what string, size time.Duration) {
		m := harness.Margin{
			Test: t.Test, Edge: c.Verb + " " + what, At: c.Point,
			Size: harness.Duration(size), Hi: harness.Duration(size), Predicted: true,
		}
		if i, ok := least[c.Point]; !ok {
			least[c.Point] = len(out)
			out = append(out, m)
		} else if m.Size < out[i].Size {
			out[i] = m
		}
	}
	for _, t := range traces {
		for _, l := range detect.TTLReads(t) {
			if _, ok := detect.Left(l.Read); ok {
				continue
			}
			switch {
			case l.Found == detect.Present && l.Remaining > 0:
				add(t, l.Read, l.Key, l.Remaining)
			case l.Found == detect.Absent && l.Remaining <= 0 && -l.Remaining < l.Read.Sent-l.Set.Sent:
				add(t, l.Set, l.Key, -l.Remaining)
			}
		}
		for _, s := range t.Subscriptions {
			if p := firstPublish(t, s); s.Command != nil && p != nil {
				add(t, s.Command, s.Channel, max(p.Sent-s.Sent, 0))
			}
		}
		for _, key := range t.Keys() {
			for _, c := range detect.Cycles(t, key) {
				if r := nextRead(t, c); r != nil {
					add(t, c.Write, key, r.Sent-c.Write.Sent)
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b harness.Margin) int { return cmp.Compare(a.Size, b.Size) })
	return out
}
