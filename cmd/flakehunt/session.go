package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/forecast"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/verdict"
	"github.com/flakehunt/flakehunt/reports"
)

// session is one run command under way: what it was asked for, and what it holds
// open until close.
type session struct {
	*app
	f        *runFlags
	target   harness.Target
	match    func(string) bool // nil: all tests
	shard    shard.Shard
	provider redisenv.Provider
	runner   runner.Runner
	direct   bool                      // tests can run without the proxy
	aimed    func(harness.TestID) bool // tests that are hunted; nil: all
	out      *rundir.Dir
	history  *database
	lose     func(error) // ends the run's context: what it does can no longer be kept
	held     []func()
}

// hold has something done when the session is closed, the last first.
func (s *session) hold(done func()) { s.held = append(s.held, done) }

func (s *session) close() {
	for i := len(s.held) - 1; i >= 0; i-- {
		s.held[i]()
	}
}

// open finds out what is to be run, and takes what that needs: a Redis, the
// runner, the directory, the history. The context ends with the directory.
func open(ctx context.Context, a *app, f *runFlags, suites, command []string) (context.Context, *session, error) {
	s := &session{app: a, f: f}
	ctx, err := s.take(ctx, suites, command)
	if err != nil {
		s.close()
		return ctx, nil, err
	}
	return ctx, s, nil
}

func (s *session) take(ctx context.Context, suites, command []string) (_ context.Context, err error) {
	if err := s.choose(suites, command); err != nil {
		return ctx, err
	}
	if s.provider, err = s.f.provider(ctx, s.app); err != nil {
		return ctx, err
	}
	release, err := ownReports(s.target, s.logger())
	if err != nil {
		return ctx, err
	}
	s.hold(release)
	if s.runner, s.direct, err = runnerOn(ctx, &s.messages, s.target, s.provider.Name()); err != nil {
		return ctx, err
	}
	s.hold(func() { _ = s.runner.Close() })
	if s.f.rates > 0 && s.provider.Name() == "sim" {
		return ctx, usagef("--rates: virtual time knows no load: take another --redis")
	}
	if why := redisenv.NoDirect(s.provider); why != "" {
		s.notef("redis: %s", why)
		s.direct = false
	}
	if s.aimed, err = touched(ctx, s.app, s.f.since, s.target, s.runner); err != nil {
		return ctx, err
	}
	for _, removed := range sweep(ctx, s.logger()) {
		s.notef("left behind by a run that was killed: %s", removed)
	}
	ctx, lose, stopKeeping := keeping(ctx)
	s.lose = lose
	s.hold(stopKeeping)
	if s.out, err = s.openOut(ctx); err != nil {
		return ctx, err
	}
	s.hold(func() { _ = s.out.Close() })
	if s.history, err = openDB(ctx, &s.messages, s.f.db); err != nil {
		return ctx, err
	}
	s.hold(s.history.close)
	return ctx, nil
}

// choose says what is to be run.
func (s *session) choose(suites, command []string) (err error) {
	if s.target, err = s.f.target(suites, command); err != nil {
		return err
	}
	if s.f.redis == "sim" && s.target.Kind != harness.ShippedTarget {
		return usagef("--redis sim: only the shipped suites run in virtual time; Go tests of your own ask for it with package simtest (see harness/simtest)")
	}
	if s.match, err = matcher(s.target.Run); err != nil {
		return err
	}
	if s.target.Run == "" {
		s.match = nil
	}
	s.shard, err = s.f.part()
	return err
}

// execute hunts. Without a result nothing could be done.
func (s *session) execute(ctx context.Context) (*harness.Result, error) {
	before := s.preSearch(ctx)
	defer before.Close()
	wctx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatch()
	var lag *runner.TimerLag
	if s.provider.Name() != "sim" { // virtual time is never late
		lag = &runner.TimerLag{}
		go lag.Watch(wctx)
	}
	tmp, err := tempFor(s.target)
	if err != nil {
		return nil, harnessError(err)
	}
	defer func() { _ = dropTemp(tmp) }()
	bar := newProgress(&s.messages, s.f.forD)
	var kept remarks
	pool, err := s.f.executor(s.target, trial.PoolConfig{
		Provider: s.provider, Runner: s.runner, TimerLag: lag, TempDir: tmp, Log: s.logger(),
		Mask: s.mask, Refused: kept.add,
		Chosen: func(workers int, why string) { bar.note(fmt.Sprintf("%d workers: %s", workers, why)) },
	})
	if err != nil {
		return nil, err
	}
	workers := fmt.Sprintf("%d workers", pool.Workers())
	if s.f.adapts(s.target) && s.provider.Name() != "sim" {
		workers = fmt.Sprintf("up to %d workers", pool.Workers())
	}
	s.notef("seed %d · %s · Redis: %s", s.f.seed, workers, s.provider.Name())
	cfg := s.config(pool, lag, bar)
	cfg.Before.Simulated = before.Simulated()
	virtual, simulated := pool.(*sim.Executor)
	if simulated {
		cfg.For = 0 // the search that follows uses it
	}
	result, err := hunt.Run(ctx, cfg)
	bar.done()
	if simulated && err == nil && !result.Interrupted {
		err = s.afterSimulation(ctx, virtual, result)
	}
	before.Finish(result)
	cerr := pool.Close()
	if u := new(runner.Unusable); result == nil || errors.As(err, &u) && (u.Never || result.TrialsDone == 0) {
		return nil, errors.Join(redisError(err), cerr)
	}
	if cerr != nil {
		result.Warnings = append(result.Warnings, cerr.Error())
	}
	result.Warnings = append(result.Warnings, kept.all()...)
	return result, err
}

// config says to the hunt what the flags say.
func (s *session) config(pool trial.Executor, lag *runner.TimerLag, bar *progress) hunt.Config {
	f := s.f
	cfg := hunt.Config{
		Target: s.target, Runner: s.runner, Match: s.match, Executor: pool, Strategy: f.strategy, Params: f.params(), Seed: f.seed,
		Budget: hunt.Budget{Trials: f.trials, For: f.forD, MaxDelay: f.maxDelay},
		Scope:  hunt.Scope{NoDirect: !s.direct, Faults: f.actions(), Aimed: s.aimed, Rates: f.rates},
		Before: hunt.Before{Learned: s.history.learned()},
		Hooks: hunt.Hooks{Progress: bar.show, Record: s.out.Record, Proven: func(g harness.Finding) {
			if err := s.out.Proven(g); err != nil {
				s.lose(err)
			}
		}},
		Shard: s.shard, Journal: s.out.Journal, TimerLag: lag, Tool: "flakehunt " + toolVersion(),
	}
	if s.out.Earlier != nil {
		cfg.Resume, cfg.Found = s.out.Earlier.Trials, s.out.Earlier.Proven()
	}
	if f.untilDecided {
		cfg.Until = &stats.Rule{}
	}
	return cfg
}

// report completes the result, writes it, and turns it into an exit code. err is
// why the hunt could not go on.
func (s *session) report(ctx context.Context, result *harness.Result, err error) error {
	if defects, err := defectsOf(s.target); err == nil && s.target.Kind == harness.ShippedTarget {
		result.Expectations = compare(result, defects)
	}
	result.Forecast = predictRates(result.Margins, s.f.assume)
	result.Parallel = s.f.parallel
	result.Meta = meta(context.WithoutCancel(ctx)).Map()
	if lost := context.Cause(ctx); errors.Is(lost, errLost) {
		result.Interrupted, err = false, errors.Join(err, lost)
	}
	if err != nil && !result.Interrupted {
		result.Stopped = oneLine(err)
	}
	result.Exit = verdict.Exit(result, err)
	if u := new(runner.Unusable); errors.As(err, &u) && u.Usage {
		result.Exit = exitUsage
	}
	s.mask.In(result)
	past, perr := s.history.past(context.WithoutCancel(ctx), result)
	if werr := errors.Join(perr, s.write(result, past), s.history.record(context.WithoutCancel(ctx), result)); werr != nil {
		return werr
	}
	if err != nil || result.Exit != exitClean {
		return &exitError{code: result.Exit, err: err} // as result.json has it
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
	f.Tests = append(f.Tests, forecast.Predict(margins, d)...) // null, not [], where there is none
	return f
}

// write makes all reports and prints the table.
func (s *session) write(r *harness.Result, past *trend.History) error {
	if !exists(s.out.Path) {
		return harnessError(fmt.Errorf("--out %s was removed while the run wrote to it: its result is lost", s.out.Path))
	}
	err := s.out.Findings(r.Findings) // before the result, which names them
	var files []string
	if err == nil {
		files, err = reports.WriteAll(s.out.Path, nil, r, withPast(reports.Options{JUnitFlaky: s.f.junitFlaky}, past))
	}
	if err != nil {
		return harnessError(err)
	}
	if s.json {
		b, err := os.ReadFile(filepath.Join(s.out.Path, "result.json"))
		if err != nil {
			return harnessError(err)
		}
		_, err = s.printer.out.Write(b)
		return err
	}
	return printResult(s.app, r, files, r.Shard == "")
}

// printResult prints a result's table. annotate has a workflow of GitHub get its
// annotations, too: those of a shard come from the merge. files is what was written.
func printResult(a *app, r *harness.Result, files []string, annotate bool) error {
	if err := reports.Terminal(a.out, r, a.form()); err != nil {
		return harnessError(err)
	}
	if annotate && os.Getenv("GITHUB_ACTIONS") == "true" {
		if err := reports.Annotations(a.out, r); err != nil {
			return harnessError(err)
		}
	}
	a.notef("written: %s", strings.Join(files, " "))
	return nil
}
