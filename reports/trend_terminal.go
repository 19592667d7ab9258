package reports

import (
	"fmt"
	"io"

	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
)

const (
	trendLines = 10 // how many tests each part tells one by one
	trendWords = 30 // columns for what a sparkline's numbers are
)

// trendSpark gives the columns of a sparkline: names go first on a narrow screen.
func (s *screen) trendSpark() int {
	if s.width < 100 {
		return 15
	}
	return 30
}

// TrendTerminal writes how tests did over time as text with sparklines: height
// is failure rate, · is no trial.
func TrendTerminal(w io.Writer, r *trend.Report, o Options) error {
	s := &screen{color: o.Color, width: o.Width}
	if s.width <= 0 {
		s.width = 80
	}
	fmt.Fprintf(s, "%s · %s\n", s.paint(bold, "Trend"), span(r))
	for _, warning := range r.Warnings {
		s.para(2, yellow, "warning: "+oneLine(warning, 500))
	}
	if len(r.Runs) == 0 {
		s.WriteString("nothing is recorded yet: run with --db, or import test reports\n")
		_, err := io.WriteString(w, s.String())
		return err
	}
	s.trendPart("Suites", len(r.Suites), len(r.Suites), func(i int) { s.trendLine(r, r.Suites[i]) })
	changed := r.Changed()
	s.trendPart("Changes", len(changed), trendLines, func(i int) { s.trendChanges(r, changed[i]) })
	var fixed []trend.Line
	for _, l := range changed {
		if l.Fixed != nil {
			fixed = append(fixed, l)
		}
	}
	s.trendPart("Fixed", len(fixed), trendLines, func(i int) {
		s.para(2, "0", oneLine(fixed[i].Name, 200)+" "+fixedWords(r, fixed[i].Fixed))
	})
	worst := r.Worst(len(r.Tests))
	s.trendPart("Worst now", len(worst), trendLines, func(i int) { s.trendLine(r, worst[i]) })
	best := r.Best(3)
	s.trendPart("Best", len(best), 3, func(i int) {
		s.para(2, "0", fmt.Sprintf("%s: %s", oneLine(best[i].Name, 200), stats.ExclusionSentence(best[i].Total.N, 0.95)))
	})
	s.trendPart("Skipped in every run", len(r.Skipped), trendLines, func(i int) {
		s.para(2, "0", fmt.Sprintf("%s (%s)", oneLine(r.Skipped[i].Name, 200), count(r.Skipped[i].Runs, "run")))
	})
	var margins []trend.Line
	for _, l := range r.Tests {
		if _, _, _, ok := l.Margins(); ok {
			margins = append(margins, l)
		}
	}
	s.trendPart("Margins", len(margins), trendLines, func(i int) {
		first, least, last, _ := margins[i].Margins()
		s.trendRow(margins[i].Name, marginSpark(buckets(margins[i].Cells, len(r.Runs), s.trendSpark())), dim,
			fmt.Sprintf("%s → %s, least %s", short(first), short(last), short(least)))
	})
	_, err := io.WriteString(w, s.String())
	return err
}

// trendPart writes a heading and the first few lines of a part, if it has any.
func (s *screen) trendPart(title string, n, most int, line func(i int)) {
	if n == 0 {
		return
	}
	fmt.Fprintf(s, "\n%s\n", s.paint(bold, title))
	for i := range min(n, most) {
		line(i)
	}
	if n > most {
		fmt.Fprintf(s, "  … %d more: see --html\n", n-most)
	}
}

// trendRow writes one aligned line: name, sparkline, words.
func (s *screen) trendRow(name, spark, code, words string) {
	columns := s.trendSpark()
	room := max(12, s.width-2-1-columns-2-trendWords)
	fmt.Fprintf(s, "  %s %s  %s\n", pad(fitName(oneLine(name, 300), room), room), s.paint(code, pad(spark, columns)), words)
}

func (s *screen) trendLine(r *trend.Report, l trend.Line) {
	spark, _ := failureSpark(buckets(l.Cells, len(r.Runs), s.trendSpark()))
	code := green
	if l.Now.K > 0 {
		code = red
	}
	s.trendRow(l.Name, spark, code, fmt.Sprintf("fails %s (%d of %d)", stats.Percent(float64(l.Now.K)/float64(max(l.Now.N, 1))), l.Now.K, l.Now.N))
}

func (s *screen) trendChanges(r *trend.Report, l trend.Line) {
	for _, c := range l.Changes {
		code := green
		if c.Worse {
			code = red
		}
		fmt.Fprintf(s, "  %s %s\n", s.paint(code, pad(direction(c), 6)), fit(oneLine(l.Name, 300), max(10, s.width-10)))
		s.para(9, "0", fmt.Sprintf("%s in %s (%s), chance if flat %s", rates(c), oneLine(r.Range(c), 100), r.Runs[c.At].Started.UTC().Format("2006-01-02"), chance(c.P)))
	}
}
