package reports

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// asJudged gives the result as every format shows it: a test that passed in a
// run which did not come to its end is undecided. The given one is not changed.
func asJudged(r *harness.Result) *harness.Result {
	if !slices.ContainsFunc(r.Tests, func(t harness.TestResult) bool { return t.Status == harness.Stable && !verdict.Judged(r, &t) }) {
		return r
	}
	out := *r
	out.Tests = slices.Clone(r.Tests)
	for i := range out.Tests {
		if t := &out.Tests[i]; t.Status == harness.Stable && !verdict.Judged(r, t) {
			t.Status = harness.Undecided
		}
	}
	return &out
}

// unfinished says in a few words that a run did not come to its end; empty if it did.
func unfinished(r *harness.Result) string {
	switch verdict.Ended(r) {
	case verdict.Interrupted:
		return "interrupted after " + trials(r)
	case verdict.BrokenOff:
		if why := reason(r); why != "" {
			return "broken off after " + trials(r) + ": " + why
		}
		return "broken off after " + trials(r)
	}
	return ""
}

// reason says what stopped the harness, in one line.
func reason(r *harness.Result) string {
	if r.Stopped == "" && len(r.Infra) > 0 {
		return infraLine(r.Infra[0], 300)
	}
	return oneLine(r.Stopped, 300)
}

func infraLine(f harness.InfraFailure, n int) string { return oneLine(f.What+": "+f.Err, n) }

// lost says how many trials infrastructure took; empty: none.
func lost(r *harness.Result) string {
	if len(r.Infra) == 0 {
		return ""
	}
	return count(len(r.Infra), "trial") + " lost to infrastructure, counted neither for nor against a test"
}

// alarm is what a program must be told of a run as a whole when it is no pass
// for a reason that no single test shows; "" if there is none. kind is a word
// for programs, level an annotation's.
func alarm(r *harness.Result) (kind, level, text string) {
	switch verdict.Ended(r) {
	case verdict.BrokenOff:
		return "infrastructure", "error", Headline(r)
	case verdict.Nothing:
		return "nothing", "error", Headline(r)
	case verdict.Interrupted:
		return "interrupted", "warning", Headline(r)
	case verdict.Open:
		return "undecided", "warning", Headline(r)
	}
	return "", "", ""
}

// openWords says why a test has no verdict.
func openWords(r *harness.Result, t *harness.TestResult) string {
	s := fmt.Sprintf("undecided: %d of %s passed", t.Runs-t.Failures, count(t.Runs, "run"))
	if t.Runs == 0 {
		s = "undecided: it never ran"
	}
	if t.Decided != "" {
		s += " (" + oneLine(t.Decided, 200) + ")"
	}
	if why := unfinished(r); why != "" {
		s += "; the hunt was " + why
	}
	return s
}
