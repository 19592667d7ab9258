package rundir

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

const (
	findingsName = "findings"
	// earlierName is where the findings of earlier runs are kept, below findingsName.
	earlierName = "earlier"
	// mostFinding bounds a finding file in bytes; one of a long test takes some 100 kB.
	mostFinding = 16 << 20
)

// startFindings makes the directory. Findings of earlier runs are moved aside,
// unless this run goes on with them.
func (d *Dir) startFindings(resume bool) error {
	dir := filepath.Join(d.Path, findingsName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if resume {
		for _, f := range d.Earlier.Findings {
			d.proven[f.ID] = f
		}
		d.histories = savedBy(d.Path, d.Earlier.Trials)
		return nil
	}
	old, err := filepath.Glob(filepath.Join(dir, "F-*.json"))
	if err != nil {
		return err
	}
	recorded, err := filepath.Glob(filepath.Join(dir, "F-*"+historySuffix))
	if old = append(old, recorded...); err != nil || len(old) == 0 {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, earlierName), 0o700); err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Rename(path, filepath.Join(dir, earlierName, filepath.Base(path))); err != nil {
			return fmt.Errorf("keep earlier findings: %w", err)
		}
	}
	return nil
}

// Proven writes a finding while the run goes on, so that a run that is killed has it.
func (d *Dir) Proven(f harness.Finding) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, ok := d.proven[f.ID]; ok {
		f = verdict.Merge(old, f)
	}
	d.proven[f.ID] = f
	d.mask.In(&f)
	return d.key.write(d.Path, &f, &d.histories)
}

// Findings writes those of the finished run, and removes what it proved on the
// way and no longer holds.
func (d *Dir) Findings(list []harness.Finding) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range list {
		delete(d.proven, f.ID)
	}
	for id := range d.proven {
		if err := remove(findingPath(d.Path, id), historyPath(d.Path, id)); err != nil {
			return fmt.Errorf("remove finding %s: %w", id, err)
		}
	}
	clear(d.proven)
	return d.key.writeAll(d.Path, list, &d.histories)
}

// WriteFindings writes one file for each below dir. They may come from elsewhere.
// trials are those of their run, whose histories are in dir.
func WriteFindings(dir string, list []harness.Finding, trials []harness.Trial) error {
	h := savedBy(dir, trials)
	return Key(nil).writeAll(dir, list, &h)
}

func (k Key) writeAll(dir string, list []harness.Finding, h *histories) error {
	if err := os.MkdirAll(filepath.Join(dir, findingsName), 0o700); err != nil {
		return err
	}
	for i := range list {
		if err := k.write(dir, &list[i], h); err != nil {
			return err
		}
	}
	return nil
}

// write writes a finding's file, and its history beside it.
func (k Key) write(dir string, f *harness.Finding, h *histories) error {
	if err := harness.CheckFindingID(f.ID); err != nil {
		return fmt.Errorf("write a finding: %w", err)
	}
	if err := h.beside(dir, f); err != nil {
		return err
	}
	sealed := *f
	sealed.Seal = k.seal(f)
	b, err := json.MarshalIndent(&sealed, "", "  ")
	if err == nil {
		err = WriteWhole(findingPath(dir, f.ID), append(b, '\n'))
	}
	if err != nil {
		return fmt.Errorf("write finding %s: %w", f.ID, err)
	}
	return nil
}

func findingPath(dir, id string) string { return filepath.Join(dir, findingsName, id+".json") }

// FindFinding gives the path of the finding with this ID in a run's directory:
// the run's own, else an earlier one's.
func FindFinding(dir, id string) (string, error) {
	if err := harness.CheckFindingID(id); err != nil {
		return "", err
	}
	path := findingPath(dir, id)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		old := filepath.Join(dir, findingsName, earlierName, id+".json")
		if _, err := os.Lstat(old); err == nil {
			return old, nil
		}
	}
	return path, nil
}

// ReadFinding reads a finding file and checks it.
func ReadFinding(path string) (*harness.Finding, error) {
	b, err := readAtMost(path, mostFinding, func(size int64) error {
		return fmt.Errorf("%d bytes: a finding has at most %d", size, mostFinding)
	})
	if err != nil {
		return nil, err
	}
	return ParseFinding(b)
}

// ParseFinding reads the content of a finding file.
func ParseFinding(b []byte) (*harness.Finding, error) {
	f := &harness.Finding{}
	if err := harness.CheckDecisions(b, 2); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("not a finding file: %w", err)
	}
	switch {
	case f.Version > harness.FindingVersion:
		return nil, fmt.Errorf("format %d is newer than this flakehunt reads (%d); use a newer one", f.Version, harness.FindingVersion)
	case f.Version < 1 || len(f.Tests) == 0:
		return nil, errors.New("not a finding file: it names no test")
	}
	if err := f.Check(); err != nil {
		return nil, err
	}
	return f, nil
}

// readFindings reads all findings in a directory. What cannot be read is told.
func readFindings(dir string) (list []harness.Finding, bad []string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "F-*.json"))
	for _, path := range paths {
		f, err := ReadFinding(path)
		if err == nil && f.ID != strings.TrimSuffix(filepath.Base(path), ".json") {
			err = errors.New("the file's name is not its ID")
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("finding %s was left out: %s", filepath.Base(path), err))
			continue
		}
		list = append(list, *f)
	}
	return list, bad
}
