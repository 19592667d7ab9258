package hunt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
)

// worker owns a Redis and the proxy before it, and does one job at a time.
type worker struct {
	id       int
	cfg      PoolConfig
	instance redisenv.Instance
	proxy    *proxy.Proxy
}

// do carries out one job, on a fresh Redis if the old one has died.
func (w *worker) do(ctx context.Context, j Job) (*Done, error) {
	var last error
	for range tries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := w.prepare(ctx); err != nil {
			last = err
			w.cfg.Log.Warn("worker cannot start", "worker", w.id, "error", err)
			_ = w.close()
			continue
		}
		done, err := w.trial(ctx, j)
		if err == nil {
			return done, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		last = err
		w.cfg.Log.Warn("trial failed for reasons of the harness", "worker", w.id, "trial", j.Index, "error", err)
		_ = w.close()
	}
	return nil, last
}

// prepare starts what is not there and empties what is.
func (w *worker) prepare(ctx context.Context) error {
	if w.instance == nil {
		inst, err := w.cfg.Provider.Start(ctx)
		if err != nil {
			return err
		}
		w.instance = inst
	}
	if w.proxy == nil {
		p, err := proxy.Start(context.WithoutCancel(ctx), proxy.Config{
			Dial: w.instance.Dial, PayloadLimit: w.cfg.Payload, Log: w.cfg.Log,
		})
		if err != nil {
			return fmt.Errorf("start proxy: %w", err)
		}
		w.proxy = p
	}
	w.proxy.Kick()
	if err := w.instance.Reset(ctx); err != nil {
		return fmt.Errorf("reset redis between trials: %w", err)
	}
	return nil
}

// close ends what the worker started; it does not depend on the run's context,
// which has ended by the time it matters.
func (w *worker) close() error {
	var errs []error
	if w.proxy != nil {
		errs = append(errs, w.proxy.Close())
		w.proxy = nil
	}
	if w.instance != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		errs = append(errs, w.instance.Close(ctx))
		w.instance = nil
	}
	return errors.Join(errs...)
}

// trial runs the job's tests once. An error means that Redis or the proxy failed.
func (w *worker) trial(ctx context.Context, j Job) (*Done, error) {
	d := &Done{Events: map[string][]harness.Event{}}
	var schedule *harness.Schedule
	if j.Plan != nil {
		var err error
		if d.Scheduler, schedule, err = j.Plan(); err != nil {
			return nil, fmt.Errorf("make the schedule: %w", err)
		}
	}
	buffer := history.NewBuffer(history.BufferConfig{Payload: w.cfg.Payload})
	defer buffer.Close()
	w.proxy.StartTrial(d.Scheduler, buffer)

	stats := map[string]proxy.TestStats{}
	digest := ""
	frames := 0
	x := runner.Exec{
		Trial: j.Index, Seed: j.Seed, Arm: j.Arm, Worker: w.id, Tests: j.Tests,
		Deadline: w.cfg.Deadline,
		Redis:    w.endpoint(j.Arm),
		Begin:    w.proxy.Begin,
		End: func(test string) {
			s := w.proxy.End()
			stats[test] = s
			digest = foldDigest(digest, s.Digest)
			frames += s.Frames
		},
	}
	if w.cfg.TempDir != "" {
		dir, err := os.MkdirTemp(w.cfg.TempDir, "trial-")
		if err != nil {
			return nil, fmt.Errorf("make a directory for the trial: %w", err)
		}
		defer os.RemoveAll(dir)
		x.Dir = dir
	}
	start := time.Now()
	outcomes, err := w.cfg.Runner.Run(ctx, x)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	if failed(outcomes) {
		// Only a live Redis makes a failure the test's own.
		if err := w.instance.Alive(ctx); err != nil {
			return nil, fmt.Errorf("redis died in the middle of a trial: %w", err)
		}
	}
	for i := range outcomes {
		o := &outcomes[i]
		name := o.Test.Name
		s := stats[name]
		o.Injected = harness.Duration(s.Injected)
		o.Blocked = s.Blocked
		o.Warnings = append(o.Warnings, s.Warnings...)
		if w.cfg.Lateness != nil {
			o.Lateness = harness.Duration(w.cfg.Lateness.Worst(o.Start))
		}
		if o.Verdict != harness.Failed && !j.Keep {
			continue
		}
		events, err := buffer.Events(name)
		if err != nil {
			return nil, fmt.Errorf("read the recording back: %w", err)
		}
		d.Events[name] = events
		if o.Verdict == harness.Failed {
			explain(o, events)
		}
	}
	d.Trial = harness.Trial{
		Index: j.Index, Suite: j.Suite, Arm: j.Arm, Seed: j.Seed, Worker: w.id,
		Start: start, Duration: harness.Duration(time.Since(start)),
		Outcomes: outcomes, Schedule: schedule, Digest: digest, Points: frames,
	}
	return d, nil
}

// endpoint is the proxy, or in the direct arm Redis itself.
func (w *worker) endpoint(arm harness.Arm) runner.Endpoint {
	if arm == harness.Direct {
		return runner.Endpoint{Addr: w.instance.Addr(), Dial: w.instance.Dial}
	}
	return runner.Endpoint{Addr: w.proxy.Addr()} // what Dial needs of credentials is spent behind it
}

// explain writes into a failed outcome what the wire shows of it.
func explain(o *harness.Outcome, events []harness.Event) {
	matches := detect.Run(detect.NewTrace(events, *o))
	var suspects []uint64
	if len(matches) > 0 {
		m := matches[0]
		o.Cause = m.Class
		o.Suspect = &harness.Suspect{Title: m.Title, Explanation: m.Explanation, First: m.First, Then: m.Then}
		suspects = m.Events
	}
	o.Wire = history.Lines(events, suspects)
}

func failed(outcomes []harness.Outcome) bool {
	return slices.ContainsFunc(outcomes, func(o harness.Outcome) bool { return o.Verdict == harness.Failed })
}
