package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

// lab is a list of scenarios with what is needed to hunt them.
type lab struct {
	provider redisenv.Provider
	runner   runner.Runner
	pool     *trial.Pool
	timerLag *runner.TimerLag
	stop     context.CancelFunc
}

func newLab(ctx context.Context, o options, list []scenarios.Scenario, d fixtures.Defects) (*lab, error) {
	p, err := o.provider(ctx)
	if err != nil {
		return nil, err
	}
	l := &lab{provider: p, runner: inprocess.New(list, scenarios.Config{Defects: d}), timerLag: &runner.TimerLag{}}
	wctx, stop := context.WithCancel(ctx)
	l.stop = stop
	go l.timerLag.Watch(wctx)
	l.pool = trial.NewPool(trial.PoolConfig{
		Provider: p, Runner: l.runner, Workers: o.workers, TimerLag: l.timerLag, Log: slog.New(slog.DiscardHandler),
	})
	return l, nil
}

func (l *lab) close() error {
	l.stop()
	return l.pool.Close()
}

// p99 is how late this machine's timers ran meanwhile.
func (l *lab) p99() time.Duration {
	var m harness.Machine
	l.timerLag.Fill(&m)
	return time.Duration(m.TimerP99)
}

func (l *lab) config(seed uint64, trials int, match func(string) bool) hunt.Config {
	return hunt.Config{
		Runner: l.runner, Executor: l.pool, Seed: seed, Budget: hunt.Budget{Trials: trials}, Match: match, Strategy: "directed",
		Target: harness.Target{Kind: harness.ShippedTarget}, TimerLag: l.timerLag,
	}
}

// hit is what a hunt of one test took to make it fail.
type hit struct {
	test    string
	seed    uint64
	active  int  // the aimed trial that failed first; 0: none did
	natural bool // it failed in the survey already
	spent   int  // aimed trials in all
}

// within reports whether the test failed in at most n aimed trials.
func (h hit) within(n int) bool { return h.natural || h.active > 0 && h.active <= n }

// untilHit hunts one test and stops at its first failure.
func (l *lab) untilHit(ctx context.Context, test string, seed uint64, trials int) (hit, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &watcher{Executor: l.pool, test: test, stop: cancel, hit: hit{test: test, seed: seed}}
	cfg := l.config(seed, trials, func(name string) bool { return name == test })
	cfg.Executor = w
	_, err := hunt.Run(ctx, cfg)
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.hit, err
}

// watcher counts aimed trials, and ends the hunt at the first that fails.
type watcher struct {
	trial.Executor
	test string
	stop context.CancelFunc
	mu   sync.Mutex
	hit  hit
}

// Do carries the job out and looks at what came of it.
func (w *watcher) Do(ctx context.Context, j trial.Job) (*trial.Done, error) {
	d, err := w.Executor.Do(ctx, j)
	if err != nil {
		return d, err
	}
	o := d.Outcome(w.test)
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := o != nil && o.Verdict == harness.Failed && len(o.Blocked) == 0
	switch {
	case w.hit.active > 0 || w.hit.natural:
	case j.Arm == harness.Provoke:
		w.hit.spent++
		if failed {
			w.hit.active = w.hit.spent
			w.stop()
		}
	case j.Arm.Natural() && failed:
		w.hit.natural = true
		w.stop()
	}
	return d, nil
}

// exposing lists the scenarios that can show a defect.
func exposing(d fixtures.Defect) []scenarios.Scenario {
	return slices.DeleteFunc(scenarios.All(), func(s scenarios.Scenario) bool { return !s.CanExpose(d) })
}

// each does work for every pair of item and seed, several at a time, and joins
// the errors.
func each[T any](ctx context.Context, o options, atOnce int, items []T, work func(ctx context.Context, item T, seed uint64) error) error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	slots := make(chan struct{}, atOnce)
	for i := range o.seeds {
		for _, item := range items {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := work(ctx, item, o.first+uint64(i)); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}
