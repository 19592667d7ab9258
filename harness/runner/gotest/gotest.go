// Package gotest runs Go tests as a target: each package's test binary is
// compiled once and run trial after trial, whole or a test at a time.
//
// It must never run a test that nobody asked for, retry a failure, or let one
// test's end (os.Exit, a panic, a hang) take the others' results with it.
package gotest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/shlex"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
	"github.com/flakehunt/flakehunt/harness/source"
)

var exeSuffix = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// DefaultTimeout is go test's own.
const DefaultTimeout = 10 * time.Minute

// Config says what to run.
type Config struct {
	Argv []string // the go test command as the user wrote it
	Dir  string   // where; empty: the working directory
	Env  []string // NAME=TEMPLATE
	Wrap environ.CommandWrapper
	// Timeout bounds the tests of a package, unless the command's own -timeout
	// is shorter; 0: that alone counts.
	Timeout time.Duration
	Log     *slog.Logger
}

// Runner runs Go tests. It implements runner.Runner.
//
// Packages run one after another, as with go test -p 1, so that a command on
// the wire belongs to one package.
type Runner struct {
	c       Config
	cmd     command
	log     *slog.Logger
	dir     string   // where the go command runs
	root    string   // of the repository: reports name files relative to it
	exec    []string // -exec
	timeout time.Duration

	tmp      string
	packages []*pkg
	untested []string

	mu    sync.Mutex
	whole map[string]bool // packages that failed as a whole before
}

var _ runner.Runner = (*Runner)(nil)

// New reads the command line, compiles the test binaries and asks them for
// their tests. A package that does not build does not fail New: it appears as a
// test that fails. The error says that there is nothing to run.
func New(ctx context.Context, c Config) (*Runner, error) {
	cmd, err := parse(c.Argv)
	if err != nil {
		return nil, err
	}
	for _, e := range c.Env {
		if err := environ.Check(e); err != nil {
			return nil, err
		}
	}
	r := &Runner{c: c, cmd: cmd, log: c.Log, dir: c.Dir, timeout: DefaultTimeout, whole: map[string]bool{}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if cmd.Chdir != "" {
		r.dir = cmd.Chdir
		if !filepath.IsAbs(cmd.Chdir) {
			r.dir = filepath.Join(c.Dir, cmd.Chdir)
		}
	}
	if cmd.Timeout != "" {
		if r.timeout, err = time.ParseDuration(cmd.Timeout); err != nil {
			return nil, fmt.Errorf("go test -timeout: %w", err)
		}
	}
	if c.Timeout > 0 && (r.timeout <= 0 || c.Timeout < r.timeout) {
		r.timeout = c.Timeout
	}
	if cmd.Exec != "" {
		if r.exec, err = shlex.Split(cmd.Exec); err != nil {
			return nil, fmt.Errorf("go test -exec %q: %w", cmd.Exec, err)
		}
	}
	if err := lookGo(cmd.Go); err != nil {
		return nil, err
	}
	r.root = source.Root(absolute(r.dir))
	for _, w := range cmd.Warnings {
		r.log.Warn("go test: " + w)
	}
	if r.tmp, err = proc.TempDir("gotest"); err != nil {
		return nil, err
	}
	if err := r.build(ctx); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// Close removes the compiled binaries.
func (r *Runner) Close() error { return proc.RemoveAll(r.tmp) }

// List names the tests at the top level, in the order in which they run.
// Subtests are known once they have run; they can be asked for by name.
func (r *Runner) List(context.Context) ([]harness.TestID, error) {
	var out []harness.TestID
	for _, p := range r.packages {
		out = append(out, p.Tests...)
		if p.Failed != "" {
			out = append(out, ingest.PackageTest(p.Path))
		}
	}
	return out, nil
}

// Untested lists the packages without test files.
func (r *Runner) Untested() []string { return r.untested }

// id completes a test's name ("TestX/sub") with its place.
func (r *Runner) id(p *pkg, name string) harness.TestID {
	top, _, _ := strings.Cut(name, "/")
	at := p.Lines[top]
	return harness.TestID{Name: p.Path + "." + name, Suite: p.Path, File: at.File, Line: at.Line}
}

// split finds the package of a test's full name.
func (r *Runner) split(full string) (*pkg, string, error) {
	var best *pkg
	for _, p := range r.packages { // one import path may begin another: take the longest
		if strings.HasPrefix(full, p.Path+".") && (best == nil || len(p.Path) > len(best.Path)) {
			best = p
		}
	}
	if best == nil {
		return nil, "", fmt.Errorf("running test %q: no such package in %s: names are IMPORT/PATH.TestName/subtest", full, strings.Join(r.c.Argv, " "))
	}
	return best, strings.TrimPrefix(full, best.Path+"."), nil
}

// Run runs the tests once. With x.Tests, each process runs one test, or several
// top-level tests of a package together.
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
	jobs, err := r.plan(x.Tests)
	if err != nil {
		return nil, err
	}
	var out []harness.Outcome
	for _, j := range jobs {
		t := trial{r: r, x: x, job: j}
		o, err := t.run(ctx)
		for i := range o {
			o[i].Trial, o[i].Arm, o[i].Worker, o[i].Seed = x.Trial, x.Arm, x.Worker, x.Seed
		}
		out = append(out, o...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// job is what one process is asked to run.
type job struct {
	p    *pkg
	only []string // names within the package; none: what the user's command runs
}

// plan groups the tests by process: whole packages when nothing is named, the
// named tests of the top level by package, each subtest alone.
func (r *Runner) plan(names []string) ([]job, error) {
	if len(names) == 0 {
		jobs := make([]job, len(r.packages))
		for i, p := range r.packages {
			jobs[i] = job{p: p}
		}
		return jobs, nil
	}
	var jobs []job
	for _, full := range names {
		p, name, err := r.split(full)
		if err != nil {
			return nil, err
		}
		whole := full == ingest.PackageTest(p.Path).Name
		i := slices.IndexFunc(jobs, func(j job) bool {
			return j.p == p && len(j.only) > 0 && !strings.Contains(j.only[0], "/")
		})
		switch {
		case whole:
			jobs = append(jobs, job{p: p})
		case i >= 0 && !strings.Contains(name, "/"):
			jobs[i].only = append(jobs[i].only, name)
		default:
			jobs = append(jobs, job{p: p, only: []string{name}})
		}
	}
	return jobs, nil
}

// environment is what the test process gets.
func environment(x runner.Exec, templates []string) []string {
	return environ.Build(os.Environ(), environ.For(x), templates)
}
