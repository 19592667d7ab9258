package triallog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/trial"
)

const (
	// KeptHistories is how many passing and how many failing histories of a test are kept.
	KeptHistories = 12
	// keptEvents is how many events those of one sort may have together.
	keptEvents = 100_000
	// keptTraces is how many passing histories of a test prediction reads.
	keptTraces = 3
)

// History is one execution of a test with what passed on the wire.
type History struct {
	Index    int
	Arm      harness.Arm
	Schedule *harness.Schedule // nil: nothing was injected
	Trace    *detect.Trace     // its Outcome has the Boundary and the Failure
	Matches  []detect.Match    // of a failing one: what detectors say
}

// Failure is the fingerprint of what its failure said, "" if it passed.
func (r History) Failure() string {
	if f := r.Trace.Outcome.Failure; f != nil {
		return f.Fingerprint
	}
	return ""
}

// Histories are the newest of one test, numbered, alone and aimed ones, the
// oldest first. Trials with a stalled hold are not among them.
type Histories struct{ Passing, Failing []History }

// PassingTraces gives the traces of those that passed.
func (h Histories) PassingTraces() []*detect.Trace { return tracesOf(h.Passing, "") }

// FailingTraces gives the traces of those with one failure, by its fingerprint.
func (h Histories) FailingTraces(failure string) []*detect.Trace { return tracesOf(h.Failing, failure) }

// tracesOf gives the traces of histories, of one failure or of all.
func tracesOf(list []History, failure string) []*detect.Trace {
	var out []*detect.Trace
	for _, r := range list {
		if failure == "" || r.Failure() == failure {
			out = append(out, r.Trace)
		}
	}
	return out
}

// Log holds every trial of a hunt and what is kept of their histories; of a trial in
// which all passed what sums need. It only
// grows, and what its views return is never changed.
type Log struct {
	mu        sync.Mutex
	admit     func(test string) bool // tests that appear in a trial are added if it says so; nil: none are
	tests     []harness.TestID
	trials    []harness.Trial             // all but those of which sums are enough
	passed    passes                      // those
	done      map[string]map[int]struct{} // by suite: the numbers of those that are done
	infra     []harness.InfraFailure
	warnings  []string
	traces    map[string][]*detect.Trace // by test: passing ones, from which failures are predicted
	runs      [][]*detect.Trace          // of the first trials, in the order in which their tests began
	shared    []float64                  // how much two histories of a test have in common
	histories map[string]*Histories      // by test
	suspects  []Suspect
	decide    *decisions // nil: all trials are done
}

// New returns a log of the tests without trials.
func New(tests []harness.TestID, admit func(string) bool) *Log {
	return &Log{tests: tests, admit: admit, traces: map[string][]*detect.Trace{}, histories: map[string]*Histories{}, done: map[string]map[int]struct{}{}}
}

// Add appends a finished trial.
func (l *Log) Add(t harness.Trial) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if plain(t) {
		l.passed.add(t)
	} else {
		l.trials = append(l.trials, t)
	}
	if summary.Counted(t.Arm) {
		if l.done[t.Suite] == nil {
			l.done[t.Suite] = map[int]struct{}{}
		}
		l.done[t.Suite][t.Index] = struct{}{}
	}
	for _, o := range t.Outcomes {
		if l.admit != nil && l.admit(o.Test.Name) && !slices.ContainsFunc(l.tests, func(id harness.TestID) bool { return id.Name == o.Test.Name }) {
			l.tests = append(l.tests, o.Test)
		}
		if l.decide != nil && summary.Counted(t.Arm) {
			l.decide.observe(o)
		}
	}
}

// Keep keeps the histories of a finished trial that say something.
func (l *Log) Keep(d *trial.Done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range d.Trial.Outcomes {
		name := o.Test.Name
		if len(d.Events[name]) == 0 {
			continue
		}
		kept := l.histories[name]
		if kept == nil {
			kept = &Histories{}
			l.histories[name] = kept
		}
		r := History{Index: d.Trial.Index, Arm: d.Trial.Arm, Schedule: d.Trial.Schedule, Trace: detect.NewTrace(d.Events[name], o), Matches: d.Matches[name]}
		switch reading := evidence.Read(&o); {
		case reading == evidence.Failed:
			kept.Failing = newest(append(kept.Failing, r))
		case reading == evidence.Passed && o.Verdict == harness.Passed:
			kept.Passing = newest(append(kept.Passing, r))
		}
	}
}

// newest leaves the newest histories, within KeptHistories and keptEvents. The last stays.
func newest(list []History) []History {
	from, events := len(list)-1, 0
	for ; from >= 0 && len(list)-from <= KeptHistories; from-- {
		if events += len(list[from].Trace.Events); events > keptEvents && from < len(list)-1 {
			break
		}
	}
	return slices.Clone(list[from+1:])
}

// Learn takes passing histories of a trial for prediction. Those whose frames
// are surely the test's own replace others.
func (l *Log) Learn(d *trial.Done) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var run []*detect.Trace
	for _, o := range d.Trial.Outcomes {
		name, events := o.Test.Name, d.Events[o.Test.Name]
		if o.Verdict != harness.Passed || len(events) == 0 {
			continue
		}
		t := detect.NewTrace(events, o)
		if o.Boundary == harness.BoundaryMarked || o.Boundary == harness.BoundaryEvents {
			run = append(run, begun(t, d.Trial.Start))
		}
		if !l.surest(o) {
			continue
		}
		if old := l.traces[name]; len(old) > 0 {
			l.shared = append(l.shared, proxy.SharedPoints(old[0].Events, events))
		}
		if len(l.traces[name]) < keptTraces {
			l.traces[name] = append(slices.Clone(l.traces[name]), t)
		}
	}
	if len(run) > 1 {
		slices.SortStableFunc(run, func(x, y *detect.Trace) int { return cmp.Compare(x.Begin, y.Begin) })
		l.runs = append(l.runs, run)
	}
}

// begun is a history that knows when its test began in the trial, also where no
// event says it.
func begun(t *detect.Trace, trial time.Time) *detect.Trace {
	if slices.ContainsFunc(t.Events, func(e harness.Event) bool { return e.Kind == harness.Begin }) {
		return t
	}
	known := *t
	known.Begin = t.Outcome.Start.Sub(trial)
	return &known
}

// surest reports whether the history of o is to be kept for prediction, and takes
// out those that are less sure. l.mu is held.
func (l *Log) surest(o harness.Outcome) bool {
	unsure := func(t *detect.Trace) bool { return !t.Outcome.Boundary.Exact() }
	kept := l.traces[o.Test.Name]
	if o.Boundary.Exact() {
		l.traces[o.Test.Name] = slices.DeleteFunc(slices.Clone(kept), unsure)
		return true
	}
	return !slices.ContainsFunc(kept, func(t *detect.Trace) bool { return !unsure(t) })
}

// Fail notes that a trial could not be done, and says how many trials were, and
// how many could not be.
func (l *Log) Fail(suite string, index int, err error) (done, failed int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.infra = append(l.infra, harness.InfraFailure{What: strings.TrimSuffix(fmt.Sprintf("trial %d of %s", index, suite), " of "), Err: err.Error()})
	return len(l.trials) + len(l.passed.trials), len(l.infra)
}

// Warn notes why to doubt a number.
func (l *Log) Warn(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.warnings = append(l.warnings, fmt.Sprintf(format, args...))
}
