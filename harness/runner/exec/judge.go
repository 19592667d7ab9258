package exec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// judge turns the command's end and its fresh reports into outcomes, and says
// how many tests ran, asked for or not.
func (r *Runner) judge(glob string, before snapshot, res proc.Result, printed string, only []string) (out []harness.Outcome, tests int, err error) {
	whole := r.wholeOutcome(res, printed)
	if glob == "" {
		return []harness.Outcome{whole}, 1, nil
	}
	files, err := before.changed(glob)
	if err != nil {
		return nil, 0, err
	}
	cases, damaged := readReports(files)
	if len(cases) == 0 && !res.OK() && !r.reported() {
		return nil, 0, r.neverReported(glob, damaged, res, printed)
	}
	r.remember(cases, only)
	if len(cases) == 0 {
		if res.OK() { // nothing failed, and nothing says that anything was tested
			err := r.noReport(glob, files, damaged, printed)
			if !r.reported() {
				err = &runner.Unusable{Err: err}
			}
			return nil, 0, err
		}
		if whole.Warnings = append(whole.Warnings, damaged...); len(damaged) == 0 {
			whole.Warnings = append(whole.Warnings, "no report was written that matches "+r.c.JUnit)
		}
		return append(missing(only, whole.Failure.Message), whole), 0, nil
	}
	contradicts := contradiction(&whole, cases, damaged, res, printed)
	return r.reconcile(whole, contradicts, cases, only), len(cases), nil
}

// readReports reads the cases of all files, and says which of them are damaged.
func readReports(files []string) (cases []ingest.Case, damaged []string) {
	for _, f := range files {
		c, err := readReport(f)
		if err != nil {
			damaged = append(damaged, err.Error())
		}
		cases = append(cases, c...)
	}
	withoutSuiteTimes(cases)
	return cases, damaged
}

// contradiction reports whether the command's end says of a failure that its report
// does not tell. whole gets what is wrong with the report; where the failures of
// tests say it all, it has passed.
func contradiction(whole *harness.Outcome, cases []ingest.Case, damaged []string, res proc.Result, printed string) bool {
	if len(damaged) > 0 && whole.Verdict == harness.Passed {
		whole.Verdict = harness.Failed
		whole.Failure = failure(harness.ErrorFailure, "the report cannot be read: "+damaged[0], printed)
	}
	failed := slices.ContainsFunc(cases, func(c ingest.Case) bool { return c.Verdict == harness.Failed })
	contradicts := whole.Verdict == harness.Failed && (!failed || res.Stopped != nil || res.Signal != "" || len(damaged) > 0)
	if !contradicts {
		whole.Verdict, whole.Failure = harness.Passed, nil
	}
	whole.Warnings = append(whole.Warnings, damaged...)
	return contradicts
}

// reconcile gives the outcomes of the tests that were asked for, and of the whole
// command where its end contradicted its report, now or before.
func (r *Runner) reconcile(whole harness.Outcome, contradicts bool, cases []ingest.Case, only []string) (out []harness.Outcome) {
	for _, c := range cases {
		if len(only) == 0 || slices.Contains(only, c.Test.Name) {
			out = append(out, c.Outcome)
		}
	}
	r.mu.Lock()
	r.whole = r.whole || contradicts
	show := r.whole && len(only) == 0 || slices.Contains(only, Command)
	r.mu.Unlock()
	if show {
		out = append(out, whole)
	} else if contradicts {
		for i := range out {
			out[i].Warnings = append(out[i].Warnings, "the command's end contradicts its report: "+whole.Failure.Message)
		}
	}
	for _, o := range missing(absent(only, out), "the command's report does not name it") {
		if contradicts {
			o.Warnings = append(o.Warnings, whole.Failure.Message)
		}
		out = append(out, o)
	}
	return out
}

// wholeOutcome is what the command's end alone says.
func (r *Runner) wholeOutcome(res proc.Result, printed string) harness.Outcome {
	o := harness.Outcome{
		Test: r.command(), Verdict: harness.Passed, Output: printed,
		Start: res.Start, Duration: harness.Duration(res.Duration),
	}
	line := strings.Join(r.c.Argv, " ")
	switch {
	case res.Stopped != nil:
		o.Verdict = harness.Failed
		o.Failure = failure(harness.TimeoutFailure, fmt.Sprintf("%s: %v; it was ended", line, res.Stopped), printed)
	case res.Signal != "":
		o.Verdict = harness.Failed
		o.Failure = failure(harness.ExitFailure, fmt.Sprintf("%s: ended by signal: %s%s", line, res.Signal, lastWords(printed)), printed)
	case res.Code != 0:
		o.Verdict = harness.Failed
		kind := ingest.KindOf(printed, "", harness.ExitFailure)
		o.Failure = failure(kind, fmt.Sprintf("%s: exit %d%s", line, res.Code, lastWords(printed)), printed)
	}
	return o
}

var colour = regexp.MustCompile("\x1b\\[[0-9;?]*[A-Za-z]")

// lastWords says what a failed command printed about it: the assertion, where
// a runner's words are known, else the last lines.
func lastWords(printed string) string {
	if words := ingest.Assertion(printed); words != "" {
		return ": " + ingest.NewFailure(harness.ExitFailure, words, "").Message
	}
	var lines []string
	for l := range strings.Lines(printed) {
		if l = strings.TrimSpace(colour.ReplaceAllString(l, "")); l != "" {
			lines = append(lines, strings.ToValidUTF8(l[:min(len(l), 300)], "\uFFFD"))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines[max(0, len(lines)-3):], "\n")
}

func failure(kind harness.FailureKind, message, printed string) *harness.Failure {
	return &harness.Failure{Kind: kind, Message: message, Stack: printed, Fingerprint: summary.Fingerprint(message, kind, "")}
}

// reported says whether a test has ever been in a report of this command.
func (r *Runner) reported() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen) > 0
}

// neverReported explains a command that failed and has never written a report:
// it does not build, or crashed as it began.
func (r *Runner) neverReported(glob string, damaged []string, res proc.Result, printed string) error {
	line := strings.Join(r.c.Argv, " ")
	why := "no report was written that matches " + glob
	if len(damaged) > 0 {
		why = "its report cannot be read: " + damaged[0]
	}
	tail := ""
	if w := lastWords(printed); w != "" {
		tail = "; it printed last" + w
	}
	return &runner.Unusable{Err: fmt.Errorf("%s: %s, and %s%s", line, res, why, tail)}
}

// withoutSuiteTimes takes away starts that are a suite's, and those that several
// tests share: that is when their suite began, or when the report was made, and
// tells of no test's own time.
func withoutSuiteTimes(cases []ingest.Case) {
	shared := map[time.Time]int{}
	for _, c := range cases {
		shared[c.Start]++
	}
	for i := range cases {
		if !cases[i].OwnStart || shared[cases[i].Start] > 1 {
			cases[i].Start = time.Time{}
		}
	}
}

// noReport explains a command that ended well and told nothing.
func (r *Runner) noReport(glob string, files, damaged []string, printed string) error {
	line := strings.Join(r.c.Argv, " ")
	tail := ""
	if w := lastWords(printed); w != "" {
		tail = "; it printed last" + w
	}
	switch {
	case len(damaged) > 0:
		return fmt.Errorf("%s: exit 0, but its report cannot be read: %s%s", line, damaged[0], tail)
	case len(files) > 0:
		return fmt.Errorf("%s: exit 0, but no test is in its report %s: does a filter leave none?%s", line, files[0], tail)
	}
	return fmt.Errorf("%s: exit 0, but it wrote no report that matches %s: check --junit (relative to the command's directory), and that a cache does not skip the tests%s", line, glob, tail)
}

func absent(only []string, out []harness.Outcome) (names []string) {
	for _, name := range only {
		if name != Command && !slices.ContainsFunc(out, func(o harness.Outcome) bool { return o.Test.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// missing gives an outcome that says nothing for each test that was asked for
// and not told of.
func missing(names []string, why string) (out []harness.Outcome) {
	for _, name := range names {
		if name != Command {
			out = append(out, harness.Outcome{Test: harness.TestID{Name: name}, Verdict: harness.Unknown, Warnings: []string{"not known whether it ran: " + why}})
		}
	}
	return out
}
