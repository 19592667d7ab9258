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
	"github.com/flakehunt/flakehunt/harness/finding"
)

// hunter is the state of one Run.
type hunter struct {
	Config
	tests   []harness.TestID
	suites  []string
	started time.Time

	mu       sync.Mutex
	trials   []harness.Trial
	infra    []harness.InfraFailure
	warnings []string
	progress Progress
	active   int
	events   map[string][]*detect.Trace // by test: passing traces for prediction
	passed   [][]*detect.Trace          // by trial, in the order in which its tests ran
	outlook  outlook
	heard    map[finding.FailureKey][]harness.Class
	suspects map[string]suspect // failures that nobody aimed at, one of a kind
	order    []string           // of their keys
	found    *finding.Catalogue
	claims   []*claimed        // that came true here
	only     []harness.Finding // claims that did not
	proving  sync.Mutex        // held while Proven is called
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
	h := &hunter{Config: cfg, events: map[string][]*detect.Trace{}, suspects: map[string]suspect{}, found: finding.NewCatalogue()}
	if h.Log == nil {
		h.Log = slog.New(slog.DiscardHandler)
	}
	if h.Trials <= 0 {
		h.Trials = 20
	}
	if h.Strategy == "" {
		h.Strategy = "directed"
	}
	h.started = time.Now()
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
	r := h.result()
	r.Interrupted = interrupted
	if err != nil {
		return r, err
	}
	return r, nil
}

var errBudget = errors.New("the time given has passed")
