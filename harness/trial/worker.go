package trial

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/proc"
)

// worker owns a Redis and the proxy before it, and does one job at a time.
type worker struct {
	id       int
	cfg      PoolConfig
	instance redisenv.Instance
	proxy    *proxy.Proxy
	need     Need            // what the job under way took
	groups   proc.Groups     // of the target's processes, which a decision may pause
	cold     map[string]bool // tests that take a process of their own each time
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
		if u := new(runner.Unusable); errors.As(err, &u) {
			return nil, err // it would fail again
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
		cfg := proxy.Config{
			Dial: w.instance.Dial, PayloadLimit: w.cfg.Payload, Log: w.cfg.Log, Pauser: w.groups.Pause,
		}
		w.cfg.guard(&cfg, w.instance)
		p, err := proxy.Start(context.WithoutCancel(ctx), cfg)
		if err != nil {
			return fmt.Errorf("start proxy: %w", err)
		}
		w.proxy = p
	}
	w.proxy.DropConnections()
	if err := w.instance.Reset(ctx); err != nil {
		return fmt.Errorf("reset redis between trials: %w", err)
	}
	return nil
}

// guard keeps others, and the suite's own commands, from what a password that the
// proxy's connections carry opens: it is of a Redis that belongs to others, too.
func (c *PoolConfig) guard(cfg *proxy.Config, inst redisenv.Instance) {
	cfg.Secret = c.Mask.Learn
	o := inst.Options()
	if o.Password == "" {
		return
	}
	cfg.Admit = proxy.SameUser
	if inst.Info().Provider == "url" {
		cfg.Confine = &proxy.Confine{DB: o.DB, OnRefusal: c.Refused}
	}
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
	s := Stage{
		Runner: w.cfg.Runner, Proxy: w.proxy, Redis: w.endpoint(j.Arm),
		Health: Health{
			Works: func(ctx context.Context) error { return redisenv.Works(ctx, w.instance) },
			Watch: func(ctx context.Context) func() error { return redisenv.Watch(ctx, w.instance) },
		},
		Worker: w.id, Payload: w.cfg.Payload, Deadline: w.cfg.Deadline, TimerLag: w.cfg.TimerLag,
		Spent: func(cpu, wall time.Duration) {
			w.need.CPU += cpu
			w.need.Wall += wall
		},
		Started: w.groups.Started, Mask: w.cfg.Mask,
	}
	if info := w.instance.Info(); info.Real && info.Provider != "url" {
		s.Direct = w.instance.Dial
	}
	if w.cfg.TempDir != "" {
		dir, err := os.MkdirTemp(w.cfg.TempDir, "trial-")
		if err != nil {
			return nil, fmt.Errorf("make a directory for the trial: %w", err)
		}
		defer os.RemoveAll(dir)
		s.Dir = dir
	}
	if j.Busy {
		defer busy(ctx)()
	}
	j.Warm = j.Warm && len(j.Tests) == 1 && !w.cold[j.Tests[0]] && warms(w.cfg.Runner)
	done, err := s.Play(ctx, j)
	if err != nil || !j.Warm {
		return done, err
	}
	lost := len(missing(done.Scheduler))
	// What a process that has run the test before leaves in it may fail it: outside of
	// confirmations a failure counts only from a new process.
	if failed := j.Arm != harness.Confirm && done.failed(); lost == 0 && !failed {
		return done, nil
	}
	// A frame that did not come may be one that only a new process sends. Where it
	// does, all further trials of the test get one.
	j.Warm = false
	if err := w.prepare(ctx); err != nil {
		return nil, err
	}
	anew, err := s.Play(ctx, j)
	if err != nil {
		return nil, err
	}
	anew.Anew = true
	if len(missing(anew.Scheduler)) < lost {
		if w.cold == nil {
			w.cold = map[string]bool{}
		}
		w.cold[j.Tests[0]] = true
	}
	return anew, nil
}

// warms reports whether a runner uses a process for more than one trial.
func warms(r runner.Runner) bool {
	w, ok := r.(interface{ Warms() bool })
	return ok && w.Warms()
}

// endpoint is the proxy, or in the direct arm Redis itself.
func (w *worker) endpoint(arm harness.Arm) runner.Endpoint {
	if arm == harness.Direct {
		o := w.instance.Options()
		return runner.Endpoint{Addr: w.instance.Addr(), Dial: w.instance.Dial, Username: o.Username, Password: o.Password, TLS: o.TLSConfig != nil}
	}
	// What Dial needs of credentials is spent behind the proxy.
	return runner.Endpoint{Addr: w.proxy.Addr(), Adopt: w.proxy.Adopt}
}
