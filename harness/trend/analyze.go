package trend

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

// Alpha is the chance of one or more false change points over all flat tests.
const Alpha = 0.05

// Change is a place where a rate changed, attributed to commits.
type Change struct {
	First, Last   int           // runs between which it happened: First is the last run surely before, Last the first surely after
	At            int           // the likeliest first run of the new rate
	Before, After harness.Count // failures of trials on both sides
	P             float64       // chance of as strong a change in a flat history
	Worse         bool
}

// Fixed says since when a test that failed does not.
type Fixed struct {
	Since    int     // run
	Clean    int     // trials since
	Was      float64 // failure rate before
	Excludes float64 // the clean trials exclude rates above this at 95 %
}

// Line is one test's, or one suite's, way through time.
type Line struct {
	harness.TestID         // of a suite: Name and Suite are the suite's name
	Cells          []Cell  // oldest first
	Skipped        []int32 // runs that only skipped it
	Causes         []Found // of its failures, the one found last first; none of a suite
	Total          harness.Count
	Now            harness.Count // since the last change
	Rate           stats.Interval
	Changes        []Change
	Fixed          *Fixed
	Warnings       []string
}

// LastFailure gives the run in which it failed last, -1 if it never did.
func (l Line) LastFailure() int {
	for i := len(l.Cells) - 1; i >= 0; i-- {
		if l.Cells[i].Failures > 0 {
			return int(l.Cells[i].Run)
		}
	}
	return -1
}

// Red gives in how many runs it failed at least once, of those that it ran in.
func (l Line) Red() harness.Count {
	c := harness.Count{N: len(l.Cells)}
	for _, x := range l.Cells {
		if x.Failures > 0 {
			c.K++
		}
	}
	return c
}

// Medians gives the first and the last median duration known; 0: none is.
func (l Line) Medians() (first, last harness.Duration) {
	for _, c := range l.Cells {
		if c.P50 <= 0 {
			continue
		}
		if first == 0 {
			first = c.P50
		}
		last = c.P50
	}
	return first, last
}

// Skips gives in how many runs it was skipped at least once.
func (l Line) Skips() int {
	n := len(l.Skipped)
	for _, c := range l.Cells {
		if c.Skips > 0 {
			n++
		}
	}
	return n
}

// Margins gives the first, the smallest and the last margin known; ok is false
// if there is none.
func (l Line) Margins() (first, least, last harness.Duration, ok bool) {
	for _, c := range l.Cells {
		if !c.HasMargin {
			continue
		}
		if !ok {
			first, least, ok = c.Margin, c.Margin, true
		}
		least, last = min(least, c.Margin), c.Margin
	}
	return first, least, last, ok
}

// Report is what the past says.
type Report struct {
	Runs     []Run
	Suites   []Line
	Tests    []Line // those with the highest rate now first
	Skipped  []SkippedTest
	Warnings []string
}

// Analyze says what a history says. Its runs should be of like conditions; a
// warning says so if they are not.
func Analyze(h *History) *Report {
	r := &Report{Runs: h.Runs, Skipped: h.Skipped}
	if n := conditions(h.Runs); n > 1 {
		r.Warnings = append(r.Warnings, fmt.Sprintf("runs under %d different conditions are mixed: a change may come from these", n))
	}
	for _, t := range h.Tests {
		r.Tests = append(r.Tests, Line{TestID: t.TestID, Cells: t.Cells, Skipped: t.Skipped, Causes: t.Causes})
	}
	r.Suites = suites(h)
	complete(r.Tests)
	complete(r.Suites)
	slices.SortStableFunc(r.Tests, func(a, b Line) int {
		return cmp.Or(cmp.Compare(rate(b.Now), rate(a.Now)), cmp.Compare(rate(b.Total), rate(a.Total)), cmp.Compare(a.Name, b.Name))
	})
	return r
}

func conditions(runs []Run) int {
	seen := map[string]bool{}
	for _, r := range runs {
		seen[r.Conditions] = true
	}
	return len(seen)
}

func rate(c harness.Count) float64 {
	if c.N == 0 {
		return 0
	}
	return float64(c.K) / float64(c.N)
}

// suites adds the tests of each suite up, run by run.
func suites(h *History) []Line {
	byName := map[string]int{}
	var lines []Line
	var sums []map[int32]*Cell
	for _, t := range h.Tests {
		i, known := byName[t.Suite]
		if !known {
			i = len(lines)
			byName[t.Suite] = i
			lines = append(lines, Line{TestID: harness.TestID{Name: t.Suite, Suite: t.Suite}})
			sums = append(sums, map[int32]*Cell{})
		}
		for _, c := range t.Cells {
			s := sums[i][c.Run]
			if s == nil {
				s = &Cell{Run: c.Run}
				sums[i][c.Run] = s
			}
			s.Runs += c.Runs
			s.Failures += c.Failures
			if c.HasMargin && (!s.HasMargin || c.Margin < s.Margin) {
				s.HasMargin, s.Margin = true, c.Margin
			}
		}
	}
	for i := range lines {
		for _, c := range sums[i] {
			lines[i].Cells = append(lines[i].Cells, *c)
		}
		slices.SortFunc(lines[i].Cells, func(a, b Cell) int { return cmp.Compare(a.Run, b.Run) })
	}
	slices.SortFunc(lines, func(a, b Line) int { return cmp.Compare(a.Name, b.Name) })
	return lines
}

// complete computes what follows from the cells of each line.
func complete(lines []Line) {
	histories := make([][]harness.Count, len(lines))
	for i, l := range lines {
		histories[i] = Test{Cells: l.Cells}.Counts()
	}
	for i, c := range stats.ChangePointsAll(histories, Alpha) {
		l := &lines[i]
		l.Total = Test{Cells: l.Cells}.Total()
		l.Now = l.Total
		l.Warnings = c.Warnings
		for _, p := range c.Points {
			l.Changes = append(l.Changes, Change{
				First: int(l.Cells[max(0, p.Lo-1)].Run), Last: int(l.Cells[min(p.Hi, len(l.Cells)-1)].Run), At: int(l.Cells[p.At].Run),
				Before: p.Before, After: p.After, P: p.P, Worse: p.Worse(),
			})
			l.Now = p.After
		}
		l.Rate = stats.ClopperPearson(l.Now.K, l.Now.N, 0.95)
		if n := len(l.Changes); n > 0 && !l.Changes[n-1].Worse && l.Now.K == 0 {
			c := l.Changes[n-1]
			l.Fixed = &Fixed{Since: c.At, Clean: c.After.N, Was: rate(c.Before), Excludes: stats.Excludes(c.After.N, 0.95)}
		}
	}
}

// Range names the commits between which a change happened, "abc..def": git
// log takes it. Runs without a commit are named by their label.
func (r *Report) Range(c Change) string {
	return r.Runs[c.First].Label() + ".." + r.Runs[c.Last].Label()
}

// Changed gives the tests with a change, the newest change first.
func (r *Report) Changed() []Line {
	var out []Line
	for _, l := range r.Tests {
		if len(l.Changes) > 0 {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b Line) int {
		return cmp.Compare(b.Changes[len(b.Changes)-1].At, a.Changes[len(a.Changes)-1].At)
	})
	return out
}

// Worst gives at most n tests that fail now, the highest rate first.
func (r *Report) Worst(n int) []Line {
	var out []Line
	for _, l := range r.Tests {
		if l.Now.K > 0 && len(out) < n {
			out = append(out, l)
		}
	}
	return out
}

// Best gives at most n tests that never failed, those with the most trials
// first: the ones whose cleanness says the most.
func (r *Report) Best(n int) []Line {
	var out []Line
	for _, l := range r.Tests {
		if l.Total.K == 0 && l.Total.N > 0 {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b Line) int { return cmp.Compare(b.Total.N, a.Total.N) })
	return out[:min(n, len(out))]
}
