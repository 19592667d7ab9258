package main

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/exec"
	"github.com/flakehunt/flakehunt/harness/runner/gotest"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/runner/suite/node"
	"github.com/flakehunt/flakehunt/harness/runner/suite/phpunit"
	"github.com/flakehunt/flakehunt/harness/runner/suite/pytest"
	"github.com/flakehunt/flakehunt/harness/runner/suite/rspec"
)

// runnerFor makes what runs a target's tests.
func runnerFor(ctx context.Context, say *messages, t harness.Target) (runner.Runner, error) {
	r, _, err := runnerOn(ctx, say, t, "")
	return r, err
}

// runnerOn makes what runs a target's tests on the named provider's Redis. direct
// says that they can run without the proxy too: at an address that is taken over
// that needs a server inside the private network.
func runnerOn(ctx context.Context, say *messages, t harness.Target, provider string) (r runner.Runner, direct bool, err error) {
	if t.Kind == harness.ShippedTarget {
		r, err = shipped(t)
		return r, true, err
	}
	var wrap environ.CommandWrapper
	direct = true
	if len(t.Takeover) > 0 {
		c := netns.Config{Takeover: t.Takeover, Forward: t.Forward, Log: say.logger()}
		if provider == "server" {
			c.Server = redisenv.ServerCommand
		}
		n, err := netns.New(ctx, c)
		if err != nil {
			return nil, false, usagef("--takeover: %w", err)
		}
		wrap, direct = n.Wrapper(), n.Direct()
	}
	r, err = foreignRunner(ctx, say, t, wrap, 0)
	return r, direct, err
}

// foreignRunner makes what runs a suite of the user's, in what is around it.
// timeout bounds one execution; 0: the runner's own.
func foreignRunner(ctx context.Context, say *messages, t harness.Target, wrap environ.CommandWrapper, timeout time.Duration) (runner.Runner, error) {
	for _, e := range t.Env {
		if err := environ.Check(e); err != nil {
			return nil, usagef("%w", err)
		}
	}
	if t.Kind == harness.GoTestTarget {
		say.notef("compiling the tests")
		r, err := gotest.New(ctx, gotest.Config{Argv: t.Argv, Dir: t.Dir, Env: t.Env, Wrap: wrap, Timeout: timeout, Log: say.logger()})
		if err != nil {
			return nil, usagef("%w", err)
		}
		if none := r.Untested(); len(none) > 0 && say.verbose {
			say.notef("no test files: %d packages", len(none))
		}
		return r, nil
	}
	if t.Kind == harness.SuiteTarget {
		return suiteRunner(t, wrap, timeout, say.logger())
	}
	r, err := exec.New(exec.Config{
		Argv: t.Argv, Dir: t.Dir, JUnit: t.JUnit, OneTest: t.OneTest, Env: t.Env, Timeout: timeout, Wrap: wrap, Log: say.logger(),
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return r, nil
}

// adapters are those of the test runners of other languages, in the order in
// which they are asked.
func adapters() []suite.Adapter {
	return append(node.Adapters(),
		pytest.Adapter{},
		rspec.Adapter{},
		phpunit.Adapter{},
	)
}

// suiteRunner makes what runs a suite by an adapter.
func suiteRunner(t harness.Target, wrap environ.CommandWrapper, timeout time.Duration, log *slog.Logger) (runner.Runner, error) {
	adapter, err := suite.Choose(adapters(), t.Argv, t.Dir)
	if err != nil {
		return nil, usagef("%w", err)
	}
	if adapter == nil { // the package's scripts have changed since
		return nil, usagef("%s: it does not run %s any more", strings.Join(t.Argv, " "), t.Runner)
	}
	r, err := suite.New(suite.Config{
		Argv: t.Argv, Dir: t.Dir, Adapter: adapter, Env: t.Env, Timeout: timeout, Wrap: wrap, Log: log,
	})
	if err != nil {
		return nil, usagef("%w", err)
	}
	return r, nil
}

// shipped makes the runner of the suites that ship with it.
func shipped(t harness.Target) (runner.Runner, error) {
	if _, err := chooseScenarios(t.Suites, t.Run); err != nil {
		return nil, err
	}
	if _, err := defectsOf(t); err != nil {
		return nil, err
	}
	r, err := inprocess.ForTarget(t)
	if err != nil {
		return nil, usagef("%w", err)
	}
	return r, nil
}

// tempFor makes the directory that holds those of the trials; the shipped
// suites need none.
func tempFor(t harness.Target) (string, error) {
	if t.Kind == harness.ShippedTarget {
		return "", nil
	}
	return proc.TempDir("hunt")
}

func dropTemp(dir string) error {
	if dir == "" {
		return nil
	}
	return proc.RemoveAll(dir)
}

// sweep removes what killed runs left: Redis and its containers, processes of
// suites, temporary directories. It says what it removed, a line each.
func sweep(ctx context.Context, log *slog.Logger) []string {
	var lines []string
	for _, what := range redisenv.Sweep(ctx, log) {
		lines = append(lines, "removed "+what)
	}
	return append(lines, proc.Sweep(ctx, log)...)
}
