package reports

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

type testView struct {
	Name, Head, Tail, Category, Place string
	Status                            harness.Status
	Order                             int // by interest
	Anchor                            string
	Runs, Failures, Skips, Infra      int
	Provoked                          harness.Count
	Rate, Lo, Hi                      float64
	Excludes                          float64
	Strip                             strip
	Cause                             string
	Margin                            *harness.Margin
	P50, P99, TimerLag                harness.Duration
	Decided                           string
	Notes                             []string
	Findings                          []string
	Groups                            []groupView
	MoreGroups                        int
	Past                              *pastView // nil: no earlier run is known
}

// Span is the width of the interval.
func (t testView) Span() float64 { return t.Hi - t.Lo }

type groupView struct {
	Kind, Message, First, Found, Stack, Output, Cause, Finding string
	Timeline                                                   *timeline
}

type marginView struct {
	harness.Margin
	Detail     string // what is known beside the size
	At         string
	Pos        float64 // place on the logarithmic scale, 0 to 100
	P99        float64 // the machine's timer lateness on it; 0: unknown
	Thin       bool    // within what this machine's own timers do
	AssumedLag float64 // an assumed machine's lateness on it; 0: none
	Kind       string  // measured, predicted or ordered
	Anchor     string  // of its test
	Rest       []marginView
}

// testViews tells all tests, those to look at first.
func testViews(r *harness.Result, past *trend.History, b *budget) (views []testView) {
	byName := testsOf(past)
	for i, t := range byTrouble(r.Tests) {
		v := newTest(r, t, i, b)
		v.Past = newPast(past, byName, t.Name)
		views = append(views, v)
	}
	return views
}

func newTest(r *harness.Result, t *harness.TestResult, order int, b *budget) testView {
	v := testView{
		Name: oneLine(orElse(t.Name, "(no name)"), 500), Category: oneLine(t.Category, 200),
		Status: t.Status, Order: order, Anchor: anchor(t.Name), Runs: t.Runs, Failures: t.Failures, Skips: t.Skips, Infra: t.Infra, Provoked: t.Provoked,
		Rate: t.Rate, Lo: t.RateLo, Hi: t.RateHi, Excludes: t.Excludes, Strip: newStrip(t.Strip, t.Provoked), Cause: oneLine(string(causeOf(r, t)), 60),
		Margin: t.Margin, P50: t.P50, P99: t.P99, TimerLag: t.TimerLag, Decided: oneLine(t.Decided, 300),
	}
	if !excludes(t) {
		v.Excludes = 0
	}
	switch v.Status { // it becomes a class name
	case harness.Stable, harness.Flaky, harness.Broken, harness.StatusSkipped, harness.StatusInfra:
	default:
		v.Status = harness.Undecided
	}
	if i := strings.LastIndexByte(strings.TrimRight(v.Name, "/"), '/'); i > 0 {
		v.Head, v.Tail = v.Name[:i+1], v.Name[i+1:]
	} else {
		v.Tail = v.Name
	}
	if t.File != "" {
		v.Place = oneLine(t.File, 400)
		if t.Line > 0 {
			v.Place += fmt.Sprintf(":%d", t.Line)
		}
	}
	for _, s := range t.Warnings {
		v.Notes = append(v.Notes, oneLine(s, 500))
	}
	for _, f := range findingsOf(r, t) {
		v.Findings = append(v.Findings, oneLine(f.ID, 40))
	}
	groups := groupsOf(r, t)
	for i := range groups {
		if i == pageGroups {
			v.MoreGroups = len(groups) - i
			break
		}
		g := &groups[i]
		gv := groupView{
			Kind: oneLine(string(g.Kind), 40), Message: b.block(g.Message, pageMessage), Found: foundWords(g),
			Stack: b.block(g.Stack, pageOutput), Output: b.block(g.Output, pageOutput), Cause: oneLine(string(g.Cause), 60), Finding: oneLine(g.Finding, 40),
			Timeline: b.timeline(g.Wire),
		}
		if gv.Timeline != nil {
			gv.Timeline.Label = fmt.Sprintf("Commands on the wire of %s, kind of failure %d", v.Name, i+1)
			gv.Timeline.Boundary = boundaryWords(&r.Target, g.Boundary)
		}
		v.Groups = append(v.Groups, gv)
	}
	return v
}

// safeNames makes a list of at most n names readable.
func safeNames(names []string, n int) []string {
	var list []string
	for i, s := range names {
		if i == n {
			break
		}
		list = append(list, oneLine(s, 300))
	}
	return list
}
