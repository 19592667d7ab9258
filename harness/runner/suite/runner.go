package suite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/capture"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/marks"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
	"github.com/flakehunt/flakehunt/harness/source"
)

// DefaultTimeout is how long one execution may take when nothing else is said.
const DefaultTimeout = 10 * time.Minute

// Config says what to run.
type Config struct {
	Argv    []string
	Dir     string // where; empty: the working directory
	Adapter Adapter
	Env     []string               // NAME=TEMPLATE
	Timeout time.Duration          // of one execution; 0: DefaultTimeout
	Wrap    environ.CommandWrapper // what the command runs in
	Log     *slog.Logger
}

// Runner runs a suite by its adapter. It implements runner.Runner.
type Runner struct {
	c      Config
	log    *slog.Logger
	dir    string // absolute
	root   string // of the repository: reports name files relative to it
	plugin string // directory of the adapter's files

	mu     sync.Mutex
	proven bool // a test has run: the command works
	seen   []harness.TestID

	warm warmth
}

var _ runner.Runner = (*Runner)(nil)

// New checks the configuration and writes the plugin to a directory of its own.
func New(c Config) (*Runner, error) {
	if len(c.Argv) == 0 || c.Adapter == nil {
		return nil, errors.New("no command to run")
	}
	for _, e := range c.Env {
		if err := environ.Check(e); err != nil {
			return nil, err
		}
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding the command's directory: %w", err)
	}
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	if err := proc.CheckProgram(dir, c.Argv[0]); err != nil {
		return nil, err
	}
	r := &Runner{c: c, log: c.Log, dir: dir, root: source.Root(dir)}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.plugin, err = proc.TempDir("plugin"); err != nil {
		return nil, err
	}
	if err := unpack(c.Adapter.Files(), r.plugin); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// Close ends the processes that wait for another turn, and removes the plugin.
func (r *Runner) Close() error {
	r.warm.close()
	return proc.RemoveAll(r.plugin)
}

// List names the tests seen so far: a suite is not asked before it runs.
func (r *Runner) List(context.Context) ([]harness.TestID, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen), nil
}

// Single reports that single tests can be run alone.
func (r *Runner) Single() bool { return true }

// Run runs the suite once, or the tests asked for in one process.
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
	out, err := r.once(ctx, x)
	for i := range out {
		out[i].Trial, out[i].Arm, out[i].Worker, out[i].Seed = x.Trial, x.Arm, x.Worker, x.Seed
	}
	return out, err
}

func (r *Runner) once(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	if r.mayKeep(x) {
		return r.turn(ctx, x)
	}
	return r.cold(ctx, x)
}

// cold runs a new process of the runner's to its end.
func (r *Runner) cold(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	c := &collector{bounds: &marks.Boundaries{Begin: x.Begin, End: x.End}, place: r.place, called: x.Called}
	if len(x.Tests) == 1 {
		c.alone = x.Tests[0]
	}
	var printed capture.Buffer
	spec := proc.Spec{Dir: r.dir, Stdout: &printed, Stderr: &printed, Started: x.Started}
	given := x
	undo, err := r.c.Wrap.Prepare(ctx, &given, &spec)
	if err != nil {
		return nil, err
	}
	defer func() { _ = undo() }() // told below, unless another error came first
	server, err := marks.ListenEvents(x.Dir, c.take)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	if err := r.prepare(given, server, &spec); err != nil {
		return nil, err
	}

	limit := r.limit(x)
	run, cancel := context.WithTimeoutCause(ctx, limit, overdue(limit))
	defer cancel()
	if c.alone != "" && x.Begin != nil {
		x.Begin(c.alone)
	}
	res, err := proc.Run(run, spec)
	_ = server.Close()
	c.bounds.Close()
	if c.alone != "" && x.End != nil {
		x.End(c.alone)
	}
	return r.over(ctx, c, x, res, printed.String(), cmp.Or(err, undo()))
}

// over tells what came of a process that has ended. err says that it could not run
// as it should have.
func (r *Runner) over(ctx context.Context, c *collector, x runner.Exec, res proc.Result, printed string, err error) ([]harness.Outcome, error) {
	if err != nil {
		return nil, err
	}
	if x.Spent != nil {
		x.Spent(res.CPU, res.Duration)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if len(res.Strays) > 0 {
		r.log.Debug("ended processes that the suite left", "processes", strings.Join(res.Strays, ", "))
	}
	return r.judge(c, x, res, printed)
}

// overdue says why a process is ended.
func overdue(limit time.Duration) error { return fmt.Errorf("it did not end within %s", limit) }

func (r *Runner) limit(x runner.Exec) time.Duration {
	switch {
	case len(x.Tests) == 1 && x.Deadline > 0:
		return x.Deadline
	case r.c.Timeout > 0:
		return r.c.Timeout
	}
	return DefaultTimeout
}

// prepare fills in what runs and with which environment.
func (r *Runner) prepare(x runner.Exec, server *marks.Server, spec *proc.Spec) error {
	values := environ.For(x)
	env := environ.Build(os.Environ(), values, r.c.Env)
	env = replace(env, server.Env(), "FLAKEHUNT_PLUGIN="+r.plugin, "FLAKEHUNT_ROOT="+r.dir)
	if len(x.Tests) > 0 {
		text, err := json.Marshal(x.Tests)
		if err != nil {
			return fmt.Errorf("writing the names of the tests: %w", err)
		}
		file := filepath.Join(x.Dir, "flakehunt-only.json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return fmt.Errorf("writing the names of the tests: %w", err)
		}
		env = replace(env, "FLAKEHUNT_ONLY="+file)
	}
	argv := make([]string, len(r.c.Argv))
	for i, a := range r.c.Argv {
		argv[i] = values.Fill(a)
	}
	in := r.c.Adapter.Invoke(Job{
		Argv: argv, Dir: r.dir, Plugin: r.plugin, Only: x.Tests,
		Env: func(name string) string { return lookup(env, name) },
	})
	spec.Argv, spec.Env = in.Argv, replace(env, in.Env...)
	return nil
}

// place names a file relative to the repository's root.
func (r *Runner) place(file string) string { return source.Rel(r.root, r.dir, file) }

// unpack writes the adapter's files to dir.
func unpack(files fs.FS, dir string) error {
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
	if err != nil {
		return fmt.Errorf("writing the plugin for the test runner: %w", err)
	}
	return nil
}

func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if n, v, _ := strings.Cut(env[i], "="); n == name {
			return v
		}
	}
	return ""
}

// replace sets variables in env.
func replace(env []string, set ...string) []string {
	out := slices.DeleteFunc(slices.Clone(env), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.ContainsFunc(set, func(s string) bool { n, _, _ := strings.Cut(s, "="); return n == name })
	})
	return append(out, set...)
}
