package hunt

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
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

// job makes the numbered trial of a suite; its seed comes from its index.
type job func(suite string, index int) trial.Job

// survey makes trials without injection, some of them without the proxy.
func (h *hunt) survey(suite string, index int) trial.Job {
	j := trial.Job{Index: index, Suite: suite, Tests: h.names(suite), Arm: harness.Survey, Urgent: index <= firstLook}
	if index%directEvery == firstLook && !h.NoDirect {
		j.Arm = harness.Direct
	}
	return j
}

// each does every numbered trial of the shard that is not yet done, several at a
// time, until ctx ends or the harness cannot do its work.
func (h *hunt) each(ctx context.Context, from, to int, make job) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := newSlots(h.Executor.Workers())
	for index := from; index <= to && ctx.Err() == nil && !h.allDecided(); index++ {
		if !h.Shard.Has(index) {
			continue
		}
		for _, suite := range h.suites {
			if h.log.done(suite, index) {
				continue
			}
			if !slots.take(ctx) {
				break
			}
			wg.Go(func() {
				defer slots.give()
				j := make(suite, index)
				if h.Until != nil && len(j.Tests) == 0 && len(h.log.Leaves()) > 0 {
					return // all is decided
				}
				if err := h.lab.numbered(ctx, j); err != nil {
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
func (h *hunt) most(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.For <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, h.started.Add(h.For*4/5), errBudget)
}

// useRest uses what is left of the hunt's time, if it has one, for more trials.
func (h *hunt) useRest(ctx context.Context, phase string, make job) error {
	if h.For <= 0 {
		return nil
	}
	h.progress.phase(phase, 0)
	return h.each(ctx, 1, endless, make)
}

// last is the index of the last numbered trial.
func (h *hunt) last() int {
	if h.For > 0 {
		return endless
	}
	return h.Trials
}

// total is how many suite trials the shard does.
func (h *hunt) total() int {
	if h.For > 0 {
		return 0
	}
	n := 0
	for i := 1; i <= h.Trials; i++ {
		if h.Shard.Has(i) {
			n += len(h.suites)
		}
	}
	return n
}

// names returns the tests of one suite; none means all that the runner has, as
// the user of a foreign suite runs it.
func (h *hunt) names(suite string) []string {
	if h.foreign() && h.Match == nil && len(h.suites) == 1 && h.Until == nil {
		return nil
	}
	return h.log.Undecided(suite)
}

// allDecided reports whether the sequential tests want no further trial.
func (h *hunt) allDecided() bool {
	if h.Until == nil || len(h.log.Leaves()) == 0 {
		return false
	}
	for _, suite := range h.suites {
		if len(h.names(suite)) > 0 {
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
