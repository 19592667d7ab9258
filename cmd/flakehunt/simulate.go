package main

import (
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/sim"
)

// executor makes the workers for the provider that was asked for: in virtual
// time those of the simulation, else those that wait.
func (e *environment) executor(t harness.Target, cfg hunt.PoolConfig) (hunt.Executor, error) {
	if cfg.Provider.Name() != "sim" {
		cfg.Workers = e.workers(cfg.Provider)
		cfg.Adapt = e.parallel == 0
		return hunt.NewPool(cfg), nil
	}
	x, err := sim.New(sim.Config{Target: t, Workers: e.parallel, Payload: cfg.Payload, Deadline: cfg.Deadline, Log: cfg.Log})
	if err != nil {
		return nil, usagef("--redis sim: %w", err)
	}
	return x, nil
}
