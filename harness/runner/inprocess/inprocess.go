// Package inprocess runs scenarios, tests that are functions of this binary.
//
// A scenario that fails, panics or hangs costs only itself. The package must
// never know what is injected between a scenario and its Redis.
package inprocess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/scenarios"
)

// grace is how long a scenario may take to notice that its context has ended
// before it is left behind.
const grace = time.Second

// Runner runs a list of scenarios.
type Runner struct {
	list     []scenarios.Scenario
	config   scenarios.Config
	deadline time.Duration
}

// New returns a runner of list. config.Redis is ignored: each execution brings
// its own.
func New(list []scenarios.Scenario, config scenarios.Config) *Runner {
	return &Runner{list: list, config: config, deadline: scenarios.Deadline}
}

// List names the scenarios in order.
func (r *Runner) List(context.Context) ([]harness.TestID, error) {
	ids := make([]harness.TestID, len(r.list))
	for i, s := range r.list {
		ids[i] = ID(s)
	}
	return ids, nil
}

// ID gives a scenario's name as reports use it.
func ID(s scenarios.Scenario) harness.TestID {
	return harness.TestID{Name: s.Name, Suite: s.Suite, Category: s.Category, File: s.File, Line: s.Line}
}

// Close does nothing: a runner keeps nothing.
func (r *Runner) Close() error { return nil }

// Run executes the scenarios that x names, suite by suite, each suite over
// connections of its own.
func (r *Runner) Run(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	wanted := map[string]bool{}
	for _, name := range x.Tests {
		wanted[name] = true
	}
	var outcomes []harness.Outcome
	var session *scenarios.Session
	suite := ""
	closeSession := func() error {
		if session == nil {
			return nil
		}
		s := session
		session = nil
		cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.limit(x))
		defer cancel()
		if err := s.Close(cctx); err != nil {
			return fmt.Errorf("tear down suite %s: %w", suite, err)
		}
		return nil
	}
	defer func() { _ = closeSession() }()

	for _, s := range r.list {
		if len(wanted) > 0 && !wanted[s.Name] {
			continue
		}
		if err := ctx.Err(); err != nil {
			return outcomes, err
		}
		if s.Suite != suite || session == nil {
			if err := closeSession(); err != nil {
				return outcomes, err
			}
			suite = s.Suite
			var err error
			if session, err = r.open(ctx, suite, x); err != nil {
				return outcomes, err
			}
		}
		o, hung := r.one(ctx, session, s, x)
		if ctx.Err() != nil && o.Verdict != harness.Passed {
			return outcomes, ctx.Err() // it failed since we were told to stop
		}
		outcomes = append(outcomes, o)
		if hung {
			// Its goroutine may still use the suite's connections: leave them to
			// it and go on with new ones.
			abandoned := session
			session = nil
			cctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			_ = abandoned.Close(cctx)
			cancel()
		}
	}
	return outcomes, closeSession()
}

func (r *Runner) limit(x runner.Exec) time.Duration {
	if x.Deadline > 0 {
		return x.Deadline
	}
	return r.deadline
}

// open connects a suite. Its frames carry the name "SUITE/set-up", so that they
// have identities of their own.
func (r *Runner) open(ctx context.Context, suite string, x runner.Exec) (*scenarios.Session, error) {
	name := suite + "/set-up"
	if x.Begin != nil {
		x.Begin(name)
		defer x.End(name)
	}
	cfg := r.config
	cfg.Redis = x.Redis.Options()
	ctx, cancel := context.WithTimeout(ctx, r.limit(x))
	defer cancel()
	s, err := scenarios.Open(ctx, suite, cfg)
	if err != nil {
		return nil, fmt.Errorf("set up suite %s: %w", suite, err)
	}
	return s, nil
}

// one runs a scenario. hung reports that it did not end and was left behind.
func (r *Runner) one(ctx context.Context, session *scenarios.Session, s scenarios.Scenario, x runner.Exec) (o harness.Outcome, hung bool) {
	limit := r.limit(x)
	tctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	t := &test{name: s.Name, ctx: tctx}
	o = harness.Outcome{
		Test: ID(s), Trial: x.Trial, Arm: x.Arm, Worker: x.Worker, Seed: x.Seed, Start: time.Now(),
		Boundary: harness.BoundaryMarked,
	}
	if x.Begin != nil {
		x.Begin(s.Name)
	}
	done := t.run(func() { session.Run(t, s) })
	select {
	case <-done:
	case <-tctx.Done():
		last := time.NewTimer(grace)
		select {
		case <-done:
		case <-last.C:
			hung = true
		}
		last.Stop()
	}
	o.Duration = harness.Duration(time.Since(o.Start))
	if x.End != nil {
		x.End(s.Name)
	}
	if hung || errors.Is(tctx.Err(), context.DeadlineExceeded) {
		how := "ended late"
		if hung {
			how = "did not end and was left behind"
		}
		t.missDeadline(fmt.Sprintf("deadline of %s for one scenario passed; it %s", limit, how))
	}
	failure, output := t.finish()
	o.Verdict = harness.Passed
	if failure != nil {
		o.Verdict = harness.Failed
		o.Failure = failure
		o.Output = output
		failure.Fingerprint = summary.Fingerprint(failure.Message, failure.Kind, failure.Stack)
	}
	return o, hung
}

// missDeadline makes the passed deadline the failure, whatever assertion it tripped.
func (t *test) missDeadline(message string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failure != nil {
		message += "; first failed: " + t.failure.Message
	}
	t.failure = &harness.Failure{Kind: harness.TimeoutFailure, Message: message}
}
