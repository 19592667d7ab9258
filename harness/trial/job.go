package trial

import (
	"context"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/internal/splitmix"
)

// Job is one trial to be done.
type Job struct {
	Index  int         // trial number, from 1; active trials go on counting
	Suite  string      // for the journal
	Tests  []string    // which tests, in order; none: all that the runner has
	Arm    harness.Arm //
	Seed   uint64      // of this trial
	Plan   Plan        // what is injected; nil: nothing
	Keep   bool        // return the events of passing tests too
	Urgent bool        // before jobs that are not

	Deadline time.Duration // for one test; 0: that of the executor
	Warm     bool          // the runner may use a process that has run the test before
	Busy     bool          // all CPUs are kept busy meanwhile
	Monitor  bool          // what scripts run is read by MONITOR, where Redis is one of our own
}

// Plan makes what one trial injects.
type Plan func() (harness.Scheduler, *harness.Schedule, error)

// PlanOf makes a plan of a schedule as it is.
func PlanOf(s harness.Schedule) Plan {
	return func() (harness.Scheduler, *harness.Schedule, error) {
		sched, err := explore.FromSchedule(s)
		return sched, &s, err
	}
}

// Done is what came of a Job.
type Done struct {
	Trial     harness.Trial
	Events    map[string][]harness.Event // by test: those that failed, or all with Keep
	Matches   map[string][]detect.Match  // by test that failed: what detectors say, the best first
	Scheduler harness.Scheduler          // the one that was used; a replay knows what it missed
	Monitored []string                   // lines of MONITOR, if it was asked for and could be had
	Anew      bool                       // Job.Warm was set, and the trial was done again in a new process
}

// failed reports whether a test of the trial did.
func (d *Done) failed() bool {
	return slices.ContainsFunc(d.Trial.Outcomes, func(o harness.Outcome) bool { return o.Verdict == harness.Failed })
}

// Outcome returns what the named test did, or nil if it did not run.
func (d *Done) Outcome(test string) *harness.Outcome {
	for i := range d.Trial.Outcomes {
		if d.Trial.Outcomes[i].Test.Name == test {
			return &d.Trial.Outcomes[i]
		}
	}
	return nil
}

// Executor carries out jobs, several at a time.
type Executor interface {
	// Do carries out one job. An error means that the harness could not do its
	// work, after it tried again as often as makes sense.
	Do(ctx context.Context, j Job) (*Done, error)
	// Info says which Redis is used; complete once a job is done.
	Info() harness.RedisInfo
	// Workers says how many jobs run at a time.
	Workers() int
	// Close ends everything that was started.
	Close() error
}

// Mix derives the seed of trial i from the seed of the run.
func Mix(seed uint64, i int) uint64 { return splitmix.Mix(seed + uint64(i)*splitmix.Golden) }
