package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Limits of report.html: it must open at once whatever a run has seen. All that
// is cut here is whole in result.json.
const (
	pageFindings  = 200
	pageGroups    = 5
	pageTimelines = 100 // of tests; findings have their own
	pageMargins   = 300
	pageMessage   = 4 << 10
	pageOutput    = 8 << 10
	pageTexts     = 2 << 20 // for all messages, stacks and outputs together
)

// pageView is what the template shows: all of it text that has been made safe to
// read; escaping for HTML is the template's part.
type pageView struct {
	Style      template.CSS
	Script     template.JS
	ScriptHash string

	Title, Headline, Tone, Excludes string
	Tally                           tally
	Bar                             []share
	Facts                           []fact
	Rerun                           []string
	Imitation                       string // set when Redis was not real
	Notes                           []string
	Infra                           []fact
	Findings                        []findingView
	MoreFindings                    int
	Tests                           []testView
	Statuses                        []share // the filter's choices
	Margins                         []marginView
	MoreMargins                     int
	Coverage                        []share
	CoverageSeen                    int
	Expectations                    []harness.Expectation
	Trend                           *trendView
	Machine                         []fact
	Tool                            string
}

// share is one part of a stacked bar.
type share struct {
	Name, Class string
	N           int
}

type fact struct{ Name, Value string }

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

func newPage(r *harness.Result, o Options) *pageView {
	t := tallyOf(r.Tests)
	v := &pageView{
		Title: "flakehunt: " + Headline(r), Headline: Headline(r), Tone: tone(r, t), Excludes: Excludes(r),
		Tally: t, Bar: statusShares(t), Rerun: rerun(r), Tool: oneLine(orElse(r.Tool, "flakehunt"), 60),
		Machine: machineFacts(r), Trend: newTrend(o.Trend),
	}
	v.Statuses = v.Bar
	if !r.Redis.Real && len(r.Tests) > 0 {
		v.Imitation = imitation(r.Redis)
	}
	v.Facts = runFacts(r, t)
	for i, s := range r.Warnings {
		if i == 50 {
			v.Notes = append(v.Notes, fmt.Sprintf("%d more in result.json", len(r.Warnings)-i))
			break
		}
		v.Notes = append(v.Notes, oneLine(s, 1000))
	}
	for i, f := range r.Infra {
		if i == 50 {
			v.Infra = append(v.Infra, fact{"…", fmt.Sprintf("%d more in result.json", len(r.Infra)-i)})
			break
		}
		v.Infra = append(v.Infra, fact{oneLine(f.What, 100), block(f.Err, 1000)})
	}
	b := &budget{texts: pageTexts, timelines: pageTimelines}
	for i := range r.Findings {
		if i == pageFindings {
			v.MoreFindings = len(r.Findings) - i
			break
		}
		v.Findings = append(v.Findings, newFinding(&r.Findings[i], r.Machine, b))
	}
	for i, t := range byTrouble(r.Tests) {
		v.Tests = append(v.Tests, newTest(r, t, i, b))
	}
	for i, m := range margins(r) {
		if i == pageMargins {
			v.MoreMargins = len(r.Margins) - i
			break
		}
		v.Margins = append(v.Margins, newMargin(m, r.Machine))
	}
	if c := r.Coverage; c != nil {
		v.CoverageSeen = c.Seen
		v.Coverage = []share{{"in both orders", "stable", c.Both}, {"ordered by the program", "skipped", c.Blocked}, {"not reached", "flaky", c.Missed}}
	}
	for _, e := range r.Expectations {
		v.Expectations = append(v.Expectations, harness.Expectation{
			Topic: oneLine(e.Topic, 200), Expects: oneLine(e.Expects, 1000), Implementation: oneLine(e.Implementation, 1000),
			Gap: oneLine(e.Gap, 1000), Tests: safeNames(e.Tests, 10),
		})
	}
	return v
}

// budget is what is left for the parts that can be large.
type budget struct{ texts, timelines int }

func (b *budget) block(s string, n int) string {
	if b.texts <= 0 {
		n = min(n, 300)
	}
	s = block(s, n)
	b.texts -= len(s)
	return s
}

func (b *budget) timeline(lines []harness.Line) *timeline {
	if b.timelines <= 0 {
		return nil
	}
	t := newTimeline(lines)
	if t != nil {
		b.timelines--
	}
	return t
}

func tone(r *harness.Result, t tally) string {
	switch {
	case t.Broken > 0:
		return "broken"
	case t.Flaky > 0:
		return "flaky"
	case t.Infra > 0 || t.Tests == 0 && len(r.Infra) > 0:
		return "infrastructure"
	case t.Undecided > 0 || r.Interrupted || t.Stable == 0:
		return "undecided"
	}
	return "stable"
}

func statusShares(t tally) []share {
	var list []share
	for _, s := range []share{
		{"broken", "broken", t.Broken}, {"flaky", "flaky", t.Flaky}, {"infrastructure", "infrastructure", t.Infra},
		{"undecided", "undecided", t.Undecided}, {"stable", "stable", t.Stable}, {"skipped", "skipped", t.Skipped},
	} {
		if s.N > 0 {
			list = append(list, s)
		}
	}
	return list
}

func imitation(r harness.RedisInfo) string {
	s := "This run used an imitation of Redis"
	switch r.Provider {
	case "embedded":
		s += " inside the process"
	case "sim":
		s += " inside the process, in virtual time"
	}
	return s + ", not a real server. Confirm what it shows with --redis container or --redis server."
}

func runFacts(r *harness.Result, t tally) []fact {
	list := []fact{
		{"Redis", redisWords(r.Redis)},
		{"Trials", trials(r)},
		{"Executions", fmt.Sprintf("%d, %s passed", t.Runs, t.passRate())},
		{"Strategy", oneLine(strategyWords(r), 300)},
		{"Seed", fmt.Sprint(r.Seed)},
	}
	if d := r.Finished.Sub(r.Started); !r.Started.IsZero() && d > 0 {
		list = append(list, fact{"Took", short(harness.Duration(d))})
	}
	if what := targetWords(r.Target); what != "" {
		list = append(list, fact{"Target", what})
	}
	if r.Machine.TimerP99 > 0 {
		list = append(list, fact{"Timers ran late by", fmt.Sprintf("%s typically, %s at the 99th percentile, %s at worst",
			short(r.Machine.TimerP50), short(r.Machine.TimerP99), short(r.Machine.TimerMax))})
	}
	return list
}

func strategyWords(r *harness.Result) string {
	s := orElse(r.Strategy, "none")
	var keys []string
	for k := range r.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s += fmt.Sprintf(", %s %s", k, r.Params[k])
	}
	return s
}

func targetWords(t harness.Target) string {
	s := strings.Join(t.Suites, ", ")
	if len(t.Argv) > 0 {
		s = strings.Join(t.Argv, " ")
	}
	if t.Variant != "" {
		s += " (" + t.Variant
		if len(t.Defects) > 0 {
			s += ": " + strings.Join(t.Defects, ", ")
		}
		s += ")"
	}
	return oneLine(s, 400)
}

func machineFacts(r *harness.Result) []fact {
	m := r.Machine
	list := []fact{{"Machine", oneLine(fmt.Sprintf("%s/%s, %s", m.OS, m.Arch, count(m.CPUs, "CPU")), 100)}, {"Go", oneLine(m.Go, 40)}}
	if r.Workers > 0 {
		list = append(list, fact{"Workers", fmt.Sprint(r.Workers)})
	}
	if r.Redis.Note != "" {
		list = append(list, fact{"Why this Redis", oneLine(r.Redis.Note, 300)})
	}
	if !r.Started.IsZero() {
		list = append(list, fact{"Started", r.Started.UTC().Format(time.DateTime) + " UTC"})
	}
	if r.Shard != "" {
		list = append(list, fact{"Shard", oneLine(r.Shard, 40)})
	}
	if r.PointsShared > 0 {
		list = append(list, fact{"Frames that trials of one test share", percent(r.PointsShared)})
	}
	var keys []string
	for k := range r.Meta {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		list = append(list, fact{oneLine(k, 100), oneLine(r.Meta[k], 400)})
	}
	return list
}

func newTest(r *harness.Result, t *harness.TestResult, order int, b *budget) testView {
	v := testView{
		Name: oneLine(orElse(t.Name, "(no name)"), 500), Suite: oneLine(t.Suite, 200), Category: oneLine(t.Category, 200),
		Status: t.Status, Order: order, Runs: t.Runs, Failures: t.Failures, Skips: t.Skips, Infra: t.Infra, Provoked: t.Provoked,
		Rate: t.Rate, Lo: t.RateLo, Hi: t.RateHi, Excludes: t.Excludes, Strip: newStrip(t.Strip), Cause: oneLine(string(causeOf(r, t)), 60),
		Margin: t.Margin, P50: t.P50, P99: t.P99, Lateness: t.Lateness, Decided: oneLine(t.Decided, 300),
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
		v.Groups = append(v.Groups, gv)
	}
	return v
}

func newFinding(f *harness.Finding, machine harness.Machine, b *budget) findingView {
	v := findingView{
		ID: oneLine(f.ID, 40), Class: oneLine(string(f.Class), 60), Standing: oneLine(string(f.Standing), 40),
		Title: oneLine(f.Title, 500), Explanation: block(f.Explanation, 5000), Kind: oneLine(string(f.Failure.Kind), 40),
		Message: b.block(f.Failure.Message, pageMessage), Timeline: newTimeline(f.Timeline), Redis: redisWords(f.Redis),
		Tests: safeNames(f.Tests, 20), MoreTests: max(0, len(f.Tests)-20),
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
