package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/gotest"
	"github.com/flakehunt/flakehunt/reports"
	"github.com/flakehunt/flakehunt/scenarios"
)

// runFlags are the flags of run.
type runFlags struct {
	environment
	config       string
	trials       int
	forD         time.Duration
	untilDecided bool
	strategy     string
	latency      time.Duration
	jitter       time.Duration
	distribution string
	variant      string
	defects      []string
	waits        string
	run          string
	seed         uint64
	shard        string
	db           string
	junitFlaky   string
	resume       bool
	junit        string
	oneTest      string
	env          []string
	takeover     []string
	forward      []string
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	f.environment.register(fs)
	fs.StringVar(&f.config, "config", "", "settings file (default flakehunt.yaml, if there is one); flags win over it")
	fs.IntVar(&f.trials, "trials", 20, "how often each suite is run")
	fs.DurationVar(&f.forD, "for", 0, "go on for this long instead of a number of trials")
	fs.BoolVar(&f.untilDecided, "until-decided", false, "stop a test's trials as soon as the sequential test has decided; exit 4 if some are undecided")
	fs.StringVar(&f.strategy, "strategy", "directed", "how delays are chosen: "+strings.Join(strategies(), ", "))
	fs.DurationVar(&f.latency, "latency", 0, "for latency: mean delay of each frame, in each direction")
	fs.DurationVar(&f.jitter, "jitter", 0, "for latency: spread around it")
	fs.StringVar(&f.distribution, "distribution", "uniform", "for latency: fixed, uniform or normal")
	fs.StringVar(&f.variant, "variant", "hardened", "for the shipped suites: hardened, or as-described (all defects on)")
	fs.StringSliceVar(&f.defects, "defect", nil, "for the shipped suites: switch on this defect alone (repeatable)")
	fs.StringVar(&f.waits, "waits", "hardened", "for the shipped suites: hardened (poll until seen) or fixed (sleep, then look)")
	fs.StringVar(&f.run, "run", "", "only tests whose name matches this regular expression")
	fs.Uint64Var(&f.seed, "seed", 0, "seed of all random choices (default: a new one, which is printed)")
	fs.StringVar(&f.shard, "shard", "", "do only part I of N of the trials, as I/N")
	fs.StringVar(&f.db, "db", "", "history database to record the run in (SQLite)")
	fs.StringVar(&f.junitFlaky, "junit-flaky", "pass", "a flaky test in junit.xml: pass (flakyFailure only) or fail (failure as well)")
	fs.StringVar(&f.junit, "junit", "", "for a command: glob of the JUnit files that it writes; {dir} is a directory of the trial's own")
	fs.StringVar(&f.oneTest, "one-test", "", "for a command: how to run a single test, as in 'npx vitest run -t {name}'")
	fs.StringArrayVar(&f.env, "env", nil, "for a command: a further variable, NAME=TEMPLATE with {addr}, {host}, {port}, {url} (repeatable)")
	fs.StringSliceVar(&f.takeover, "takeover", nil, "for a command: HOST:PORT on which Redis answers in a loopback of its own (Linux, repeatable)")
	fs.StringSliceVar(&f.forward, "forward", nil, "with --takeover: port of another local service that the suite needs (repeatable)")
	fs.BoolVar(&f.resume, "resume", false, "go on with the run that --out holds")
}

func newRunCmd(a *app) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [flags] [smoke|integration]… | run [flags] -- COMMAND…",
		Short: "Run a suite many times and hunt its flakes",
		Long: `Run a suite many times against a Redis of its own, through a proxy that delays
just the commands that matter, and report every race, expiry and ordering
failure with its cause.

` + exitHelp,
		Example: `  flakehunt run
  flakehunt run smoke --redis server --trials 50
  flakehunt run --variant as-described --waits fixed
  flakehunt run --strategy latency --latency 60ms --jitter 60ms --seed 1
  flakehunt run -- go test ./...`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			suites, command := args, []string(nil)
			if n := c.ArgsLenAtDash(); n >= 0 {
				suites, command = args[:n], args[n:]
				if len(command) == 0 {
					return usagef("run: nothing follows --; write the test command there, as in 'flakehunt run -- go test ./...'")
				}
			}
			set, err := loadSettings(f.config, c.Flags())
			if err != nil {
				return err
			}
			if len(suites) == 0 && len(command) == 0 {
				suites, command = set.Suites, set.Command
			}
			if len(suites) > 0 && len(command) > 0 {
				return usagef("run: give suites of its own (%s) or a command after --, not both", strings.Join(suites, " "))
			}
			if !c.Flags().Changed("seed") && f.seed == 0 {
				f.seed = uint64(rand.Uint32())
			}
			return a.hunt(c.Context(), &f, suites, command)
		},
	}
	f.register(c.Flags())
	return c
}

func strategies() []string { return append([]string{"directed"}, explore.Names()...) }

// check finds what is wrong with the flags before anything is started.
func (f *runFlags) check() error {
	switch {
	case f.trials < 1:
		return usagef("--trials %d: want at least 1", f.trials)
	case f.latency < 0 || f.jitter < 0:
		return usagef("--latency and --jitter: want durations that are not negative, such as 20ms")
	case (f.latency > 0 || f.jitter > 0) && f.strategy != "latency":
		return usagef("--latency and --jitter belong to --strategy latency, not to %s", f.strategy)
	}
	for _, e := range []struct {
		flag, value string
		among       []string
	}{
		{"strategy", f.strategy, strategies()},
		{"distribution", f.distribution, []string{"fixed", "uniform", "normal"}},
		{"variant", f.variant, []string{"hardened", "as-described"}},
		{"waits", f.waits, []string{string(scenarios.HardenedWaits), string(scenarios.FixedWaits)}},
		{"junit-flaky", f.junitFlaky, []string{"pass", "fail"}},
	} {
		if !slices.Contains(e.among, e.value) {
			return usagef("--%s %q: want one of %s", e.flag, e.value, strings.Join(e.among, ", "))
		}
	}
	if _, err := parseShard(f.shard); err != nil {
		return err
	}
	return f.environment.check()
}

var shardForm = regexp.MustCompile(`^(\d{1,6})/(\d{1,6})$`)

func parseShard(s string) (hunt.Shard, error) {
	if s == "" {
		return hunt.Shard{}, nil
	}
	var sh hunt.Shard
	if shardForm.MatchString(s) {
		fmt.Sscanf(s, "%d/%d", &sh.I, &sh.N)
	}
	if sh.I < 1 || sh.N < sh.I {
		return sh, usagef("--shard %q: want I/N with 1 ≤ I ≤ N, as in 2/8", s)
	}
	return sh, nil
}

// params are the strategy's settings as a schedule holds them.
func (f *runFlags) params() map[string]string {
	if f.strategy != "latency" {
		return nil
	}
	return map[string]string{"latency": f.latency.String(), "jitter": f.jitter.String(), "distribution": f.distribution}
}

// target says what is to be run.
func (f *runFlags) target(suites, command []string) (harness.Target, error) {
	if len(command) == 0 {
		for _, flag := range []struct {
			name  string
			given bool
		}{{"junit", f.junit != ""}, {"one-test", f.oneTest != ""}, {"env", len(f.env) > 0}, {"takeover", len(f.takeover) > 0}} {
			if flag.given {
				return harness.Target{}, usagef("--%s belongs to a command of yours: write it after --, as in 'flakehunt run --%s … -- COMMAND'", flag.name, flag.name)
			}
		}
		return harness.Target{
			Kind: harness.ShippedTarget, Suites: suites, Variant: f.variant, Defects: f.defects, Waits: f.waits, Run: f.run,
		}, nil
	}
	if len(f.forward) > 0 && len(f.takeover) == 0 {
		return harness.Target{}, usagef("--forward needs --takeover: without a loopback of its own the suite reaches local services anyway")
	}
	t := harness.Target{
		Kind: harness.CommandTarget, Argv: command, JUnit: f.junit, OneTest: f.oneTest, Env: f.env,
		Takeover: f.takeover, Forward: f.forward, Run: f.run,
	}
	if gotest.Is(command) && f.junit == "" {
		t.Kind = harness.GoTestTarget
	}
	return t, nil
}

// hunt is the whole of the run command.
func (a *app) hunt(ctx context.Context, f *runFlags, suites, command []string) error {
	if err := f.check(); err != nil {
		return err
	}
	target, err := f.target(suites, command)
	if err != nil {
		return err
	}
	match, err := matcher(target.Run)
	if err != nil {
		return err
	}
	if target.Run == "" {
		match = nil
	}
	r, err := a.runnerFor(ctx, target)
	if err != nil {
		return err
	}
	defer r.Close()
	shard, _ := parseShard(f.shard)

	provider, err := a.provider(ctx, f.environment)
	if err != nil {
		return err
	}
	for _, removed := range sweep(ctx, a.logger()) {
		a.notef("left behind by a run that was killed: %s", removed)
	}
	out, err := openOut(f.out, f.resume)
	if err != nil {
		return err
	}
	defer out.close()

	wctx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	late := &runner.Lateness{}
	go late.Watch(wctx)

	tmp, err := tempFor(target)
	if err != nil {
		return harnessError(err)
	}
	defer func() { _ = dropTemp(tmp) }()
	pool, err := f.executor(target, hunt.PoolConfig{
		Provider: provider, Runner: r, Lateness: late, TempDir: tmp, Log: a.logger(),
	})
	if err != nil {
		return err
	}
	a.notef("seed %d · %d workers · Redis: %s", f.seed, pool.Workers(), provider.Name())
	bar := newProgress(a)
	result, err := hunt.Run(ctx, hunt.Config{
		Target: target, Runner: r, Match: match, NoDirect: len(target.Takeover) > 0, Executor: pool, Strategy: f.strategy, Params: f.params(), Seed: f.seed,
		Trials: f.trials, For: f.forD, Shard: shard, Resume: out.resumed, Journal: out.journal,
		Lateness: late, Tool: "flakehunt " + toolVersion(), Log: a.logger(), Progress: bar.show,
	})
	bar.done()
	cerr := pool.Close()
	if result == nil {
		return errors.Join(redisError(err), cerr)
	}
	if cerr != nil {
		result.Warnings = append(result.Warnings, cerr.Error())
	}
	if defects, err := defectsOf(target); err == nil && target.Kind == harness.ShippedTarget {
		result.Expectations = compare(result, defects)
	}
	result.Exit = exitOf(result, err)
	if werr := a.write(out, f, result); werr != nil {
		return werr
	}
	if err != nil {
		return redisError(err)
	}
	if result.Exit != exitClean {
		return &exitError{code: result.Exit}
	}
	return nil
}

// exitOf says with what code the run ends.
func exitOf(r *harness.Result, err error) int {
	flaky := slices.ContainsFunc(r.Tests, func(t harness.TestResult) bool {
		return t.Status == harness.Flaky || t.Status == harness.Broken
	})
	switch {
	case r.Interrupted:
		return exitInterrupted
	case flaky:
		return exitFlaky
	case err != nil || len(r.Infra) > 0 && r.TrialsDone == 0:
		return exitHarness
	}
	return exitClean
}

// write makes all reports and prints the table.
func (a *app) write(out *outDir, f *runFlags, r *harness.Result) error {
	files, err := reports.WriteAll(out.path, nil, r, reports.Options{JUnitFlaky: f.junitFlaky})
	if err == nil {
		err = out.findings(r.Findings)
	}
	if err != nil {
		return harnessError(err)
	}
	if a.json {
		b, err := os.ReadFile(filepath.Join(out.path, "result.json"))
		if err != nil {
			return harnessError(err)
		}
		_, err = a.out.Write(b)
		return err
	}
	width, _ := terminal(a.out)
	if err := reports.Terminal(a.out, r, reports.Options{Color: colour(a.out), Width: width}); err != nil {
		return harnessError(err)
	}
	a.notef("written: %s", strings.Join(files, " "))
	return nil
}

// redisError is exit 3, unless it is bad input already.
func redisError(err error) error {
	var e *exitError
	if err == nil || errors.As(err, &e) {
		return err
	}
	if errors.Is(err, redisenv.ErrSpec) {
		return usagef("--redis: %w", err)
	}
	return harnessError(err)
}
