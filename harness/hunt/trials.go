package hunt

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// names returns the tests of one suite; none means all that the runner has.
func (h *hunter) names(suite string) []string {
	if h.foreign() && h.Match == nil && len(h.suites) == 1 && h.decide == nil {
		return nil // the whole of it, as its user runs it
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, t := range h.tests {
		if t.Suite == suite {
			names = append(names, t.Name)
		}
	}
	return h.undecidedNames(names)
}

// observe feeds the sequential tests. h.mu is held, or nobody else is there yet.
func (h *hunter) observe(t harness.Trial) {
	if h.decide == nil || !summary.Counted(t.Arm) {
		return
	}
	for _, o := range t.Outcomes {
		h.decide.observe(o)
	}
}

// endless is the last index of trials that only their time ends.
const endless = math.MaxInt

// last is the index of the last numbered trial.
func (h *hunter) last() int {
	if h.For > 0 {
		return endless
	}
	return h.Trials
}

// most ends before ctx where the hunt has a time to use, and leaves a fifth of
// it for proving what was seen.
func (h *hunter) most(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.For <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, h.started.Add(h.For*4/5), errBudget)
}

// conclude settles what was suspected in a search that ended with err, uses what
// is left of the hunt's time, if it has one, for more trials, and makes findings
// of what failed, also when the hunt was ended early.
func (h *hunter) conclude(ctx context.Context, err error, phase string, more func() error) error {
	if err == nil {
		h.settle(ctx)
	}
	if err == nil && h.For > 0 {
		h.phase(phase, 0)
		err = more()
	}
	h.fromFailures()
	return err
}

// allDecided reports whether the sequential tests want no further trial.
func (h *hunter) allDecided() bool {
	if h.decide == nil || len(h.leaves()) == 0 {
		return false
	}
	return !slices.ContainsFunc(h.suites, func(suite string) bool { return len(h.names(suite)) > 0 })
}

// each calls do for every suite trial of the shard that is not yet done,
// several at a time, until ctx ends or one returns an error.
func (h *hunter) each(ctx context.Context, from, to int, do func(ctx context.Context, suite string, index int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, h.Executor.Workers())
	for index := from; index <= to && ctx.Err() == nil && !h.allDecided(); index++ {
		if !h.Shard.Has(index) {
			continue
		}
		for _, suite := range h.suites {
			if h.done(suite, index) {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := do(ctx, suite, index); err != nil {
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

func (h *hunter) done(suite string, index int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.trials, func(t harness.Trial) bool {
		return t.Suite == suite && t.Index == index && summary.Counted(t.Arm)
	})
}

// total is how many suite trials the shard does.
func (h *hunter) total() int {
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

// keep records a finished trial: journal first, then memory.
func (h *hunter) keep(d *trial.Done) error {
	if h.Journal != nil {
		if err := h.Journal.Append(d.Trial); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trials = append(h.trials, d.Trial)
	h.discover(d.Trial)
	h.observe(d.Trial)
	if summary.Counted(d.Trial.Arm) {
		h.progress.Done++
		for _, o := range d.Trial.Outcomes {
			if o.Verdict == harness.Failed && len(o.Blocked) == 0 {
				h.progress.Failures++
			}
		}
	} else {
		h.progress.Active++
	}
	h.tell()
	return nil
}

// failInfra records that a trial could not be done.
func (h *hunter) failInfra(suite string, index int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.infra = append(h.infra, harness.InfraFailure{What: fmt.Sprintf("trial %d of %s", index, suite), Err: err.Error()})
}
