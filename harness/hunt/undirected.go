package hunt

import (
	"context"
	"errors"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// undirected does all trials under one strategy that is the same for each test:
// none, latency, skew, random or pct.
func (h *hunter) undirected(ctx context.Context) error {
	h.phase(h.Strategy, h.total())
	if measured(h.Strategy) {
		if err := h.measure(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
	trial := func(ctx context.Context, suite string, index int) error {
		j := trial.Job{Index: index, Suite: suite, Tests: h.names(suite), Arm: harness.Survey, Seed: trial.Mix(h.Seed, index), Keep: index <= 2}
		if h.Strategy != "none" {
			j.Arm = harness.Explore
			j.Plan = h.plan(j.Seed, index)
		}
		return h.passiveTrial(ctx, j)
	}
	search, cancel := h.most(ctx)
	defer cancel()
	err := h.each(search, 1, h.last(), trial)
	return h.conclude(ctx, err, h.Strategy, func() error { return h.each(ctx, 1, endless, trial) })
}

// measure runs each suite once without injection, since how much may be injected
// depends on its size. That trial has no number, so that shards, which each do
// it, still do between them what one machine does.
func (h *hunter) measure(ctx context.Context) error {
	for _, suite := range h.suites {
		d, err := h.Executor.Do(ctx, trial.Job{Suite: suite, Tests: h.names(suite), Arm: harness.Survey, Seed: h.Seed})
		if err != nil {
			return err
		}
		h.sizeUp(d.Trial)
	}
	return nil
}

// plan makes the strategy's schedule for one trial.
func (h *hunter) plan(seed uint64, index int) trial.Plan {
	return func() (harness.Scheduler, *harness.Schedule, error) {
		schedule := &harness.Schedule{Version: harness.ScheduleVersion, Strategy: h.Strategy, Seed: seed, Params: h.params(index)}
		s, err := explore.FromSchedule(*schedule)
		return s, schedule, err
	}
}

// passiveTrial does one numbered trial. That the harness could not do it is an
// error only when it is the first: later ones are counted and reported.
func (h *hunter) passiveTrial(ctx context.Context, j trial.Job) error {
	if h.decide != nil && len(j.Tests) == 0 && len(h.leaves()) > 0 {
		return nil // all is decided
	}
	d, err := h.Executor.Do(ctx, j)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if u := new(runner.Unusable); errors.As(err, &u) {
			return err
		}
		h.failInfra(j.Suite, j.Index, err)
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.trials) == 0 || len(h.infra) > 5 {
			return err
		}
		return nil
	}
	if j.Keep {
		h.learn(d)
	}
	h.remember(d)
	if j.Arm == harness.Survey {
		h.sizeUp(d.Trial)
	}
	return h.keep(d)
}
