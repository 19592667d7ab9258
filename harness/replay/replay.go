package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Replayed is what came of running a finding's schedule again.
type Replayed struct {
	Test     string            // which of the finding's tests
	Count    harness.Count     // failures with the schedule applied
	Blocked  int               // trials in which a hold could not be kept: the order is now enforced by the program
	Diverged harness.Point     // the first point of the schedule that never appeared, if that was so in every trial
	Same     int               // failures with the finding's own fingerprint
	Outcomes []harness.Outcome // in no order
}

// Verdict says it in words: "reproduced 19/20", "did not reproduce (0/20)" or
// "diverged at POINT".
func (r *Replayed) Verdict() string {
	switch {
	case r.Count.K > 0:
		return fmt.Sprintf("reproduced %d/%d", r.Count.K, r.Count.N)
	case !r.Diverged.IsZero():
		return "diverged at " + r.Diverged.String()
	case r.Count.N == 0 && r.Blocked > 0:
		return fmt.Sprintf("did not reproduce: in all of %d trials the program itself enforced the order", r.Blocked)
	}
	return fmt.Sprintf("did not reproduce (0/%d)", r.Count.N+r.Blocked)
}

// Replay runs the schedule of f n times on the first of its tests, as many at a
// time as the executor can.
func Replay(ctx context.Context, exec trial.Executor, f *harness.Finding, n int) (*Replayed, error) {
	if len(f.Tests) == 0 {
		return nil, errors.New("the finding names no test to replay")
	}
	return replaySchedule(ctx, exec, f, f.Schedule, n)
}

func replaySchedule(ctx context.Context, exec trial.Executor, f *harness.Finding, s harness.Schedule, n int) (*Replayed, error) {
	r := &Replayed{Test: f.Tests[0]}
	var (
		mu       sync.Mutex
		wg       sync.WaitGroup
		errs     []error
		diverged int
	)
	slots := make(chan struct{}, exec.Workers())
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			d, err := exec.Do(ctx, trial.Job{Index: i + 1, Tests: append(slices.Clone(s.Before), r.Test), Arm: harness.Replayed, Seed: f.Seed, Plan: trial.PlanOf(s)})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
				return
			}
			o := d.Outcome(r.Test)
			if o == nil {
				errs = append(errs, fmt.Errorf("the target has no test %q any more", r.Test))
				return
			}
			r.Outcomes = append(r.Outcomes, *o)
			if p, ok := missed(d.Scheduler); ok {
				diverged++
				r.Diverged = p
			}
			switch {
			case o.Verdict == harness.Failed && len(o.Blocked) == 0:
				r.Count.K++
				r.Count.N++
				if o.Failure.Fingerprint == f.Failure.Fingerprint {
					r.Same++
				}
			case len(o.Blocked) > 0:
				r.Blocked++
			default:
				r.Count.N++
			}
		})
	}
	wg.Wait()
	if diverged < n {
		r.Diverged = harness.Point{}
	}
	if len(errs) > 0 && len(r.Outcomes) == 0 {
		return r, errs[0]
	}
	return r, ctx.Err()
}

// missed asks a replaying scheduler whether a point of its schedule never came.
func missed(s harness.Scheduler) (harness.Point, bool) {
	if d, ok := s.(interface{ Diverged() (harness.Point, bool) }); ok {
		return d.Diverged()
	}
	return harness.Point{}, false
}
