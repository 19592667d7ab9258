package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Limits of junit.xml, in bytes: GitLab refuses files over 30 MB.
const (
	junitMessage = 4 << 10
	junitText    = 32 << 10
	junitGroups  = 20
	junitBudget  = 14 << 20 // for all texts together; past it each is cut to junitScarce
	junitScarce  = 512
)

// JUnit writes one <testcase> a test by Surefire's convention for reruns: a
// flaky test has no <failure> but one <flakyFailure> for each fingerprint; one
// that failed every time has <failure> and <rerunFailure>. With
// Options.JUnitFlaky "fail" a flaky test has these, too: readers take a case with
// a <flakyFailure> for one that passed.
func JUnit(w io.Writer, r *harness.Result, o Options) error {
	if err := o.Check(); err != nil {
		return err
	}
	r = asJudged(r)
	j := junit{result: r, fail: o.JUnitFlaky == "fail", budget: junitBudget}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(j.suites()); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junit struct {
	result *harness.Result
	fail   bool // flaky tests fail
	budget int  // bytes of text left
}

// text cuts by what is left of the budget, and takes from it what the text will
// need once escaped.
func (j *junit) text(s string, n int) string {
	switch {
	case j.budget < -junitBudget/2:
		n = min(n, junitScarce/8)
	case j.budget <= 0:
		n = min(n, junitScarce)
	}
	s = block(s, n)
	j.budget -= len(verbatim(s))
	return s
}

func (j *junit) suites() xmlSuites {
	r := j.result
	out := xmlSuites{Name: "flakehunt", Timestamp: stamp(r.Started)}
	at := map[string]int{}
	var times []float64
	for i := range r.Tests {
		t := &r.Tests[i]
		n, ok := at[t.Suite]
		if !ok {
			n = len(out.Suites)
			at[t.Suite] = n
			times = append(times, 0)
			out.Suites = append(out.Suites, xmlSuite{
				Name: oneLine(orElse(t.Suite, "tests"), 500), Timestamp: stamp(r.Started), Properties: j.runProperties(),
			})
		}
		s := &out.Suites[n]
		c := j.testcase(t)
		s.Cases = append(s.Cases, c)
		s.Tests++
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Error != nil:
			s.Errors++
		case c.Skipped != nil:
			s.Skipped++
		}
		times[n] += time.Duration(t.P50).Seconds()
	}
	if own := j.own(out.Suites); len(own.Cases) > 0 {
		times = append(times, 0)
		out.Suites = append(out.Suites, own)
	}
	total := 0.0
	for i := range out.Suites {
		s := &out.Suites[i]
		s.Time = decimal(times[i])
		total += times[i]
		out.Tests += s.Tests
		out.Failures += s.Failures
		out.Errors += s.Errors
		out.Skipped += s.Skipped
	}
	out.Time = decimal(total)
	return out
}

func (j *junit) testcase(t *harness.TestResult) xmlCase {
	class, name := ownNames(t.TestID)
	c := xmlCase{
		Name: oneLine(orElse(name, "(no name)"), 1000), Class: oneLine(class, 1000),
		File: oneLine(t.File, 1000), Time: decimal(time.Duration(t.P50).Seconds()),
		Properties: j.properties(t),
	}
	if t.Line > 0 {
		c.Line = strconv.Itoa(t.Line)
	}
	groups := groupsOf(j.result, t)
	switch {
	case t.Status == harness.StatusSkipped:
		c.Skipped = &xmlSkipped{Message: "skipped " + count(t.Skips, "time")}
		return c
	case t.Status == harness.StatusInfra:
		c.Error = j.infra(t)
		return c
	case t.Status != harness.Stable && !verdict.Fails(t.Status):
		c.Skipped = &xmlSkipped{Message: openWords(j.result, t)}
		return c
	case len(groups) == 0:
		return c
	}
	if t.Status == harness.Broken || j.fail || neverRetried(groups) {
		f := j.fault(&groups[0])
		// Readers expect text alone in <failure>; what was printed belongs to the test.
		c.Out, f.Stack, f.Out = f.Out, nil, nil
		c.Failure = &f
	}
	for i := range groups {
		if i == junitGroups {
			c.Out = element(fmt.Sprintf("%d more kinds of failure are in result.json", len(groups)-i))
			break
		}
		if c.Failure == nil {
			c.Flaky = append(c.Flaky, j.fault(&groups[i]))
		} else if i > 0 || groups[i].Count > 1 {
			c.Rerun = append(c.Rerun, j.fault(&groups[i]))
		}
	}
	return c
}

// neverRetried reports whether a failure is of a kind that passing at another
// time does not excuse.
func neverRetried(groups []harness.FailureGroup) bool {
	for i := range groups {
		if k := groups[i].Kind; k == harness.DataRace || k == harness.BuildFailure {
			return true
		}
	}
	return false
}

func (j *junit) fault(g *harness.FailureGroup) xmlFault {
	trace := g.Message + "\n" + foundWords(g)
	if g.Finding != "" {
		trace += "\n" + Repro(g.Finding)
	}
	if g.Stack != "" {
		trace += "\n\n" + g.Stack
	}
	f := xmlFault{
		Message: j.text(g.Message, junitMessage), Type: oneLine(orElse(string(g.Kind), string(harness.ErrorFailure)), 60),
		Timestamp: stamp(g.First),
	}
	text := j.text(trace, junitText)
	f.Text, f.Stack = verbatim(text), element(text)
	j.budget -= len(f.Text)
	if g.Time > 0 {
		f.Time = decimal(time.Duration(g.Time).Seconds())
	}
	var out strings.Builder
	out.WriteString(g.Output)
	if len(g.Wire) > 0 {
		if out.Len() > 0 {
			out.WriteString("\n")
		}
		out.WriteString("on the wire around the first failure:\n")
		if s := boundaryWords(&j.result.Target, g.Boundary); s != "" {
			out.WriteString("(test boundaries: " + s + ")\n")
		}
		for i := range g.Wire {
			out.WriteString(wireLine(&g.Wire[i]) + "\n")
		}
	}
	f.Out = element(j.text(out.String(), junitText))
	return f
}

// own is the suite of what no test's own case shows to every reader.
func (j *junit) own(suites []xmlSuite) xmlSuite {
	s := xmlSuite{Name: "flakehunt", Timestamp: stamp(j.result.Started)}
	if c := j.hunt(); c != nil {
		s.Cases, s.Errors = append(s.Cases, *c), 1
	}
	if c := flakyCase(suites); c != nil {
		s.Cases, s.Skipped = append(s.Cases, *c), 1
	}
	if s.Tests = len(s.Cases); s.Tests > 0 {
		s.Properties = j.runProperties()
	}
	return s
}

// flakyNames is how many flaky tests are named in one message.
const flakyNames = 20

// flakyCase names the flaky tests that pass in the file: half of the readers do not
// know flakyFailure, and would show nothing of them. nil: there are none.
func flakyCase(suites []xmlSuite) *xmlCase {
	n, all := 0, 0
	var names []string
	for _, s := range suites {
		for _, c := range s.Cases {
			all++
			if len(c.Flaky) == 0 {
				continue
			}
			if n++; n <= flakyNames {
				names = append(names, c.Name)
			}
		}
	}
	if n == 0 {
		return nil
	}
	if n > flakyNames {
		names = append(names, fmt.Sprintf("%d more", n-flakyNames))
	}
	text := fmt.Sprintf("%d of %s flaky, and passes in this file: %s (--junit-flaky fail has it fail)", n, count(all, "test")+" is", strings.Join(names, ", "))
	if n > 1 {
		text = fmt.Sprintf("%d of %s are flaky, and pass in this file: %s (--junit-flaky fail has them fail)", n, count(all, "test"), strings.Join(names, ", "))
	}
	return &xmlCase{Name: "flaky tests", Class: "flakehunt", Time: decimal(0), Skipped: &xmlSkipped{Message: oneLine(text, junitMessage)}}
}

// hunt is the testcase of the hunt itself, for a run that is no pass for a
// reason which no test's own shows: readers count what has no error as passed.
func (j *junit) hunt() *xmlCase {
	kind, _, text := alarm(j.result)
	if kind == "" {
		return nil
	}
	f := xmlFault{Message: text, Type: kind, Text: verbatim(j.text(text+"\n"+j.causes(), junitText))}
	return &xmlCase{Name: "hunt", Class: "flakehunt", Time: decimal(0), Error: &f}
}

// causes lists what infrastructure failed, a line each.
func (j *junit) causes() string {
	var s strings.Builder
	for i, f := range j.result.Infra {
		if i == 5 {
			fmt.Fprintf(&s, "%d more\n", len(j.result.Infra)-i)
			break
		}
		fmt.Fprintf(&s, "%s: %s\n", f.What, f.Err)
	}
	return s.String()
}

func (j *junit) infra(t *harness.TestResult) *xmlFault {
	what := "no trial of this test could be judged: the harness or Redis failed in " + count(t.Infra, "trial")
	f := xmlFault{Message: what, Type: "infrastructure", Text: verbatim(j.text(what+"\n"+j.causes(), junitText))}
	return &f
}

// stamp writes a time as readers of JUnit expect it: UTC, no fraction.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

// wireLine is one frame of a timeline as text.
func wireLine(l *harness.Line) string {
	mark := " "
	if l.Suspect {
		mark = "!"
	}
	s := fmt.Sprintf("%s %10.3f ms  %-6s %s %s", mark, l.At.Milliseconds(), oneLine(l.Role, 40), oneLine(l.Dir, 4), oneLine(l.Text, 400))
	if l.Delayed > 0 {
		s += "  [delayed " + short(l.Delayed) + "]"
	}
	if l.Note != "" {
		s += "  (" + oneLine(l.Note, 200) + ")"
	}
	return s
}
