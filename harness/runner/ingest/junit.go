package ingest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Case is one execution of one test as a JUnit file tells it.
type Case struct {
	harness.Outcome
	Name      string // the testcase's own name attribute: what a runner's filter takes
	Classname string // its classname attribute
	Attempt   int    // from 1; above 1 when the runner retried the test by itself
	Attempts  int    // how many there were
}

// JUnit reads a JUnit XML report. See JUnitCases.
func JUnit(r io.Reader) ([]harness.Outcome, error) {
	cases, err := JUnitCases(r)
	out := make([]harness.Outcome, len(cases))
	for i, c := range cases {
		out[i] = c.Outcome
	}
	return out, err
}

// JUnitCases reads a JUnit XML report: one Case for each execution, in the order
// of the file. A test that the runner retried (flakyFailure, rerunFailure)
// yields one Case an attempt, so that a retry never hides a failure.
//
// It takes the dialects of Surefire, Gradle, pytest, jest-junit, vitest,
// mocha-junit-reporter, gotestsum, nextest, PHPUnit, RSpec and googletest, and
// text that XML forbids. When the report is damaged or ends early, the cases up
// to there are returned with the error.
func JUnitCases(r io.Reader) ([]Case, error) {
	d := xml.NewDecoder(newXMLFilter(r))
	d.Strict = false
	d.Entity = xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the filter decoded it
	p := junitParser{d: d}
	err := p.document()
	switch {
	case err == nil && !p.rooted:
		err = errors.New("reading junit report: no <testsuites> or <testsuite> in it")
	case err != nil:
		err = fmt.Errorf("reading junit report: after %d test cases, at byte %d: %w", len(p.cases), d.InputOffset(), err)
	}
	return p.cases, err
}

type junitParser struct {
	d      *xml.Decoder
	cases  []Case
	rooted bool
}

type attrs map[string]string

func attributes(e xml.StartElement) attrs {
	a := make(attrs, len(e.Attr))
	for _, at := range e.Attr {
		a[at.Name.Local] = at.Value
	}
	return a
}

func (a attrs) first(names ...string) string {
	for _, n := range names {
		if v := strings.TrimSpace(a[n]); v != "" {
			return v
		}
	}
	return ""
}

func (p *junitParser) document() error {
	for {
		tok, err := p.d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "testsuites":
			p.rooted = true // its children come as tokens of this loop
		case "testsuite":
			p.rooted = true
			if err := p.suite(e, attrs{}); err != nil {
				return err
			}
		case "testcase":
			p.rooted = true
			if err := p.testcase(e, attrs{}); err != nil {
				return err
			}
		default:
			if !p.rooted {
				return fmt.Errorf("the root element is <%s>, want <testsuites> or <testsuite>", e.Name.Local)
			}
			if err := p.d.Skip(); err != nil {
				return err
			}
		}
	}
}

// suite reads a <testsuite>; outer holds the attributes that its parents give it.
func (p *junitParser) suite(e xml.StartElement, outer attrs) error {
	a := attributes(e)
	for _, inherited := range []string{"file", "filepath", "timestamp", "name"} {
		if a[inherited] == "" {
			a[inherited] = outer[inherited]
		}
	}
	for {
		tok, err := p.d.Token()
		if err != nil {
			return eof(err)
		}
		switch t := tok.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			switch t.Name.Local {
			case "testsuite":
				err = p.suite(t, a)
			case "testcase":
				err = p.testcase(t, a)
			case "failure", "error": // of the suite itself: a set-up that failed
				var f *harness.Failure
				if f, _, err = p.failure(t); err == nil {
					c := Case{Name: a.first("name"), Attempt: 1, Attempts: 1}
					c.Test = harness.TestID{Name: a.first("name") + " (suite)", Suite: a.first("name"), File: a.first("file", "filepath")}
					c.Verdict, c.Failure = harness.Failed, f
					p.cases = append(p.cases, c)
				}
			default:
				err = p.d.Skip()
			}
			if err != nil {
				return err
			}
		}
	}
}

// eof makes an end of input inside an element an error that says so.
func eof(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF") {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (p *junitParser) testcase(e xml.StartElement, suite attrs) error {
	a := attributes(e)
	base := Case{Name: a["name"], Classname: a.first("classname", "class")}
	base.Test = harness.TestID{
		Name:  testName(suite.first("name"), base.Classname, strings.TrimSpace(base.Name)),
		Suite: suite.first("name"),
		File:  sourceFile(a.first("file", "filepath"), suite.first("file", "filepath"), base.Classname),
	}
	base.Test.Line, _ = strconv.Atoi(a.first("line"))
	base.Verdict = harness.Passed
	if s := strings.ToLower(a.first("status", "result")); s == "notrun" || s == "skipped" || s == "disabled" || s == "ignored" {
		base.Verdict = harness.Skipped
	}
	base.Duration = seconds(a.first("time", "duration"))
	base.Start = timestamp(a.first("timestamp"), suite.first("timestamp"))

	var failures, flaky, rerun []attempt
	var out strings.Builder
	for done := false; !done; {
		tok, err := p.d.Token()
		if err != nil {
			if base.Name != "" || base.Classname != "" { // what is known of the cut case is that it is not known to have passed
				base.Verdict, base.Attempt, base.Attempts = harness.Unknown, 1, 1
				base.Warnings = append(base.Warnings, "the report ends within this test case")
				p.cases = append(p.cases, base)
			}
			return eof(err)
		}
		t, ok := tok.(xml.StartElement)
		if _, end := tok.(xml.EndElement); end {
			done = true
		}
		if !ok {
			continue
		}
		switch name := t.Name.Local; name {
		case "failure", "error", "warning", "flakyFailure", "flakyError", "rerunFailure", "rerunError":
			f, at, err := p.failure(t)
			if err != nil {
				return err
			}
			at.failure = f
			switch {
			case strings.HasPrefix(name, "flaky"):
				flaky = append(flaky, at)
			case strings.HasPrefix(name, "rerun"):
				rerun = append(rerun, at)
			case name != "warning":
				failures = append(failures, at)
			}
		case "skipped", "ignored":
			base.Verdict = harness.Skipped
			if err := p.d.Skip(); err != nil {
				return eof(err)
			}
		case "system-out", "system-err":
			text, err := p.text()
			if err != nil {
				return err
			}
			appendBounded(&out, text)
		default:
			if err := p.d.Skip(); err != nil {
				return eof(err)
			}
		}
	}
	base.Output = out.String()
	p.add(base, failures, flaky, rerun)
	return nil
}

// add appends one case an attempt: failures that a retry turned into a pass
// come before the pass, failed retries after the first failure.
func (p *junitParser) add(base Case, failures, flaky, rerun []attempt) {
	var tries []attempt
	switch {
	case len(failures) > 0:
		first := failures[0]
		for _, more := range failures[1:] { // googletest: one element an assertion; pytest: a call and its teardown
			first.failure.Stack = strings.TrimSpace(first.failure.Stack + "\n" + more.failure.Message)
		}
		tries = append(append(tries, first), append(rerun, flaky...)...)
	default:
		tries = append(append(append(tries, flaky...), rerun...), attempt{})
	}
	for i, t := range tries {
		c := base
		c.Attempt, c.Attempts = i+1, len(tries)
		if t.failure != nil {
			c.Verdict, c.Failure = harness.Failed, t.failure
			if t.hasTime {
				c.Duration = t.time
			}
			if !t.start.IsZero() {
				c.Start = t.start
			}
			if t.output != "" {
				c.Output = t.output
			}
		}
		if c.Failure != nil && c.Output != "" && c.Failure.Kind == harness.AssertionFailure {
			if k := KindOf(c.Output, "", c.Failure.Kind); k == harness.DataRace || k == harness.PanicFailure {
				c.Failure = NewFailure(k, c.Failure.Message, c.Failure.Stack)
			}
		}
		if len(tries) > 1 {
			c.Warnings = append([]string{fmt.Sprintf("attempt %d of %d: the test runner retries by itself", i+1, len(tries))}, base.Warnings...)
		}
		p.cases = append(p.cases, c)
	}
}
