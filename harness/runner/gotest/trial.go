package gotest

import (
	"cmp"
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

const (
	// maxSkip bounds the -skip pattern: Linux takes at most 128 KiB in one argument.
	maxSkip = 100 << 10
	// passedOutput is how much of what a passed test printed is kept.
	passedOutput = 4 << 10
)

// trial is one execution of one job. It takes several processes only when a
// test ends the process under the others.
type trial struct {
	r   *Runner
	x   runner.Exec
	job job

	out  []harness.Outcome
	skip []string // tests that need not run again: done, or guilty of ending a process
}

func (t *trial) full(name string) string { return t.job.p.Path + "." + name }

// run gives the outcomes of the job.
func (t *trial) run(ctx context.Context) ([]harness.Outcome, error) {
	p := t.job.p
	if p.Failed != "" {
		o := harness.Outcome{Test: ingest.PackageTest(p.Path), Verdict: harness.Failed, Output: p.Failed, Start: time.Now()}
		o.Failure = ingest.NewFailure(harness.BuildFailure, p.Failed, p.Failed)
		return append([]harness.Outcome{o}, t.unknown("its package does not build")...), nil
	}
	run, userSkip := t.r.cmd.Run, t.r.cmd.Skip
	if len(t.job.only) > 0 {
		run, userSkip = t.runs(), ""
	}
	for {
		ended, err := t.process(ctx, run, skipping(userSkip, t.skip), t.single())
		if err != nil {
			return t.finish(), err
		}
		progress := t.take(ended)
		if err := t.trySuspects(ctx, ended); err != nil {
			return t.finish(), err
		}
		if ended.orderly() || !progress || !t.left(ended) {
			break
		}
		if len(skipping(userSkip, t.skip)) > maxSkip {
			t.r.log.Warn("too many tests ended before one ended the process: the others were not run again", "package", p.Path)
			break
		}
	}
	return t.finish(), nil
}

// single is the one test of this job, or "".
func (t *trial) single() string {
	if len(t.job.only) == 1 {
		return t.job.only[0]
	}
	return ""
}

// ending is what one process left.
type ending struct {
	proc.Result
	p       *ingest.GoPackage
	culprit string   // the test that ended the process, if that is certain
	many    []string // tests of which one did
	bounds  *marks.Boundaries
	single  string // the only test of the process, or ""
	specs   *specs // nil: no Ginkgo suite
}

// boundary says how it is known which frames are those of the test.
func (t *trial) boundary(e *ending, full string) harness.Boundary {
	if e.single != "" && full == t.full(e.single) {
		return harness.BoundaryAlone
	}
	return e.bounds.Of(full)
}

// orderly reports whether the testing package came to its own end.
func (e *ending) orderly() bool { return e.p.Ended && e.Stopped == nil && e.Signal == "" }

// argv is the line that runs the tests. single names the only one, if it is known
// that there is one.
func (t *trial) argv(run, skip, single string) ([]string, error) {
	argv, err := t.r.binary(t.job.p)
	if err != nil {
		return nil, err
	}
	argv = append(argv, "-test.v=test2json", "-test.paniconexit0", "-test.timeout="+t.r.timeout.String())
	if run != "" {
		argv = append(argv, "-test.run="+run)
	}
	if skip != "" {
		argv = append(argv, "-test.skip="+skip)
	}
	if s := t.r.cmd.Shuffle; s != "" && s != "off" {
		if s == "on" {
			s = fmt.Sprint(int64(t.x.Seed &^ (1 << 63))) // another order each trial, and the same again for the same seed
		}
		argv = append(argv, "-test.shuffle="+s)
	}
	return append(append(argv, t.r.cmd.Test...), t.args(single)...), nil
}

// process runs the test binary once. single names the only test, if it is known
// that there is one.
func (t *trial) process(ctx context.Context, run, skip, single string) (*ending, error) {
	argv, err := t.argv(run, skip, single)
	if err != nil {
		return nil, err
	}
	if _, spec := t.job.p.spec(single); spec {
		single = "" // its marks are surer than its process, which runs BeforeSuite too
	}
	x := t.x
	spec := proc.Spec{Dir: t.job.p.Dir, Argv: argv, Polite: syscall.SIGQUIT, Grace: 3 * time.Second, Started: t.x.Started}
	undo, err := t.r.c.Wrap.Prepare(ctx, &x, &spec)
	if err != nil {
		return nil, err
	}
	defer func() { _ = undo() }() // told below, unless another error came first
	spec.Env = environment(x, t.r.c.Env)

	limit, cancelLimit := ctx, context.CancelFunc(func() {})
	if t.r.timeout > 0 {
		limit, cancelLimit = context.WithTimeoutCause(ctx, t.r.timeout+10*time.Second, fmt.Errorf("the package did not end within %s", t.r.timeout))
	}
	defer cancelLimit()
	watched, stop := context.WithCancelCause(limit)
	defer stop(nil)

	l := t.listen(single)
	defer l.close()
	if l.own != nil {
		spec.Env = append(spec.Env, l.own.Env())
	}
	spec.Stdout, spec.Stderr = l.conv, l.conv
	unwatch := l.watch(t.x.Deadline, stop)
	if single != "" && t.x.Begin != nil {
		t.x.Begin(t.full(single))
	}
	l.e.Result, err = proc.Run(watched, spec)
	unwatch() // it may be about to write to the ending
	if single != "" && t.x.End != nil {
		t.x.End(t.full(single))
	}
	if err = cmp.Or(err, undo()); err != nil {
		return nil, err
	}
	if t.x.Spent != nil {
		t.x.Spent(l.e.CPU, l.e.Duration)
	}
	_ = l.conv.Close() // a last line without a newline is an event too, which takes the lock
	l.mu.Lock()
	defer l.mu.Unlock()
	l.e.bounds.Close()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return l.e, nil
}

// mark tells the wire where tests begin and end, as their lines arrive. It is a
// fair guess, not more: a line is printed before its test begins, and read a
// moment later (some 0.1 ms on a quiet machine). Marks that the suite sets
// itself (package redistest) are exact, and so are those of a test run alone.
func (t *trial) mark(b *marks.Boundaries, ev ingest.GoEvent) {
	if ev.Test == "" {
		return
	}
	switch ev.Action {
	case "run", "cont":
		b.Began(t.full(ev.Test), false)
	case "pause", "pass", "fail", "skip":
		b.Ended(t.full(ev.Test), false)
	}
}
