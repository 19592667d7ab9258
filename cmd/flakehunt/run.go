package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/forecast"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/verdict"
	"github.com/flakehunt/flakehunt/reports"
)

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
			if !c.Flags().Changed("trials") && f.trials == 20 && f.untilDecided {
				f.trials = untilDecidedTrials
			}
			if err := f.check(); err != nil {
				return err
			}
			f.seedGiven = c.Flags().Changed("seed") || f.seed != 0
			if !f.seedGiven {
				if err := f.chooseSeed(c.Context()); err != nil {
					return err
				}
			}
			return a.hunt(c.Context(), &f, suites, command)
		},
	}
	f.register(c.Flags())
	groupFlags(c, runGroups)
	return c
}

// hunt is the whole of the run command.
func (a *app) hunt(ctx context.Context, f *runFlags, suites, command []string) error {
	target, err := f.target(suites, command)
	if err != nil {
		return err
	}
	if f.redis == "sim" && target.Kind != harness.ShippedTarget {
		return usagef("--redis sim: only the shipped suites run in virtual time; Go tests of your own ask for it with package simtest (see harness/simtest)")
	}
	match, err := matcher(target.Run)
	if err != nil {
		return err
	}
	if target.Run == "" {
		match = nil
	}
	shard, err := f.part()
	if err != nil {
		return err
	}
	provider, err := a.provider(ctx, f.environment)
	if err != nil {
		return err
	}
	release, err := a.ownReports(target)
	if err != nil {
		return err
	}
	defer release()
	r, direct, err := a.runnerOn(ctx, target, provider.Name())
	if err != nil {
		return err
	}
	defer r.Close()
	if why := redisenv.NoDirect(provider); why != "" {
		a.notef("redis: %s", why)
		direct = false
	}
	for _, removed := range sweep(ctx, a.logger()) {
		a.notef("left behind by a run that was killed: %s", removed)
	}
	ctx, lose, stopKeeping := keeping(ctx)
	defer stopKeeping()
	out, err := a.openOut(ctx, f, target, lose)
	if err != nil {
		return err
	}
	defer out.Close()
	history, err := a.openDB(ctx, f.db)
	if err != nil {
		return err
	}
	defer history.close()

	before := a.rehearse(ctx, f, target, out, provider.Name())
	defer before.close()

	wctx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	var late *runner.Lateness
	if provider.Name() != "sim" { // virtual time is never late
		late = &runner.Lateness{}
		go late.Watch(wctx)
	}

	tmp, err := tempFor(target)
	if err != nil {
		return harnessError(err)
	}
	defer func() { _ = dropTemp(tmp) }()
	var bar *progress
	var kept remarks
	pool, err := f.executor(target, trial.PoolConfig{
		Provider: provider, Runner: r, Lateness: late, TempDir: tmp, Log: a.logger(),
		Mask: a.mask, Refused: kept.add,
		Chosen: func(workers int, why string) {
			bar.note(fmt.Sprintf("%d workers: %s", workers, why))
		},
	})
	if err != nil {
		return err
	}
	workers := fmt.Sprintf("%d workers", pool.Workers())
	if f.adapts(target) && provider.Name() != "sim" {
		workers = fmt.Sprintf("up to %d workers", pool.Workers())
	}
	a.notef("seed %d · %s · Redis: %s", f.seed, workers, provider.Name())
	bar = newProgress(a)
	cfg := hunt.Config{
		Target: target, Runner: r, Match: match, Executor: pool, Strategy: f.strategy, Params: f.params(), Seed: f.seed,
		Budget: hunt.Budget{Trials: f.trials, For: f.forD, MaxDelay: f.maxDelay},
		Scope:  hunt.Scope{NoDirect: !direct, Faults: f.actions()},
		Before: hunt.Before{Simulated: before.claims, Learned: history.learned()},
		Hooks: hunt.Hooks{Progress: bar.show, Proven: func(g harness.Finding) {
			if err := out.Proven(g); err != nil {
				lose(err)
			}
		}},
		Shard: shard, Journal: out.Journal, Lateness: late, Tool: "flakehunt " + toolVersion(),
	}
	if out.Earlier != nil {
		cfg.Resume, cfg.Found = out.Earlier.Trials, out.Earlier.Proven()
	}
	if f.untilDecided {
		cfg.Until = &stats.Rule{}
	}
	virtual, simulated := pool.(*sim.Executor)
	if simulated {
		cfg.For = 0 // the search that follows uses it
	}
	result, err := hunt.Run(ctx, cfg)
	bar.done()
	if simulated && err == nil && !result.Interrupted {
		err = a.prove(ctx, f, virtual, cfg, result)
	}
	before.finish(result)
	cerr := pool.Close()
	if u := new(runner.Unusable); result == nil || errors.As(err, &u) && result.TrialsDone == 0 {
		return errors.Join(redisError(err), cerr)
	}
	if cerr != nil {
		result.Warnings = append(result.Warnings, cerr.Error())
	}
	if defects, err := defectsOf(target); err == nil && target.Kind == harness.ShippedTarget {
		result.Expectations = compare(result, defects)
	}
	result.Forecast = predictRates(result.Margins, f.assume)
	result.Parallel = f.parallel
	result.Meta = meta(context.WithoutCancel(ctx)).Map()
	if lost := context.Cause(ctx); errors.Is(lost, errLost) {
		result.Interrupted, err = false, errors.Join(err, lost)
	}
	if err != nil && !result.Interrupted {
		result.Stopped = oneLine(err)
	}
	result.Warnings = append(result.Warnings, kept.all()...)
	result.Exit = verdict.Exit(result, err)
	a.mask.In(result)
	if werr := errors.Join(a.write(out, f, result), history.record(context.WithoutCancel(ctx), result)); werr != nil {
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

// predictRates says how often tests would fail under an assumed latency; without
// one it says nothing.
func predictRates(margins []harness.Margin, assume string) *harness.Forecast {
	d, err := stats.ParseDistribution(assume)
	if assume == "" || err != nil {
		return nil
	}
	f := &harness.Forecast{Latency: d.String()}
	for _, p := range forecast.Predict(margins, d) {
		f.Tests = append(f.Tests, harness.ForecastTest{Test: p.Test, Rate: p.Rate, Worst: p.Worst})
	}
	return f
}

// untilDecidedTrials is the most trials that a test gets under --until-decided
// when --trials does not say: with 299 clean ones "fails in less than 1 %" is decided.
const untilDecidedTrials = 400

// write makes all reports and prints the table.
func (a *app) write(out *rundir.Dir, f *runFlags, r *harness.Result) error {
	if !exists(out.Path) {
		return harnessError(fmt.Errorf("--out %s was removed while the run wrote to it: its result is lost", out.Path))
	}
	err := out.Findings(r.Findings) // before the result, which names them
	var files []string
	if err == nil {
		files, err = reports.WriteAll(out.Path, nil, r, reports.Options{JUnitFlaky: f.junitFlaky})
	}
	if err != nil {
		return harnessError(err)
	}
	if a.json {
		b, err := os.ReadFile(filepath.Join(out.Path, "result.json"))
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
	if os.Getenv("GITHUB_ACTIONS") == "true" && r.Shard == "" { // those of shards come from their merge
		if err := reports.Annotations(a.out, r); err != nil {
			return harnessError(err)
		}
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
	if u := new(runner.Unusable); errors.As(err, &u) && u.Usage {
		return usagef("%w", err)
	}
	return harnessError(err)
}
