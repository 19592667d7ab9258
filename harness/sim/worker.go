package sim

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/metrics"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/redisenv/embedded"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/sim/bubble"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	memoryLimit = 512 << 20 // collects within a trial, lest a huge one takes the machine
	sweepAt     = 32 << 20  // collects between trials
	retireAt    = 16 << 20  // of the runtime's own memory: see retired
)

// worker plays trials, one after the other.
type worker struct {
	t       *testing.T
	setup   setup
	runner  runner.Runner
	reports *gob.Encoder
	heap    []metrics.Sample
	cache   embedded.InstanceCache
	runtime uint64 // of the runtime's own memory at the beginning
}

// serve carries out orders until there are none.
func serve(t *testing.T, orders io.Reader, reports io.Writer) {
	if _, err := io.WriteString(reports, greeting); err != nil {
		os.Exit(1)
	}
	in := gob.NewDecoder(orders)
	w := &worker{t: t, reports: gob.NewEncoder(reports), heap: newHeap()}
	if err := in.Decode(&w.setup); err != nil {
		os.Exit(1)
	}
	if w.setup.Procs > 0 {
		runtime.GOMAXPROCS(w.setup.Procs)
	}
	next := make(chan order)
	go func() { // outside of any bubble, so that it notices the parent's end at once
		for {
			var o order
			if err := in.Decode(&o); err != nil {
				os.Exit(0)
			}
			next <- o
		}
	}()
	bubble.DeepStacks(nil) // for as long as the process lives
	var err error
	if w.runner, err = inprocess.ForTarget(w.setup.Target); err != nil {
		w.tell(report{Err: err.Error(), Last: true})
		os.Exit(1)
	}
	for o := range next {
		var r report
		if o.Job != nil {
			r = w.job(o.Job)
		} else {
			r = w.batch(o.Batch)
		}
		r.Last = r.Last || w.retired()
		w.tell(r)
		if r.Last {
			os.Exit(0)
		}
		w.sweep()
	}
}

// tell sends a report. A parent that is gone needs no worker.
func (w *worker) tell(r report) {
	if err := w.reports.Encode(r); err != nil {
		os.Exit(1)
	}
}

// sweep collects garbage if there is enough of it.
func (w *worker) sweep() {
	if metrics.Read(w.heap); w.heap[0].Value.Uint64() > sweepAt {
		runtime.GC()
	}
}

func (w *worker) job(o *jobOrder) report {
	done, left, err := w.play(trial.Job{
		Index: o.Index, Suite: o.Suite, Tests: o.Tests, Arm: o.Arm, Seed: o.Seed, Keep: o.Keep, Plan: plan(o.Schedule),
	}, o.Worker, func(test string) { w.tell(report{Began: test}) })
	if err != nil {
		return report{Err: err.Error(), Last: left}
	}
	return report{Done: reported(done), Last: left}
}

func reported(d *trial.Done) *jobReport {
	r := &jobReport{Trial: d.Trial, Events: d.Events, Matches: d.Matches}
	if m, ok := d.Scheduler.(interface{ Missing() []harness.Point }); ok {
		r.Missing = m.Missing()
	}
	return r
}

// plan makes what a schedule says; nil: nothing is injected.
func plan(s *harness.Schedule) trial.Plan {
	if s == nil {
		return nil
	}
	return func() (harness.Scheduler, *harness.Schedule, error) {
		sched, err := explore.FromSchedule(*s)
		return sched, s, err
	}
}

// play plays one trial in a bubble of its own. left says that goroutines were
// left behind in it, so that this process should not be used any more.
func (w *worker) play(j trial.Job, id int, began func(test string)) (done *trial.Done, left bool, err error) {
	ids(j.Seed)
	if err := w.cache.Prepare(); err != nil {
		return nil, false, err
	}
	ended := false
	defer func() {
		// Whoever is still blocked when the bubble's time has ended makes
		// synctest panic here; the trial itself may have been fine.
		if p := recover(); p != nil {
			left = true
			if !ended {
				err = fmt.Errorf("simulate trial %d: %v", j.Index, p)
			}
		}
	}()
	synctest.Test(w.t, func(t *testing.T) {
		done, err = w.inBubble(t.Context(), j, id, began)
		ended = true
	})
	return done, false, err
}

func (w *worker) inBubble(ctx context.Context, j trial.Job, id int, began func(test string)) (done *trial.Done, err error) {
	world, err := bubble.New(bubble.Config{Payload: w.setup.Payload, Cache: &w.cache})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, world.Close()) }()
	stage := trial.Stage{
		Runner: marking{w.runner, began}, Proxy: world.Proxy(),
		Redis: runner.Endpoint{Dial: world.Dial}, Health: trial.Health{Works: world.Redis().Alive},
		Worker: id, Payload: w.setup.Payload, Deadline: w.setup.Deadline,
		Network:      func(s harness.Scheduler) harness.Scheduler { return bubble.NewDistinct(j.Seed, s) },
		Canonicalize: bubble.Canonicalize,
	}
	return stage.Play(ctx, j)
}

// between is how much virtual time passes between two tests, so that what one
// left on its way arrives before the next begins.
const between = 10 * time.Millisecond

// marking says which test begins, so that the parent knows whose panic it was,
// and keeps the tests of a trial apart.
type marking struct {
	runner.Runner
	began func(test string)
}

func (m marking) Run(ctx context.Context, x runner.Exec) ([]harness.Outcome, error) {
	begin, end := x.Begin, x.End
	x.Begin = func(test string) {
		if m.began != nil {
			m.began(test)
		}
		begin(test)
	}
	x.End = func(test string) {
		synctest.Wait() // whatever happens at this instant is the test's
		end(test)
		time.Sleep(between)
	}
	return m.Runner.Run(ctx, x)
}

// ids has random ids come from the trial's seed.
func ids(seed uint64) {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	uuid.SetRand(rand.NewChaCha8(key))
}

// trialTimeout is how long, by the real clock, one trial may take: one that takes
// longer goes round in circles.
const trialTimeout = 60 * time.Second

// retired reports whether this process has grown so much that another should go
// on. Go 1.26 loses 32 bytes outside of the heap for each sync.WaitGroup that
// comes to zero in a bubble (its synctest.disassociate drops the record without
// freeing it), which is about 130 bytes a trial of one scenario.
func (w *worker) retired() bool {
	metrics.Read(w.heap)
	now := w.heap[1].Value.Uint64()
	if w.runtime == 0 {
		w.runtime = now
	}
	return now > w.runtime+retireAt
}

func newHeap() []metrics.Sample {
	return []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/other:bytes"}}
}
