package sim

import (
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// What parent and worker say to each other, as gob. The parent sends a setup,
// then orders, one at a time; the worker answers each with any number of
// reports, of which the last has Done, Batch or Err.

type setup struct {
	Target   harness.Target
	Payload  int
	Deadline time.Duration
	Procs    int // GOMAXPROCS
}

type order struct {
	Job   *jobOrder
	Batch *batchOrder
}

// jobOrder is a trial.Job whose plan is written out.
type jobOrder struct {
	Index    int
	Suite    string
	Tests    []string
	Arm      harness.Arm
	Seed     uint64
	Worker   int
	Keep     bool
	Schedule *harness.Schedule
}

type batchOrder struct {
	Batch  Batch
	Worker int
	Marks  bool // say of each trial that it begins: one of them ends the worker
}

type report struct {
	Began string // a test of a job begins
	At    int    // trial At of a batch begins

	Done  *jobReport
	Batch *batchReport
	Err   string // the harness could not do its work
	Last  bool   // the worker ends: something was left behind in it
}

type jobReport struct {
	Trial   harness.Trial
	Events  map[string][]harness.Event
	Matches map[string][]detect.Match
	Missing []harness.Point // of the schedule, that never appeared
}

type batchReport struct {
	Failed  []jobReport
	Digests []Digest
}
