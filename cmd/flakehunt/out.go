package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// outDir is where a run writes.
type outDir struct {
	path    string
	journal *trial.Journal
	resumed []harness.Trial
}

// settingsName holds what a run was asked to do, so that --resume can go on with
// the same.
const settingsName = "run.json"

// asked is the content of run.json.
type asked struct {
	Seed     uint64            `json:"seed,string"`
	Strategy string            `json:"strategy"`
	Params   map[string]string `json:"params,omitempty"`
	Target   harness.Target    `json:"target"`
}

// openOut makes the directory and opens the journal in it. The journal of an
// earlier run is kept under another name unless this run resumes it; then the
// seed is the earlier one's.
func openOut(f *runFlags, t harness.Target) (*outDir, error) {
	o := &outDir{path: f.out}
	if err := os.MkdirAll(filepath.Join(o.path, "findings"), 0o755); err != nil {
		return nil, usagef("--out %s: %w; name a directory that can be written", o.path, unwrapPath(err))
	}
	journal := filepath.Join(o.path, trial.JournalName)
	if f.resume {
		if err := o.resume(f, t, journal); err != nil {
			return nil, err
		}
	} else if err := keepAside(journal); err != nil {
		return nil, usagef("--out %s: keep the earlier journal: %w", o.path, err)
	}
	var err error
	if o.journal, err = trial.OpenJournal(journal); err != nil {
		return nil, usagef("--out %s: %w; name a directory that can be written", o.path, unwrapPath(err))
	}
	b, err := json.MarshalIndent(asked{f.seed, f.strategy, f.params(), t}, "", "  ")
	if err == nil {
		err = writeWhole(filepath.Join(o.path, settingsName), append(b, '\n'))
	}
	if err != nil {
		return nil, usagef("--out %s: %w", o.path, err)
	}
	return o, nil
}

// resume reads what was done earlier, and refuses to go on with something else.
func (o *outDir) resume(f *runFlags, t harness.Target, journal string) error {
	j, err := os.Open(journal)
	if errors.Is(err, fs.ErrNotExist) {
		return usagef("--resume: %s holds no %s to go on with", o.path, trial.JournalName)
	}
	if err != nil {
		return usagef("--resume: %w", err)
	}
	defer j.Close()
	b, err := os.ReadFile(filepath.Join(o.path, settingsName))
	if err != nil {
		return usagef("--resume: what the run was asked to do is not known: %w", err)
	}
	var was asked
	if err := json.Unmarshal(b, &was); err != nil {
		return usagef("--resume: %s: %w", settingsName, err)
	}
	now := asked{was.Seed, f.strategy, f.params(), t}
	switch a, _ := json.Marshal(now); {
	case f.seedGiven && f.seed != was.Seed:
		return usagef("--resume: the run had seed %d, not %d: leave --seed away", was.Seed, f.seed)
	case !bytes.Equal(a, compact(b)):
		return usagef("--resume: the run was of another target or strategy (see %s): give the same flags again, or another --out", filepath.Join(o.path, settingsName))
	}
	f.seed = was.Seed
	if o.resumed, err = trial.ReadJournal(j); err != nil {
		return usagef("--resume: %s: %w", journal, err)
	}
	return nil
}

func compact(b []byte) []byte {
	var out bytes.Buffer
	if json.Compact(&out, b) != nil {
		return b
	}
	return out.Bytes()
}

// keepAside renames trials.jsonl, if it is there, to the first free trials.N.jsonl.
func keepAside(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for i := 1; ; i++ {
		to := fmt.Sprintf("%s.%d.jsonl", path[:len(path)-len(".jsonl")], i)
		if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
			return os.Rename(path, to)
		}
	}
}

func (o *outDir) close() { _ = o.journal.Close() }

// findings writes one file for each; a file appears whole or not at all.
func (o *outDir) findings(list []harness.Finding) error {
	for i := range list {
		b, err := json.MarshalIndent(&list[i], "", "  ")
		if err != nil {
			return fmt.Errorf("write finding %s: %w", list[i].ID, err)
		}
		path := filepath.Join(o.path, "findings", list[i].ID+".json")
		if err := writeWhole(path, append(b, '\n')); err != nil {
			return fmt.Errorf("write finding %s: %w", list[i].ID, err)
		}
	}
	return nil
}

// writeWhole writes to a temporary file beside path and renames it.
func writeWhole(path string, b []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// unwrapPath drops the path of an error that is told with its path anyway.
func unwrapPath(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
