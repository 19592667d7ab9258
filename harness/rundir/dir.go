package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/secrets"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// ErrAsked says that what was asked of Open cannot be: the fault is not the machine's.
var ErrAsked = errors.New("")

// refusef is an error that wraps ErrAsked.
func refusef(format string, args ...any) error {
	return fmt.Errorf("%w%w", ErrAsked, fmt.Errorf(format, args...))
}

// Dir is the directory of a run that is under way.
type Dir struct {
	Path    string
	Asked   Asked
	Journal *trial.Journal
	Earlier *Record // what is gone on with; nil: nothing

	key       Key
	mask      *secrets.Mask
	lock      *Lock
	mu        sync.Mutex
	proven    map[string]harness.Finding // by ID: those written so far
	histories histories
}

// Options say how a directory is opened.
type Options struct {
	Resume    bool
	SeedGiven bool             // with Resume: Asked.Seed is what the user wants, and must be the earlier run's
	Results   []string         // names of the files that only a finished run has
	Failed    func(error)      // called once, when the journal can no longer be written
	Key       Key              // what findings are sealed with; nil: nothing
	Now       func() time.Time // nil: time.Now
	Mask      *secrets.Mask    // of what no file may hold; nil: nothing
}

// Open locks the directory and begins a run in it: the result of an earlier one
// goes, so that nobody takes it for this one's, its journal and its findings are
// kept under other names. With Resume the earlier run goes on instead.
func Open(path string, asked Asked, o Options) (*Dir, error) {
	lock, err := Take(path)
	if err != nil {
		return nil, err
	}
	d := &Dir{Path: path, Asked: asked, lock: lock, key: o.Key, mask: o.Mask, proven: map[string]harness.Finding{}}
	d.mask.In(&d.Asked)
	if err := d.begin(o); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return d, nil
}

func (d *Dir) begin(o Options) error {
	journal := filepath.Join(d.Path, trial.JournalName)
	if o.Resume {
		if err := d.resume(journal, o.SeedGiven); err != nil {
			return err
		}
	} else {
		now := time.Now
		if o.Now != nil {
			now = o.Now
		}
		d.Asked.Run, d.Asked.Started = newRun(), now().UTC()
	}
	var results []string
	for _, name := range o.Results {
		results = append(results, filepath.Join(d.Path, name))
	}
	if err := remove(results...); err != nil {
		return fmt.Errorf("remove the result of an earlier run: %w", err)
	}
	if !o.Resume {
		if err := KeepAside(journal); err != nil {
			return fmt.Errorf("keep the earlier journal: %w", err)
		}
	}
	if err := d.startFindings(o.Resume); err != nil {
		return err
	}
	// run.json before the journal: a journal without it could be anyone's.
	if err := d.Asked.write(d.Path); err != nil {
		return err
	}
	var err error
	if d.Journal, err = trial.OpenJournal(journal); err != nil {
		return err
	}
	d.Journal.Run, d.Journal.Failed, d.Journal.Mask = d.Asked.Run, o.Failed, o.Mask
	return nil
}

// resume reads what was done earlier, and refuses to go on with something else.
func (d *Dir) resume(journal string, seedGiven bool) error {
	if _, err := os.Stat(journal); errors.Is(err, fs.ErrNotExist) {
		return refusef("%s holds no %s to go on with", d.Path, trial.JournalName)
	}
	was, err := ReadAsked(d.Path)
	if err != nil {
		return refusef("what the run was asked to do is not known: %w", err)
	}
	now := d.Asked
	if seedGiven && now.Seed != was.Seed {
		return refusef("the run had seed %d, not %d: leave --seed away", was.Seed, now.Seed)
	}
	now.Seed, now.Run, now.Started = was.Seed, was.Run, was.Started
	if !now.same(was) {
		return refusef("the run was of another target or strategy (see %s): give the same flags again, or another --out", filepath.Join(d.Path, AskedName))
	}
	if now.Run == "" { // begun by an earlier version
		now.Run = newRun()
	}
	d.Asked = now
	if d.Earlier, err = Read(d.Path); err != nil {
		return refusef("%w", err)
	}
	return nil
}

// Close makes the journal durable and lets the next run in.
func (d *Dir) Close() error { return errors.Join(d.Journal.Close(), d.lock.Release()) }
