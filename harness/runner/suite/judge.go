package suite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// judge makes outcomes of what the plugin said and how the command ended. The
// error says that nothing was tested.
func (r *Runner) judge(c *collector, x runner.Exec, res proc.Result, printed string) ([]harness.Outcome, error) {
	end := ended{at: res.Start.Add(res.Duration), printed: tail(printed, 40)}
	switch {
	case res.Stopped != nil:
		end.why, end.kind = res.Stopped.Error()+": the suite was ended", harness.TimeoutFailure
	case !res.OK():
		end.why, end.kind = fmt.Sprintf("the process ended while the test ran: %s", res), harness.ExitFailure
		end.kind = ingest.KindOf(printed, "", end.kind)
	}
	out := c.outcomes(end)
	ran := slices.ContainsFunc(c.order, func(t *test) bool { return t.begun })
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ran && !r.proven {
		return nil, r.nothing(c, x, res, printed, out)
	}
	r.proven = r.proven || ran
	failed := slices.ContainsFunc(out, func(o harness.Outcome) bool { return o.Verdict == harness.Failed })
	for i := range out {
		if ran && !failed && !res.OK() { // a file that did not load, an error after the tests, a coverage that is too low
			out[i].Warnings = append(out[i].Warnings, fmt.Sprintf("no test failed, and yet the command ended with %s: %s", res, tail(printed, 3)))
		}
		if out[i].Verdict == harness.Failed && out[i].Output == "" {
			out[i].Output = end.printed
		}
		if !slices.ContainsFunc(r.seen, func(id harness.TestID) bool { return id.Name == out[i].Test.Name }) {
			r.seen = append(r.seen, out[i].Test)
		}
	}
	if len(x.Tests) > 0 {
		return r.asked(c, x, res, out, end), nil
	}
	if !ran && !res.OK() {
		return out, fmt.Errorf("%s: %s before a test began: %s", r.line(), res, tail(printed, 5))
	}
	return out, nil
}

// asked keeps the tests that were asked for, and says of those that nothing was
// heard of what is known.
func (r *Runner) asked(c *collector, x runner.Exec, res proc.Result, out []harness.Outcome, end ended) []harness.Outcome {
	heard := out
	out = slices.DeleteFunc(slices.Clone(out), func(o harness.Outcome) bool { return !slices.Contains(x.Tests, o.Test.Name) })
	for _, name := range x.Tests {
		if slices.ContainsFunc(out, func(o harness.Outcome) bool { return o.Test.Name == name }) {
			continue
		}
		o := harness.Outcome{Test: harness.TestID{Name: name}, Start: res.Start, Duration: harness.Duration(res.Duration)}
		if i := slices.IndexFunc(r.seen, func(id harness.TestID) bool { return id.Name == name }); i >= 0 {
			o.Test = r.seen[i]
		}
		if c.alone != "" {
			o.Boundary = harness.BoundaryAlone
		}
		switch {
		case o.Test.Name == o.Test.File && o.Test.File != "" && slices.ContainsFunc(heard, func(h harness.Outcome) bool { return h.Test.File == o.Test.File }):
			o.Verdict = harness.Passed // the file could be loaded this time
		case !res.OK() && len(heard) == 0:
			o.Verdict, o.Output = harness.Failed, end.printed
			why := end.why
			if res.Stopped == nil {
				why = fmt.Sprintf("the runner ended before the test began: %s: %s", res, tail(end.printed, 3))
			}
			o.Failure = ingest.NewFailure(end.kind, why, end.printed)
		case len(heard) > 0 && heard[0].Failure != nil: // its file, or a hook above it
			o.Verdict, o.Failure, o.Output = harness.Failed, heard[0].Failure, end.printed
		default:
			o.Warnings = append(o.Warnings, "not known whether it ran: the runner did not speak of it")
		}
		out = append(out, o)
	}
	return out
}

// lastLines of what the runner printed are quoted where nothing ran.
const lastLines = 40

func (r *Runner) line() string { return strings.Join(r.c.Argv, " ") }

// nothing explains why the first run has tested nothing.
func (r *Runner) nothing(c *collector, x runner.Exec, res proc.Result, printed string, out []harness.Outcome) error {
	said := ""
	if t := tail(printed, lastLines); t != "" {
		said = "; it printed last:\n" + t
	}
	name := r.c.Adapter.Name()
	switch {
	case res.Stopped != nil:
		return &runner.Unusable{Err: fmt.Errorf("%s: %w, and no test had begun%s", r.line(), res.Stopped, said)}
	case slices.ContainsFunc(out, func(o harness.Outcome) bool { return o.Failure != nil }):
		o := out[slices.IndexFunc(out, func(o harness.Outcome) bool { return o.Failure != nil })]
		return &runner.Unusable{Err: fmt.Errorf("%s: no test ran: %s: %s%s", r.line(), o.Test.Name, o.Failure.Message, said)}
	case len(c.faults) > 0:
		return &runner.Unusable{Err: fmt.Errorf("%s: no test ran: %s%s", r.line(), plain(c.faults[0].Message), said)}
	case len(out) > 0:
		return &runner.Unusable{Usage: true, Err: fmt.Errorf("%s: no test ran: %d were skipped by the suite itself%s", r.line(), len(out), said)}
	case !res.OK() && !c.spoke:
		return &runner.Unusable{Err: fmt.Errorf("%s: %s before %s began%s", r.line(), res, name, said)}
	case len(x.Tests) > 0:
		return &runner.Unusable{Usage: true, Err: fmt.Errorf("%s: no such test: %s%s", r.line(), strings.Join(x.Tests, ", "), said)}
	case c.spoke && !res.OK():
		return &runner.Unusable{Err: fmt.Errorf("%s: %s, and no test ran%s", r.line(), res, said)}
	case c.spoke:
		return &runner.Unusable{Usage: true, Err: fmt.Errorf("%s: %s, and no test was selected: does a filter leave none?%s", r.line(), res, said)}
	}
	return &runner.Unusable{Err: fmt.Errorf("%s: %s, but %s never told of a test: is it started by this command? With --junit a suite can be hunted by its reports%s", r.line(), res, name, said)}
}
