package ingest

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// content is what a <testcase> holds.
type content struct {
	failures, flaky, rerun []attempt
	out                    strings.Builder
	skipped, todo          bool
}

func (p *junitParser) testcase(e xml.StartElement) error {
	a, s := attributes(e), p.innermost()
	base := Case{Name: a["name"], Classname: a.first("classname", "class"), Path: s.path, host: s.host, root: s.root, report: p.report}
	base.Test = harness.TestID{
		Suite:     s.name,
		File:      sourceFile(a.first("file", "filepath"), base.Classname),
		Classname: base.Classname,
		Title:     strings.TrimSpace(base.Name),
	}
	if base.Test.File == "" {
		base.Test.File = sourceFile(s.file, s.name)
	}
	base.Test.Line, _ = strconv.Atoi(a.first("line"))
	base.Verdict = harness.Passed
	status := strings.ToLower(a.first("status", "result"))
	switch status {
	case "notrun", "not_run", "skipped", "skip", "disabled", "ignored", "suppressed", "pending":
		base.Verdict = harness.Skipped
	}
	base.Start, base.OwnStart = timestamp(a.first("timestamp")), true
	if base.Start.IsZero() {
		base.Start, base.OwnStart = s.start, false
	}
	if err := p.clock.read(a.first("time", "duration"), &base); err != nil {
		base.Warnings = append(base.Warnings, err.Error())
	}

	var c content
	if err := p.content(&c); err != nil {
		if base.Name != "" || base.Classname != "" { // what is known of the cut case is that it is not known to have passed
			base.Verdict, base.Attempt, base.Attempts = harness.Unknown, 1, 1
			base.Warnings = append(base.Warnings, "the report ends within this test case")
			p.cases = append(p.cases, base)
		}
		return err
	}
	switch {
	case c.todo: // node:test: a test that is not expected to pass yet
		if len(c.failures) > 0 {
			base.Warnings = append(base.Warnings, "the test is marked as a todo: its failure does not count")
		}
		base.Verdict, c.failures = harness.Skipped, nil
	case c.skipped:
		base.Verdict = harness.Skipped
	case len(c.failures) == 0 && len(c.rerun) == 0 && (status == "failed" || status == "fail" || status == "failure" || status == "error"):
		c.failures = append(c.failures, attempt{failure: NewFailure(harness.AssertionFailure, "failed; the report says nothing more", "")})
	}
	base.Output = c.out.String()
	p.add(base, &c)
	return nil
}

// content reads what is in a <testcase>, its end included.
func (p *junitParser) content(c *content) error {
	for {
		tok, err := p.next()
		if err != nil {
			return eof(err)
		}
		if _, end := tok.(xml.EndElement); end {
			return nil
		}
		if t, ok := tok.(xml.StartElement); ok {
			if err := p.child(t, c); err != nil {
				return err
			}
		}
	}
}

func (p *junitParser) child(t xml.StartElement, c *content) error {
	switch name := t.Name.Local; name {
	case "failure", "error", "warning", "flakyFailure", "flakyError", "rerunFailure", "rerunError":
		f, at, err := p.failure(t)
		if err != nil {
			return err
		}
		at.failure = f
		switch {
		case strings.HasPrefix(name, "flaky"):
			c.flaky = append(c.flaky, at)
		case strings.HasPrefix(name, "rerun"):
			c.rerun = append(c.rerun, at)
		case name != "warning":
			c.failures = append(c.failures, at)
		}
		return nil
	case "skipped", "ignored":
		c.skipped = true
		c.todo = c.todo || strings.EqualFold(attributes(t).first("type"), "todo")
	case "system-out", "system-err":
		text, err := p.text()
		appendBounded(&c.out, text)
		return err
	}
	return p.skip()
}

// add appends one case an attempt: failures that a retry turned into a pass
// come before the pass, failed retries after the first failure.
func (p *junitParser) add(base Case, c *content) {
	var tries []attempt
	switch {
	case len(c.failures) > 0:
		first := c.failures[0]
		for _, more := range c.failures[1:] { // googletest: one element an assertion; pytest: a call and its teardown
			first.failure.Stack = strings.TrimSpace(first.failure.Stack + "\n" + more.failure.Message)
		}
		tries = append(append(tries, first), append(c.rerun, c.flaky...)...)
	default:
		tries = append(append(append(tries, c.flaky...), c.rerun...), attempt{})
	}
	for i, t := range tries {
		c := base
		c.Attempt, c.Attempts = i+1, len(tries)
		if t.failure != nil {
			c.Verdict, c.Failure = harness.Failed, t.failure
			if t.time != "" {
				_ = p.clock.read(t.time, &c)
			}
			if !t.start.IsZero() {
				c.Start, c.OwnStart = t.start, true
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
