package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Record is what a run left that did not end.
type Record struct {
	Asked    Asked // zero: the run began under an earlier version
	Trials   []harness.Trial
	Findings []harness.Finding // those that it proved
	Warnings []string          // what could not be read
}

// Read reads what a run left, whether or not it came to its end. It refuses a
// journal with trials of another run.
func Read(dir string) (*Record, error) {
	r := &Record{}
	var err error
	if r.Asked, err = ReadAsked(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	known := err == nil
	path := filepath.Join(dir, trial.JournalName)
	j, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && known {
		return r, nil // killed before its first trial
	}
	if err != nil {
		return nil, err
	}
	defer j.Close()
	c, err := trial.ReadJournal(j)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if known {
		for _, t := range c.Trials {
			if err := r.Asked.owns(t); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	r.Trials, r.Warnings = c.Trials, c.Warnings()
	if known {
		var bad []string
		r.Findings, bad = readFindings(filepath.Join(dir, findingsName))
		r.Findings = slices.DeleteFunc(r.Findings, func(f harness.Finding) bool {
			return f.Seed != r.Asked.Seed || f.Found.Before(r.Asked.Started)
		})
		r.Warnings = append(r.Warnings, bad...)
	}
	return r, nil
}

// Foreign says which of the trials cannot be of a run with this seed.
func Foreign(seed uint64, trials []harness.Trial) error {
	for _, t := range trials {
		if t.Seed != trial.Mix(seed, t.Index) {
			return fmt.Errorf("trial %d is of another run than the result beside it, whose seed is %d", t.Index, seed)
		}
	}
	return nil
}

// owns says why a trial is not of the run.
func (a Asked) owns(t harness.Trial) error {
	if t.Run != "" && a.Run != "" && t.Run != a.Run || t.Run == "" && t.Seed != trial.Mix(a.Seed, t.Index) {
		return fmt.Errorf("trial %d is of another run than %s: put the journal back that belongs to it, or take another --out", t.Index, AskedName)
	}
	return nil
}

// Proven gives the findings that a run which goes on need not prove again. What
// counts failures of numbered trials is left out of them: it is counted anew.
func (r *Record) Proven() []harness.Finding {
	var list []harness.Finding
	for _, f := range r.Findings {
		if f.Provoked.K == 0 || len(f.Schedule.Decisions) == 0 || f.Class == harness.Unattributed {
			continue
		}
		if f.Natural = (harness.Count{}); f.Standing == harness.Natural {
			f.Standing = harness.Provoked
		}
		list = append(list, f)
	}
	return list
}

// Result sums up what the run left. It is one of an interrupted run.
func (r *Record) Result() *harness.Result {
	a := r.Asked
	res := hunt.FromTrials(r.Trials)
	res.Interrupted = true
	res.Tool, res.Seed, res.Strategy, res.Params, res.Target = a.Tool, a.Seed, a.Strategy, a.Params, a.Target
	res.TrialsAsked, res.For, res.Shard = a.Trials, a.For, a.Shard
	if res.For > 0 {
		res.TrialsAsked = 0
	}
	if !a.Started.IsZero() {
		res.Started = a.Started
	}
	res.Findings = r.Findings
	for i := range res.Tests {
		finding.Link(&res.Tests[i], res.Findings, nil)
	}
	res.Warnings = append(res.Warnings, fmt.Sprintf("rebuilt from %s: the run ended before it could write its result", trial.JournalName))
	res.Warnings = append(res.Warnings, r.Warnings...)
	return res
}
