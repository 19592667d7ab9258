package reports

import (
	"fmt"
	"html/template"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
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
	First                           []firstView
	FirstRule                       string
	Findings                        []findingView
	Families, Standings             []share // of the findings: the filter's choices
	MoreFindings                    int
	Latent                          []findingView
	LatentLead                      string
	MoreLatent                      int
	Only                            string // what was done, and what not
	Tests                           []testView
	Statuses                        []share // the filter's choices
	Margins                         []marginView
	MoreMargins                     int
	Assumed                         string // what the second mark of a margin's scale stands for
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

func newPage(r *harness.Result, o Options) *pageView {
	r = asJudged(r)
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
	v.Findings, v.MoreFindings = findingViews(r, shown(r), pageFindings, b)
	v.Families = sharesBy(v.Findings, func(f *findingView) string { return f.Family })
	v.Standings = sharesBy(v.Findings, func(f *findingView) string { return f.Standing })
	v.First, v.FirstRule = doFirst(r, runsAWeek(o.Trend)), firstRule
	v.Latent, v.MoreLatent = findingViews(r, predicted(r), latentPage, b)
	v.LatentLead, v.Only = latentLead, faultWords(r)
	v.Tests = testViews(r, o.Past, b)
	lag, assumed := assumedLag(r)
	v.Assumed = assumed
	rows := marginRows(r)
	for i, g := range rows {
		if i == pageMargins {
			v.MoreMargins = len(rows) - i
			break
		}
		v.Margins = append(v.Margins, newMarginRow(r, g, lag))
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

// findingViews makes at most n of them, and says how many it left out.
func findingViews(r *harness.Result, list []*harness.Finding, n int, b *budget) (views []findingView, more int) {
	for i, f := range list {
		if i == n {
			return views, len(list) - i
		}
		views = append(views, newFinding(r, f, b))
	}
	return views, 0
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
	case t.Infra > 0 || verdict.Ended(r) == verdict.BrokenOff:
		return "infrastructure"
	case t.Undecided > 0 || verdict.Ended(r) != verdict.Complete || t.Stable == 0:
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
