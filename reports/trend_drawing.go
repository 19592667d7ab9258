package reports

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// drawingHeight is the height of a suite's drawing, in its own units.
const drawingHeight = 100

// trendDrawing is failure rates as columns, one unit wide, and the places of
// changes.
type trendDrawing struct {
	Width int
	Path  string    // SVG path data
	Marks []float64 // x of changes
	Top   string    // what the full height stands for
	Label string    // for those who cannot see it
}

// newTrendDrawing draws a line's failure rates; the highest fills the box.
func newTrendDrawing(r *trend.Report, l trend.Line, n int) trendDrawing {
	bs := buckets(l.Cells, len(r.Runs), n)
	d := trendDrawing{Width: len(bs)}
	top := 0.0
	for _, b := range bs {
		if b.N > 0 {
			top = max(top, float64(b.K)/float64(b.N))
		}
	}
	var path strings.Builder
	for i, b := range bs {
		if b.K > 0 {
			h := max(2, float64(b.K)/float64(b.N)/top*drawingHeight) // what failed must be seen
			fmt.Fprintf(&path, "M%d %dv-%.1fh1v%.1fz", i, drawingHeight, h, h)
		}
	}
	d.Path = path.String()
	for _, c := range l.Changes {
		d.Marks = append(d.Marks, float64(c.At)*float64(len(bs))/float64(len(r.Runs)))
	}
	d.Top = stats.Percent(top)
	d.Label = fmt.Sprintf("failure rate of %s over %s, at most %s, %s", oneLine(l.Name, 200), count(len(r.Runs), "run"), d.Top, count(len(l.Changes), "change"))
	return d
}
