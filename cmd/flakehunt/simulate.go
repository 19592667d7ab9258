package main

import (
	"context"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
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
// provider's Redis. Of shards the first does it.
func (s *session) preSearch(ctx context.Context) *sim.PreSearch {
	f, provider := s.f, s.provider.Name()
	if f.simulate <= 0 || s.target.Kind != harness.ShippedTarget || f.strategy != "directed" || provider == "sim" || s.shard.I > 1 {
		return &sim.PreSearch{}
	}
	s.notef("simulating for %s: what is found is then proved on %s (--simulate 0 leaves it out)", f.simulate, provider)
	return sim.RunPreSearch(ctx, sim.PreSearchConfig{
		Config: sim.Config{Target: s.target, Workers: min(max(f.parallel, 0), numCPU()), Log: s.logger()},
		Search: sim.SearchConfig{Seed: f.seed, For: f.simulate}, Dir: s.out.Path, Note: s.notef,
	})
}

// afterSimulation goes on with what a hunt in virtual time found.
func (s *session) afterSimulation(ctx context.Context, e *sim.Executor, result *harness.Result) error {
	after := sim.After{Every: plainEvery, Note: s.notef, Real: func() trial.Executor { return s.realPool(ctx) }}
	if s.f.strategy == "directed" {
		after.Search = &sim.SearchConfig{Seed: s.f.seed, For: s.f.forD}
	}
	return redisError(e.GoOn(ctx, after, result))
}

// realPool has workers on the most real Redis that there is; nil: there is none.
func (s *session) realPool(ctx context.Context) trial.Executor {
	p, _, err := redisenv.Resolve(ctx, redisenv.Spec{Provider: "auto", Image: s.f.image, Log: s.logger()})
	if err != nil || p.Name() == "embedded" {
		return nil
	}
	return trial.NewPool(trial.PoolConfig{Provider: p, Runner: s.runner, Workers: s.f.workers(p), Log: s.logger()})
}
