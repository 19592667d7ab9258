package main

import (
	"context"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// executor makes the workers for the provider that was asked for: in virtual
// time those of the simulation, else those that wait.
func (e *environment) executor(t harness.Target, cfg trial.PoolConfig) (trial.Executor, error) {
	if cfg.Provider.Name() != "sim" {
		cfg.Workers = e.workers(cfg.Provider)
		cfg.Adapt = e.adapts(t)
		return trial.NewPool(cfg), nil
	}
	x, err := sim.New(sim.Config{Target: t, Workers: e.parallel, Payload: cfg.Payload, Deadline: cfg.Deadline, Log: cfg.Log})
	if err != nil {
		return nil, usagef("--redis sim: %w", err)
	}
	return x, nil
}

// adapts reports whether the number of workers follows from what trials take: a
// suite of the user's may compute, the shipped ones wait.
func (e *environment) adapts(t harness.Target) bool {
	return e.parallel == 0 && t.Kind != harness.ShippedTarget
}

// preSearch searches a shipped suite in virtual time before the hunt on the
// named provider's Redis.
func (a *app) preSearch(ctx context.Context, f *runFlags, t harness.Target, dir, provider string) *sim.PreSearch {
	shard, _ := f.part()                                                                                                    // it has been looked at before
	if f.simulate <= 0 || t.Kind != harness.ShippedTarget || f.strategy != "directed" || provider == "sim" || shard.I > 1 { // one of the shards does it
		return &sim.PreSearch{}
	}
	a.notef("simulating for %s: what is found is then proved on %s (--simulate 0 leaves it out)", f.simulate, provider)
	return sim.RunPreSearch(ctx, sim.PreSearchConfig{
		Config: sim.Config{Target: t, Workers: min(max(f.parallel, 0), numCPU()), Log: a.logger()},
		Search: sim.SearchConfig{Seed: f.seed, For: f.simulate}, Dir: dir, Note: a.notef,
	})
}

// afterSimulation goes on with what a hunt in virtual time found.
func (a *app) afterSimulation(ctx context.Context, f *runFlags, e *sim.Executor, r runner.Runner, result *harness.Result) error {
	after := sim.After{Every: plainEvery, Note: a.notef, Real: func() trial.Executor { return a.realPool(ctx, f, r) }}
	if f.strategy == "directed" {
		after.Search = &sim.SearchConfig{Seed: f.seed, For: f.forD}
	}
	return redisError(e.GoOn(ctx, after, result))
}

// realPool has workers on the most real Redis that there is; nil: there is none.
func (a *app) realPool(ctx context.Context, f *runFlags, r runner.Runner) trial.Executor {
	p, _, err := redisenv.Resolve(ctx, redisenv.Spec{Provider: "auto", Image: f.image, Log: a.logger()})
	if err != nil || p.Name() == "embedded" {
		return nil
	}
	return trial.NewPool(trial.PoolConfig{Provider: p, Runner: r, Workers: f.workers(p), Log: a.logger()})
}
