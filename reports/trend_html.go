package reports

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
)

var (
	//go:embed assets/trend.html
	trendSource string
	//go:embed assets/trend.css
	trendStyle string
	//go:embed assets/trend.js
	trendScript string
)

const (
	trendBuckets = 60  // marks of a test's drawing: 1,000 tests must stay below 3 MB
	suiteBuckets = 120 // marks of a suite's drawing
	trendRows    = 50  // rows of a table that the page holds without its script
)

// trendPage is what the page's template reads.
type trendPage struct {
	Style       template.CSS
	Script      template.JS
	ScriptHash  string
	Headline    string
	Span        string
	Tone        string
	Notes       []string
	Facts       []fact
	Suites      []trendSuite
	Changes     []trendChange
	MoreChanges int
	Fixed       []trendFixed
	MoreFixed   int
	Best        []string
	Causes      *trendCauses
	First, Last trendRun
	Margins     int
	Tests       int
	Data        trendData
}

type trendSuite struct {
	Name, Words string
	Drawing     trendDrawing
}

type trendChange struct {
	Test, Suite, Word, Rates, Range, When, P string
	From, To                                 trendRun
	Worse                                    bool
}

type trendFixed struct{ Test, Words string }

// trendData is what the page's script reads; short keys, since there are many.
type trendData struct {
	Labels []string    `json:"l"` // of the buckets: the runs that they hold
	Tests  []trendTest `json:"t"`
}

type trendTest struct {
	Name   string `json:"n"`
	K      int    `json:"k"`           // failures since the last change
	N      int    `json:"m"`           // of trials
	Lo     string `json:"lo"`          // 95 % interval
	Hi     string `json:"hi"`          //
	All    int    `json:"a"`           // trials in all
	Last   int    `json:"x"`           // bucket of the last failure, -1: never failed
	Seen   string `json:"s,omitempty"` // run of the last failure
	State  string `json:"c"`           // stable, flaky, broken, fixed, worse
	Rates  []int  `json:"r"`           // failures per thousand by bucket, -1: no trial
	Margin []int  `json:"g,omitempty"` // µs by bucket, -1: unknown
	Red    int    `json:"d,omitempty"` // runs in which it failed
	In     int    `json:"e"`           // of runs that it ran in
	Skips  int    `json:"q,omitempty"` // runs that skipped it
	Was    string `json:"w,omitempty"` // median duration in the first run, if it is another now
	Takes  string `json:"p,omitempty"` // in the last
	Cause  string `json:"u,omitempty"` // class of the cause found last
	Causes string `json:"v,omitempty"` // all of them
}

// TrendHTML writes how tests did over time as one page that asks nothing of
// the network: suites, changes with their commits, what is fixed, and a list of
// all tests of which only the rows in view are drawn.
func TrendHTML(w io.Writer, r *trend.Report, o Options) error {
	page, err := template.New("trend").Parse(trendSource)
	if err != nil {
		return fmt.Errorf("parse the trend page's template: %w", err)
	}
	v := newTrendPage(r)
	v.Style = template.CSS(styleSource + trendStyle)
	v.Script = template.JS(strings.TrimSpace(trendScript))
	sum := sha256.Sum256([]byte(v.Script))
	v.ScriptHash = "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
	return page.Execute(w, v)
}

func newTrendPage(r *trend.Report) *trendPage {
	v := &trendPage{Span: span(r), Tests: len(r.Tests), Tone: "stable"}
	for _, n := range r.Warnings {
		v.Notes = append(v.Notes, oneLine(n, 500))
	}
	v.Causes = newTrendCauses(r)
	if n := len(r.Runs); n > 0 {
		v.First, v.Last = newTrendRun(&r.Runs[0]), newTrendRun(&r.Runs[n-1])
	}
	failing := len(r.Worst(len(r.Tests)))
	changed := r.Changed()
	fresh := 0
	for _, l := range changed {
		if l.Changes[len(l.Changes)-1].Worse {
			fresh++
		}
	}
	switch {
	case len(r.Runs) == 0:
		v.Headline, v.Tone = "Nothing is recorded yet", "undecided"
	case fresh > 0:
		v.Headline, v.Tone = fmt.Sprintf("%s of %d got worse", count(fresh, "test"), len(r.Tests)), "broken"
	case v.Causes.fresh() > 0:
		v.Headline, v.Tone = fmt.Sprintf("%s that no earlier run found", count(v.Causes.fresh(), "cause")), "broken"
	case failing == 0 && v.Causes != nil:
		v.Headline, v.Tone = fmt.Sprintf("No test fails by itself, %s provoked", count(len(v.Causes.Rows)+v.Causes.More, "cause")), "flaky"
	case failing > 0:
		v.Headline, v.Tone = fmt.Sprintf("%s of %d fail at times, none of them more than before", count(failing, "test"), len(r.Tests)), "flaky"
	default:
		v.Headline = "No test fails"
	}
	trials, failures := 0, 0
	for _, l := range r.Tests {
		trials, failures = trials+l.Total.N, failures+l.Total.K
		if _, _, _, ok := l.Margins(); ok {
			v.Margins++
		}
	}
	v.Facts = []fact{
		{Name: "Runs", Value: fmt.Sprint(len(r.Runs))}, {Name: "Tests", Value: fmt.Sprint(len(r.Tests))},
		{Name: "Executions", Value: grouped(trials)}, {Name: "Failed", Value: grouped(failures)},
		{Name: "False alarms", Value: fmt.Sprintf("a flat history shows a change with at most %s, all tests together", stats.Percent(trend.Alpha))},
	}
	if len(r.Skipped) > 0 {
		v.Facts = append(v.Facts, fact{Name: "Skipped in every run", Value: skippedNames(r.Skipped)})
	}
	for _, l := range r.Suites {
		v.Suites = append(v.Suites, trendSuite{oneLine(l.Name, 200), lineWords(l), newTrendDrawing(r, l, suiteBuckets)})
	}
	v.changes(r, changed)
	for _, l := range r.Best(3) {
		v.Best = append(v.Best, fmt.Sprintf("%s: %s", oneLine(l.Name, 200), stats.ExclusionSentence(l.Total.N, 0.95)))
	}
	v.Data = newTrendData(r)
	return v
}

// skippedNames names ten tests, and says how many more there are.
func skippedNames(skipped []trend.SkippedTest) string {
	var names []string
	for _, t := range skipped[:min(len(skipped), 10)] {
		names = append(names, oneLine(t.Name, 200))
	}
	if n := len(skipped) - len(names); n > 0 {
		names = append(names, fmt.Sprintf("%d more", n))
	}
	return strings.Join(names, ", ")
}

func (v *trendPage) changes(r *trend.Report, changed []trend.Line) {
	for _, l := range changed {
		if l.Fixed != nil {
			if len(v.Fixed) < trendRows {
				v.Fixed = append(v.Fixed, trendFixed{oneLine(l.Name, 300), fixedWords(r, l.Fixed)})
			} else {
				v.MoreFixed++
			}
		}
		for i := len(l.Changes) - 1; i >= 0; i-- {
			c := l.Changes[i]
			if len(v.Changes) == trendRows {
				v.MoreChanges++
				continue
			}
			v.Changes = append(v.Changes, trendChange{
				Test: oneLine(l.Name, 300), Suite: oneLine(l.Suite, 200), Word: direction(c), Worse: c.Worse, Rates: rates(c),
				Range: oneLine(r.Range(c), 100), From: newTrendRun(&r.Runs[c.First]), To: newTrendRun(&r.Runs[c.Last]), When: r.Runs[c.At].Started.UTC().Format("2006-01-02"), P: chance(c.P),
			})
		}
	}
}

func lineWords(l trend.Line) string {
	return fmt.Sprintf("fails %s now (%s of %s)", stats.Percent(float64(l.Now.K)/float64(max(l.Now.N, 1))), grouped(l.Now.K), grouped(l.Now.N))
}

func newTrendData(r *trend.Report) trendData {
	d := trendData{Labels: []string{}, Tests: make([]trendTest, 0, len(r.Tests))}
	n := min(trendBuckets, len(r.Runs))
	for i := range n {
		// The runs of a bucket, as buckets() deals them out.
		first, last := (i*len(r.Runs)+n-1)/n, ((i+1)*len(r.Runs)+n-1)/n-1
		label := oneLine(r.Runs[first].Label(), 60)
		if last > first {
			label += " to " + oneLine(r.Runs[last].Label(), 60)
		}
		d.Labels = append(d.Labels, label)
	}
	for _, l := range r.Tests {
		d.Tests = append(d.Tests, newTrendTest(r, l))
	}
	return d
}

func newTrendTest(r *trend.Report, l trend.Line) trendTest {
	t := trendTest{Name: oneLine(l.Name, 300), K: l.Now.K, N: l.Now.N, All: l.Total.N, Last: -1, State: state(l),
		Lo: stats.Percent(l.Rate.Lo), Hi: stats.Percent(l.Rate.Hi)}
	bs := buckets(l.Cells, len(r.Runs), trendBuckets)
	hasMargin := false
	margins := make([]int, len(bs))
	for i, b := range bs {
		permille := -1
		if b.N > 0 {
			permille = b.K * 1000 / b.N
			if b.K > 0 {
				permille, t.Last = max(1, permille), i
			}
		}
		t.Rates = append(t.Rates, permille)
		margins[i] = -1
		if b.hasMargin {
			margins[i], hasMargin = int(b.margin/1000), true
		}
	}
	if hasMargin {
		t.Margin = margins
	}
	red := l.Red()
	t.Red, t.In, t.Skips = red.K, red.N, l.Skips()
	first, last := l.Medians()
	if last > 0 {
		t.Takes = short(last)
	}
	if was := short(first); first > 0 && was != t.Takes {
		t.Was = was
	}
	var causes []string
	for i, c := range l.Causes {
		if i == 0 {
			t.Cause = oneLine(string(c.Class), 60)
		}
		causes = append(causes, oneLine(fmt.Sprintf("%s, %s: %s", c.ID, c.Standing, c.Title), 300))
	}
	t.Causes = strings.Join(causes, "\n")
	if run := l.LastFailure(); run >= 0 {
		t.Seen = oneLine(r.Runs[run].Label(), 60)
	}
	return t
}

// state says in one word how a test does now.
func state(l trend.Line) string {
	switch n := len(l.Changes); {
	case l.Fixed != nil:
		return "fixed"
	case n > 0 && l.Changes[n-1].Worse:
		return "worse"
	case l.Now.N > 0 && l.Now.K == l.Now.N:
		return "broken"
	case l.Now.K > 0:
		return "flaky"
	}
	return "stable"
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
