package reports

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// PastRuns is how many of the newest earlier runs a page tells of: a column each.
const PastRuns = 60

// TrendOf gives what a history says of all tests together, run by run.
func TrendOf(h *trend.History) []TrendPoint {
	points := make([]TrendPoint, len(h.Runs))
	for i := range h.Runs {
		points[i] = TrendPoint{When: h.Runs[i].Started, Label: h.Runs[i].Label()}
	}
	for i := range h.Tests {
		for _, c := range h.Tests[i].Cells {
			points[c.Run].Runs += int(c.Runs)
			points[c.Run].Failures += int(c.Failures)
		}
	}
	return points
}

// pastView is what earlier runs say of one test.
type pastView struct {
	Red, Executions, Medians, Skips string
	Causes                          []string
	Width                           int
	Fail, Pass, Skip                string // SVG paths, a column a run; of one that failed, as high as its rate
	Label                           string
	First, Last                     trendRun
}

// newPast tells the history of a test; nil: there is none.
func newPast(h *trend.History, byName map[string]*trend.Test, name string) *pastView {
	t := byName[name]
	if t == nil || len(h.Runs) == 0 || len(t.Cells)+len(t.Skipped) == 0 {
		return nil
	}
	l := trend.Line{TestID: t.TestID, Cells: t.Cells, Skipped: t.Skipped}
	red, total := l.Red(), t.Total()
	v := &pastView{
		Red: fmt.Sprintf("%d of %s", red.K, count(red.N, "run")), Executions: fmt.Sprintf("%s of %s failed", grouped(total.K), grouped(total.N)),
		Width: len(h.Runs), First: newTrendRun(&h.Runs[0]), Last: newTrendRun(&h.Runs[len(h.Runs)-1]),
	}
	if total.K > 0 {
		v.Executions += fmt.Sprintf(" (%s)", stats.Percent(float64(total.K)/float64(total.N)))
	}
	if first, last := l.Medians(); last > 0 {
		v.Medians = medianWords(first, last)
	}
	if n := l.Skips(); n > 0 {
		v.Skips = "in " + count(n, "run")
	}
	for _, c := range t.Causes {
		v.Causes = append(v.Causes, fmt.Sprintf("%s (%s, %s)", oneLine(c.Title, 300), oneLine(string(c.Class), 60), oneLine(string(c.Standing), 20)))
	}
	v.draw(t)
	v.Label = fmt.Sprintf("red in %s; %s", v.Red, v.Executions)
	if v.Skips != "" {
		v.Label += "; skipped " + v.Skips
	}
	return v
}

// draw makes a column of each run.
func (v *pastView) draw(t *trend.Test) {
	var fail, pass, skip strings.Builder
	for _, c := range t.Cells {
		high := 0.0
		if c.Failures > 0 {
			high = max(4, 30*float64(c.Failures)/float64(c.Runs)) // what failed must be seen
			fmt.Fprintf(&fail, "M%d 30v-%.4gh.9v%.4gz", c.Run, high, high)
		} else {
			fmt.Fprintf(&pass, "M%d 27h.9v3h-.9z", c.Run)
		}
	}
	for _, run := range t.Skipped {
		fmt.Fprintf(&skip, "M%d 27h.9v3h-.9z", run)
	}
	v.Fail, v.Pass, v.Skip = fail.String(), pass.String(), skip.String()
}

// medianWords says how long a test took at first, and takes now.
func medianWords(first, last harness.Duration) string {
	if first == last {
		return short(last)
	}
	return short(first) + " at first, " + short(last) + " now"
}

// testsOf finds the tests of a history by name; h may be nil.
func testsOf(h *trend.History) map[string]*trend.Test {
	byName := map[string]*trend.Test{}
	if h == nil {
		return byName
	}
	for i := range h.Tests {
		byName[h.Tests[i].Name] = &h.Tests[i]
	}
	for _, s := range h.Skipped {
		byName[s.Name] = &trend.Test{TestID: s.TestID, Skipped: s.In}
	}
	return byName
}
