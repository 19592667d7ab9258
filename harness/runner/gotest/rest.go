package gotest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// take adds what a process told, and says whether it told anything.
func (t *trial) take(e *ending) (progress bool) {
	outcomes := e.p.Outcomes()
	done := e.p.Done()
	switch running := e.p.Running(); {
	case e.orderly():
	case e.culprit != "": // past its deadline
	case e.Signal == "" && endsInPanic(outcomes) != "":
		// The guilty one has ended as failed, and its parents with it, which
		// may have more to do. The others that ran are innocent.
		guilty := endsInPanic(outcomes)
		parent := func(name string) bool { return strings.HasPrefix(guilty, t.job.p.Path+"."+name+"/") }
		done = slices.DeleteFunc(done, parent)
		outcomes = slices.DeleteFunc(outcomes, func(o harness.Outcome) bool {
			return parent(strings.TrimPrefix(o.Test.Name, t.job.p.Path+"."))
		})
	case len(running) == 1:
		e.culprit = running[0]
	default:
		e.many = running
	}
	from := len(t.out)
	defer func() {
		if e.specs != nil {
			t.out = append(t.out[:from:from], e.specs.outcomes(t.out[from:], e)...)
			if one := t.single(); e.culprit != "" && one != "" {
				t.skip = append(t.skip, one)
			}
		}
		for i := range t.out[from:] {
			o := &t.out[from+i]
			o.Boundary = t.boundary(e, o.Test.Name)
		}
	}()
	t.out = append(t.out, outcomes...)
	t.skip = append(t.skip, done...)
	if name := e.culprit; name != "" {
		o := harness.Outcome{Test: t.r.id(t.job.p, name), Verdict: harness.Failed, Start: e.p.Started(name), Output: e.p.OutputOf(name)}
		o.Duration = harness.Duration(e.Start.Add(e.Duration).Sub(o.Start))
		if e.Stopped != nil {
			o.Failure = ingest.NewFailure(harness.TimeoutFailure, e.Stopped.Error(), o.Output)
		} else {
			o.Failure = ingest.EndedUnder(o.Output)
			if o.Failure.Kind == harness.ExitFailure {
				o.Failure = ingest.NewFailure(harness.ExitFailure, o.Failure.Message+"\n"+e.Result.String(), o.Output)
			}
		}
		t.out = append(t.out, o)
		t.skip = append(t.skip, name)
	}
	if len(e.many) == 0 {
		t.judgeWhole(e, outcomes)
	}
	return len(done) > 0 || e.culprit != "" || len(e.many) > 0
}

// endsInPanic names the innermost test that a panic failed, which ends the process.
func endsInPanic(outcomes []harness.Outcome) (name string) {
	for _, o := range outcomes {
		if o.Failure != nil && o.Failure.Kind == harness.PanicFailure && len(o.Test.Name) > len(name) {
			name = o.Test.Name
		}
	}
	return name
}

// trySuspects runs each test that was under way alone, when one of several
// ended the process: whoever does so again is guilty, the others have their verdict.
func (t *trial) trySuspects(ctx context.Context, e *ending) error {
	if len(e.many) == 0 {
		return nil
	}
	guilty := false
	among := strings.Join(e.many, ", ")
	for _, name := range e.many {
		alone := trial{r: t.r, x: t.x, job: job{p: t.job.p, only: []string{name}}}
		again, err := alone.process(ctx, exactly(name), "", name)
		if err != nil {
			return err
		}
		alone.take(again)
		for _, o := range alone.out {
			if short := strings.TrimPrefix(o.Test.Name, t.job.p.Path+"."); short == name || strings.HasPrefix(short, name+"/") {
				o.Warnings = append(o.Warnings, "run alone, since the process ended while these ran together: "+among)
				t.out = append(t.out, o)
				guilty = guilty || short == name && !again.orderly()
			}
		}
		t.skip = append(t.skip, name)
	}
	if !guilty {
		o := harness.Outcome{Test: ingest.PackageTest(t.job.p.Path), Verdict: harness.Failed, Start: e.Start, Duration: harness.Duration(e.Duration), Output: e.p.Output()}
		text := e.p.Output()
		for _, name := range e.many {
			text += e.p.OutputOf(name)
		}
		kind := ingest.KindOf(text, "", harness.ExitFailure)
		o.Failure = ingest.NewFailure(kind, fmt.Sprintf("the process ended (%s) while these ran together: %s; none of them ends it alone", e.Result, among), text)
		t.out = append(t.out, o)
		t.remember()
	}
	return nil
}

// remember notes that the package can fail as a whole: from now on its passes count too.
func (t *trial) remember() {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	t.r.whole[t.job.p.Path] = true
}

// judgeWhole tells of failures that belong to no test: TestMain, a leak check, a
// race after the last test, a crash before the first.
func (t *trial) judgeWhole(e *ending, outcomes []harness.Outcome) {
	o := harness.Outcome{Test: ingest.PackageTest(t.job.p.Path), Verdict: harness.Passed, Start: e.Start, Duration: harness.Duration(e.Duration), Output: e.p.Output()}
	failed := e.culprit != "" || slices.ContainsFunc(outcomes, func(o harness.Outcome) bool { return o.Failure != nil })
	if !e.OK() && !failed {
		o.Verdict = harness.Failed
		kind := ingest.KindOf(o.Output, "", harness.ExitFailure)
		message := ingest.GoFailure(o.Output, kind).Message
		switch {
		case e.Stopped != nil:
			kind, message = harness.TimeoutFailure, e.Stopped.Error()
		case e.Code == 66: // the race detector's status: see go doc runtime/race, GORACE exitcode
			kind, message = harness.DataRace, "data race outside the tests' own time"
		case len(outcomes) == 0:
			message = fmt.Sprintf("the process ended (%s) before any test began\n%s", e.Result, message)
		default:
			message = fmt.Sprintf("the process ended (%s) though no test failed\n%s", e.Result, message)
		}
		o.Failure = ingest.NewFailure(kind, message, o.Output)
		if len(t.job.only) == 0 {
			t.remember()
		}
	}
	switch {
	case len(t.job.only) > 0:
		if o.Failure != nil {
			for i := range t.out {
				t.out[i].Warnings = append(t.out[i].Warnings, "its process failed afterwards: "+o.Failure.Message)
			}
			if len(t.out) == 0 {
				t.out = append(t.out, o)
			}
		}
	case o.Failure != nil || e.orderly() && t.counts():
		t.out = append(t.out, o)
	}
}

// counts reports whether the package as a whole is shown as a test: when it has
// a TestMain, or failed before.
func (t *trial) counts() bool {
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	return t.job.p.Main || t.r.whole[t.job.p.Path]
}

// left reports whether tests may remain that have not run.
func (t *trial) left(e *ending) bool {
	want := t.job.only
	if len(want) == 0 {
		for _, id := range t.job.p.Tests {
			want = append(want, strings.TrimPrefix(id.Name, t.job.p.Path+"."))
		}
		if len(want) == 0 {
			return len(e.p.Done()) > 0 // the list is not known
		}
	}
	return slices.ContainsFunc(want, func(name string) bool { return !slices.Contains(t.skip, name) })
}

// finish keeps what was asked for, completes the places, and says of each test
// that was asked for and did not run that it is not known.
func (t *trial) finish() []harness.Outcome {
	p := t.job.p
	kept := t.out[:0:0]
	for _, o := range t.out {
		short := strings.TrimPrefix(o.Test.Name, p.Path+".")
		if !t.wanted(short) {
			continue
		}
		if o.Test.File == "" && short != "(package)" {
			o.Test = t.r.id(p, short)
		}
		if o.Verdict == harness.Passed && len(o.Output) > passedOutput {
			o.Output = "…" + o.Output[len(o.Output)-passedOutput:]
		}
		kept = append(kept, o)
	}
	t.out = kept
	return append(kept, t.unknown("no test of this name ran")...)
}

func (t *trial) wanted(short string) bool {
	if len(t.job.only) == 0 || short == "(package)" {
		return true
	}
	return slices.ContainsFunc(t.job.only, func(name string) bool {
		return short == name || strings.HasPrefix(short, name+"/")
	})
}

// unknown gives an outcome that says nothing for each test asked for that has none.
func (t *trial) unknown(why string) (out []harness.Outcome) {
	for _, name := range t.job.only {
		full := t.full(name)
		if !slices.ContainsFunc(t.out, func(o harness.Outcome) bool { return o.Test.Name == full }) {
			out = append(out, harness.Outcome{Test: t.r.id(t.job.p, name), Verdict: harness.Unknown, Warnings: []string{why}})
		}
	}
	return out
}
