package reports

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

type testView struct {
	Name, Head, Tail, Suite, Category, Place string
	Status                                   harness.Status
	Order                                    int // by interest
	Runs, Failures, Skips, Infra             int
	Provoked                                 harness.Count
	Rate, Lo, Hi                             float64
	Excludes                                 float64
	Strip                                    strip
	Cause                                    string
	Margin                                   *harness.Margin
	P50, P99, Lateness                       harness.Duration
	Decided                                  string
	Notes                                    []string
	Findings                                 []string
	Groups                                   []groupView
	MoreGroups                               int
}

// Span is the width of the interval.
func (t testView) Span() float64 { return t.Hi - t.Lo }

type groupView struct {
	Kind, Message, First, Found, Stack, Output, Cause, Finding string
	Timeline                                                   *timeline
}

type findingView struct {
	ID, Class, Standing, Title, Explanation string
	Evidence                                []evidenceView
	Tests                                   []string
	MoreTests                               int
	Message, Kind                           string
	Schedule                                []string
	ScheduleNote                            string
	Margin                                  *marginView
	Timeline                                *timeline
	Redis                                   string
	Latent                                  bool
	Notes                                   []string
}

// evidenceView is one count with what it says.
type evidenceView struct {
	Name string
	harness.Count
	Meaning string
	Good    bool // as it should be for the cause to hold
}

type marginView struct {
	harness.Margin
	Detail string // what is known beside the size
	At     string
	Pos    float64 // place on the logarithmic scale, 0 to 100
	P99    float64 // the machine's timer lateness on it; 0: unknown
	Thin   bool    // within what this machine's own timers do
}

func newTest(r *harness.Result, t *harness.TestResult, order int, b *budget) testView {
	v := testView{
		Name: oneLine(orElse(t.Name, "(no name)"), 500), Suite: oneLine(t.Suite, 200), Category: oneLine(t.Category, 200),
		Status: t.Status, Order: order, Runs: t.Runs, Failures: t.Failures, Skips: t.Skips, Infra: t.Infra, Provoked: t.Provoked,
		Rate: t.Rate, Lo: t.RateLo, Hi: t.RateHi, Excludes: t.Excludes, Strip: newStrip(t.Strip), Cause: oneLine(string(causeOf(r, t)), 60),
		Margin: t.Margin, P50: t.P50, P99: t.P99, Lateness: t.Lateness, Decided: oneLine(t.Decided, 300),
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
			gv.Timeline.Boundary = boundaryWords(&r.Target, g.Boundary)
		}
		v.Groups = append(v.Groups, gv)
	}
	return v
}

func newFinding(f *harness.Finding, machine harness.Machine, b *budget) findingView {
	v := findingView{
		ID: oneLine(f.ID, 40), Class: oneLine(string(f.Class), 60), Standing: oneLine(string(f.Standing), 40),
		Title: oneLine(f.Title, 500), Explanation: block(f.Explanation, 5000), Kind: oneLine(string(f.Failure.Kind), 40),
		Message: b.block(f.Failure.Message, pageMessage), Timeline: newTimeline(f.Timeline), Redis: redisWords(f.Redis),
		Latent: f.Standing == harness.Latent,
		Tests:  safeNames(f.Tests, 20), MoreTests: max(0, len(f.Tests)-20),
	}
	if v.Timeline != nil {
		v.Timeline.Boundary = boundaryWords(&f.Target, f.Boundary)
	}
	add := func(name string, c harness.Count, meaning string, good bool) {
		if c.N > 0 {
			v.Evidence = append(v.Evidence, evidenceView{name, c, meaning, good})
		}
	}
	add("natural", f.Natural, "failed with nothing injected", true)
	add("provoked", f.Provoked, "failed with the schedule below", f.Provoked.K > 0)
	add("counterfactual", f.Counter, "failed without the guilty delay, or with the order forced right", f.Counter.K == 0)
	for i, d := range f.Schedule.Decisions {
		if i == 50 {
			v.Schedule = append(v.Schedule, fmt.Sprintf("%d more in the finding's file", len(f.Schedule.Decisions)-i))
			break
		}
		v.Schedule = append(v.Schedule, oneLine(d.String(), 500))
	}
	if len(v.Schedule) == 0 && f.Schedule.Strategy != "" && f.Schedule.Strategy != "none" {
		v.ScheduleNote = oneLine(fmt.Sprintf("strategy %s with seed %d", f.Schedule.Strategy, f.Schedule.Seed), 200)
	}
	if f.Margin != nil {
		m := newMargin(*f.Margin, machine)
		v.Margin = &m
	}
	for _, s := range f.Warnings {
		v.Notes = append(v.Notes, oneLine(s, 500))
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

func newMargin(m harness.Margin, machine harness.Machine) marginView {
	m.MachineP99 = cmp.Or(m.MachineP99, machine.TimerP99)
	v := marginView{Margin: m, Detail: marginDetail(&m), Pos: logScale(m.Size)}
	m.Test, m.Edge = oneLine(m.Test, 400), oneLine(m.Edge, 300)
	v.Margin = m
	if !m.At.IsZero() {
		v.At = oneLine(m.At.String(), 300)
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
