package reports

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// bucket is some neighbouring runs as one mark of a drawing.
type bucket struct {
	harness.Count
	margin    harness.Duration // the smallest
	hasMargin bool
}

// buckets puts the cells of a line into at most n buckets of equally many runs
// each, over all runs: the same place is the same time in every line.
func buckets(cells []trend.Cell, runs, n int) []bucket {
	n = min(n, runs)
	out := make([]bucket, n)
	for _, c := range cells {
		b := &out[int(c.Run)*n/runs]
		b.K += int(c.Failures)
		b.N += int(c.Runs)
		if c.HasMargin && (!b.hasMargin || c.Margin < b.margin) {
			b.margin, b.hasMargin = c.Margin, true
		}
	}
	return out
}

// sparks are the heights of a sparkline, lowest first.
var sparks = []rune("▁▂▃▄▅▆▇█")

// sparkline draws values between 0 and top; NaN-free: a missing value is nil.
func sparkline(values []*float64, top float64) string {
	var b strings.Builder
	for _, v := range values {
		switch {
		case v == nil:
			b.WriteRune('·')
		case top <= 0 || *v <= 0:
			b.WriteRune(sparks[0])
		default:
			// What is above 0 must not look like 0.
			i := 1 + int(*v/top*float64(len(sparks)-1))
			b.WriteRune(sparks[min(i, len(sparks)-1)])
		}
	}
	return b.String()
}

// failureSpark draws failure rates, and gives the height of its top.
func failureSpark(bs []bucket) (line string, top float64) {
	values := make([]*float64, len(bs))
	for i, b := range bs {
		if b.N > 0 {
			v := float64(b.K) / float64(b.N)
			values[i], top = &v, max(top, v)
		}
	}
	return sparkline(values, top), top
}

// marginSpark draws margins.
func marginSpark(bs []bucket) string {
	values := make([]*float64, len(bs))
	top := 0.0
	for i, b := range bs {
		if b.hasMargin {
			v := b.margin.Milliseconds()
			values[i], top = &v, max(top, v)
		}
	}
	return sparkline(values, top)
}

// rates says "0.5 % → 5 %".
func rates(c trend.Change) string {
	return stats.Percent(float64(c.Before.K)/float64(max(c.Before.N, 1))) + " → " + stats.Percent(float64(c.After.K)/float64(max(c.After.N, 1)))
}

// direction names a change for a person.
func direction(c trend.Change) string {
	if c.Worse {
		return "worse"
	}
	return "better"
}

// fixedWords says since when a test is mended, and how sure that is.
func fixedWords(r *trend.Report, f *trend.Fixed) string {
	return fmt.Sprintf("since %s: failed %s before, %d clean trials since exclude more than %s",
		r.Runs[f.Since].Label(), stats.Percent(f.Was), f.Clean, stats.Percent(f.Excludes))
}

// span names the time that a report covers.
func span(r *trend.Report) string {
	if len(r.Runs) == 0 {
		return "no runs"
	}
	first, last := r.Runs[0].Started.UTC(), r.Runs[len(r.Runs)-1].Started.UTC()
	return fmt.Sprintf("%s, %s to %s", count(len(r.Runs), "run"), first.Format("2006-01-02"), last.Format("2006-01-02"))
}

// chance writes a p-value; sums of rounded numbers say nothing below 1e-12.
func chance(p float64) string {
	if p < 1e-12 {
		return "< 1e-12"
	}
	return fmt.Sprintf("%.1g", p)
}
