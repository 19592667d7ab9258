package reports

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// trendRun is a run as an axis and a table name it.
type trendRun struct{ Label, When, Href string }

func newTrendRun(r *trend.Run) trendRun {
	return trendRun{Label: oneLine(r.Label(), 60), When: r.Started.UTC().Format("2006-01-02 15:04"), Href: forgeOf(r.CI, r.URL, r.Commit).ofCommit()}
}

// trendCauses is the band of causes: a row each, a column a run.
type trendCauses struct {
	Width       int
	First, Last trendRun
	Rows        []trendCause
	More        int
}

type trendCause struct {
	ID, Class, Title, Standing string
	Seen                       string // "in 3 of 5 runs"
	Since, Last                trendRun
	Natural, Provoked          string // SVG paths of the runs
	Label                      string
	Fresh                      bool // the newest run is the first that found it
}

// fresh says how many causes the newest run is the first to have found.
func (c *trendCauses) fresh() (n int) {
	if c == nil {
		return 0
	}
	for _, r := range c.Rows {
		if r.Fresh {
			n++
		}
	}
	return n
}

// seenCause is a cause, as the newest run that found it tells of it, and in which
// runs it was found.
type seenCause struct {
	trend.Found
	runs                    []int
	natural, provoked, last int
	standing                map[int]harness.Standing // by column
}

// seenCauses gathers the causes of all runs, in columns, the one seen last first.
func seenCauses(r *trend.Report, width int) (order []*seenCause) {
	byID := map[string]*seenCause{}
	for i, run := range r.Runs {
		for _, f := range run.Found {
			s := byID[f.ID]
			if s == nil {
				s = &seenCause{standing: map[int]harness.Standing{}}
				byID[f.ID] = s
				order = append(order, s)
			}
			s.Found, s.runs, s.last = f, append(s.runs, i), i
			if column := i * width / len(r.Runs); s.standing[column] != harness.Natural {
				s.standing[column] = f.Standing
			}
			if f.Standing == harness.Natural {
				s.natural++
			} else {
				s.provoked++
			}
		}
	}
	slices.SortStableFunc(order, func(a, b *seenCause) int {
		return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(b.runs[0], a.runs[0]), cmp.Compare(len(b.runs), len(a.runs)), cmp.Compare(a.ID, b.ID))
	})
	return order
}

// newTrendCauses gives the causes, the one seen last first; nil: there is none.
func newTrendCauses(r *trend.Report) *trendCauses {
	width := min(suiteBuckets, len(r.Runs))
	order := seenCauses(r, width)
	if len(order) == 0 {
		return nil
	}
	c := &trendCauses{Width: width, First: newTrendRun(&r.Runs[0]), Last: newTrendRun(&r.Runs[len(r.Runs)-1])}
	for _, s := range order {
		if len(c.Rows) == trendRows {
			c.More++
			continue
		}
		var path [2]strings.Builder
		for x := range width {
			switch s.standing[x] {
			case harness.Natural:
				fmt.Fprintf(&path[0], "M%d 0h.9v20h-.9z", x)
			case harness.Provoked:
				fmt.Fprintf(&path[1], "M%d 0h.9v20h-.9z", x)
			}
		}
		row := trendCause{
			ID: oneLine(s.ID, 40), Class: oneLine(string(s.Class), 60), Title: oneLine(s.Title, 300), Standing: oneLine(string(s.Standing), 40),
			Seen: fmt.Sprintf("in %d of %s", len(s.runs), count(len(r.Runs), "run")), Since: newTrendRun(&r.Runs[s.runs[0]]), Last: newTrendRun(&r.Runs[s.last]),
			Natural: path[0].String(), Provoked: path[1].String(),
			Fresh: len(r.Runs) > 1 && s.runs[0] == len(r.Runs)-1,
		}
		row.Label = fmt.Sprintf("%s failed by itself in %s, provoked in %s, of %d", row.ID, count(s.natural, "run"), count(s.provoked, "run"), len(r.Runs))
		c.Rows = append(c.Rows, row)
	}
	return c
}
