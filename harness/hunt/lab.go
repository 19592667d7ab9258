package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/investigate"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

const (
	// learnedTrials is how many numbered trials prediction reads.
	learnedTrials = 2
	// mostInfra is how many trials may fail for reasons of the harness.
	mostInfra = 5
)

// Lab does trials and puts them into the journal and the log.
type Lab struct {
	exec     trial.Executor
	journal  *trial.Journal // nil: none
	log      *triallog.Log
	progress *progress
	seed     uint64
	trials   int // numbered ones; all others count on from there

	mu   sync.Mutex
	more int // trials done beyond the numbered ones
}

// numbered does one numbered trial. That the harness could not do it is an error
// only when it is the first, or one too many.
func (l *Lab) numbered(ctx context.Context, j trial.Job) error {
	j.Seed = trial.Mix(l.seed, j.Index)
	j.Keep = j.Index <= 2*triallog.KeptHistories
	d, err := l.exec.Do(ctx, j)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		if u := new(runner.Unusable); errors.As(err, &u) {
			return err // no trial of this suite could be done
		}
		if done, failed := l.log.Fail(j.Suite, j.Index, err); done == 0 || failed > mostInfra {
			return err
		}
		return nil
	}
	if j.Index <= learnedTrials {
		l.log.Learn(d)
	}
	l.log.Suspect(d)
	return l.keep(d)
}

// alone runs a test by itself, without injection: that gives histories that are
// the test's own, and tells whether it fails alone but not in its suite, or the
// other way round.
func (l *Lab) alone(ctx context.Context, t harness.TestID) {
	j := trial.Job{Suite: t.Suite + triallog.AloneSuite, Tests: []string{t.Name}, Arm: harness.Survey, Keep: true, Urgent: true}
	if d := l.unnumbered(ctx, j, t.Suite); d != nil {
		l.log.Learn(d)
	}
}

// Aimed runs a schedule on a test alone.
func (l *Lab) Aimed(ctx context.Context, t harness.TestID, arm harness.Arm, s harness.Schedule, timeout time.Duration) investigate.Played {
	d := l.unnumbered(ctx, trial.Job{
		Suite: t.Suite, Tests: []string{t.Name}, Arm: arm, Plan: trial.PlanOf(s), Keep: true, Urgent: true, Deadline: timeout,
		Warm: arm != harness.Confirm, // a failure counts once it was seen again in a new process
	}, t.Suite)
	if d == nil {
		return investigate.Played{}
	}
	return investigate.PlayedOf(d, t.Name)
}

// Passing gives the histories in which the test passed.
func (l *Lab) Passing(test string) []*detect.Trace { return l.log.Histories(test).PassingTraces() }

func (l *Lab) unnumbered(ctx context.Context, j trial.Job, suite string) *trial.Done {
	if ctx.Err() != nil {
		return nil
	}
	l.mu.Lock()
	l.more++
	j.Index = l.trials + l.more
	l.mu.Unlock()
	j.Seed = trial.Mix(l.seed, j.Index)
	d, err := l.exec.Do(ctx, j)
	if err == nil {
		err = l.keep(d)
	} else if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		l.log.Fail(suite, j.Index, err)
		return nil
	}
	return d
}

// keep records a finished trial: journal first, then memory.
func (l *Lab) keep(d *trial.Done) error {
	if ran := len(d.Trial.Outcomes); ran > 0 { // a foreign suite's first trial runs all tests
		d.Trial.Outcomes = slices.DeleteFunc(d.Trial.Outcomes, func(o harness.Outcome) bool { return !l.log.Admits(o.Test.Name) })
		if len(d.Trial.Outcomes) == 0 {
			return &runner.Unusable{Usage: true, Err: fmt.Errorf("--run matches none of the %d tests that ran; flakehunt matches names as its reports give them", ran)}
		}
	}
	if l.journal != nil {
		if err := l.journal.Append(d.Trial); err != nil {
			return err
		}
	}
	l.log.Keep(d)
	l.log.Add(d.Trial)
	l.progress.count(d.Trial)
	return nil
}

// size runs each suite once without injection and says how large that was. The
// trial has no number, so that shards, which each do it, still do between them
// what one machine does.
func (l *Lab) size(ctx context.Context, suites []string, tests func(suite string) []string) (explore.Survey, error) {
	var size explore.Survey
	for _, suite := range suites {
		d, err := l.exec.Do(ctx, trial.Job{Suite: suite, Tests: tests(suite), Arm: harness.Survey, Seed: l.seed})
		if err != nil {
			return size, err
		}
		size = enlarge(size, d.Trial)
	}
	return size, nil
}
