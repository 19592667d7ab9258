package rundir

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// historiesName is where the histories of trials are kept, those of one run in
	// a directory of its own below.
	historiesName = "histories"
	// mostHistory bounds the size of one file in bytes, mostHistories that of all of a run.
	mostHistory   = 32 << 20
	mostHistories = 256 << 20
	// historySuffix ends the name of a history, beside a finding too.
	historySuffix = ".history"
)

// savedForm is what Trial.History may say: the rest of a path could lead elsewhere.
var savedForm = regexp.MustCompile(`^` + historiesName + `/[0-9a-f]{1,64}/[0-9]{1,9}(-[0-9]{1,4})?\` + historySuffix + `$`)

// saved is the history of one failing test of one trial.
type saved struct {
	file     string // relative to the run's directory
	test     string
	failure  string // its fingerprint
	schedule string // its shape
	natural  bool
	wire     []harness.Line
}

// histories are those that a run has saved.
type histories struct {
	list  []saved
	size  int64
	ended bool // no more are saved
}

// add takes what a journal says of a trial's history.
func (h *histories) add(t *harness.Trial) {
	for i := range t.Outcomes {
		if o := &t.Outcomes[i]; o.Verdict == harness.Failed && o.Failure != nil {
			h.list = append(h.list, saved{t.History, o.Test.Name, o.Failure.Fingerprint, shapeOf(t.Schedule), t.Arm.Natural(), o.Wire})
		}
	}
}

// has reports whether a failure like that of o is saved.
func (h *histories) has(o *harness.Outcome, schedule string) bool {
	return slices.ContainsFunc(h.list, func(s saved) bool {
		return s.test == o.Test.Name && s.failure == o.Failure.Fingerprint && s.schedule == schedule
	})
}

// shapeOf names what a schedule does, whatever its times.
func shapeOf(s *harness.Schedule) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(s.Strategy)
	for _, d := range s.Decisions {
		fmt.Fprintf(&b, "\n%s %s %s", d.Action, d.At, d.Until)
	}
	return b.String()
}

// Record saves what was on the wire of the tests that failed in a trial, once for
// each failure and schedule, and names the file; "" if nothing is new.
func (d *Dir) Record(done *trial.Done) (name string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.histories.ended {
		return "", nil
	}
	t := &done.Trial
	shape := shapeOf(t.Schedule)
	var list []history.Recording
	isNew := false
	for _, o := range t.Outcomes {
		if events := done.Events[o.Test.Name]; o.Verdict == harness.Failed && o.Failure != nil && len(events) > 0 {
			list = append(list, history.Recording{Outcome: o, Events: events})
			isNew = isNew || !d.histories.has(&o, shape)
		}
	}
	if !isNew {
		return "", nil
	}
	for i, r := range list { // the most of what a recording costs
		list[i] = d.masked(r)
	}
	var b bytes.Buffer
	if err := history.Save(&b, list); err != nil {
		return "", err
	}
	if b.Len() > mostHistory || d.histories.size+int64(b.Len()) > mostHistories {
		return "", nil
	}
	dir := filepath.Join(historiesName, d.Asked.Run)
	name = d.histories.name(dir, t.Index)
	err = os.MkdirAll(filepath.Join(d.Path, dir), 0o700)
	if err == nil {
		err = WriteWhole(filepath.Join(d.Path, name), b.Bytes())
	}
	if err != nil {
		d.histories.ended = true
		return "", fmt.Errorf("no more histories are saved: %w", err)
	}
	named := *t
	named.History = filepath.ToSlash(name)
	d.histories.size += int64(b.Len())
	d.histories.add(&named)
	return named.History, nil
}

// masked is a recording without what no file may hold. What is known of secrets
// may have come after the frames.
func (d *Dir) masked(r history.Recording) history.Recording {
	d.mask.In(&r.Outcome)
	d.mask.In(&r.Events)
	r.Events = slices.Clone(r.Events) // others read them, too
	for i := range r.Events {
		r.Events[i].Raw = d.mask.Wipe(r.Events[i].Raw)
	}
	return r
}

// name gives a free name for a trial's history: each suite counts its own trials.
func (h *histories) name(dir string, index int) string {
	for i := 1; ; i++ {
		name := fmt.Sprintf("%d%s", index, historySuffix)
		if i > 1 {
			name = fmt.Sprintf("%d-%d%s", index, i, historySuffix)
		}
		name = filepath.Join(dir, name)
		if !slices.ContainsFunc(h.list, func(s saved) bool { return s.file == filepath.ToSlash(name) }) {
			return name
		}
	}
}

// of chooses the history of a finding: best the one that its timeline is of, else
// one of the same failure under its schedule.
func (h *histories) of(f *harness.Finding) (best saved, ok bool) {
	most := -1
	for _, s := range h.list {
		if s.test != f.Tests[0] || s.failure != f.Failure.Fingerprint || s.file == "" {
			continue
		}
		rank := 0
		switch {
		case len(f.Timeline) > 0 && reflect.DeepEqual(s.wire, f.Timeline):
			rank = 4
		case s.schedule == shapeOf(&f.Schedule), f.Original != nil && s.schedule == shapeOf(f.Original):
			rank = 2
		case s.natural == (f.Standing == harness.Natural):
			rank = 1
		}
		if rank > most {
			best, most = s, rank
		}
	}
	return best, most >= 0
}

// beside puts the history of a finding beside its file, and says so in it. One of
// an earlier run that has its name goes.
func (h *histories) beside(dir string, f *harness.Finding) error {
	f.History = ""
	to := historyPath(dir, f.ID)
	s, ok := saved{}, false
	if len(f.Tests) > 0 {
		s, ok = h.of(f)
	}
	if !ok {
		return remove(to)
	}
	list, _, err := ReadHistory(filepath.Join(dir, s.file))
	if err != nil {
		return remove(to) // it is gone: the finding holds without it
	}
	list = slices.DeleteFunc(list, func(r history.Recording) bool { return r.Outcome.Test.Name != s.test })
	var b bytes.Buffer
	if err := history.Save(&b, list); err != nil {
		return err
	}
	f.History = findingsName + "/" + f.ID + historySuffix
	return WriteWhole(to, b.Bytes())
}

func historyPath(dir, id string) string { return filepath.Join(dir, findingsName, id+historySuffix) }

// ReadHistory reads a file of histories, or a history as text. cut says that it
// ends in the middle.
func ReadHistory(path string) (list []history.Recording, cut bool, err error) {
	b, err := readAtMost(path, 2*mostHistory, func(size int64) error {
		return fmt.Errorf("%d bytes: a history has at most %d", size, mostHistory)
	})
	if err != nil {
		return nil, false, err
	}
	if !history.IsText(b) {
		return history.Load(bytes.NewReader(b))
	}
	r, err := history.Parse(bytes.NewReader(b))
	return []history.Recording{r}, false, err
}

// FindHistory gives the path of the history of the finding with this ID in a
// run's directory: the run's own, else an earlier one's.
func FindHistory(dir, id string) (string, error) {
	path, err := FindFinding(dir, id)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(path, ".json") + historySuffix, nil
}

// Gather copies the histories of a merged run's trials to dir, from the first of
// its parts that has each.
func Gather(dir string, parts []string, trials []harness.Trial) error {
	for i := range trials {
		t := &trials[i]
		if !savedForm.MatchString(t.History) {
			continue
		}
		if err := gather(dir, parts, filepath.FromSlash(t.History)); err != nil {
			return fmt.Errorf("the history of trial %d: %w", t.Index, err)
		}
	}
	return nil
}

func gather(dir string, parts []string, name string) error {
	to := filepath.Join(dir, name)
	for _, part := range parts {
		from := filepath.Join(part, name)
		at, err := os.Lstat(from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil || !at.Mode().IsRegular() || at.Size() > mostHistory {
			return err // it is none of ours
		}
		if there, err := os.Stat(to); err == nil && os.SameFile(at, there) {
			return nil
		}
		b, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return WriteWhole(to, b)
	}
	return nil
}

// savedBy lists the histories that trials name.
func savedBy(dir string, trials []harness.Trial) (h histories) {
	for i := range trials {
		t := &trials[i]
		if !savedForm.MatchString(t.History) {
			continue
		}
		if at, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(t.History))); err == nil && at.Mode().IsRegular() {
			h.size += at.Size()
			h.add(t)
		}
	}
	return h
}
