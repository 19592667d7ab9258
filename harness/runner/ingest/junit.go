package ingest

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Case is one execution of one test as a report tells it.
type Case struct {
	harness.Outcome
	Name      string   // the case's own name in the report: what a runner's filter takes
	Classname string   // its classname attribute
	Path      []string // the named suites around it, outermost first
	OwnStart  bool     // Start is the case's own; else it is a suite's, which many reporters set as they write the report
	Attempt   int      // from 1; above 1 when the runner retried the test by itself
	Attempts  int      // how many there were

	short  string  // its short name, where it does not follow from class and name
	comma  bool    // Duration was written as "1,234", and is read as 1.234 s
	host   string  // of the innermost suite that names one
	root   string  // name of the <testsuites>
	report *report // which report it is of
}

// report stands for one report that was read.
type report struct{ _ byte }

// Outcomes gives the cases' outcomes.
func Outcomes(cases []Case) []harness.Outcome {
	out := make([]harness.Outcome, len(cases))
	for i, c := range cases {
		out[i] = c.Outcome
	}
	return out
}

// JUnitCases reads a JUnit XML report: one Case for each execution, in the order
// of the file. A test that the runner retried (flakyFailure, rerunFailure)
// yields one Case an attempt, so that a retry never hides a failure. Different
// tests get different names; see Names.
//
// It takes the dialects of Surefire, Gradle, pytest, jest-junit, vitest,
// mocha-junit-reporter, gotestsum, nextest, PHPUnit, RSpec, googletest and
// node:test, and text that XML forbids. When the report is damaged or ends
// early, the cases up to there are returned with the error.
func JUnitCases(r io.Reader) ([]Case, error) {
	cases, err := junitCases(r)
	new(Names).Assign(cases)
	return cases, err
}

func junitCases(r io.Reader) ([]Case, error) {
	p := junitParser{elements: newElements(r), report: &report{}}
	err := p.document()
	p.clock.resolve(p.cases)
	switch {
	case err == nil && !p.rooted:
		err = errors.New("reading junit report: no <testsuites> or <testsuite> in it")
	case err != nil:
		err = fmt.Errorf("reading junit report: after %d test cases, at byte %d: %w", len(p.cases), p.d.InputOffset(), err)
	}
	return p.cases, err
}

type junitParser struct {
	elements
	report *report
	cases  []Case
	clock  clock
	suites []suite // those that are open, outermost first
	rooted bool
}

// suite is what an open <testsuites> or <testsuite> gives to what is in it.
type suite struct {
	name, file, host, root string
	path                   []string
	start                  time.Time
}

func (p *junitParser) document() error {
	for {
		tok, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			err = p.open(t)
		case xml.EndElement:
			if n := len(p.suites); n > 0 {
				p.suites = p.suites[:n-1]
			}
		}
		if err != nil {
			return err
		}
	}
}

// open takes an element that is in no test case.
func (p *junitParser) open(t xml.StartElement) error {
	switch t.Name.Local {
	case "testsuites", "testsuite":
		p.rooted = true
		p.suites = append(p.suites, p.inner(t))
		return nil
	case "testcase":
		p.rooted = true
		return p.testcase(t)
	case "failure", "error": // of the suite itself: a set-up that failed
		if len(p.suites) > 0 {
			return p.ofSuite(t)
		}
	}
	if !p.rooted {
		return fmt.Errorf("the root element is <%s>, want <testsuites> or <testsuite>", t.Name.Local)
	}
	return p.skip()
}

// innermost is the innermost open suite.
func (p *junitParser) innermost() suite {
	if n := len(p.suites); n > 0 {
		return p.suites[n-1]
	}
	return suite{}
}

// inner is what a suite's element says, completed by the suites around it.
func (p *junitParser) inner(t xml.StartElement) suite {
	a, s := attributes(t), p.innermost()
	name := a.first("name")
	if t.Name.Local == "testsuites" {
		s.root = name
	} else if name != "" {
		s.name = name
		s.path = append(s.path[:len(s.path):len(s.path)], name)
	}
	s.file = cmp.Or(a.first("file", "filepath"), s.file)
	s.host = cmp.Or(a.first("hostname"), s.host)
	if start := timestamp(a.first("timestamp")); !start.IsZero() {
		s.start = start
	}
	return s
}

// ofSuite reads the failure of a suite as a whole.
func (p *junitParser) ofSuite(t xml.StartElement) error {
	f, _, err := p.failure(t)
	if err != nil {
		return err
	}
	s := p.innermost()
	c := Case{Name: s.name, short: strings.TrimSpace(s.name + " (suite)"), Attempt: 1, Attempts: 1, Path: s.path, host: s.host, root: s.root, report: p.report}
	c.Test = harness.TestID{Suite: s.name, File: sourceFile(s.file, ""), Title: s.name}
	c.Verdict, c.Failure = harness.Failed, f
	p.cases = append(p.cases, c)
	return nil
}
