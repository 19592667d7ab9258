package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/sim"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// replays is how often a simulated finding is played on a real Redis.
const replays = 3

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

// simulatedName is the journal of what was played in virtual time before a hunt
// on a real Redis: the directed hunt's trials, and the failing seeds.
const simulatedName = "simulated.jsonl"

// mostClaims is how many simulated failures are proved on the real Redis at most.
const mostClaims = 64

// rehearsal is a search in virtual time that precedes the hunt on a real Redis.
type rehearsal struct {
	executor *sim.Executor
	journal  *trial.Journal
	claims   []hunt.Simulated
	sum      *harness.Simulation
}

// rehearse searches in virtual time for a short while. What it finds is only
// claimed: the hunt proves it. That it cannot be done fails no run: then there
// is nothing to prove.
func (a *app) rehearse(ctx context.Context, f *runFlags, t harness.Target, out *rundir.Dir, provider string) (r rehearsal) {
	shard, _ := f.part() // it has been looked at before
	switch {
	case f.simulate <= 0, t.Kind != harness.ShippedTarget, f.strategy != "directed", provider == "sim":
		return r
	case shard.I > 1:
		return r // one of the shards does it
	}
	a.notef("simulating for %s: what is found is then proved on %s (--simulate 0 leaves it out)", f.simulate, provider)
	var err error
	r.executor, err = sim.New(sim.Config{Target: t, Workers: min(max(f.parallel, 0), numCPU()), Log: a.logger()})
	if err == nil {
		path := filepath.Join(out.Path, simulatedName)
		if err = rundir.KeepAside(path); err == nil {
			r.journal, err = trial.OpenJournal(path)
		}
	}
	if err != nil {
		a.notef("nothing was simulated: %s", oneLine(err))
		return r
	}
	seen := map[string]bool{}
	claim := func(g harness.Finding) {
		key := g.Fingerprint + g.Tests[0]
		if seen[key] || len(r.claims) >= mostClaims {
			return
		}
		seen[key] = true
		r.claims = append(r.claims, hunt.Simulated{Finding: g, Divergence: func(ctx context.Context, events []harness.Event) string {
			where, err := r.executor.Parted(ctx, &g, events)
			if err != nil {
				return ""
			}
			return where
		}})
	}
	list, stats, err := sim.Search(ctx, sim.SearchConfig{
		Executor: r.executor, Seed: f.seed, For: f.simulate, Claims: true, Journal: r.journal, Proven: claim,
	})
	for _, g := range list { // those that fail without delays, too
		if g.Class != harness.Unattributed && len(g.Warnings) == 0 {
			claim(g)
		}
	}
	if err != nil && ctx.Err() == nil {
		a.notef("the simulation ended early: %s", oneLine(err))
	}
	r.sum = &harness.Simulation{
		Trials: stats.Trials, Failed: stats.Failed, Orders: stats.Orders, Findings: len(r.claims), Took: harness.Duration(stats.Took),
	}
	a.notef("simulated %d trials in %.1f s: %d failures to be proved", stats.Trials, stats.Took.Seconds(), len(r.claims))
	return r
}

// finish writes into the result what came of the claims.
func (r *rehearsal) finish(result *harness.Result) {
	if r.sum == nil || result == nil {
		return
	}
	if s := result.Simulation; s != nil {
		r.sum.Confirmed, r.sum.Only = s.Confirmed, s.Only
	}
	result.Simulation = r.sum
}

// close ends the workers.
func (r *rehearsal) close() {
	if r.journal != nil {
		_ = r.journal.Close()
	}
	if r.executor != nil {
		_ = r.executor.Close()
	}
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
		said := time.Now()
		list, stats, err := sim.Search(ctx, sim.SearchConfig{Executor: e, Seed: f.seed, For: f.forD, Known: r, Progress: func(s sim.Stats) {
			if time.Since(said) >= plainEvery {
				said = time.Now()
				a.notef("searching: %d trials of single tests · %d different orders · %d causes", s.Trials, s.Orders, s.Findings)
			}
		}})
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

// adapts reports whether the number of workers follows from what trials take: a
// suite of the user's may compute, the shipped ones wait.
func (e *environment) adapts(t harness.Target) bool {
	return e.parallel == 0 && t.Kind != harness.ShippedTarget
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
	pool := trial.NewPool(trial.PoolConfig{Provider: p, Runner: cfg.Runner, Workers: real.workers(p), Log: a.logger()})
	_, err = e.ProveAll(ctx, pool, r.Findings, replays, func(p *sim.Proof) {
		a.notef("%s  %s  %s", p.Finding.ID, p.Finding.Class, p)
	})
	if err = errors.Join(err, pool.Close()); err != nil && ctx.Err() == nil {
		return redisError(err)
	}
	return nil
}
