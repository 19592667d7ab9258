package main

import (
	"context"
	"errors"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/sim"
)

// replays is how often a simulated finding is played on a real Redis.
const replays = 3

// executor makes the workers for the provider that was asked for: in virtual
// time those of the simulation, else those that wait.
func (e *environment) executor(t harness.Target, cfg hunt.PoolConfig) (hunt.Executor, error) {
	if cfg.Provider.Name() != "sim" {
		cfg.Workers = e.workers(cfg.Provider)
		return hunt.NewPool(cfg), nil
	}
	x, err := sim.New(sim.Config{Target: t, Workers: e.parallel, Payload: cfg.Payload, Deadline: cfg.Deadline, Log: cfg.Log})
	if err != nil {
		return nil, usagef("--redis sim: %w", err)
	}
	return x, nil
}

// prove goes on with what a hunt in virtual time found: it searches further
// while there is time, and plays each finding on a real Redis, if this machine
// has one. What fails in virtual time alone is reported, and fails no run.
func (a *app) prove(ctx context.Context, f *runFlags, e *sim.Executor, cfg hunt.Config, r *harness.Result) error {
	// What is only predicted has not failed: there is nothing to prove of it.
	latent := func(f harness.Finding) bool { return f.Standing == harness.Latent }
	predicted := slices.DeleteFunc(slices.Clone(r.Findings), func(f harness.Finding) bool { return !latent(f) })
	r.Findings = slices.DeleteFunc(r.Findings, latent)
	defer func() {
		for _, p := range predicted {
			if !slices.ContainsFunc(r.Findings, func(f harness.Finding) bool { return f.Fingerprint == p.Fingerprint }) {
				r.Findings = append(r.Findings, p)
			}
		}
	}()
	if cfg.Strategy == "directed" {
		list, stats, err := sim.Search(ctx, sim.SearchConfig{Executor: e, Seed: f.seed, For: f.forD, Known: r})
		if err != nil {
			return harnessError(err)
		}
		a.notef("simulated %d trials of single tests, %d different orders, in %.1f s", stats.Trials, stats.Orders, stats.Took.Seconds())
		r.Findings = list
	}
	for i := range r.Findings {
		r.Findings[i].Standing = harness.Simulated
	}
	err := a.onReal(ctx, f, e, cfg, r)
	sim.Settle(r)
	return err
}

// onReal replays the findings on the most real Redis that there is.
func (a *app) onReal(ctx context.Context, f *runFlags, e *sim.Executor, cfg hunt.Config, r *harness.Result) error {
	if len(r.Findings) == 0 {
		return nil
	}
	p, _, err := redisenv.Resolve(ctx, redisenv.Spec{Provider: "auto", Image: f.image, Log: a.logger()})
	if err != nil || p.Name() == "embedded" {
		r.Warnings = append(r.Warnings, "no real Redis on this machine: what was found is simulated only, and not proved")
		return nil
	}
	real := f.environment
	pool := hunt.NewPool(hunt.PoolConfig{Provider: p, Runner: cfg.Runner, Workers: real.workers(p), Log: a.logger()})
	_, err = e.ProveAll(ctx, pool, r.Findings, replays, func(p *sim.Proof) {
		a.notef("%s  %s  %s", p.Finding.ID, p.Finding.Class, p)
	})
	if err = errors.Join(err, pool.Close()); err != nil && ctx.Err() == nil {
		return redisError(err)
	}
	return nil
}
