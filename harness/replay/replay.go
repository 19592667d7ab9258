package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// controls is how often a test that fails otherwise than the finding does is run
// with nothing injected, so that it is known whether the schedule has to do with it.
const controls = 3

// Replayed is what came of running a finding's schedule again.
type Replayed struct {
	Test     string            // which of the finding's tests
	Of       int               // how many tests the finding has
	Count    harness.Count     // trials with the schedule applied, and those of them that failed as the finding does
	Other    harness.Count     // of Count.N, those that failed otherwise; N is Count.N
	OtherBy  *harness.Failure  // one of them
	Control  harness.Count     // failures like OtherBy with nothing injected; N is 0 where none was asked about
	Reworded bool              // Count.K are failures of other words, which only come with the schedule
	Blocked  int               // trials in which a hold could not be kept: the order is now enforced by the program
	Diverged harness.Point     // the first point of the schedule that never appeared, if that was so in every trial
	Skipped  int               // trials in which the suite itself skipped the test
	Lost     int               // trials that could not be done, or in which the machine or Redis failed
	Outcomes []harness.Outcome // in no order
}

// Verdict says it in words: "reproduced 19/20", "did not reproduce (0/20)",
// "another failure now" or "diverged at POINT".
func (r *Replayed) Verdict() string {
	switch {
	case r.Count.K > 0:
		return fmt.Sprintf("reproduced %d/%d", r.Count.K, r.Count.N)
	case r.Other.K > 0:
		return r.another()
	case r.Count.N == 0 && r.Skipped > 0:
		return fmt.Sprintf("undecided: the suite skipped it in %d of %d trials", r.Skipped, r.Skipped+r.Blocked+r.Lost)
	case !r.Diverged.IsZero():
		return "diverged at " + r.Diverged.String()
	case r.Count.N == 0 && r.Blocked > 0:
		return fmt.Sprintf("did not reproduce: in all of %d trials the program itself enforced the order", r.Blocked)
	}
	return fmt.Sprintf("did not reproduce (0/%d)", r.Count.N+r.Blocked)
}

// another says what fails instead of the finding.
func (r *Replayed) another() string {
	s := fmt.Sprintf("another failure now (%d of %d): %s", r.Other.K, r.Other.N, phrase.Short(phrase.FirstLine(r.OtherBy.Message), 160))
	if r.Control.K > 0 {
		s += fmt.Sprintf(" (%d of %d with nothing injected, too)", r.Control.K, r.Control.N)
	}
	return s
}

// NotBuilt says that the code does not build, so that nothing is known of it.
type NotBuilt struct{ Words string }

func (e *NotBuilt) Error() string {
	return "the code does not build, so nothing can be said of the finding: " + e.Words
}

// Replay runs the schedule of f n times on the first of its tests, as many at a
// time as the executor can. A failure without a schedule is looked for as it was
// found, in its whole suite. Only failures like the finding's count as it.
func Replay(ctx context.Context, exec trial.Executor, f *harness.Finding, n int) (*Replayed, error) {
	if len(f.Tests) == 0 {
		return nil, errors.New("the finding names no test to replay")
	}
	r, err := replaySchedule(ctx, exec, f, f.Schedule, n)
	if err != nil {
		return r, err
	}
	return r, r.control(ctx, exec, f)
}

// control tells whether failures of other words are the finding's: where the test
// passes with nothing injected, it is the schedule that makes them.
func (r *Replayed) control(ctx context.Context, exec trial.Executor, f *harness.Finding) error {
	if r.Count.K > 0 || r.Other.K == 0 || !injects(f.Schedule) {
		return nil
	}
	none := harness.Schedule{Version: harness.ScheduleVersion, Strategy: "none", Seed: f.Seed, Before: f.Schedule.Before}
	alone, err := replaySchedule(ctx, exec, f, none, controls)
	if err != nil {
		return err
	}
	r.Control = harness.Count{K: alone.Count.K + alone.Other.K, N: alone.Count.N}
	if alone.Count.N == controls && r.Control.K == 0 && r.OtherBy.Kind == f.Failure.Kind && !r.gaveUp(f) {
		r.Count.K, r.Other.K, r.Reworded = r.Other.K, 0, true
	}
	return nil
}

// gaveUp reports whether a client's deadline is what fails, and not the finding.
func (r *Replayed) gaveUp(f *harness.Finding) bool {
	return f.Class != harness.TimeoutClient && slices.ContainsFunc(r.Outcomes, func(o harness.Outcome) bool {
		return o.Verdict == harness.Failed && o.Cause == harness.TimeoutClient
	})
}

// injects reports whether a schedule does anything.
func injects(s harness.Schedule) bool {
	return len(s.Decisions) > 0 || s.Strategy != "none" && s.Strategy != "replay" && s.Strategy != ""
}

// replaySchedule runs a schedule n times on the finding's test.
func replaySchedule(ctx context.Context, exec trial.Executor, f *harness.Finding, s harness.Schedule, n int) (*Replayed, error) {
	r := &Replayed{Test: f.Tests[0], Of: len(f.Tests)}
	tests := append(slices.Clone(s.Before), r.Test)
	if !injects(f.Schedule) && len(s.Before) == 0 && f.Target.Kind != harness.ShippedTarget && f.Target.Kind != "" && f.Target.Run == "" {
		tests = nil // it failed among the others, with nothing injected
	}
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
			d, err := exec.Do(ctx, trial.Job{Index: i + 1, Tests: tests, Arm: harness.Replayed, Seed: f.Seed, Plan: trial.PlanOf(s)})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				err = r.take(d, f)
			}
			if err != nil {
				errs = append(errs, err)
				r.Lost++
				return
			}
			if p, ok := missed(d.Scheduler); ok {
				diverged++
				r.Diverged = p
			}
		})
	}
	wg.Wait()
	if diverged < n-r.Lost {
		r.Diverged = harness.Point{}
	}
	r.Other.N = r.Count.N
	if ctx.Err() != nil {
		return r, ctx.Err()
	}
	for _, err := range errs {
		if e := new(NotBuilt); errors.As(err, &e) {
			return r, err
		}
	}
	if 2*len(errs) > n { // too little is left to judge by
		return r, errs[0]
	}
	return r, nil
}

// take counts what the finding's test did in one trial.
func (r *Replayed) take(d *trial.Done, f *harness.Finding) error {
	o := d.Outcome(r.Test)
	if o == nil || o.Verdict == harness.Unknown {
		for _, o := range d.Trial.Outcomes {
			if o.Failure != nil && o.Failure.Kind == harness.BuildFailure {
				return &NotBuilt{phrase.Short(phrase.OneLine(o.Failure.Message), 300)}
			}
		}
	}
	if o == nil {
		return fmt.Errorf("the target has no test %q any more", r.Test)
	}
	r.Outcomes = append(r.Outcomes, *o)
	switch {
	case o.Verdict == harness.Skipped:
		r.Skipped++
	case o.Verdict == harness.Infrastructure || o.Verdict == harness.Unknown:
		return fmt.Errorf("%s did not come to an end: %s", r.Test, phrase.FirstLine(o.Output+" "))
	case len(o.Blocked) > 0:
		r.Blocked++
	case o.Verdict == harness.Failed && o.Failure.Kind == harness.BuildFailure:
		return &NotBuilt{phrase.Short(phrase.OneLine(o.Failure.Message), 300)}
	case o.Verdict == harness.Failed && same(o.Failure, f):
		r.Count.K++
		r.Count.N++
	case o.Verdict == harness.Failed:
		r.Other.K++
		r.OtherBy = o.Failure
		r.Count.N++
	default:
		r.Count.N++
	}
	return nil
}

// same reports whether a failure is the finding's. Of a prediction nothing has failed
// yet: any is.
func same(o *harness.Failure, f *harness.Finding) bool {
	predicted := f.Standing == harness.Latent && f.Failure.Message == ""
	return predicted || o.Fingerprint == f.Failure.Fingerprint
}

// missed asks a replaying scheduler whether a point of its schedule never came.
func missed(s harness.Scheduler) (harness.Point, bool) {
	if d, ok := s.(interface{ Diverged() (harness.Point, bool) }); ok {
		return d.Diverged()
	}
	return harness.Point{}, false
}
