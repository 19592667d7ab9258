package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Config says what is simulated; only Target is needed.
type Config struct {
	Target   harness.Target // the shipped suites, or a part of them
	Workers  int            // processes; 0: one a CPU
	Payload  int            // bytes kept of a frame; 0: the recorder's default
	Deadline time.Duration  // of one test, in virtual time; 0: the suites' own
	Procs    int            // GOMAXPROCS of a worker; 0: 1, which is the most repeatable and the fastest
	Log      *slog.Logger   // nil: silent
}

// Executor is a trial.Executor in virtual time. Its durations are virtual.
type Executor struct {
	cfg   Config
	tests []harness.TestID
	idle  chan *slot
	info  harness.RedisInfo
	stop  context.CancelFunc
	ctx   context.Context // ends with Close: an executor is itself a lifetime
	once  sync.Once

	program string // what workers are; "": this program
}

// slot is the place of one worker; its process is started when it is needed.
type slot struct {
	id int
	p  *process
}

var _ trial.Executor = (*Executor)(nil)

// New returns an executor of the target's tests. Workers start with the first
// job; Close ends them.
func New(cfg Config) (*Executor, error) {
	if os.Getenv(workerEnv) != "" {
		return nil, errors.New("simulate: this process is itself a simulation's worker: sim.Main must be called first in main, or in TestMain")
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.NumCPU()
	}
	if cfg.Procs <= 0 {
		cfg.Procs = 1
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Target.Kind != harness.ShippedTarget {
		return nil, fmt.Errorf("simulate %s: only the shipped suites can be run in virtual time here; a Go test of your own asks for it with package simtest", cfg.Target.Kind)
	}
	r, err := inprocess.ForTarget(cfg.Target)
	if err != nil {
		return nil, fmt.Errorf("simulate: %w", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	e := &Executor{cfg: cfg, idle: make(chan *slot, cfg.Workers), stop: stop, ctx: ctx}
	if e.tests, err = r.List(ctx); err != nil {
		stop()
		return nil, err
	}
	redis, err := embedded.InMemory()
	if err != nil {
		stop()
		return nil, err
	}
	e.info = redis.Info()
	if err := redis.Close(ctx); err != nil {
		stop()
		return nil, err
	}
	for i := range cfg.Workers {
		e.idle <- &slot{id: i + 1}
	}
	return e, nil
}

// Workers says how many trials run at a time.
func (e *Executor) Workers() int { return e.cfg.Workers }

// Info describes the simulated Redis.
func (e *Executor) Info() harness.RedisInfo { return e.info }

// Tests are those of the target, in the order in which they run.
func (e *Executor) Tests() []harness.TestID { return e.tests }

// Close ends the workers. Trials that still run fail.
func (e *Executor) Close() error {
	e.once.Do(func() {
		e.stop()
		for range e.cfg.Workers {
			if s := <-e.idle; s.p != nil {
				s.p.kill()
			}
		}
	})
	return nil
}

// Do plays one trial. The direct arm is played through the proxy too: without
// the network's latency nothing would order what is due at one instant.
func (e *Executor) Do(ctx context.Context, j trial.Job) (*trial.Done, error) {
	o := &jobOrder{Index: j.Index, Suite: j.Suite, Tests: j.Tests, Arm: j.Arm, Seed: j.Seed, Keep: j.Keep}
	if o.Arm == harness.Direct {
		o.Arm = harness.Survey
	}
	var scheduler harness.Scheduler
	if j.Plan != nil {
		var err error
		if scheduler, o.Schedule, err = j.Plan(); err != nil {
			return nil, fmt.Errorf("make the schedule: %w", err)
		}
	}
	start := time.Now()
	r, err := e.play(ctx, o)
	if err != nil {
		return nil, err
	}
	restart(&r.Trial, start)
	r.Trial.Schedule = o.Schedule
	return &trial.Done{Trial: r.Trial, Events: r.Events, Matches: r.Matches, Scheduler: witness{scheduler, r.Missing}}, nil
}

// play has a worker carry out the order. If a test crashes the worker, that is
// the test's failure, and the others are played again without it.
func (e *Executor) play(ctx context.Context, o *jobOrder) (*jobReport, error) {
	test := ""
	r, err := e.with(ctx, func(s *slot) (*report, error) {
		o.Worker = s.id
		return s.p.order(ctx, order{Job: o}, func(r report) { test = r.Began })
	})
	var c *crash
	switch {
	case err == nil && r.Done != nil:
		return r.Done, nil
	case err == nil:
		return nil, errors.New(r.Err)
	case !errors.As(err, &c):
		return nil, err
	}
	id, rest, ok := e.without(o.Tests, test)
	if !ok {
		return nil, fmt.Errorf("set-up of trial %d: %w", o.Index, err)
	}
	failed := c.outcome(id, o)
	if len(rest) == 0 {
		return &jobReport{Trial: harness.Trial{
			Index: o.Index, Suite: o.Suite, Arm: o.Arm, Seed: o.Seed, Worker: o.Worker, Outcomes: []harness.Outcome{failed},
		}}, nil
	}
	again := *o
	again.Tests = rest
	report, err := e.play(ctx, &again)
	if err != nil {
		return nil, err
	}
	report.Trial.Outcomes = append(report.Trial.Outcomes, failed)
	return report, nil
}

// with lends a worker that is ready to f.
func (e *Executor) with(ctx context.Context, f func(*slot) (*report, error)) (*report, error) {
	var s *slot
	select {
	case s = <-e.idle:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.ctx.Done():
		return nil, errors.New("simulate: the executor is closed")
	}
	defer func() { e.idle <- s }()
	if e.ctx.Err() != nil {
		return nil, errors.New("simulate: the executor is closed")
	}
	if s.p == nil {
		p, err := startProcess(ctx, e.program, setup{
			Target: e.cfg.Target, Payload: e.cfg.Payload, Deadline: e.cfg.Deadline, Procs: e.cfg.Procs,
		})
		if err != nil {
			return nil, err
		}
		s.p = p
	}
	stop := context.AfterFunc(e.ctx, s.p.kill)
	defer stop()
	r, err := f(s)
	if err != nil || r.Last {
		if err != nil {
			e.cfg.Log.Info("simulation worker ended", "worker", s.id, "error", err)
		}
		s.p.kill()
		s.p = nil
	}
	return r, err
}

// restart gives a trial the time at which it was really played; how long it
// took stays virtual.
func restart(t *harness.Trial, at time.Time) {
	shift := at.Sub(t.Start)
	if t.Start.IsZero() {
		shift = 0
	}
	t.Start = at
	for i := range t.Outcomes {
		if o := &t.Outcomes[i]; o.Start.IsZero() {
			o.Start = at
		} else {
			o.Start = o.Start.Add(shift)
		}
	}
}

// witness says what a worker's scheduler, which is not here, has missed.
type witness struct {
	harness.Scheduler
	missing []harness.Point
}

// Missing lists the points of the schedule that never appeared.
func (w witness) Missing() []harness.Point { return w.missing }

// Diverged returns the first of them.
func (w witness) Diverged() (harness.Point, bool) {
	if len(w.missing) == 0 {
		return harness.Point{}, false
	}
	return w.missing[0], true
}

// Processes lists the process ids of the workers that wait for work.
func (e *Executor) Processes() []string {
	var list []string
	for range e.cfg.Workers {
		s := <-e.idle
		if s.p != nil {
			list = append(list, strconv.Itoa(s.p.cmd.Process.Pid))
		}
		defer func() { e.idle <- s }()
	}
	return list
}
