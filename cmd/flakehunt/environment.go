package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// environment is where tests are run: the flags that run, repro and verify share.
type environment struct {
	redis      string
	image      string
	allowFlush bool
	parallel   int
	out        string
}

func (e *environment) register(fs *pflag.FlagSet) {
	e.redisFlags(fs)
	fs.IntVar(&e.parallel, "parallel", 0, "how many trials at once (default: by what the first trials take of this machine)")
	fs.StringVar(&e.out, "out", "flakehunt-out", "directory for everything that is written")
}

// redisFlags say where Redis comes from.
func (e *environment) redisFlags(fs *pflag.FlagSet) {
	fs.StringVar(&e.redis, "redis", "auto", "where Redis comes from: auto, container, server, embedded, sim, a redis:// URL, or where one with a password stands: env:NAME, file:PATH")
	fs.StringVar(&e.image, "image", "", "for container: the image (default "+redisenv.DefaultImage+")")
	fs.BoolVar(&e.allowFlush, "allow-flush", false, "for a URL: empty the database although it holds keys")
}

func (e *environment) check() error {
	if e.parallel < 0 {
		return usagef("--parallel %d: want 1 or more, or 0 to have it chosen", e.parallel)
	}
	return nil
}

// provider finds the Redis that is asked for.
func (e *environment) provider(ctx context.Context, a *app) (redisenv.Provider, error) {
	p, notes, err := redisenv.Resolve(ctx, redisenv.Spec{
		Provider: e.redis, Image: e.image, AllowFlush: e.allowFlush, Log: a.logger(),
	})
	if err != nil {
		return nil, redisError(err)
	}
	a.mask.Add(redisenv.Secrets(p)...)
	for _, n := range notes {
		a.notef("redis: %s", n)
	}
	return p, nil
}

// start makes the workers that run a target, and the runner that they use. done ends them.
func (e *environment) start(ctx context.Context, a *app, t harness.Target) (pool trial.Executor, r runner.Runner, done func(), err error) {
	if err := e.check(); err != nil {
		return nil, nil, nil, err
	}
	release, err := ownReports(t, a.logger())
	if err != nil {
		return nil, nil, nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	if r, err = runnerFor(ctx, &a.messages, t); err != nil {
		return nil, nil, nil, err
	}
	p, err := e.provider(ctx, a)
	if err != nil {
		return nil, nil, nil, err
	}
	tmp, err := tempFor(t)
	if err != nil {
		return nil, nil, nil, harnessError(err)
	}
	lag := &runner.TimerLag{}
	wctx, stopWatch := context.WithCancel(context.WithoutCancel(ctx))
	go lag.Watch(wctx)
	pool, err = e.executor(t, trial.PoolConfig{Provider: p, Runner: r, TimerLag: lag, TempDir: tmp, Mask: a.mask, Log: a.logger()})
	if err != nil {
		stopWatch()
		return nil, nil, nil, err
	}
	return pool, r, func() {
		release()
		stopWatch()
		if err := errors.Join(pool.Close(), r.Close(), dropTemp(tmp)); err != nil {
			a.notef("flakehunt: %s", oneLine(err))
		}
	}, nil
}

// workers says how many trials run at once: trials mostly wait, so more than
// there are CPUs, but not so many that waiting runs late.
func (e *environment) workers(p redisenv.Provider) int {
	n := e.parallel
	if n == 0 {
		n = mostWorkers()
	}
	if most := redisenv.MaxInstances(p); most > 0 {
		n = min(n, most)
	}
	return n
}

// mostWorkers bounds how many trials run at once where --parallel does not say.
func mostWorkers() int { return min(8*numCPU(), 32) }

// defectsOf says which defects of the system under test are switched on.
func defectsOf(t harness.Target) (fixtures.Defects, error) {
	defects, err := fixtures.ParseVariant(t.Variant, t.Defects)
	if err != nil {
		return nil, usagef("--defect: %w", err)
	}
	return defects, nil
}
