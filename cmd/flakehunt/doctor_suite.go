package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/probe"
	"github.com/flakehunt/flakehunt/harness/probe/hints"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/environ"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/reports"
	"github.com/flakehunt/flakehunt/reports/doctor"
)

// scanTime bounds the look at the suite's sources.
const scanTime = 5 * time.Second

// doctorSuite runs a suite once and says what a hunt of it would meet.
func doctorSuite(ctx context.Context, a *app, f *runFlags, command []string, timeout time.Duration) error {
	target, err := f.target(nil, command)
	if err != nil {
		return err
	}
	if f.redis == "sim" {
		return usagef("--redis sim: a suite of yours does not run in virtual time")
	}
	// Bad input is told before anything is started.
	for _, e := range target.Env {
		if err := environ.Check(e); err != nil {
			return usagef("%w", err)
		}
	}
	private := netns.Check(ctx)
	if len(target.Takeover) > 0 && private != nil {
		return usagef("%w", private)
	}
	provider, err := f.provider(ctx, a)
	if err != nil {
		return err
	}
	for _, removed := range sweep(ctx, a.logger()) {
		a.notef("left behind by a run that was killed: %s", removed)
	}
	tmp, err := tempFor(target)
	if err != nil {
		return harnessError(err)
	}
	defer func() { _ = dropTemp(tmp) }()
	report, err := probe.Run(ctx, probe.Config{
		Target: target, Provider: provider, Timeout: timeout, Private: private, TempDir: tmp,
		Open: func(ctx context.Context, t harness.Target, wrap environ.CommandWrapper, timeout time.Duration) (runner.Runner, error) {
			return foreignRunner(ctx, &a.messages, t, wrap, timeout)
		},
		Hints: scan(ctx, target, a.logger()), Note: a.notef, Log: a.logger(),
	})
	var setup *probe.SetupError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &setup):
		return usagef("--takeover: %w", err)
	case err != nil:
		return redisError(err)
	}
	if err := printSuite(&a.printer, report, f.redis); err != nil {
		return harnessError(err)
	}
	if !report.Works {
		return &exitError{code: exitFlaky}
	}
	return nil
}

// scan looks for hints in the sources below the suite's directory.
func scan(ctx context.Context, t harness.Target, log *slog.Logger) hints.Found {
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	dir := t.Dir
	if dir == "" {
		dir = "."
	}
	found, err := hints.Scan(ctx, os.DirFS(dir), hints.Limits{})
	if err != nil {
		log.Warn("look for hints in the sources", "error", err)
		found.Cut = true
	}
	return found
}

// printSuite writes the report, as text or JSON.
func printSuite(p *printer, r *probe.Report, redis string) error {
	hunt := ""
	if r.Hunts() {
		if redis == "auto" {
			redis = ""
		}
		hunt = reports.RunCommand(r.Hunt, redis)
	}
	if p.json {
		return p.printJSON(struct {
			*probe.Report
			Command string `json:"command,omitempty"`
		}{r, hunt})
	}
	return doctor.Suite(p.out, r, hunt, func(at *probe.Attempt) (int, int) {
		need := trial.Need{CPU: time.Duration(at.CPU), Wall: time.Duration(at.Wall)}
		return need.Workers(numCPU(), mostWorkers()), mostWorkers()
	})
}
