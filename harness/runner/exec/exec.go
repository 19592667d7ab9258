// Package exec runs any command as a target: a suite that writes JUnit XML, or
// one whose exit status is its only word.
//
// It must never read a report that an earlier trial wrote, take a missing
// report for a pass, delete a file of the user's, or leave a process behind.
package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/shlex"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// DefaultTimeout is how long a command may run when nothing else is said.
const DefaultTimeout = 10 * time.Minute

// Command is the name of the test that stands for the command as a whole: the
// only one when there is no JUnit report, else it appears when the command's
// end contradicts its report.
const Command = runner.WholeCommand

// Config says what to run. Argv, JUnit and OneTest may hold the placeholders of
// package environ, {dir} above all: with `--junit '{dir}/*.xml'` each trial
// writes a report of its own, and trials may run in parallel.
type Config struct {
	Argv    []string
	Dir     string                 // where; empty: the working directory
	JUnit   string                 // glob of the reports, relative to Dir; ** is any depth; empty: none
	OneTest string                 // command that runs one test; see oneTest for its placeholders
	Env     []string               // NAME=TEMPLATE
	Timeout time.Duration          // of one execution; 0: DefaultTimeout
	Wrap    environ.CommandWrapper // what the command runs in
	Log     *slog.Logger
}

// Runner runs a command as a target. It implements runner.Runner.
type Runner struct {
	c     Config
	log   *slog.Logger
	one   []string   // OneTest, split into words
	alone sync.Mutex // held while trials would write the same report files

	mu    sync.Mutex
	seen  []harness.TestID
	known map[string]words
	names ingest.Names
	whole bool // the command as a whole has failed before
}

var _ runner.Runner = (*Runner)(nil)

// New checks the configuration.
func New(c Config) (*Runner, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("no command to run: give it after --, as in flakehunt run --junit 'reports/*.xml' -- npm test")
	}
	if err := proc.CheckProgram(c.Dir, c.Argv[0]); err != nil {
		return nil, err
	}
	for _, e := range c.Env {
		if err := environ.Check(e); err != nil {
			return nil, err
		}
	}
	if c.JUnit != "" {
		if err := checkGlob(c.JUnit); err != nil {
			return nil, err
		}
	}
	var one []string
	if c.OneTest != "" {
		if c.JUnit == "" {
			return nil, errors.New("--one-test needs --junit: without reports there are no single tests")
		}
		var err error
		if one, err = shlex.Split(c.OneTest); err != nil || len(one) == 0 {
			return nil, fmt.Errorf("--one-test %q: not a command line: %w", c.OneTest, cmp.Or(err, errors.New("it is empty")))
		}
		if err := cmp.Or(checkOneTest(c.OneTest), proc.CheckProgram(c.Dir, one[0])); err != nil {
			return nil, err
		}
	}
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Runner{c: c, log: log, one: one, known: map[string]words{}}, nil
}

// List names the tests seen so far, in the order of the first report: a
// command cannot be asked for its tests without being run. Without JUnit it
// names the command.
func (r *Runner) List(context.Context) ([]harness.TestID, error) {
	if r.c.JUnit == "" {
		return []harness.TestID{r.command()}, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]harness.TestID{}, r.seen...), nil
}

// Close has nothing to end: each Run cleans up behind itself.
func (r *Runner) Close() error { return nil }

func (r *Runner) command() harness.TestID {
	return harness.TestID{Name: Command, Suite: filepath.Base(r.c.Argv[0])}
}

// Single reports whether single tests can be run alone.
func (r *Runner) Single() bool { return r.c.OneTest != "" || r.c.JUnit == "" }

// Run runs the command once. With x.Tests and a OneTest template it runs each
// of them alone; without the template it runs all and reports those asked for.
func (r *Runner) Run(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	if x.Dir == "" {
		dir, err := proc.TempDir("trial")
		if err != nil {
			return nil, err
		}
		defer func() {
			if err := proc.RemoveAll(dir); err != nil {
				r.log.Warn("trial's temporary directory", "error", err)
			}
		}()
		x.Dir = dir
	}
	var out []harness.Outcome
	var alone []string
	var rest []string
	for _, name := range x.Tests {
		if r.c.OneTest != "" && name != Command {
			alone = append(alone, name)
		} else {
			rest = append(rest, name)
		}
	}
	for _, name := range alone {
		if x.Begin != nil {
			x.Begin(name)
		}
		o, err := r.once(ctx, x, r.one, r.wordsOf(name), []string{name})
		if x.End != nil {
			x.End(name)
		}
		bounded(o, func(harness.Outcome) harness.Boundary { return harness.BoundaryAlone })
		out = append(out, o...)
		if err != nil {
			return r.stamp(out, x), err
		}
	}
	if len(rest) > 0 || len(x.Tests) == 0 {
		single := r.c.JUnit == ""
		if single && x.Begin != nil {
			x.Begin(Command)
		}
		o, err := r.once(ctx, x, r.c.Argv, nil, rest)
		if single && x.End != nil {
			x.End(Command)
		}
		if single {
			bounded(o, func(harness.Outcome) harness.Boundary { return harness.BoundaryAlone })
		}
		out = append(out, o...)
		if err != nil {
			return r.stamp(out, x), err
		}
	}
	return r.stamp(out, x), nil
}

func (r *Runner) stamp(out []harness.Outcome, x runner.Exec) []harness.Outcome {
	for i := range out {
		out[i].Trial, out[i].Arm, out[i].Worker, out[i].Seed = x.Trial, x.Arm, x.Worker, x.Seed
	}
	return out
}

// once runs one command line and tells what it did. more holds placeholders of
// the one test; only names the tests asked for, none for all. The line was split
// into words before they are filled in, so that a test's name needs no quoting.
func (r *Runner) once(ctx context.Context, x runner.Exec, argv []string, more words, only []string) ([]harness.Outcome, error) {
	var printed capture.Buffer
	spec := proc.Spec{Dir: r.c.Dir, Stdout: &printed, Stderr: &printed, Started: x.Started}
	undo, err := r.c.Wrap.Prepare(ctx, &x, &spec)
	if err != nil {
		return nil, err
	}
	defer func() { _ = undo() }() // told below, unless another error came first
	values := environ.For(x)
	full := values.With(more)
	for _, a := range argv {
		spec.Argv = append(spec.Argv, full.Fill(a))
	}
	spec.Env = environ.Build(os.Environ(), values, r.c.Env)

	m := r.mark(x, more)
	defer m.close()
	if m.own != nil {
		spec.Env = append(spec.Env, m.own.Env())
	}

	glob := ""
	var before snapshot
	if r.c.JUnit != "" {
		glob = absolute(r.c.Dir, values.Fill(r.c.JUnit))
		if !strings.Contains(r.c.JUnit, "{dir}") && !strings.Contains(r.c.JUnit, "{trial}") {
			r.alone.Lock()
			defer r.alone.Unlock()
		}
		if before, err = look(glob); err != nil {
			return nil, err
		}
	}
	limit := r.limit(x, only)
	late := fmt.Errorf("it did not end within %s", limit)
	run, cancel := context.WithTimeoutCause(ctx, limit, late)
	defer cancel()
	res, err := proc.Run(run, spec)
	m.close()
	if err = cmp.Or(err, undo()); err != nil {
		return nil, err
	}
	if x.Spent != nil {
		x.Spent(res.CPU, res.Duration)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(res.Strays) > 0 {
		r.log.Debug("ended processes that the command left", "processes", strings.Join(res.Strays, ", "))
	}
	out, tests, err := r.judge(glob, before, res, printed.String(), only)
	bounded(out, boundaryOf(m.bounds, tests))
	if more == nil && r.c.JUnit != "" {
		unaimed(out, x.Arm, m.begun)
	}
	return out, err
}

// limit is how long one execution may take.
func (r *Runner) limit(x runner.Exec, only []string) time.Duration {
	switch {
	case len(only) == 1 && x.Deadline > 0:
		return x.Deadline
	case r.c.Timeout > 0:
		return r.c.Timeout
	}
	return DefaultTimeout
}
