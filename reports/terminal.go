package reports

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// terminalTests is how many tests the table tells one by one.
const terminalTests = 25

// Terminal writes a summary for a person: a table by suite and category, the
// tests that were not stable, findings, margins, and the next command. The
// caller decides on colour and width. It writes no control character but
// newlines and, with Options.Color, colours.
func Terminal(w io.Writer, r *harness.Result, o Options) error {
	r = asJudged(r)
	s := &screen{color: o.Color, width: o.Width}
	if s.width <= 0 {
		s.width = 80
	}
	s.width = max(40, min(s.width, 120))
	s.head(r)
	s.table(r)
	s.tests(r)
	s.findings(r)
	s.latent(r)
	s.margins(r)
	s.forecast(r)
	s.notes(r)
	s.verdict(r)
	_, err := io.WriteString(w, s.String())
	return err
}

func (s *screen) head(r *harness.Result) {
	what := []string{orElse(oneLine(r.Tool, 60), "flakehunt")}
	t := r.Target
	if t.Kind == harness.ShippedTarget || len(t.Argv) == 0 {
		if len(t.Suites) > 0 {
			what = append(what, oneLine(strings.Join(t.Suites, ", "), 200))
		}
		if t.Variant != "" {
			what = append(what, oneLine(t.Variant, 40))
		}
	} else {
		what = append(what, oneLine(strings.Join(t.Argv, " "), 200))
	}
	what = append(what, trials(r), "seed "+fmt.Sprint(r.Seed))
	s.facts(0, bold, what)
	s.para(0, dim, "redis: "+redisWords(r.Redis))
	s.WriteString("\n")
}

// table writes a row for each suite, and under it one for each category.
func (s *screen) table(r *harness.Result) {
	rows := tableRows(r.Tests)
	if len(rows) == 0 {
		return
	}
	const numbers = 6 + 8 + 7 + 8 + 8 + 10
	wide := 12
	for _, x := range rows {
		wide = max(wide, runewidth.StringWidth(oneLine(x.name, 200))+3)
	}
	wide = max(12, min(wide, s.width-numbers))
	s.WriteString(s.paint(dim, pad("", wide)+fmt.Sprintf("%6s%8s%7s%8s%8s%10s", "tests", "stable", "flaky", "broken", "runs", "passed")) + "\n")
	for _, x := range rows {
		name := oneLine(orElse(x.name, "tests"), 200)
		if x.inner {
			name = "  " + name
		}
		name = pad(fit(name, wide-1), wide)
		if !x.inner {
			name = s.paint(bold, name)
		}
		cell := func(n, w int, code string) string {
			if n == 0 {
				return s.paint(dim, fmt.Sprintf("%*s", w, "·"))
			}
			return s.paint(code, fmt.Sprintf("%*d", w, n))
		}
		s.WriteString(name + fmt.Sprintf("%6d", x.t.Tests) + cell(x.t.Stable, 8, green) + cell(x.t.Flaky, 7, yellow) +
			cell(x.t.Broken, 8, red) + cell(x.t.Runs, 8, "0") + fmt.Sprintf("%10s", x.t.passRate()) + "\n")
	}
	s.WriteString("\n")
}

// tableRow counts the tests of a suite, or of a category within one.
type tableRow struct {
	name  string
	inner bool
	t     tally
}

// tableRows lists the suites, each with its categories.
func tableRows(tests []harness.TestResult) (rows []*tableRow) {
	find := func(name string, inner bool, after int) int {
		for i := after + 1; i < len(rows) && (rows[i].inner || !inner); i++ {
			if rows[i].name == name && rows[i].inner == inner {
				return i
			}
		}
		return -1
	}
	for i := range tests {
		t := &tests[i]
		at := find(t.Suite, false, -1)
		if at < 0 {
			rows = append(rows, &tableRow{name: t.Suite})
			at = len(rows) - 1
		}
		rows[at].t.add(t)
		if t.Category == "" {
			continue
		}
		sub := find(t.Category, true, at)
		if sub < 0 {
			sub = at + 1
			for sub < len(rows) && rows[sub].inner {
				sub++
			}
			rows = slices.Insert(rows, sub, &tableRow{name: t.Category, inner: true})
		}
		rows[sub].t.add(t)
	}
	return rows
}

// statusWord is a status in at most ten letters.
func statusWord(st harness.Status) string {
	switch st {
	case "":
		return string(harness.Undecided)
	case harness.StatusInfra:
		return "infra"
	}
	return oneLine(string(st), 40)
}

func statusColor(st harness.Status) string {
	switch st {
	case harness.Broken:
		return red
	case harness.Flaky:
		return yellow
	case harness.StatusInfra:
		return magenta
	case harness.Stable:
		return green
	}
	return dim
}

func (s *screen) tests(r *harness.Result) {
	shown, more := 0, 0
	list, quiet := toLookAt(r)
	for _, t := range list {
		if shown == terminalTests {
			more++
			continue
		}
		shown++
		status := pad(fit(statusWord(t.Status), 10), 11)
		name := fitName(oneLine(t.Name, 400), s.width-11)
		s.WriteString(s.paint(statusColor(t.Status), status) + s.paint(bold, name) + "\n")
		var facts []string
		if t.Runs > 0 {
			facts = append(facts, fmt.Sprintf("failed %d of %d: %s", t.Failures, t.Runs, rateWords(t)))
		}
		if t.Provoked.N > 0 {
			facts = append(facts, fmt.Sprintf("provoked %d of %d", t.Provoked.K, t.Provoked.N))
		}
		if t.Infra > 0 {
			facts = append(facts, fmt.Sprintf("%s not counted", count(t.Infra, "trial")))
		}
		if c := causeOf(r, t); c != "" {
			facts = append(facts, oneLine(string(c), 60))
		}
		if m := t.Margin; m != nil {
			facts = append(facts, "margin "+marginWords(m))
		}
		s.facts(11, "0", facts)
		if strip := shortStrip(t.Strip, s.width-11); t.Failures > 0 && strip != "" {
			s.WriteString(strings.Repeat(" ", 11) + s.strip(strip) + "\n")
		}
		if g := groupsOf(r, t); len(g) > 0 {
			s.para(11, dim, oneLine(g[0].Message, 240))
		}
	}
	if more > 0 {
		s.WriteString(fmt.Sprintf("%d more tests in report.html\n", more))
	}
	if quiet > 0 {
		s.para(0, dim, quietWords(quiet))
	}
	if shown+quiet > 0 {
		s.WriteString("\n")
	}
}

// shortStrip keeps the letters that a strip consists of, at most n of them.
func shortStrip(strip string, n int) string {
	var b strings.Builder
	for i := 0; i < len(strip); i++ {
		if b.Len() == n-1 && len(strip) > n {
			return b.String() + "+"
		}
		switch c := strip[i]; c {
		case '.', 'F', 's', 'i':
			b.WriteByte(c)
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// strip colours runs of like letters.
func (s *screen) strip(strip string) string {
	var b strings.Builder
	for i := 0; i < len(strip); {
		j := i
		for j < len(strip) && strip[j] == strip[i] {
			j++
		}
		code := dim
		if strip[i] == 'F' {
			code = red
		}
		b.WriteString(s.paint(code, strip[i:j]))
		i = j
	}
	return b.String()
}

func (s *screen) findings(r *harness.Result) {
	list := shown(r)
	if len(list) == 0 {
		return
	}
	s.WriteString(s.paint(bold, "findings") + "\n")
	for i, f := range list {
		if i == terminalTests {
			s.WriteString(fmt.Sprintf("%d more in report.html\n", len(list)-i))
			break
		}
		s.WriteString(s.paint(yellow, pad(fit(oneLine(f.ID, 40), 10), 11)) + fit(oneLine(string(f.Class), 40)+", "+oneLine(string(f.Standing), 20), s.width-11) + "\n")
		s.para(11, "0", oneLine(f.Title, 400))
		facts := []string{evidence(f)}
		if f.Margin != nil {
			facts = append(facts, "margin "+marginWords(f.Margin))
		}
		s.facts(11, dim, facts)
		s.WriteString(strings.Repeat(" ", 11) + s.paint(bold, Repro(f.ID)) + "\n")
	}
	s.WriteString("\n")
}

func (s *screen) margins(r *harness.Result) {
	list := smallest(r)
	if len(list) == 0 {
		return
	}
	s.WriteString(s.paint(bold, "smallest margins") + "\n")
	wide := 0
	for i := range list[:min(5, len(list))] {
		wide = max(wide, runewidth.StringWidth(oneLine(list[i].Least.Test, 400)))
	}
	wide = min(wide, 44, s.width-36)
	for i := range list {
		m := &list[i].Least
		if i == 5 {
			s.WriteString(s.paint(dim, fmt.Sprintf("%d more in report.html", len(list)-i)) + "\n")
			break
		}
		size := short(m.Size)
		if m.Predicted {
			size = "~" + size
		}
		name := pad(fitName(oneLine(m.Test, 400), wide), wide)
		s.WriteString(pad(fit(size, 10), 11) + name + "  " + fit(oneLine(m.Edge, 200), s.width-13-wide) + "\n")
	}
	s.WriteString("\n")
}

func (s *screen) forecast(r *harness.Result) {
	if r.Forecast == nil || len(r.Forecast.Tests) == 0 {
		return
	}
	s.WriteString(s.paint(bold, "would fail if each frame took "+oneLine(r.Forecast.Latency, 60)+" longer") + "\n")
	for i, t := range r.Forecast.Tests {
		if i == 5 {
			s.WriteString(s.paint(dim, fmt.Sprintf("%d more in result.json", len(r.Forecast.Tests)-i)) + "\n")
			break
		}
		s.WriteString(pad(percent(t.Rate), 11) + fit(oneLine(t.Test, 400), s.width-11) + "\n")
	}
	s.WriteString("\n")
}

func (s *screen) notes(r *harness.Result) {
	for i, f := range r.Infra {
		if i == 5 {
			s.WriteString(fmt.Sprintf("%d more infrastructure failures in report.html\n", len(r.Infra)-i))
			break
		}
		s.para(0, magenta, "infrastructure (not counted): "+oneLine(f.What+": "+f.Err, 400))
	}
	for i, x := range r.Warnings {
		if i == 8 {
			s.WriteString(fmt.Sprintf("%d more warnings in report.html\n", len(r.Warnings)-i))
			break
		}
		s.para(0, yellow, "warning: "+oneLine(x, 400))
	}
	if len(r.Infra)+len(r.Warnings) > 0 {
		s.WriteString("\n")
	}
}

func (s *screen) verdict(r *harness.Result) {
	t := tallyOf(r.Tests)
	color := green
	switch {
	case t.Broken > 0:
		color = red
	case t.Flaky > 0 || r.Interrupted:
		color = yellow
	case t.Infra > 0 || t.Stable == 0 && t.Undecided == 0 || verdict.Ended(r) == verdict.BrokenOff:
		color = magenta
	case t.Undecided > 0:
		color = yellow
	}
	s.para(0, bold+";"+color, Headline(r)+".")
	if x := Excludes(r); x != "" {
		s.para(0, "0", x+".")
	}
	if list := shown(r); len(list) > 0 {
		s.WriteString("next: " + s.paint(bold, Repro(list[0].ID)) + "\n")
	} else if t.Flaky+t.Broken > 0 {
		s.WriteString("again: " + Rerun(r) + "\n") // not broken, so that it can be copied
	}
}
