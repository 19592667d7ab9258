package hunt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/finding"
	"github.com/flakehunt/flakehunt/harness/propose"
	"github.com/flakehunt/flakehunt/harness/triallog"
)

// MaxDelay is the longest delay of one frame that counts as a slow network, where
// nothing else is said: a client's deadline that it breaks is a finding.
const MaxDelay = 500 * time.Millisecond

// hunt is one Run.
type hunt struct {
	*Config
	rounds   *rounds
	log      *triallog.Log
	lab      *Lab
	found    *finding.Catalogue
	progress *progress
	proving  sync.Mutex // held while Proven is called

	learned learned
	arms    propose.Portfolio
	scripts propose.Scripts

	reports   []*testReport
	margins   []harness.Margin
	simulated *simulated
}

// Run hunts until its budget is used or ctx ends; in both cases the result
// holds all that was seen. The error says that the harness could not do its
// work at all.
func Run(ctx context.Context, cfg Config) (*harness.Result, error) {
	h, err := prepare(ctx, cfg)
	if err != nil {
		return nil, err
	}
	ctx, cancel := until(ctx, h.For)
	defer cancel()
	ctx, h.lab.giveUp = context.WithCancelCause(ctx)
	defer h.lab.giveUp(nil)
	if h.Strategy == "directed" {
		err = h.directed(ctx)
	} else {
		err = h.undirected(ctx)
	}
	r := h.result()
	if lost := (lostError{}); errors.As(context.Cause(ctx), &lost) {
		return r, lost.error
	}
	if ctx.Err() != nil {
		r.Interrupted = !errors.Is(context.Cause(ctx), errBudget)
		return r, nil // what was asked for ended early; what there is counts
	}
	return r, err
}

// directed names the stages of a hunt that looks for what to provoke. Each goes on
// with what the ones before left in the log, also when the hunt was ended early.
func (h *hunt) directed(ctx context.Context) error {
	h.simulated = h.proveSimulated(ctx)
	h.progress.phase("survey", h.rounds.total())
	err := h.rounds.each(ctx, 1, min(firstLook, h.Trials), h.rounds.survey)
	if err == nil && ctx.Err() == nil {
		err = h.investigateAll(ctx) // and goes on with the survey meanwhile
	}
	for _, f := range h.simulated.rest() {
		h.enter(f)
	}
	if err == nil {
		h.proveSuspects(ctx)
		h.rates(ctx)
		err = h.rounds.useRest(ctx, "survey", h.rounds.survey)
	}
	h.attribute()
	for _, f := range predictions(h.log, h.reports, h.Trials, h.origin()) {
		h.found.Add(f)
	}
	return err
}

// undirected names the stages of a hunt under one strategy that is the same for
// each test: none, latency, skew, random or pct.
func (h *hunt) undirected(ctx context.Context) error {
	h.progress.phase(h.Strategy, h.rounds.total())
	explore, err := h.rounds.explore(ctx)
	if err != nil || ctx.Err() != nil {
		return err
	}
	search, cancel := h.rounds.most(ctx)
	defer cancel()
	if err = h.rounds.each(search, 1, h.rounds.last(), explore); err == nil {
		h.proveSuspects(ctx)
		h.rates(ctx)
		err = h.rounds.useRest(ctx, h.Strategy, explore)
	}
	h.attribute()
	return err
}

// prepare lists the tests and what was done earlier.
func prepare(ctx context.Context, cfg Config) (*hunt, error) {
	h := &hunt{
		Config: &cfg, rounds: &rounds{Config: &cfg, started: time.Now()}, found: finding.NewCatalogue(),
		learned: learned{cfg.Learned}, simulated: &simulated{},
	}
	if h.Trials <= 0 {
		h.Trials = 20
	}
	if h.MaxDelay <= 0 {
		h.MaxDelay = MaxDelay
	}
	if h.Strategy == "" {
		h.Strategy = "directed"
	}
	all, err := h.Runner.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	var tests []harness.TestID
	for _, id := range all {
		if h.Match != nil && !h.Match(id.Name) {
			continue
		}
		tests = append(tests, id)
		if !slices.Contains(h.rounds.suites, id.Suite) {
			h.rounds.suites = append(h.rounds.suites, id.Suite)
		}
	}
	switch {
	case len(tests) > 0:
	case h.foreign():
		h.rounds.suites = []string{""} // its tests become known as they run
	default:
		return nil, errors.New("the target has no tests that match")
	}
	return h, h.open(tests)
}

// open makes what a hunt of the tests works with.
func (h *hunt) open(tests []harness.TestID) error {
	var admit func(string) bool
	if h.foreign() {
		admit = func(test string) bool { return h.Match == nil || h.Match(test) }
	}
	h.log = triallog.New(tests, admit)
	if h.Until != nil {
		if err := h.log.DecideBy(*h.Until); err != nil {
			return err
		}
	}
	for _, t := range h.Resume {
		h.log.Add(t)
	}
	for _, f := range h.Found {
		h.found.Add(f)
	}
	h.progress = &progress{tell: h.Progress, size: h.found.Len}
	h.lab = &Lab{exec: h.Executor, journal: h.Journal, record: h.Record, log: h.log, progress: h.progress, seed: h.Seed, shard: h.Shard, trials: h.Trials, more: beyond(h.Resume, h.Trials), anew: map[anewKey]bool{}, began: len(h.Resume) > 0}
	h.rounds.log, h.rounds.lab = h.log, h.lab
	return nil
}

// beyond says how many trials earlier work counted on from the numbered ones.
func beyond(trials []harness.Trial, numbered int) (more int) {
	for _, t := range trials {
		more = max(more, t.Index-numbered)
	}
	return more
}

// foreign reports whether the target is not one of ours, so that its tests may
// become known only as they run.
func (c *Config) foreign() bool { return c.Target.Kind != harness.ShippedTarget && c.Target.Kind != "" }

// origin is what the findings of this hunt have in common.
func (h *hunt) origin() finding.Origin {
	return finding.Origin{Target: h.Target, Seed: h.Seed, Now: time.Now}
}

// attribute ties failures that nobody aimed at to the findings, and makes findings
// of those that have none.
func (h *hunt) attribute() {
	if h.foreign() {
		for _, w := range triallog.SuiteWarnings(triallog.Sums(h.log), h.log.Tests()) {
			h.log.Warn("%s", w)
		}
	}
	h.found.AddFailures(explanations(h.log).Apply(h.log.Trials()), h.origin())
}
