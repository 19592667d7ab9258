package hunt

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

const (
	// firstLook is how many survey trials precede the first prediction: two
	// through the proxy, to tell the stable from the accidental, and one without
	// it, since some flakes fail only on the fastest path.
	firstLook = 3
	// directEvery: one survey trial in this many has no proxy in the way.
	directEvery = 4
	// endless is the last index of trials that only their time ends.
	endless = math.MaxInt
)

// errBudget ends a hunt whose time has passed.
var errBudget = errors.New("the time given has passed")

// rounds does the numbered trials of a hunt.
type rounds struct {
	*Config
	suites  []string
	started time.Time
	log     *triallog.Log
	lab     *Lab
}

// job makes the numbered trial of a suite; its seed comes from its index.
type job func(suite string, index int) trial.Job

// survey makes trials without injection, some of them without the proxy.
func (r *rounds) survey(suite string, index int) trial.Job {
	j := trial.Job{Index: index, Suite: suite, Tests: r.names(suite), Arm: harness.Survey, Urgent: index <= firstLook}
	if index%directEvery == firstLook && !r.NoDirect {
		j.Arm = harness.Direct
	}
	return j
}

// each does every numbered trial of the shard that is not yet done, several at a
// time, until ctx ends or the harness cannot do its work.
func (r *rounds) each(ctx context.Context, from, to int, make job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := newSlots(r.Executor.Workers())
	for index := from; index <= to && ctx.Err() == nil && !r.allDecided(); index++ {
		if !r.Shard.Has(index) {
			continue
		}
		for _, suite := range r.suites {
			if r.log.Done(suite, index) {
				continue
			}
			if !slots.take(ctx) {
				break
			}
			wg.Go(func() {
				defer slots.give()
				j := make(suite, index)
				if r.Until != nil && len(j.Tests) == 0 && len(r.log.Leaves()) > 0 {
					return // all is decided
				}
				if err := r.lab.numbered(ctx, j); err != nil {
					cancel(err)
				}
			})
		}
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errBudget) {
		return err
	}
	return nil
}

// most ends before ctx where the hunt has a time to use, and leaves a fifth of
// it for proving what was seen.
func (r *rounds) most(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.For <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, r.started.Add(r.For*4/5), errBudget)
}

// useRest uses what is left of the hunt's time, if it has one, for more trials.
func (r *rounds) useRest(ctx context.Context, phase string, make job) error {
	if r.For <= 0 {
		return nil
	}
	r.lab.progress.phase(phase, 0)
	return r.each(ctx, 1, endless, make)
}

// last is the index of the last numbered trial.
func (r *rounds) last() int {
	if r.For > 0 {
		return endless
	}
	return r.Trials
}

// total is how many suite trials the shard does.
func (r *rounds) total() int {
	if r.For > 0 {
		return 0
	}
	n := 0
	for i := 1; i <= r.Trials; i++ {
		if r.Shard.Has(i) {
			n += len(r.suites)
		}
	}
	return n
}

// names returns the tests of one suite; none means all that the runner has, as
// the user of a foreign suite runs it.
func (r *rounds) names(suite string) []string {
	if r.foreign() && r.Match == nil && len(r.suites) == 1 && r.Until == nil {
		return nil
	}
	return r.log.Undecided(suite)
}

// allDecided reports whether the sequential tests want no further trial.
func (r *rounds) allDecided() bool {
	if r.Until == nil || len(r.log.Leaves()) == 0 {
		return false
	}
	for _, suite := range r.suites {
		if len(r.names(suite)) > 0 {
			return false
		}
	}
	return true
}

// slots bounds how much is done at a time.
type slots chan struct{}

func newSlots(n int) slots { return make(slots, max(1, n)) }

// take waits for a slot; false: ctx has ended.
func (s slots) take(ctx context.Context) bool {
	select {
	case s <- struct{}{}:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func (s slots) give() { <-s }

// until gives a context that ends with the hunt's time.
func until(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, d, errBudget)
}
