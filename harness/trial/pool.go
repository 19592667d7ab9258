package trial

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/secrets"
)

// tries is how often a trial is begun again after Redis or the proxy failed.
const tries = 3

// PoolConfig is what a pool of workers needs.
type PoolConfig struct {
	Provider redisenv.Provider
	Runner   runner.Runner
	Workers  int                           // 0: 1
	Adapt    bool                          // run the first trials alone and choose the number of workers, up to Workers, by what they took
	Chosen   func(workers int, why string) // called once, when Adapt has chosen; may be nil
	TimerLag *runner.TimerLag              // nil: not watched
	Payload  int                           // bytes kept of a frame; 0: the proxy's default
	TempDir  string                        // under which each trial gets a directory; empty: none is made
	Deadline time.Duration                 // for one test; 0: the runner's own
	Mask     *secrets.Mask                 // of what must be in no outcome and no recording; nil: nothing
	Refused  func(text string)             // told what a suite was kept from, see proxy.Confine; may be nil
	Log      *slog.Logger                  // nil: silent
}

// Pool carries out jobs over workers that each own a Redis and a proxy. Workers
// start with the first job that needs them.
type Pool struct {
	cfg    PoolConfig
	urgent chan *request
	normal chan *request
	stop   context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	info    harness.RedisInfo
	started int
	allowed int           // workers that may begin a job; those beyond rest
	changed chan struct{} // closed when allowed has changed
	waiting int           // jobs that no worker has taken yet
	running int           // jobs under way
	pacer
	errs []error
	ctx  context.Context // ends the workers; a pool is itself a lifetime
}

// pacer is what a pool that adapts knows of the machine. The pool's lock guards it.
type pacer struct {
	cpus     int
	measured measure
	tooMany  int       // so many workers crowded the machine; 0: not known
	since    time.Time // when they did
	pacing   bool      // keepPace runs
	told     bool      // Chosen has been called
}

type request struct {
	ctx    context.Context
	job    Job
	answer chan answer
}

type answer struct {
	done *Done
	err  error
}

// NewPool returns a pool whose workers live until Close.
func NewPool(cfg PoolConfig) *Pool {
	cfg.Workers = max(cfg.Workers, 1)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Pool{
		cfg: cfg, ctx: ctx, stop: stop, pacer: pacer{cpus: runtime.GOMAXPROCS(0)},
		urgent: make(chan *request), normal: make(chan *request), changed: make(chan struct{}),
	}
}

// Workers says how many jobs run at a time.
func (p *Pool) Workers() int { return p.cfg.Workers }

// Fitting says how many workers suit what the first trials took, or all if that is
// not known yet.
func (p *Pool) Fitting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cfg.Adapt || !p.measured.done {
		return p.cfg.Workers
	}
	return p.measured.need.Workers(p.cpus, p.cfg.Workers)
}

// Info says which Redis the workers use.
func (p *Pool) Info() harness.RedisInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.info
}

// Do carries out one job, as soon as a worker is free.
func (p *Pool) Do(ctx context.Context, j Job) (*Done, error) {
	p.expect()
	r := &request{ctx: ctx, job: j, answer: make(chan answer, 1)}
	queue := p.normal
	if j.Urgent {
		queue = p.urgent
	}
	var err error
	select {
	case queue <- r:
	case <-ctx.Done():
		err = ctx.Err()
	case <-p.ctx.Done():
		err = errors.New("the pool is closed")
	}
	p.taken()
	if err != nil {
		return nil, err
	}
	a := <-r.answer
	return a.done, a.err
}

// expect counts a job that waits for a worker, and sees to it that there are
// workers: one for each job at once, or when the pool adapts, one alone until
// what a trial needs is known, then as many as that allows.
func (p *Pool) expect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting++
	most := p.cfg.Workers
	if p.cfg.Adapt {
		most = 1
		if p.measured.done {
			most = p.measured.need.Workers(p.cpus, p.cfg.Workers)
		}
		if p.tooMany > 0 {
			most = min(most, p.tooMany-1)
		}
	}
	if p.allowed < most {
		p.grow()
	}
}

// taken counts a job that no longer waits.
func (p *Pool) taken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting--
}

// grow lets one more worker run unless all do. p.mu is held.
func (p *Pool) grow() {
	if p.allowed >= p.cfg.Workers || p.ctx.Err() != nil {
		return
	}
	p.allow(p.allowed + 1)
	if p.started < p.allowed {
		p.started++
		id := p.started
		p.wg.Go(func() { p.work(id) })
	}
}

func (p *Pool) work(id int) {
	w := &worker{id: id, cfg: p.cfg}
	defer func() {
		if err := w.close(); err != nil {
			p.mu.Lock()
			p.errs = append(p.errs, err)
			p.mu.Unlock()
		}
	}()
	for {
		if !p.mayRun(id) {
			return
		}
		var r *request
		select { // urgent first
		case r = <-p.urgent:
		default:
			select {
			case r = <-p.urgent:
			case r = <-p.normal:
			case <-p.ctx.Done():
				return
			}
		}
		p.mu.Lock()
		p.running++
		p.mu.Unlock()
		w.need = Need{}
		var cpu pressure
		start := time.Now()
		cpu.since(start)
		done, err := w.do(r.ctx, r.job)
		p.mu.Lock()
		p.running--
		p.mu.Unlock()
		w.need.Queued = p.queued(&cpu, start, time.Now())
		p.took(w.need)
		if w.instance != nil {
			p.mu.Lock()
			p.info = w.instance.Info()
			p.mu.Unlock()
		}
		r.answer <- answer{done, err}
	}
}

// Close ends the workers and what they started, and says what could not be ended.
func (p *Pool) Close() error {
	p.stop()
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(p.errs...); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}
