package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
)

// outDir is where a run writes.
type outDir struct {
	path    string
	journal *hunt.Journal
	resumed []harness.Trial
}

// openOut makes the directory and opens the journal in it. The journal of an
// earlier run is kept under another name unless this run resumes it.
func openOut(path string, resume bool) (*outDir, error) {
	o := &outDir{path: path}
	if err := os.MkdirAll(filepath.Join(path, "findings"), 0o755); err != nil {
		return nil, usagef("--out %s: %w; name a directory that can be written", path, unwrapPath(err))
	}
	journal := filepath.Join(path, hunt.JournalName)
	switch f, err := os.Open(journal); {
	case errors.Is(err, fs.ErrNotExist):
		if resume {
			return nil, usagef("--resume: %s holds no %s to go on with", path, hunt.JournalName)
		}
	case err != nil:
		return nil, usagef("--out %s: %w", path, err)
	case resume:
		o.resumed, err = hunt.ReadJournal(f)
		f.Close()
		if err != nil {
			return nil, usagef("--resume: %s: %w", journal, err)
		}
	default:
		f.Close()
		if err := keepAside(journal); err != nil {
			return nil, usagef("--out %s: keep the earlier journal: %w", path, err)
		}
	}
	var err error
	if o.journal, err = hunt.OpenJournal(journal); err != nil {
		return nil, usagef("--out %s: %w; name a directory that can be written", path, unwrapPath(err))
	}
	return o, nil
}

// keepAside renames trials.jsonl to the first free trials.N.jsonl.
func keepAside(path string) error {
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
