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
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

const (
	// learnedTrials is how many of its numbered trials a hunt predicts from.
	learnedTrials = 2
	// mostInfra is how many trials may fail for reasons of the harness.
	mostInfra = 5
)

// Lab does trials and puts them into the journal and the log.
type Lab struct {
	exec     trial.Executor
	journal  *trial.Journal                    // nil: none
	record   func(*trial.Done) (string, error) // nil: no history is saved
	log      *triallog.Log
	progress *progress
	seed     uint64
	shard    shard.Shard
	trials   int // numbered ones; all others count on from there

	mu   sync.Mutex
	more int              // trials done beyond the numbered ones
	anew map[anewKey]bool // what failed in a new process of the runner

	began bool // a numbered trial passed, or spoke to Redis

	giveUp context.CancelCauseFunc // ends the hunt, of which no more can come
}

// lostError says that too many trials could not be done.
type lostError struct{ error }

func (e lostError) Unwrap() error { return e.error }

// anewKey is a test under a schedule.
type anewKey struct{ test, schedule string }

// numbered does one numbered trial. That the harness could not do it is an error
// only when it is the first, or one too many.
func (l *Lab) numbered(ctx context.Context, j trial.Job) error {
	j.Seed = trial.Mix(l.seed, j.Index)
	nth := l.shard.Nth(j.Index)
	j.Keep = nth <= 2*triallog.KeptHistories
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
	if err := l.admit(d); err != nil {
		return err
	}
	if err := l.begins(d.Trial); err != nil {
		return err
	}
	if nth <= learnedTrials {
		l.log.Learn(d)
	}
	l.log.Suspect(d)
	return l.keep(d)
}

// alone runs a test by itself, without injection: that gives histories that are
// the test's own, and tells whether it fails alone but not in its suite, or the
// other way round.
func (l *Lab) alone(ctx context.Context, t harness.TestID) {
	j := trial.Job{Suite: t.Suite + triallog.AloneSuite, Tests: []string{t.Name}, Arm: harness.Survey, Keep: true, Urgent: true, Warm: true}
	if d := l.unnumbered(ctx, j, t.Suite); d != nil {
		l.log.Learn(d)
	}
}

// Aimed runs a schedule on a test alone, or after those that the schedule names.
// That a schedule fails is confirmed in a new process of the runner first; once it
// was, a process that has run the test before will do.
func (l *Lab) Aimed(ctx context.Context, t harness.TestID, arm harness.Arm, s harness.Schedule, timeout time.Duration) investigate.Played {
	key := anewKey{t.Name, fmt.Sprint(s)}
	l.mu.Lock()
	cold := arm == harness.Confirm && !l.anew[key]
	l.mu.Unlock()
	d := l.unnumbered(ctx, trial.Job{
		Suite: t.Suite, Tests: append(slices.Clone(s.Before), t.Name), Arm: arm, Plan: trial.PlanOf(s), Keep: true, Urgent: true, Deadline: timeout,
		Warm: !cold,
	}, t.Suite)
	if d == nil {
		return investigate.Played{}
	}
	if o := d.Outcome(t.Name); (cold || d.Anew) && o != nil && o.Verdict == harness.Failed {
		l.mu.Lock()
		l.anew[key] = true
		l.mu.Unlock()
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
		if err = l.admit(d); err == nil {
			err = l.keep(d)
		}
	} else if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		if _, failed := l.log.Fail(suite, j.Index, err); failed > mostInfra && l.giveUp != nil {
			l.giveUp(lostError{err}) // each of the aimed trials that are left would fail in its own time
		}
		return nil
	}
	return d
}

// admit leaves out tests that --run does not match: a foreign suite's first trial
// runs all. That it matches none is an error.
func (l *Lab) admit(d *trial.Done) error {
	ran := len(d.Trial.Outcomes)
	d.Trial.Outcomes = slices.DeleteFunc(d.Trial.Outcomes, func(o harness.Outcome) bool { return !l.log.Admits(o.Test.Name) })
	if ran > 0 && len(d.Trial.Outcomes) == 0 {
		return &runner.Unusable{Usage: true, Err: fmt.Errorf("--run matches none of the %d tests that ran; flakehunt matches names as its reports give them", ran)}
	}
	return nil
}

// begins says of a command whose exit status is all that it tells that it came to
// nothing: no trial passed or sent a command to Redis through the proxy, and this one
// failed, as the next one would. So does one that does not build or start.
func (l *Lab) begins(t harness.Trial) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	failed := len(t.Outcomes) == 1 && t.Outcomes[0].Test.Name == runner.WholeCommand && t.Outcomes[0].Verdict == harness.Failed
	l.began = l.began || !failed || t.Points > 0 || t.Outcomes[0].Failure.Kind == harness.TimeoutFailure
	if l.began || t.Arm == harness.Direct {
		return nil
	}
	return &runner.Unusable{Never: true, Err: fmt.Errorf("%s\nno command of it was seen on the wire, and it names no test: it does not start, or its Redis is not ours; see it run with 'flakehunt doctor -- COMMAND', and try --takeover localhost:6379 if its address is hard-coded", t.Outcomes[0].Failure.Message)}
}

// keep records a finished trial: journal first, then memory.
func (l *Lab) keep(d *trial.Done) error {
	if l.record != nil {
		var err error
		if d.Trial.History, err = l.record(d); err != nil {
			l.log.Warn("%s", err)
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
