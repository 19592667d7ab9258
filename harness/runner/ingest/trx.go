package ingest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// trxParser reads the results files of Visual Studio's test tools (dotnet test
// --logger trx).
type trxParser struct {
	elements
	report *report
	clock  clock
	cases  []Case
	ids    []string          // of the cases' tests
	class  map[string]string // of a test's id
}

func trxCases(r io.Reader) ([]Case, error) {
	p := trxParser{elements: newElements(r), report: &report{}, class: map[string]string{}}
	err := p.document()
	p.clock.resolve(p.cases)
	for i := range p.cases {
		c := &p.cases[i]
		c.Classname = p.class[p.ids[i]]
		c.Test.Classname, c.Test.Suite, c.Path = c.Classname, c.Classname, nil
		if c.Classname != "" {
			c.Path = []string{c.Classname}
		}
	}
	if err != nil {
		err = fmt.Errorf("reading TRX report: after %d results, at byte %d: %w", len(p.cases), p.d.InputOffset(), err)
	}
	return p.cases, err
}

func (p *trxParser) document() error {
	for {
		tok, err := p.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		t, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		a := attributes(t)
		switch t.Name.Local {
		case "UnitTestResult", "ManualTestResult", "GenericTestResult", "WebTestResult":
			err = p.result(t)
		case "UnitTest", "ManualTest", "GenericTest", "WebTest":
			err = p.definition(a.first("id"))
		}
		if err != nil {
			return err
		}
	}
}

// definition notes the class of a test.
func (p *trxParser) definition(id string) error {
	for outer := p.depth - 1; p.depth > outer; {
		tok, err := p.next()
		if err != nil {
			return eof(err)
		}
		if t, ok := tok.(xml.StartElement); ok && t.Name.Local == "TestMethod" {
			class, _, _ := strings.Cut(attributes(t).first("className"), ",") // an assembly's name may follow
			p.class[id] = strings.TrimSpace(class)
		}
	}
	return nil
}

// result reads one result; of one with inner results (a test over rows of data)
// these alone count.
func (p *trxParser) result(e xml.StartElement) error {
	a := attributes(e)
	name := strings.TrimSpace(a["testName"])
	c := Case{Name: name, Attempt: 1, Attempts: 1, report: p.report}
	c.Test.Title = name
	c.Start = timestamp(a.first("startTime"))
	c.OwnStart = !c.Start.IsZero()
	if err := p.clock.read(a.first("duration"), &c); err != nil {
		c.Warnings = append(c.Warnings, err.Error())
	}
	var message, stack, out strings.Builder
	inner := false
	err := p.parts(&inner, map[string]*strings.Builder{"Message": &message, "StackTrace": &stack, "StdOut": &out, "StdErr": &out})
	if inner {
		return err
	}
	c.Output = out.String()
	outcome := a.first("outcome")
	c.Verdict = trxVerdict(outcome)
	switch {
	case err != nil:
		c.Verdict = harness.Unknown
		c.Warnings = append(c.Warnings, "the report ends within this result")
	case c.Verdict == harness.Failed:
		words := strings.TrimSpace(message.String())
		if words == "" {
			words = "outcome " + outcome
		}
		kind := KindOf(words, "", harness.AssertionFailure)
		if strings.EqualFold(outcome, "Timeout") {
			kind = harness.TimeoutFailure
		}
		c.Failure = NewFailure(kind, words, strings.TrimSpace(stack.String()))
	}
	p.cases, p.ids = append(p.cases, c), append(p.ids, a.first("testId"))
	return err
}

// parts reads what is in a result, its end included.
func (p *trxParser) parts(inner *bool, texts map[string]*strings.Builder) error {
	for outer := p.depth - 1; p.depth > outer; {
		tok, err := p.next()
		if err != nil {
			return eof(err)
		}
		t, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if b := texts[t.Name.Local]; b != nil {
			text, err := p.text()
			appendBounded(b, text)
			if err != nil {
				return err
			}
		} else if t.Name.Local == "UnitTestResult" {
			*inner = true
			if err := p.result(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func trxVerdict(outcome string) harness.Verdict {
	switch strings.ToLower(outcome) {
	case "passed", "passedbutrunaborted", "completed", "warning":
		return harness.Passed
	case "notexecuted", "notrunnable", "disconnected", "pending", "inconclusive":
		return harness.Skipped
	case "failed", "error", "timeout", "aborted", "": // the schema's default is Error
		return harness.Failed
	}
	return harness.Unknown
}
