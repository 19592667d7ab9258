package ingest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// nunitParser reads the results files of NUnit 3 (<test-run>) and NUnit 2
// (<test-results>).
type nunitParser struct {
	elements
	report *report
	clock  clock
	cases  []Case
	suites []nunitSuite // those that are open
}

type nunitSuite struct {
	name  string
	whole bool // a failure in it is its own, not its children's
	path  []string
}

func nunitCases(r io.Reader) ([]Case, error) {
	p := nunitParser{elements: newElements(r), report: &report{}}
	err := p.document()
	p.clock.resolve(p.cases)
	if err != nil {
		err = fmt.Errorf("reading NUnit report: after %d test cases, at byte %d: %w", len(p.cases), p.d.InputOffset(), err)
	}
	return p.cases, err
}

func (p *nunitParser) document() error {
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
			if n := len(p.suites); n > 0 && t.Name.Local == "test-suite" {
				p.suites = p.suites[:n-1]
			}
		}
		if err != nil {
			return err
		}
	}
}

func (p *nunitParser) innermost() nunitSuite {
	if n := len(p.suites); n > 0 {
		return p.suites[n-1]
	}
	return nunitSuite{}
}

func (p *nunitParser) open(t xml.StartElement) error {
	a := attributes(t)
	switch s := p.innermost(); t.Name.Local {
	case "test-run", "test-results", "results":
	case "test-suite":
		site := a.first("site")
		s.whole = site != "" && site != "Child" && site != "Parent" && strings.HasPrefix(a.first("result"), "Fail")
		if s.name = a.first("fullname", "name"); a.first("name") != "" {
			s.path = append(s.path[:len(s.path):len(s.path)], a.first("name"))
		}
		p.suites = append(p.suites, s)
	case "test-case":
		return p.testcase(a)
	case "failure":
		if !s.whole {
			return p.skip()
		}
		c := Case{Name: s.name, short: s.name + " (suite)", Path: s.path, Attempt: 1, Attempts: 1, report: p.report}
		c.Test = harness.TestID{Suite: s.name, Title: s.name}
		message, stack, _, err := p.parts()
		c.Verdict, c.Failure = harness.Failed, NewFailure(KindOf(message, "", harness.ErrorFailure), message, stack)
		p.cases = append(p.cases, c)
		return err
	default:
		return p.skip()
	}
	return nil
}

func (p *nunitParser) testcase(a attrs) error {
	s := p.innermost()
	full := a.first("fullname", "name")
	c := Case{Name: a.first("name"), Classname: a.first("classname"), Path: s.path, short: full, Attempt: 1, Attempts: 1, report: p.report}
	c.Test = harness.TestID{Suite: s.name, Classname: c.Classname, Title: c.Name}
	if c.Classname != "" {
		c.Test.Suite = c.Classname
	}
	c.Start = timestamp(a.first("start-time"))
	c.OwnStart = !c.Start.IsZero()
	if err := p.clock.read(a.first("duration", "time"), &c); err != nil {
		c.Warnings = append(c.Warnings, err.Error())
	}
	message, stack, out, err := p.parts()
	c.Output = out
	switch result := nunitResult(a); {
	case err != nil:
		c.Verdict = harness.Unknown
		c.Warnings = append(c.Warnings, "the report ends within this test case")
	case strings.HasPrefix(result, "pass"), strings.HasPrefix(result, "success"), result == "warning":
		c.Verdict = harness.Passed
	case strings.HasPrefix(result, "fail"), result == "error", result == "cancelled", result == "notrunnable":
		kind := harness.AssertionFailure
		if result != "failed" && result != "failure" || a.first("label") == "Error" {
			kind = harness.ErrorFailure
		}
		if message == "" {
			message = strings.TrimSpace("result " + a.first("result") + " " + a.first("label"))
		}
		c.Verdict, c.Failure = harness.Failed, NewFailure(KindOf(message, "", kind), message, stack)
	case strings.HasPrefix(result, "skip"), result == "ignored", result == "inconclusive":
		c.Verdict = harness.Skipped
	}
	p.cases = append(p.cases, c)
	return err
}

// nunitResult is what became of a test, in lower case. Early files of NUnit 2
// say it by "executed" and "success".
func nunitResult(a attrs) string {
	switch result := strings.ToLower(a.first("result")); {
	case result != "":
		return result
	case strings.EqualFold(a.first("executed"), "false"):
		return "skipped"
	case strings.EqualFold(a.first("success"), "true"):
		return "success"
	case strings.EqualFold(a.first("success"), "false"):
		return "failure"
	}
	return ""
}

// parts reads what is in a test case or a failure, its end included.
func (p *nunitParser) parts() (message, stack, out string, err error) {
	var m, s, o strings.Builder
	texts := map[string]*strings.Builder{"message": &m, "stack-trace": &s, "output": &o}
	for outer := p.depth - 1; p.depth > outer && err == nil; {
		var tok xml.Token
		if tok, err = p.next(); err != nil {
			err = eof(err)
			break
		}
		t, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		switch name := t.Name.Local; {
		case name == "assertions" || name == "properties" || name == "attachments":
			err = p.skip() // the assertions' messages are in the failure's too
		case texts[name] != nil:
			var text string
			text, err = p.text()
			appendBounded(texts[name], text)
		}
	}
	return strings.TrimSpace(m.String()), strings.TrimSpace(s.String()), o.String(), err
}
