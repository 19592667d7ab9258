package ingest

import (
	"fmt"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// goID names a Go test as gotestsum does: by its package's path and its own name.
func goID(path, test string) harness.TestID {
	name := test
	if path != "" {
		name = path + "." + test
	}
	return harness.TestID{Name: name, Suite: path, Classname: path, Title: test}
}

// Outcomes gives one outcome for each ended execution of a test, in order of
// beginning. A parent that failed through its subtests alone counts as passed,
// with a warning, so that one failure is told once.
func (p *GoPackage) Outcomes() []harness.Outcome {
	var out []harness.Outcome
	for _, t := range p.tests {
		if t.ended {
			out = append(out, p.outcome(t))
		}
	}
	return out
}

func (p *GoPackage) outcome(t *goTest) harness.Outcome {
	o := harness.Outcome{
		Test:     goID(p.Path, t.name),
		Verdict:  t.verdict,
		Start:    t.start,
		Duration: harness.Duration(max(t.ran, 0)),
		Output:   t.out.String(),
	}
	for _, action := range t.unknown {
		o.Warnings = append(o.Warnings, fmt.Sprintf("its events have an action that this version does not know: %q", action))
	}
	if t.verdict != harness.Failed {
		return o
	}
	if goMessage(o.Output) == "" {
		if p.anyBelow(t, func(s *goTest) bool { return s.verdict == harness.Failed }) {
			o.Verdict = harness.Passed
			o.Warnings = append(o.Warnings, "failed only through its subtests")
			return o
		}
		if open := p.openBelow(t); open != "" && strings.TrimSpace(lastLines(o.Output, 1)) == "" {
			o.Failure = NewFailure(harness.ExitFailure, "failed; its subtest did not end: "+open, o.Output)
			return o
		}
	}
	o.Failure = GoFailure(o.Output, harness.AssertionFailure)
	return o
}

// openBelow names a subtest of t that did not end; empty when there is none.
func (p *GoPackage) openBelow(t *goTest) string {
	for _, s := range p.tests {
		if !s.ended && strings.HasPrefix(s.name, t.name+"/") {
			return s.name
		}
	}
	return ""
}
