package sim

import (
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// outcome is the failure of the test whose goroutine's panic ended a worker.
func (c *crash) outcome(id harness.TestID, o *jobOrder) harness.Outcome {
	text := c.text
	for _, begin := range []string{"panic: ", "fatal error: "} {
		if i := strings.Index(text, begin); i >= 0 {
			text = text[i:]
			break
		}
	}
	message, stack, _ := strings.Cut(text, "\n")
	f := &harness.Failure{Kind: harness.PanicFailure, Message: message, Stack: strings.TrimSpace(stack)}
	f.Fingerprint = summary.Fingerprint(f.Message, f.Kind, f.Stack)
	return harness.Outcome{
		Test: id, Trial: o.Index, Arm: o.Arm, Worker: o.Worker, Seed: o.Seed,
		Verdict: harness.Failed, Failure: f,
		Warnings: []string{"a goroutine of the test panicked and ended the process: what was on the wire is lost with it"},
	}
}

// without finds the test that began last, and what else was to be run.
func (e *Executor) without(tests []string, test string) (id harness.TestID, rest []string, ok bool) {
	for _, t := range e.tests {
		switch {
		case t.Name == test:
			id, ok = t, true
		case len(tests) == 0 || slices.Contains(tests, t.Name):
			rest = append(rest, t.Name)
		}
	}
	return id, rest, ok
}
