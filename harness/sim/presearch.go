package sim

import (
	"context"
	"path/filepath"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// JournalName is the journal of what was played in virtual time before a hunt on
// a real Redis: the directed hunt's trials, and the failing seeds.
const JournalName = "simulated.jsonl"

// maxSimulated is how many simulated failures are proved on the real Redis at most.
const maxSimulated = 64

// PreSearchConfig says what is searched before a hunt on a real Redis.
type PreSearchConfig struct {
	Config
	Search SearchConfig // how long, and with which seed
	Dir    string       // where the journal is written
	Note   func(format string, args ...any)
}

// PreSearch is a search in virtual time that precedes the hunt on a real Redis.
// The zero value found nothing.
type PreSearch struct {
	executor  *Executor
	journal   *trial.Journal
	seen      map[string]bool
	simulated []hunt.Simulated
	sum       *harness.Simulation
}

// RunPreSearch searches in virtual time for a short while. What it finds
// the hunt has to prove. That it cannot be done fails no run: then there
// is nothing to prove.
func RunPreSearch(ctx context.Context, cfg PreSearchConfig) *PreSearch {
	r := &PreSearch{seen: map[string]bool{}}
	var err error
	if r.executor, err = New(cfg.Config); err == nil {
		path := filepath.Join(cfg.Dir, JournalName)
		if err = rundir.KeepAside(path); err == nil {
			r.journal, err = trial.OpenJournal(path)
		}
	}
	if err != nil {
		cfg.Note("nothing was simulated: %s", phrase.OneLine(err.Error()))
		return r
	}
	search := cfg.Search
	search.Executor, search.ProvedElsewhere, search.Journal, search.Proven = r.executor, true, r.journal, r.addSimulated
	list, stats, err := Search(ctx, search)
	for _, g := range list { // those that fail without delays, too
		if g.Class != harness.Unattributed && len(g.Warnings) == 0 {
			r.addSimulated(g)
		}
	}
	if err != nil && ctx.Err() == nil {
		cfg.Note("the simulation ended early: %s", phrase.OneLine(err.Error()))
	}
	r.sum = &harness.Simulation{
		Trials: stats.Trials, Failed: stats.Failed, Orders: stats.Orders, Findings: len(r.simulated), Took: harness.Duration(stats.Took),
	}
	cfg.Note("simulated %d trials in %.1f s: %d failures to be proved", stats.Trials, stats.Took.Seconds(), len(r.simulated))
	return r
}

// addSimulated takes a finding that the hunt is to prove.
func (r *PreSearch) addSimulated(g harness.Finding) {
	key := g.Fingerprint + g.Tests[0]
	if r.seen[key] || len(r.simulated) >= maxSimulated {
		return
	}
	r.seen[key] = true
	r.simulated = append(r.simulated, hunt.Simulated{Finding: g, Divergence: func(ctx context.Context, events []harness.Event) string {
		where, err := r.executor.Divergence(ctx, &g, events)
		if err != nil {
			return ""
		}
		return where
	}})
}

// Simulated are the failures that the hunt is to prove.
func (r *PreSearch) Simulated() []hunt.Simulated { return r.simulated }

// Finish writes into the result what came of the simulated findings.
func (r *PreSearch) Finish(result *harness.Result) {
	if r.sum == nil || result == nil {
		return
	}
	if s := result.Simulation; s != nil {
		r.sum.Confirmed, r.sum.Only = s.Confirmed, s.Only
	}
	result.Simulation = r.sum
}

// Close ends the workers.
func (r *PreSearch) Close() {
	if r.journal != nil {
		_ = r.journal.Close() // what it lost was only simulated
	}
	if r.executor != nil {
		_ = r.executor.Close()
	}
}
