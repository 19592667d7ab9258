package hunt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// Config says what to hunt and how.
type Config struct {
	Target   harness.Target
	Runner   runner.Runner
	Match    func(test string) bool // which tests; nil: all
	Executor Executor
	Strategy string
	Params   map[string]string
	Seed     uint64
	Trials   int           // of each suite; 0: 20
	For      time.Duration // go on until this has passed; 0: Trials decides
	// Until, if set, ends a test's trials as soon as the sequential test has
	// decided; Trials is then the most that one gets.
	Until    *stats.Rule
	NoDirect bool // no survey trial goes past the proxy: the suite's address leads to it
	Shard    Shard
	Resume   []harness.Trial // done earlier, with the same seed
	Journal  *Journal        // nil: none
	Lateness *runner.Lateness
	Learned  Ranking // nil: none
	Tool     string
	Log      *slog.Logger
	Progress func(Progress) // called from several goroutines, one at a time; may be nil
}

// Shard is the part of all trials that this process does: those whose index is
// I modulo N. The zero value is all of them.
type Shard struct{ I, N int } // I from 1 to N

// Has reports whether trial index (from 1) belongs to the shard.
func (s Shard) Has(index int) bool { return s.N <= 1 || (index-1)%s.N == s.I-1 }

// String gives I/N.
func (s Shard) String() string {
	if s.N <= 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.I, s.N)
}

// Progress says how far the hunt is.
type Progress struct {
	Phase    string // "survey", "provoke", "reduce"
	Done     int    // suite trials
	Total    int    // 0: unknown
	Failures int    // failed executions of tests in natural and explored trials
	Active   int    // aimed trials so far
	Findings int
	Note     string // something worth a line, once
}

// hunter is the state of one Run.
type hunter struct {
	Config
	tests  []harness.TestID
	suites []string

	mu       sync.Mutex
	trials   []harness.Trial
	infra    []harness.InfraFailure
	warnings []string
	progress Progress
	active   int
	events   map[string][]*detect.Trace // by test: passing traces for prediction
	suspects map[string]suspect         // failures that nobody aimed at, one of a kind
	order    []string                   // of their keys
	found    *catalogue
	coverage harness.Coverage
	margins  []harness.Margin
	shared   []float64
	decide   *decisions     // nil: all trials are done
	size     explore.Survey // of a trial, for strategies that need it
}

// Run hunts until its budget is used or ctx ends; in both cases the result
// holds all that was seen. The error says that the harness could not do its
// work at all.
func Run(ctx context.Context, cfg Config) (*harness.Result, error) {
	h := &hunter{Config: cfg, events: map[string][]*detect.Trace{}, suspects: map[string]suspect{}, found: newCatalogue()}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	if h.Trials <= 0 {
		h.Trials = 20
	}
	if h.Strategy == "" {
		h.Strategy = "directed"
	}
	started := time.Now()
	all, err := h.Runner.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	for _, id := range all {
		if h.Match != nil && !h.Match(id.Name) {
			continue
		}
		h.tests = append(h.tests, id)
		if !slices.Contains(h.suites, id.Suite) {
			h.suites = append(h.suites, id.Suite)
		}
	}
	switch {
	case len(h.tests) > 0:
	case h.foreign():
		h.suites = []string{""} // its tests become known as they run
	default:
		return nil, errors.New("the target has no tests that match")
	}
	if h.Until != nil {
		if h.decide, err = newDecisions(*h.Until); err != nil {
			return nil, err
		}
	}
	h.trials = slices.Clone(h.Resume)
	for _, t := range h.trials {
		h.observe(t)
	}

	if h.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, h.For, errBudget)
		defer cancel()
	}
	if h.Strategy == "directed" {
		err = h.directed(ctx)
	} else {
		err = h.undirected(ctx)
	}
	interrupted := false
	if ctx.Err() != nil {
		err = nil // what was asked for ended early; what there is counts
		interrupted = !errors.Is(context.Cause(ctx), errBudget)
	}
	r := h.result(started)
	r.Interrupted = interrupted
	if err != nil {
		return r, err
	}
	return r, nil
}

var errBudget = errors.New("the time given has passed")

// names returns the tests of one suite; none means all that the runner has.
func (h *hunter) names(suite string) []string {
	if h.foreign() && h.Match == nil && len(h.suites) == 1 && h.decide == nil {
		return nil // the whole of it, as its user runs it
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for _, t := range h.tests {
		if t.Suite == suite {
			names = append(names, t.Name)
		}
	}
	return h.undecidedNames(names)
}

// observe feeds the sequential tests. h.mu is held, or nobody else is there yet.
func (h *hunter) observe(t harness.Trial) {
	if h.decide == nil || !summary.Counted(t.Arm) {
		return
	}
	for _, o := range t.Outcomes {
		h.decide.observe(o)
	}
}

// each calls do for every suite trial of the shard that is not yet done,
// several at a time, until ctx ends or one returns an error.
func (h *hunter) each(ctx context.Context, from, to int, do func(ctx context.Context, suite string, index int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, h.Executor.Workers())
	for index := from; (h.For > 0 || index <= to) && ctx.Err() == nil; index++ {
		if !h.Shard.Has(index) {
			continue
		}
		for _, suite := range h.suites {
			if h.done(suite, index) {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil {
				break
			}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := do(ctx, suite, index); err != nil {
					cancel(err)
				}
			})
		}
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errBudget) {
		return err
	}
	return nil
}

func (h *hunter) done(suite string, index int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.trials, func(t harness.Trial) bool {
		return t.Suite == suite && t.Index == index && summary.Counted(t.Arm)
	})
}

// keep records a finished trial: journal first, then memory.
func (h *hunter) keep(d *Done) error {
	if h.Journal != nil {
		if err := h.Journal.Append(d.Trial); err != nil {
			return err
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trials = append(h.trials, d.Trial)
	h.discover(d.Trial)
	h.observe(d.Trial)
	if summary.Counted(d.Trial.Arm) {
		h.progress.Done++
		for _, o := range d.Trial.Outcomes {
			if o.Verdict == harness.Failed && len(o.Blocked) == 0 {
				h.progress.Failures++
			}
		}
	} else {
		h.progress.Active++
	}
	h.tell()
	return nil
}

// phase names what is done now.
func (h *hunter) phase(name string, total int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress.Phase = name
	if total > 0 {
		h.progress.Total = total
	}
	h.tell()
}

// note says something once.
func (h *hunter) note(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.progress.Note = fmt.Sprintf(format, args...)
	h.tell()
	h.progress.Note = ""
}

// tell reports progress; h.mu is held.
func (h *hunter) tell() {
	if h.Progress != nil {
		h.progress.Findings = h.found.len()
		h.Progress(h.progress)
	}
}

// total is how many suite trials the shard does.
func (h *hunter) total() int {
	n := 0
	for i := 1; i <= h.Trials; i++ {
		if h.Shard.Has(i) {
			n += len(h.suites)
		}
	}
	return n
}

// failInfra records that a trial could not be done.
func (h *hunter) failInfra(suite string, index int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.infra = append(h.infra, harness.InfraFailure{What: fmt.Sprintf("trial %d of %s", index, suite), Err: err.Error()})
}
